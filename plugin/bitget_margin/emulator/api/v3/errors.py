"""The codes that a unified account gets for what both kinds of account can do wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.errors import Language, Refusal, VenueError

#: 25xxx are of the table of the unified account; 400172 was captured where a classic account gets 40017 and its like.
_UNIFIED: Final[Mapping[Refusal, Refusal]] = {
    Refusal.BAD_BODY: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.BAD_PARAMETER: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.EMPTY_PARAMETER: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.UNKNOWN_SYMBOL: Refusal.UNIFIED_UNKNOWN_SYMBOL,
    Refusal.BAD_SCALE: Refusal.UNIFIED_INVALID,
    Refusal.NOT_CROSS: Refusal.UNIFIED_UNSUPPORTED,
    Refusal.INSUFFICIENT_BALANCE: Refusal.UNIFIED_INSUFFICIENT_BALANCE,
    Refusal.DUPLICATE_CLIENT_ID: Refusal.UNIFIED_DUPLICATE_CLIENT_ID,
    Refusal.NO_SUCH_ORDER: Refusal.UNIFIED_NO_SUCH_ORDER,
    # No page says what a second cancel gets; the only example of a failed item is this one.
    Refusal.ORDER_ENDED: Refusal.UNIFIED_NO_SUCH_ORDER,
    Refusal.CANCEL_TOO_FREQUENT: Refusal.UNIFIED_TOO_FREQUENT,
}


def in_unified_terms(error: VenueError) -> VenueError:
    """Return what a unified account is told instead; what has no code of its own stays as it is."""
    refusal = _UNIFIED.get(error.refusal)
    return error if refusal is None else VenueError(refusal, *error.details)


def item_refusal(error: VenueError, language: Language) -> Row:
    """Return what the row of a failed item says about why."""
    unified = in_unified_terms(error)
    return {"code": unified.refusal.code, "msg": unified.text(language)}

"""Error codes of a unified account for errors that both kinds of account can cause."""

from collections.abc import Mapping
from typing import Final

from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.errors import Language, Refusal, VenueError

_UNIFIED: Final[Mapping[Refusal, Refusal]] = {
    Refusal.BAD_BODY: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.BAD_PARAMETER: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.EMPTY_PARAMETER: Refusal.UNIFIED_BAD_PARAMETER,
    Refusal.UNKNOWN_SYMBOL: Refusal.UNIFIED_UNKNOWN_SYMBOL,
    Refusal.BAD_SCALE: Refusal.UNIFIED_INVALID,
    Refusal.NOT_CROSS: Refusal.UNIFIED_UNSUPPORTED,
    Refusal.INSUFFICIENT_BALANCE: Refusal.UNIFIED_INSUFFICIENT_BALANCE,
    Refusal.DUPLICATE_CLIENT_ID: Refusal.UNIFIED_DUPLICATE_CLIENT_ID,
    Refusal.UNKNOWN_COIN: Refusal.UNIFIED_UNKNOWN_COIN,
    Refusal.NO_SUCH_ORDER: Refusal.UNIFIED_NO_SUCH_ORDER,
    # The error of a second cancel is not documented; this one is the only example of a failed item.
    Refusal.ORDER_ENDED: Refusal.UNIFIED_NO_SUCH_ORDER,
    Refusal.CANCEL_TOO_FREQUENT: Refusal.UNIFIED_TOO_FREQUENT,
}
"""Errors of a unified account by those of a classic one.

25xxx are in the table of the unified account; 400172 was captured where a classic account gets 40017 and its like.
"""


def in_unified_terms(error: VenueError) -> VenueError:
    """Return the error with the code of a unified account, or unchanged if it has no other code there."""
    refusal = _UNIFIED.get(error.refusal)
    return error if refusal is None else VenueError(refusal, *error.details)


def item_refusal(error: VenueError, language: Language) -> Row:
    """Return the fields of a failed item's row that give the reason."""
    unified = in_unified_terms(error)
    return {"code": unified.refusal.code, "msg": unified.text(language)}

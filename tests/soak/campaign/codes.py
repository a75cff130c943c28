"""Codes that a new order may be answered with: those of the published tables, those of others, and unknown ones."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

import ccxt

from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.verdicts import SERVER_ERROR, verdict_of_code, verdict_of_item
from bitget_margin.emulator import FaultKind, FaultRule
from support.published_codes import CLASSIC, UNIFIED, UNIFIED_SOCKET

EVERY: Final = tuple(sorted(CLASSIC | UNIFIED | UNIFIED_SOCKET | TABLE.keys()))
UNKNOWN: Final = ("1", "00", "99999", "61234", "400000", "-1", "E40001", "abc")
NEVER_EXECUTED: Final = frozenset({Verdict.DEFINITIVE, Verdict.REFUSED, Verdict.CLOCK})
"""Known to mean that nothing was executed: a venue says so only where that is true."""
KINDS: Final = frozenset({"40084", "40085"})
"""Codes that tell of the other kind of account."""
_OPEN: Final = frozenset({Verdict.AMBIGUOUS, Verdict.DUPLICATE})
"""What leaves it open for good whether an order that nobody sees was placed."""
_BY_VERDICT: Final = {
    verdict: codes
    for verdict in Verdict
    if (codes := tuple(sorted(code for code, row in TABLE.items() if row.verdict is verdict)))
}
_TEXTS: Final = ("refused by a fault", "Insufficient balance", "Duplicated clientOid", "Request timed out", "下单失败")
_STATUSES: Final = (400, 400, 400, 400, 400, 400, 200, 200, 500, 502)
_TRANSIENT: Final = frozenset(
    code
    for code, error in ccxt.bitget().exceptions["exact"].items()
    if issubclass(error, ccxt.RequestTimeout | ccxt.ExchangeNotAvailable)
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a new order is answered: a code or none, a text, and the HTTP status where it is for the whole request."""

    code: str | None
    text: str
    status: int = 400
    is_item: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """What this says of the execution; None for an entry without a code, in words that decide nothing."""
        if self.is_item:
            return verdict_of_item(self.code, self.text)
        if self.status >= SERVER_ERROR or self.code is None:
            return Verdict.AMBIGUOUS
        verdict = verdict_of_code(self.code)
        return Verdict.AMBIGUOUS if verdict is Verdict.UNSETTLED and self.code in _TRANSIENT else verdict

    @property
    def may_be_executed(self) -> bool:
        """Whether the order may have been placed behind it."""
        return self.verdict not in NEVER_EXECUTED

    @property
    def leaves_open(self) -> bool:
        """Whether an order that no look-up shows is not known to be refused."""
        return self.verdict in _OPEN


def said_by(rule: FaultRule) -> Said | None:
    """Return what this fault answers to new orders; None where that is no code, and no failed item."""
    if rule.kind in {FaultKind.ITEM_CODE_BEFORE, FaultKind.ITEM_CODE_AFTER}:
        return Said(rule.code, rule.text, is_item=True)
    code = rule.answered_code
    return None if code is None else Said(code, rule.text, rule.status)


def draw_said(dice: Random, *, is_item: bool) -> Said:
    """Return an answer: any code of the tables, one of each verdict as often, or one that no table has."""
    chance = dice.random()
    if chance < 0.55:
        code: str | None = dice.choice(EVERY)
    elif chance < 0.85:
        code = dice.choice(_BY_VERDICT[dice.choice(list(_BY_VERDICT))])
    else:
        code = dice.choice(UNKNOWN)
        if is_item and dice.random() < 0.4:
            code = None
    row = TABLE.get(code or "")
    text = row.text if row is not None and dice.random() < 0.8 else dice.choice(_TEXTS)
    return Said(code, text, 400 if is_item else dice.choice(_STATUSES), is_item)

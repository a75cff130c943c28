"""Draw error responses to new orders: published codes, other known codes, unknown codes."""

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
"""Verdicts that prove "not executed"."""
KINDS: Final = frozenset({"40084", "40085"})
"""Codes for a request of the other account kind."""
_OPEN: Final = frozenset({Verdict.AMBIGUOUS, Verdict.DUPLICATE})
"""Verdicts after which an order that no lookup shows stays unresolved."""
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
class CodeResponse:
    """Error response to a new order; `status` is the HTTP status if it is about the whole request."""

    code: str | None
    text: str
    status: int = 400
    is_item: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the execution; None for an item without a code whose text decides nothing."""
        if self.is_item:
            return verdict_of_item(self.code, self.text)
        if self.status >= SERVER_ERROR or self.code is None:
            return Verdict.AMBIGUOUS
        verdict = verdict_of_code(self.code)
        return Verdict.AMBIGUOUS if verdict is Verdict.UNSETTLED and self.code in _TRANSIENT else verdict

    @property
    def may_be_executed(self) -> bool:
        """Whether the order may have been placed in spite of it."""
        return self.verdict not in NEVER_EXECUTED

    @property
    def leaves_open(self) -> bool:
        """Whether an order that no lookup shows stays unresolved."""
        return self.verdict in _OPEN


def code_response_of(rule: FaultRule) -> CodeResponse | None:
    """Return the response of this fault to new orders; None if it has no code and no failed item."""
    if rule.kind in {FaultKind.ITEM_CODE_BEFORE, FaultKind.ITEM_CODE_AFTER}:
        return CodeResponse(rule.code, rule.text, is_item=True)
    code = rule.response_code
    return None if code is None else CodeResponse(code, rule.text, rule.status)


def draw_code_response(dice: Random, *, is_item: bool) -> CodeResponse:
    """Draw a response: any code of the tables, a code of a random verdict, or an unknown code."""
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
    return CodeResponse(code, text, 400 if is_item else dice.choice(_STATUSES), is_item)

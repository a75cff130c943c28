"""Judge faults: derive from HTTP status, error code and text whether a request was executed.

Texts are localized and undocumented: they are hints, and prove neither a final state nor that nothing was placed.
"""

import re
from typing import Final

from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.error_codes import TABLE, Verdict

__all__ = ["SERVER_ERROR", "SUCCESS", "Verdict"]

SUCCESS: Final = "00000"
SERVER_ERROR: Final = 500
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429

_KINDS: Final = {"40084": AccountKind.CLASSIC, "40085": AccountKind.UNIFIED}

_PARAMETER: Final = frozenset({"40017", "40019", "40020", "40034", "40058", "40808", "50061", "400172"})
"""Codes of missing or wrong parameters, rather than of missing permissions."""

_NO_CROSS_MARGIN: Final = frozenset({"50001", "50004"})
"""Codes of a coin or a symbol without cross margin."""

_GONE_TEXTS: Final = frozenset(
    {
        "order does not exist",  # error table, 25204
        "the order does not exist",  # error table, 43001 and 45057
        "order not exist",
        "no order to cancel",  # error table, 22001
        "there is no order to cancel",  # error table, 43004
        "notexistend",  # sic: example of the futures batch-cancel page
        "notexisted",  # example of the unified cancel-batch page, 24056
        "订单不存在",  # captured without a locale header: ccxt #22717, #24559
    },
)


def verdict_of_fault(fault: Fault) -> Verdict:
    """Return the verdict on a failed request.

    With HTTP 5xx, codes are ignored: a gateway gave up, and the request may have been executed. A page instead of JSON
    is ambiguous, except for two refusals by the gateway itself: 403, and 429 with any body.
    """
    if not fault.sent:
        return Verdict.UNSENT
    if fault.status == _TOO_MANY:
        return Verdict.LIMITED
    if _is_of_server(fault):
        return Verdict.AMBIGUOUS
    if fault.code is None:
        return Verdict.DEFINITIVE if fault.status == _FORBIDDEN else Verdict.AMBIGUOUS
    found = verdict_of_code(fault.code)
    return Verdict.AMBIGUOUS if found is Verdict.UNSETTLED and fault.is_transient else found


def verdict_of_code(code: str) -> Verdict:
    """Return the verdict of a code; UNSETTLED if the table has none."""
    row = TABLE.get(code)
    return Verdict.UNSETTLED if row is None else row.verdict


def verdict_of_item(code: str | None, text: str | None) -> Verdict | None:
    """Return the verdict on an entry of a batch; None without a code, if its text is no hint."""
    if hint_gone(code, text):
        return Verdict.GONE
    if code is not None:
        return verdict_of_code(code)
    return None if text is None else _CAUTIOUS_TEXTS.get(_normal(text))


def named_account_kind(fault: Fault) -> AccountKind | None:
    """Return the account kind that a refusal names; nothing else reveals it."""
    return None if _is_of_server(fault) else _KINDS.get(fault.code or "")


def refuses_parameters(fault: Fault) -> bool:
    """Whether a fault is about parameters, as for a query of open orders that lacks a required symbol."""
    return fault.code in _PARAMETER


def refuses_symbol(fault: Fault) -> bool:
    """Whether a query of the orders of one symbol was refused because of the symbol, and not for a moment."""
    by_code = refuses_parameters(fault) or fault.code in _NO_CROSS_MARGIN
    return by_code or verdict_of_fault(fault) is Verdict.REFUSED


def hint_gone(code: str | None, text: str | None) -> bool:
    """Whether a refusal suggests that the order does not exist: by its code, else by its text."""
    row = None if code is None else TABLE.get(code)
    if row is not None:
        return row.verdict is Verdict.GONE
    return text is not None and _normal(text) in _GONE_TEXTS


def _is_of_server(fault: Fault) -> bool:
    return fault.status is not None and fault.status >= SERVER_ERROR


def _normal(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" .!！。").lower()


_CAUTIOUS_TEXTS: Final = {
    _normal(row.text): row.verdict
    for row in TABLE.values()
    if row.verdict in {Verdict.AMBIGUOUS, Verdict.DUPLICATE} and " " in row.text
}
"""Texts of codes that do not exclude execution, for entries without a code."""

"""What the venue's codes and texts mean for a cancel.

Codes come from the venue's error table (https://www.bitget.com/api-doc/margin/error-code/restapi, read December 2025)
unless the row says otherwise. Texts are localised and undocumented: they are hints, never proof of an end. What no row
names is UNSURE, and gets looked up.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from bitget_margin.core.account import AccountKind
from bitget_margin.core.call import Fault


class Verdict(Enum):
    """What an error of a whole request says about its execution."""

    DEFINITIVE = "certainly not executed, and asking again would not help"
    UNSENT = "never left"
    LIMITED = "over the rate limit, not executed"
    CLOCK = "our timestamp was refused, not executed"
    AMBIGUOUS = "may have been executed"
    REFUSED = "the cancel was refused, in words"


class Hint(Enum):
    """What the words of a refusal suggest about one order."""

    GONE = "the venue does not know the order"
    UNSURE = "anything else"


SUCCESS: Final = "00000"
SERVER_ERROR: Final = 500

_DEFINITIVE: Final = {
    "40001": "ACCESS_KEY cannot be empty",
    "40002": "ACCESS_SIGN cannot be empty",
    "40003": "Signature cannot be empty",
    "40005": "Invalid ACCESS_TIMESTAMP",
    "40006": "Invalid ACCESS_KEY",
    "40007": "Invalid Content_Type",
    "40009": "sign signature error",
    "40011": "ACCESS_PASSPHRASE cannot be empty",
    "40012": "apikey/password is incorrect",
    "40014": "Incorrect permissions",
    "40017": "Parameter verification failed",
    "40018": "Invalid IP",
    "40019": "Parameter cannot be empty",
    "40020": "Parameter error",
    "40034": "Parameter does not exist",
    "40036": "passphrase error",
    "40037": "Apikey does not exist",
    "40038": "ip not in whitelist",
    "40058": "Parameter error",
    "40068": "subaccount disabled",
    "40081": "demo accounts reach spot orders only",
    "40084": "classic account, unified endpoint (captured in OpenAlice #951)",
    "40085": "unified account, classic endpoint (captured in ccxt #26838)",
    "40099": "exchange environment is incorrect",
    "40128": "not supported under Unified Account mode",
    "40306": "batch of up to 20 only",
    "40402": "orderId or clientOId format error",
    "40404": "Request URL NOT FOUND",
    "40912": "single cancel cannot exceed 50",
    "40913": "one id must be passed",
    "40924": "orderId and clientOId must have one",
    "50001": "coin does not support cross",
    "50004": "symbol does not exist",
    "50015": "sub-account cannot margin trade",
    "50019": "margin trading is forbidden",
    "50021": "no margin account",
    "50022": "account is being liquidated",
    "50061": "Parameter error",
    "400172": "Parameter verification failed",
}

_KINDS: Final = {"40084": AccountKind.CLASSIC, "40085": AccountKind.UNIFIED}

_AMBIGUOUS: Final = {
    "40010": "Request timed out",
    "40015": "System is abnormal, please try again later",
    "40200": "Server upgrade",
    "40725": "service return an error",
    "40808": "Parameter verification exception (seen in release windows too: FAQ Q14)",
    "45001": "Unknown error",
    "50031": "System error",
    "500": "an HTTP status as a code",
    "502": "an HTTP status as a code",
    "503": "an HTTP status as a code",
    "504": "an HTTP status as a code",
}

_GONE: Final = {
    "22001": "No order to cancel",
    "24056": "notExisted (unified account example)",
    "25204": "Order does not exist (unified account)",
    "31007": "order does not exist (hummingbot's table)",
    "31054": "No order to cancel",
    "40768": "Order does not exist (hummingbot's table)",
    "43001": "The order does not exist",
    "43004": "There is no order to cancel",
    "45057": "The order does not exist!",
}

_PARAMETER: Final = frozenset({"40017", "40019", "40020", "40034", "40058", "40808", "50061", "400172"})
"""Codes that say that a request lacked something, rather than that this caller may not make it."""

_VERDICTS: Final = (
    dict.fromkeys(_DEFINITIVE, Verdict.DEFINITIVE)
    | dict.fromkeys(_AMBIGUOUS, Verdict.AMBIGUOUS)
    | {"429": Verdict.LIMITED, "40008": Verdict.CLOCK}
)

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


def verdict(fault: Fault) -> Verdict:
    """Return what this fault says about the execution of its request.

    Only a parsed code of the venue makes a fault anything but ambiguous, and no code does under HTTP 5xx.
    """
    if not fault.sent:
        return Verdict.UNSENT
    if fault.code is None or _of_a_server(fault):
        return Verdict.AMBIGUOUS
    return _VERDICTS.get(fault.code, Verdict.REFUSED)


def _of_a_server(fault: Fault) -> bool:
    """Whether a gateway gave up: whatever its body says, the request may have been executed."""
    return fault.status is not None and fault.status >= SERVER_ERROR


def says_kind(fault: Fault) -> AccountKind | None:
    """Return the kind of account that a refusal tells of; the only way in which we learn it."""
    return None if _of_a_server(fault) else _KINDS.get(fault.code or "")


def refuses_parameters(fault: Fault) -> bool:
    """Whether the venue wants other parameters: what it answers when open-orders is asked without a symbol."""
    return fault.code in _PARAMETER


def hint(code: str | None, text: str | None) -> Hint:
    """Return what a refusal's code and text suggest."""
    if code in _GONE:
        return Hint.GONE
    return Hint.GONE if text is not None and _normal(text) in _GONE_TEXTS else Hint.UNSURE


def _normal(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" .!！。").lower()

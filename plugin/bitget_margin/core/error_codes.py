"""Table of error codes: the verdict of each on the execution of a request, and its source.

A code without a row is UNSETTLED: after it, a cancel is looked up and repeated, and a new order is looked up by its
client order id. So only codes with another verdict, or with a reason to be UNSETTLED, have a row. The rows cover orders
of the margin account; codes of other products (futures, copy trading, savings, loans, withdrawals, P2P) are left out.

The file is long because it is one table, which is compared with the published pages as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Verdict(Enum):
    """Conclusion from an error about the execution of its request, a new order or a cancel."""

    UNSENT = "not sent"
    DEFINITIVE = "not executed, whatever the request was; a retry would not help"
    REFUSED = "a new order was not placed, because of its values, the pair or the account; a cancel was refused"
    STATE = "refused for the state of account or market, which this order itself may have changed: proves nothing"
    DUPLICATE = "an order has this client order id: it may be this one"
    NOT_CANCELED = "a cancel was refused; proves nothing about a new order"
    ENDED = "a cancel was refused because the order has ended, which its row has to confirm"
    GONE = "the order was not found; proves nothing about a new order"
    LIMITED = "not executed: too many requests"
    CLOCK = "not executed: the timestamp was rejected"
    AMBIGUOUS = "processing failed or timed out: the request may have been executed"
    UNSETTLED = "the code does not decide: lookups have to"


class Source(Enum):
    """Source of a code."""

    CLASSIC = "https://www.bitget.com/api-doc/margin/error-code/restapi (the same table as on the spot page), Dec 2025"
    UNIFIED = "https://www.bitget.com/api-doc/uta/error-code/restapi, December 2025"
    UNIFIED_SOCKET = "https://www.bitget.com/api-doc/uta/error-code/websocket, December 2025"
    FAQ = "https://www.bitget.com/api-doc/common/faq, questions 13 and 14, December 2025"
    CCXT = "the table of exceptions in ccxt 4.5.90"
    SEEN = "a response that others have published"
    HTTP = "an HTTP status as a code"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Row of the table: the verdict of a code, its text, shortened, and its source."""

    verdict: Verdict
    text: str
    source: Source


def _rows(verdict: Verdict, source: Source, texts: Mapping[str, str]) -> dict[str, Meaning]:
    return {code: Meaning(verdict, text, source) for code, text in texts.items()}


_DEFINITIVE: Final = (
    _rows(
        Verdict.DEFINITIVE,
        Source.CLASSIC,
        {
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
            "40041": "the user's key does not exist",
            "40058": "Parameter error",
            "40068": "subaccount disabled",
            "40081": "demo accounts reach spot orders only",
            "40306": "batch of up to 20 only",
            "40402": "orderId or clientOId format error",
            "40404": "Request URL NOT FOUND",
            "40912": "single cancel cannot exceed 50",
            "40913": "one id must be passed",
            "40924": "orderId and clientOId must have one",
            "50001": "coin does not support cross",
            "50004": "symbol does not support cross",
            "50015": "sub-account cannot margin trade",
            "50019": "margin trading is forbidden",
            "50021": "no margin account",
            "50061": "Parameter error",
            "400172": "Parameter verification failed",
        },
    )
    | _rows(
        Verdict.DEFINITIVE,
        Source.SEEN,
        {
            "40084": "classic account, unified endpoint (OpenAlice #951)",
            "40085": "unified account, classic endpoint (ccxt #26838)",
            "40099": "exchange environment is incorrect",
        },
    )
    | _rows(Verdict.DEFINITIVE, Source.UNIFIED_SOCKET, {"40128": "not supported under Unified Account mode"})
)

_REFUSED: Final = (
    _rows(
        Verdict.REFUSED,
        Source.CLASSIC,
        {
            "00171": "Parameter verification failed",
            "00172": "Parameter verification failed",
            "01001": "must be greater than 0",
            "01002": "precision too fine",
            "12006": "minimum not reached",
            "12007": "maximum exceeded",
            "22004": "symbol not open to the API",
            "22005": "symbol does not support cross",
            "22006": "limit price above the risk price",
            "22007": "limit price below the risk price",
            "22008": "market price above the risk price",
            "22009": "market price below the risk price",
            "22010": "an IP whitelist is required",
            "22034": "less than the minimum amount",
            "22038": "not a multiple of the lot",
            "40000": "region not served",
            "40022": "business of this account is restricted",
            "40023": "API is restricted",
            "40024": "account is frozen",
            "40025": "no permission",
            "40026": "user is disabled",
            "40031": "account was canceled",
            "40035": "KYC required",
            "40040": "permissions of the key are set wrongly",
            "40053": "value out of range",
            "40057": "parameter does not meet the specification",
            "40059": "parameter too large",
            "40061": "sub-account not allowed",
            "40064": "Parameter verification failed",
            "40079": "receive window longer than 60 s",
            "40100": "identity verification required",
            "40101": "KYC required",
            "40102": "symbol does not exist",
            "40103": "region not served",
            "40104": "region not served",
            "40105": "not supported in demo trading",
            "40110": "not available in demo trading",
            "40111": "KYC required",
            "40199": "traders may not call the API",
            "40301": "permission not obtained",
            "40304": "clientOid too long",
            "40305": "clientOid has forbidden characters",
            "40309": "the market has been removed",
            "40408": "range error",
            "40409": "wrong format",
            "40706": "wrong order price",
            "40710": "account is frozen",
            "40716": "pair has no cross margin",
            "40721": "market orders not allowed now",
            "40724": "parameter is empty",
            "40748": "price above the highest bid",
            "40752": "disabled for this business",
            "40805": "unsupported operation",
            "40806": "unsupported coin",
            "40807": "account does not exist",
            "40811": "parameter should not be null",
            "40813": "parameter must have a value",
            "40815": "price above the highest bid",
            "40816": "price below the lowest ask",
            "40824": "market orders not allowed now",
            "40845": "the market has been removed",
            "40919": "not open yet",
            "41002": "param error",
            "41101": "param error",
            "41103": "param error",
            "41104": "unsupported coin",
            "41113": "symbol is offline",
            "42016": "symbol is invalid",
            "43006": "quantity below the minimum",
            "43007": "quantity above the maximum",
            "43008": "price too low",
            "43009": "price too high",
            "43010": "amount below the minimum",
            "43011": "parameter does not meet the specification",
            "43027": "order value below the minimum",
            "43028": "price is no multiple of the tick",
            "43037": "minimum amount",
            "43038": "maximum amount",
            "43039": "price above the limit",
            "43040": "price below the limit",
            "43041": "maximum amount",
            "43042": "minimum amount",
            "43048": "the symbol is null",
            "43049": "coin not allowed",
            "43058": "Parameter verification failed",
            "43111": "param error",
            "43123": "param error",
            "43125": "more than 8 decimals",
            "45019": "account does not exist",
            "45035": "price step mismatch",
            "45107": "API may not open positions",
            "45108": "API may not close positions",
            "45110": "below the minimum amount",
            "45111": "below the minimum quantity",
            "45112": "above the maximum quantity",
            "45114": "below the minimum",
            "45115": "price is no multiple of the tick",
            "48001": "parameter validation failed",
            "48002": "parameter missing",
            "49000": "key and user do not match",
            "49024": "too many decimals",
            "49026": "too many digits",
            "50003": "coin does not support isolated",
            "50002": "symbol does not support isolated",
            "50011": "Parameter verification error",
            "50012": "account is suspended",
            "50013": "account is suspended",
            "50018": "price must be 0 or higher",
            "50023": "account is suspended",
            "50024": "pair does not exist",
            "50028": "pair is removed",
            "50032": "coin does not exist",
            "50034": "loan too small",
            "50036": "no such loan",
            "50037": "coin cannot be borrowed",
            "50039": "coin and pair do not match",
            "50046": "price too low",
            "50047": "price too high",
            "50063": "more than 8 decimals",
            "50064": "account is frozen",
            "50065": "symbol is off the shelf",
            "70227": "user may not place orders",
        },
    )
    | _rows(
        Verdict.REFUSED,
        Source.UNIFIED,
        {
            "25002": "unsupported operation",
            "25005": "user does not exist",
            "25013": "not open to the API",
            "25100": "pair does not exist",
            "25104": "delisted",
            "25200": "validation error",
            "25201": "coin does not exist",
            "25205": "price too low",
            "25206": "price too high",
            "25207": "quantity too small",
            "25208": "quantity too large",
            "25210": "price moves too fast",
            "25238": "fields exclude each other",
            "25240": "operation not supported",
            "25244": "price is no multiple of the tick",
            "25245": "not in unified account mode",
            "25593": "no TP/SL for this type",
            "25610": "amount has too many decimals",
            "25611": "amount below the minimum",
            "25620": "permission denied",
            "95006": "spot buying prohibited for this loan",
            "95007": "pair not supported for this loan",
            "95009": "pair not supported for this loan",
            "95011": "parameter validation failed",
        },
    )
    | _rows(
        Verdict.REFUSED,
        Source.UNIFIED_SOCKET,
        {
            "22046": "price below the limit",
            "22047": "price above the limit",
            "22069": "symbol has no cross margin",
            "22070": "symbol is isolated only",
            "40042": "account of an institutional loan is restricted",
            "41117": "sell price too low",
            "41118": "buy price too high",
            "500024": "pair does not exist",
            "59014": "parameter has too many decimals",
        },
    )
)

_STATE: Final = (
    _rows(
        Verdict.STATE,
        Source.CLASSIC,
        {
            "22045": "insufficient liquidity in the market",
            "70220": "insufficient liquidity in the market",
            "50029": "pair has no price",
            "40722": "price moves too fast for a market order",
            "40826": "price moves too fast for a market order",
            "45009": "account at risk",
            "50022": "account is being liquidated",
            "45113": "order value above the maximum",
            "12001": "above the available amount",
            "12002": "limit of net sells",
            "12003": "limit of net buys",
            "13007": "limit of net buys in a day",
            "13009": "limit of net sells in a day",
            "40715": "too many open orders",
            "40723": "too many open orders",
            "40754": "balance not enough",
            "40756": "locked balance insufficient",
            "40760": "account status abnormal",
            "40761": "too many open orders",
            "40762": "larger than the maximum that can be opened",
            "40764": "larger than the remaining amount",
            "40798": "balance insufficient",
            "40800": "margin insufficient",
            "43005": "too many open orders",
            "43012": "insufficient balance",
            "43122": "purchase limit of the coin",
            "43128": "too many open orders",
            "43132": "insufficient funds",
            "45002": "insufficient asset",
            "45004": "insufficient locked asset",
            "45008": "no assets",
            "45118": "too many open orders",
            "45120": "larger than the maximum that can be opened",
            "45123": "insufficient availability",
            "46013": "selling limit",
            "50016": "too few open orders",
            "50017": "too many open orders",
            "50020": "insufficient balance",
            "50035": "loan above the maximum",
            "50038": "limit of the system exceeded",
            "50045": "insufficient locked asset",
            "50048": "too many open orders",
            "50068": "selling limit",
            "50081": "selling limit of a day",
            "70221": "purchase limit",
            "70222": "purchase limit",
            "70223": "too many open orders",
            "70224": "selling limit",
            "70225": "purchase limit",
        },
    )
    | _rows(
        Verdict.STATE,
        Source.UNIFIED,
        {
            "25209": "insufficient liquidity in the market",
            "25012": "account at risk, trading disabled",
            "25008": "account in forced liquidation",
            "25006": "account status abnormal",
            "25007": "account status irregular",
            "95001": "account in forced liquidation",
            "25241": "order value above the maximum",
            "25202": "insufficient balance",
            "25203": "insufficient margin",
            "25211": "too many open orders",
            "25213": "limit of net buys",
            "25214": "limit of net sells",
            "25215": "limit of net buys in a day",
            "25216": "limit of net sells in a day",
            "25218": "high risk",
            "25219": "initial margin above the available assets",
            "25225": "insufficient quantity",
            "25226": "insufficient quantity",
            "25230": "larger than the maximum that can be opened",
            "25231": "larger than the position",
            "25234": "larger than the remaining amount",
            "25235": "limit of risk control",
            "25243": "holding limit of the coin",
        },
    )
    | _rows(
        Verdict.STATE,
        Source.UNIFIED_SOCKET,
        {
            "22048": "personal limit exceeded",
            "22049": "limit of the platform exceeded",
            "40763": "position limit exceeded",
            "43135": "loan risk control failed",
        },
    )
    | _rows(
        Verdict.STATE,
        Source.CCXT,
        {
            "33003": "insufficient balance",
            "33008": "insufficient balance",
            "33017": "insufficient balance",
            "34008": "insufficient balance",
            "35025": "insufficient balance",
            "35046": "insufficient balance",
            "35047": "insufficient balance",
            "35052": "insufficient balance",
            "35055": "insufficient balance",
            "36108": "insufficient balance",
            "40711": "insufficient balance",
            "40712": "insufficient margin",
        },
    )
)

_DUPLICATE: Final = _rows(
    Verdict.DUPLICATE,
    Source.CLASSIC,
    {
        "43118": "clientOrderId duplicate",
        "45034": "clientOid duplicate",
        "50060": "Duplicated clientOid",
    },
) | _rows(Verdict.DUPLICATE, Source.UNIFIED, {"25212": "Duplicate clientOid"})

_NOT_CANCELED: Final = _rows(
    Verdict.NOT_CANCELED,
    Source.CLASSIC,
    {
        "13010": "under review, cannot be canceled",
        "45024": "Cancel order error",
        "45056": "this type cannot be canceled",
    },
) | _rows(
    Verdict.NOT_CANCELED,
    Source.UNIFIED_SOCKET,
    {
        "45125": "inactive order cannot be canceled",
        "45126": "inactive order cannot be canceled",
    },
)

_ENDED: Final = _rows(
    Verdict.ENDED,
    Source.CLASSIC,
    {
        "45031": "the order is in a final state",
        "50062": "the order is canceled or filled",
    },
) | _rows(
    Verdict.ENDED,
    Source.UNIFIED_SOCKET,
    {
        "40769": "the order is completed",
        "45134": "filled or canceled",
    },
)

_GONE: Final = (
    _rows(
        Verdict.GONE,
        Source.CLASSIC,
        {
            "22001": "No order to cancel",
            "31007": "Order does not exist",
            "31054": "No order to cancel",
            "40109": "the order was not found",
            "43001": "The order does not exist",
            "43004": "There is no order to cancel",
            "45057": "The order does not exist!",
            "80011": "Order not exist",
        },
    )
    | _rows(Verdict.GONE, Source.UNIFIED, {"25204": "Order does not exist"})
    | _rows(
        Verdict.GONE,
        Source.SEEN,
        {
            "24056": "notExisted (example of the unified cancel-batch page)",
            "40768": "Order does not exist (hummingbot's table)",
        },
    )
    | _rows(
        Verdict.GONE,
        Source.CCXT,
        {"33014": "order does not exist", "35029": "order does not exist", "36216": "order does not exist"},
    )
)

_LIMITED: Final = (
    _rows(
        Verdict.LIMITED,
        Source.CLASSIC,
        {
            "429": "Too many requests",
            "40918": "orders too frequent",
            "45129": "the same order can be canceled once per second",
            "59044": "operations are frequent, try again later",
            "70228": "too frequent, try again later",
        },
    )
    | _rows(Verdict.LIMITED, Source.UNIFIED, {"25004": "too frequent, try again later"})
    | _rows(
        Verdict.LIMITED,
        Source.CCXT,
        {
            "1001": "too many requests",
            "30014": "too many requests",
            "30026": "too many requests",
            "50009": "system busy, too many requests",
        },
    )
)

_CLOCK: Final = (
    _rows(Verdict.CLOCK, Source.CLASSIC, {"40008": "Request timestamp expired"})
    | _rows(Verdict.CLOCK, Source.UNIFIED_SOCKET, {"40911": "Request timestamp expired"})
    | _rows(
        Verdict.CLOCK,
        Source.CCXT,
        {"30005": "timestamp invalid", "40004": "Request timestamp expired"},
    )
)

_AMBIGUOUS: Final = (
    _rows(
        Verdict.AMBIGUOUS,
        Source.CLASSIC,
        {
            "45055": "status cannot be canceled: the order may be about to end",
            "12018": "Service disruption, contact customer service for assistance",
            "31016": "Batch execution exception",
            "31023": "Ending order processing",
            "40010": "Request timed out",
            "40015": "System is abnormal, please try again later",
            "40200": "Server upgrade, please try again later",
            "40725": "service return an error",
            "40846": "Status verification abnormal",
            "40856": "Data abnormal",
            "40908": "Concurrent operation failed",
            "40910": "Operation timed out",
            "41100": "error",
            "43002": "Pending order failed",
            "43003": "Pending order failed",
            "43059": "Request failed, please try again",
            "45001": "Unknown error",
            "45023": "Error creating order",
            "49040": "Unknown Error",
            "50031": "System error",
            "59046": "Transaction failed",
            "70229": "Place order error",
            "80002": "system error",
        },
    )
    | _rows(
        Verdict.AMBIGUOUS,
        Source.UNIFIED,
        {
            "25000": "System error, please try again later",
            "25001": "Operation timed out",
            "25003": "Concurrent operation, please retry",
            "25113": "There are cancellation orders in progress",
            "25114": "There are modification orders in progress",
            "25239": "Closing failed, please try again later",
            "25653": "The order has been changed. Please try again later",
        },
    )
    | _rows(
        Verdict.AMBIGUOUS,
        Source.CCXT,
        {
            "30008": "Request timed out",
            "30019": "service unavailable",
            "30037": "service unavailable",
            "30038": "system maintenance",
            "40308": "system maintenance",
            "40604": "Server is busy, please try again later",
            "50008": "network timeout",
        },
    )
    | _rows(
        Verdict.AMBIGUOUS,
        Source.HTTP,
        {"500": "server error", "502": "bad gateway", "503": "service unavailable", "504": "gateway timeout"},
    )
)

_UNSETTLED: Final = (
    _rows(
        Verdict.UNSETTLED,
        Source.CLASSIC,
        {
            "40078": "outside of the receive window",
            "40844": "under maintenance",
            "45043": "trading is suspended",
            "50025": "pair is unavailable",
            "50026": "pair is unavailable",
            "50027": "pair is suspended for maintenance",
            "50030": "pair is not open yet",
            "43119": "trading is not open",
            "43120": "symbol is not open",
            "40812": "condition not met",
            "40847": "operation cannot be performed",
            "45051": "execution price cannot be verified",
            "41114": "pair under maintenance (for ccxt, maintenance of the venue)",
            "43115": "pair not open yet (for ccxt, maintenance of the venue)",
        },
    )
    | _rows(
        Verdict.UNSETTLED,
        Source.UNIFIED,
        {
            "25101": "pair not open",
            "25102": "pair closed for maintenance",
            "25103": "pair not open yet",
            "25106": "trading suspended",
        },
    )
    | _rows(
        Verdict.UNSETTLED,
        Source.UNIFIED_SOCKET,
        {
            "22056": "symbol is not open",
            "40115": "account is being upgraded",
        },
    )
    | _rows(
        Verdict.UNSETTLED,
        Source.FAQ,
        {"40808": "Parameter verification exception: a wrong value, or any order during a release"},
    )
)

TABLE: Final[Mapping[str, Meaning]] = {
    code: meaning
    for rows in (
        _DEFINITIVE,
        _REFUSED,
        _STATE,
        _DUPLICATE,
        _NOT_CANCELED,
        _ENDED,
        _GONE,
        _LIMITED,
        _CLOCK,
        _AMBIGUOUS,
        _UNSETTLED,
    )
    for code, meaning in rows.items()
}

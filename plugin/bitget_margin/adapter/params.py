"""Checks of arguments and options, before anything is sent."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.core import settings as core_settings
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import BadInput, IdKind, OrderRef, checked_client_id, checked_order_id
from bitget_margin.core.settings import Settings
from bitget_margin.rate_limit import BadLimiterConfig, SharedLimiter, open_limiter

CROSS: Final = "cross"
ISOLATED: Final = "isolated"
"""ccxt's names of the two margin modes."""
DEFAULT_MODE: Final = "defaultMarginMode"
"""ccxt's name of the option with the margin mode of every call."""
KIND: Final = "uta"
"""ccxt's name of the account kind, as a parameter and as an option."""
LEVEL: Final = "accountLevel"
"""Option with the level of a unified account, empty where the venue does not show it."""
UID: Final = "uid"
"""Option with the UID of the account."""
RATE_GATE: Final = "rateGate"
"""Option with the rate window that several processes share."""
URGENT: Final = "urgent"
"""Parameter: the order is placed also while the rate window that processes share is down."""
OPTIONS: Final = "batchCancel"
BOUNDS: Final = frozenset({"confirm", "timeout", "batchSize"})
_IGNORED: Final = frozenset({"marginMode", "defaultMarginMode", "type", "paginate"})
"""Parameters that are already evaluated, or without effect on a cross margin order."""
CLIENT_ID: Final = ("clientOrderId", "clientOid")
"""Names of the parameter with a client order id: ccxt's and the venue's."""
STRATEGY_ORDERS: Final = "strategyOrders"
"""Option that enables strategy orders of a unified account, which are experimental; and the parameter of
`cancel_all_orders` that includes them."""
TRIGGER: Final = ("trigger", "stop")
"""Names of the parameter by which a call is about strategy orders: ccxt's, and its older one."""
HAS_ENDED: Final = "hasEnded"
"""Parameter of `fetch_order`: the order has probably ended, and is looked for among those first that have."""
LOOKS_ON: Final = "looksOn"
"""Parameter: the caller continues the queries itself, and no other order ever has its client order ids.

The call then ends once two queries have not found the order, instead of at the deadline.
"""
_TRIGGER: Final = frozenset({*TRIGGER, "trailing", "planType"})

_CONDITIONAL: Final = (
    "triggerPrice",
    "stopPrice",
    "stopLossPrice",
    "takeProfitPrice",
    "stopLoss",
    "takeProfit",
    "trailingPercent",
    "callbackRatio",
)


def is_cross(exchange: MarginExchange, method: str, symbol: object, params: Params) -> bool:
    """Whether this call is for the cross margin account; all other calls are left to stock ccxt.

    The margin mode of an option does not apply to a contract's symbol.
    """
    mode, _ = exchange.handle_margin_mode_and_params(method, params)
    named = params.get("marginMode", params.get("defaultMarginMode")) is not None
    contract = isinstance(symbol, str) and ":" in symbol
    return bool(mode == "cross" and (named or not contract))


def places_cross(exchange: MarginExchange, method: str, symbol: object, params: Params) -> bool:
    """Whether this order is for the cross margin account, and not for a contract in cross mode."""
    return is_cross(exchange, method, symbol, params) and not (isinstance(symbol, str) and ":" in symbol)


def is_isolated(exchange: MarginExchange, method: str, symbol: object, params: Params) -> bool:
    """Whether this call is for isolated margin of the spot market, and not for a contract in isolated mode."""
    mode, _ = exchange.handle_margin_mode_and_params(method, params)
    if mode != ISOLATED or params.get("stock"):
        return False
    if isinstance(symbol, str) and "/" in symbol:
        return ":" not in symbol
    if isinstance(symbol, str) and symbol in (exchange.markets_by_id or {}):
        return bool(exchange.market(symbol)["spot"])
    market_type, _ = exchange.handle_market_type_and_params(method, None, params)
    return market_type in {"spot", "margin"}


def split_params(exchange: MarginExchange, method: str, params: Params, known: Collection[str]) -> None:
    """Refuse unknown parameters, sandbox mode and missing credentials."""
    for key in params:
        if key in _TRIGGER and params[key]:
            raise ccxt.NotSupported(
                f"{exchange.id} {method}(): cross margin has no trigger orders ({key!r}), except strategy orders of a "
                "unified account in the methods that docs/ccxt.md lists",
            )
        if key not in known and key != KIND and key not in _IGNORED and key not in _TRIGGER:
            names = ", ".join(sorted({*known, "marginMode"}))
            raise ccxt.BadRequest(f"{exchange.id} {method}(): unknown parameter {key!r}; known are {names}")
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()


def known_kind(exchange: MarginExchange, params: Params) -> AccountKind | None:
    """Return the account kind as configured or learned; None before either."""
    chosen = params.get(KIND, exchange.options.get(KIND))
    if chosen is not None and not isinstance(chosen, bool):
        raise ccxt.BadRequest(f"{exchange.id}: {KIND} is {chosen!r}; give True for a unified account, else False")
    if chosen is None:
        return None
    return AccountKind.UNIFIED if chosen else AccountKind.CLASSIC


def account_kind_of(exchange: MarginExchange, params: Params) -> AccountKind:
    """Return the account kind: as configured, as learned, or else classic, which is tried first."""
    return known_kind(exchange, params) or AccountKind.CLASSIC


def parse_settings(exchange: MarginExchange, method: str, params: Params, *, confirm: bool) -> Settings:
    """Return the settings of the call from its parameters and the options."""
    defaults = exchange.options.get(OPTIONS) or {}
    if not isinstance(defaults, Mapping):
        raise ccxt.BadRequest(f"{exchange.id}: options[{OPTIONS!r}] is {defaults!r}; give a dict")
    unknown = sorted(set(defaults) - BOUNDS - {"pacing"})
    if unknown:
        names = ", ".join(sorted(BOUNDS))
        raise ccxt.BadRequest(f"{exchange.id}: options[{OPTIONS!r}] has {', '.join(unknown)}; known are {names}")
    try:
        return core_settings.parse_settings(params, defaults, confirm=confirm)
    except BadInput as error:
        raise bad_request(exchange, method, error) from None


def is_urgent(exchange: MarginExchange, method: str, params: Params) -> bool:
    """Whether the order is to be placed also while the shared rate window is down."""
    given = params.get(URGENT)
    if given is not None and not isinstance(given, bool):
        raise bad_request(exchange, method, BadInput(f"{URGENT} is {given!r}; give True or False"))
    return bool(given)


def shared_limiter_of(exchange: MarginExchange) -> SharedLimiter | None:
    """Return the rate limiter that the exchange object shares with other processes; None if it has none."""
    given = exchange.options.get(RATE_GATE)
    if given is None:
        return None
    try:
        return open_limiter(given)
    except BadLimiterConfig as error:
        raise ccxt.BadRequest(f"{exchange.id}: options[{RATE_GATE!r}]: {error}") from error


def bad_request(exchange: MarginExchange, method: str, error: BadInput) -> ccxt.BadRequest:
    """Return the ccxt exception for a refused argument."""
    return ccxt.BadRequest(f"{exchange.id} {method}(): {error}")


def as_list(exchange: MarginExchange, method: str, name: str, values: object) -> list[Any]:
    """Return the values as a list; refuse a string, which is not a list of its letters."""
    if values is None:
        return []
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): {name} is {values!r}; give a list")
    return list(values)


def client_order_id_param(params: Mapping[str, Any]) -> Any:
    """Return the client order id from the parameters, under either name and unchecked; None if missing."""
    return next((params[key] for key in CLIENT_ID if params.get(key) is not None), None)


def whole_number(exchange: MarginExchange, method: str, name: str, value: object) -> None:
    """Raise BadRequest for a time or a count that is neither None nor a whole number above zero."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): {name} is {value!r}; give a whole number above 0")


def required_symbol(exchange: MarginExchange, method: str, symbol: object, where: str = "") -> str:
    """Return the symbol, or raise for a missing or invalid one; `where` is for the message."""
    if symbol is None or symbol == "":
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}() requires a symbol such as 'BTC/USDT'{where}")
    if not isinstance(symbol, str):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): symbol{where} is {symbol!r}; give one such as 'BTC/USDT'")
    if ":" in symbol:
        raise ccxt.BadSymbol(
            f"{exchange.id} {method}(): {symbol} is a contract; cross margin orders are on spot symbols such as "
            f"{symbol.split(':')[0]}",
        )
    return symbol


def checked_code(exchange: MarginExchange, method: str, name: str, code: object, otherwise: str = "") -> str:
    """Return the code of a coin; refuse anything else. `name` and `otherwise` are for the message."""
    if not isinstance(code, str) or not code:
        raise bad_request(exchange, method, BadInput(f"{name} is {code!r}; give a coin such as 'USDT'{otherwise}"))
    return code


def spot_market(exchange: MarginExchange, method: str, symbol: str) -> Any:
    """Return the spot market of a symbol; the markets must be loaded."""
    market = exchange.market(symbol)
    if not market["spot"]:
        raise ccxt.BadSymbol(
            f"{exchange.id} {method}(): {symbol} is a {market['type']} market; cross margin orders are on spot symbols",
        )
    return market


def refuse_conditional(exchange: MarginExchange, method: str, params: Params) -> None:
    """Raise NotSupported for a conditional order, which stock ccxt places in the spot wallet or at once."""
    for key in _CONDITIONAL:
        if params.get(key) is not None:
            raise ccxt.NotSupported(
                f"{exchange.id} {method}(): cross margin has no conditional orders ({key!r}), except strategy orders "
                "of a unified account: create_order() with one of triggerPrice, stopLossPrice, takeProfitPrice",
            )


def market_cost(exchange: MarginExchange, symbol: str, amount: object, price: object, params: Params) -> Decimal:
    """Return the cost of a market buy by ccxt's rules: `cost`, amount times price, or the amount itself."""
    wants_price, _ = exchange.handle_option_and_params(params, "createOrder", "createMarketBuyOrderRequiresPrice")
    if params.get("cost") is not None:
        return Decimal(str(params["cost"]))
    if wants_price is False:
        return Decimal(str(amount))
    if price is None:
        raise ccxt.InvalidOrder(
            f"{exchange.id} create_order(): a market buy of {symbol} is sent as its cost: give a price, or the cost as "
            "params['cost'], or set options['createOrder']['createMarketBuyOrderRequiresPrice'] to False and give "
            "it as amount",
        )
    return Decimal(str(amount)) * Decimal(str(price))


def order_ref(exchange: MarginExchange, method: str, given_id: object, symbol: str, params: Params) -> OrderRef:
    """Return the reference to an order by `id`, or by the client order id in `params`."""
    given_client_id, kind = client_order_id_param(params), known_kind(exchange, params)
    try:
        if given_client_id is None:
            return OrderRef(symbol, IdKind.ORDER, checked_order_id(given_id, "id"))
        if given_id is not None and given_id != "":
            raise BadInput(f"both id {given_id!r} and clientOrderId {given_client_id!r} are given; give one of them")
        return OrderRef(symbol, IdKind.CLIENT, checked_client_id(given_client_id, "clientOrderId", kind))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None


_TYPES: Final = ("limit", "market")
_SIDES: Final = ("buy", "sell")
_TOO_LARGE: Final = Decimal("1e18")
"""Amounts and prices of orders are below it; ccxt cannot round numbers that are much larger."""


def check_order(
    exchange: MarginExchange,
    method: str,
    where: str,
    kind: object,
    side: object,
    amount: object,
    price: object = None,
    *,
    cost: object = None,
) -> None:
    """Refuse an order that the venue would refuse, or would take for another order.

    :param where: position in a list of orders, for the message
    :param kind: `limit` or `market`
    :param side: `buy` or `sell`
    :param amount: base amount; quote amount of some market buys
    :param price: price of a limit order; optional for a market order
    :param cost: cost of a market buy, whose amount may then be 0 or None, as in stock ccxt
    :raises ccxt.ArgumentsRequired: a required value is missing
    :raises ccxt.BadRequest: an unknown type or side
    :raises ccxt.InvalidOrder: an amount or a price that is not a number above zero
    """
    is_by_cost = cost is not None and (kind, side) == ("market", "buy")
    given = {"type": kind, "side": side}
    if not (is_by_cost and _is_zero(amount)):
        given["amount"] = amount
    if kind == "limit":
        given["price"] = price
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(){where}: an order needs {', '.join(missing)}")
    for name, value, known in (("type", kind, _TYPES), ("side", side, _SIDES)):
        if value not in known:
            raise ccxt.BadRequest(f"{exchange.id} {method}(){where}: {name} is {value!r}; give {' or '.join(known)}")
    for name, value in (("amount", given.get("amount")), ("price", price), ("cost", cost if is_by_cost else None)):
        if value is not None and not is_amount(value):
            raise ccxt.InvalidOrder(
                f"{exchange.id} {method}(){where}: {name} is {value!r}; give a number above 0 and below 1e18"
            )


def _is_zero(amount: object) -> bool:
    """Whether an amount is missing, or zero in any form that ccxt accepts."""
    if amount is None:
        return True
    try:
        return not isinstance(amount, bool) and Decimal(str(amount)) == 0
    except InvalidOperation:
        return False


def exact_amount(exchange: MarginExchange, method: str, amount: object) -> Decimal:
    """Return an amount as an exact number, or raise InvalidOrder for what is no number above zero."""
    if amount is None:
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}() requires an amount")
    if not is_amount(amount):
        raise ccxt.InvalidOrder(f"{exchange.id} {method}(): amount is {amount!r}; give a number above 0 and below 1e18")
    return Decimal(str(amount))


def is_amount(value: object) -> bool:
    """Whether this is a number above zero that an order can have, in a form that ccxt accepts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    return number.is_finite() and 0 < number < _TOO_LARGE

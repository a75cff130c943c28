"""What a caller passed, checked: everything that can be refused is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.core import settings as core_settings
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import BadInput, IdKind, OrderRef, client_id, order_id
from bitget_margin.core.settings import Settings
from bitget_margin.rate_limit import BadLimiterConfig, SharedLimiter, open_limiter

CROSS: Final = "cross"
ISOLATED: Final = "isolated"
"""ccxt's names of the two margin modes."""
KIND: Final = "uta"
"""ccxt's name for the choice of the account's kind, as a parameter and as an option."""
UID: Final = "uid"
"""The option that says whose account it is."""
RATE_GATE: Final = "rateGate"
"""The option that names a rate window which several processes share."""
OPTIONS: Final = "batchCancel"
BOUNDS: Final = frozenset({"confirm", "timeout", "batchSize"})
_MEANINGLESS: Final = frozenset({"marginMode", "defaultMarginMode", "type", "paginate"})
"""Chosen already, or without meaning for a crossed margin order."""
CLIENT_ID: Final = ("clientOrderId", "clientOid")
"""ccxt's name of the parameter, and the venue's."""
_TRIGGER: Final = frozenset({"trigger", "stop", "trailing", "planType"})

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
    """Whether this call is about the crossed account; everything else is stock ccxt's.

    A margin mode that is only an option does not concern a contract's symbol.
    """
    mode, _ = exchange.handle_margin_mode_and_params(method, params)
    named = params.get("marginMode", params.get("defaultMarginMode")) is not None
    contract = isinstance(symbol, str) and ":" in symbol
    return bool(mode == "cross" and (named or not contract))


def places_cross(exchange: MarginExchange, method: str, symbol: object, params: Params) -> bool:
    """Whether this order is for the crossed account; a contract has a margin mode of its own, called cross too."""
    return is_cross(exchange, method, symbol, params) and not (isinstance(symbol, str) and ":" in symbol)


def split_params(exchange: MarginExchange, method: str, params: Params, known: Collection[str]) -> None:
    """Refuse what no call on the crossed account can do: unknown parameters, sandbox mode, no credentials."""
    for key in params:
        if key in _TRIGGER and params[key]:
            raise ccxt.NotSupported(f"{exchange.id} {method}(): crossed margin has no trigger orders ({key!r})")
        if key not in known and key != KIND and key not in _MEANINGLESS and key not in _TRIGGER:
            names = ", ".join(sorted({*known, "marginMode"}))
            raise ccxt.BadRequest(f"{exchange.id} {method}(): unknown parameter {key!r}; known are {names}")
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()


def account_kind_of(exchange: MarginExchange, params: Params) -> AccountKind:
    """Return the kind of account that is chosen, or was learned, or else is tried first."""
    chosen = params.get(KIND, exchange.options.get(KIND))
    if chosen is not None and not isinstance(chosen, bool):
        raise ccxt.BadRequest(f"{exchange.id}: {KIND} is {chosen!r}; give True for a unified account, else False")
    return AccountKind.UNIFIED if chosen else AccountKind.CLASSIC


def parse_settings(exchange: MarginExchange, method: str, params: Params, *, confirm: bool) -> Settings:
    """Return the bounds of the call."""
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


def shared_limiter_of(exchange: MarginExchange) -> SharedLimiter | None:
    """Return the rate window that this exchange shares with other processes, if it does."""
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
    """Return a list of ids as it is; a bare string is not a list of its letters."""
    if values is None:
        return []
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): {name} is {values!r}; give a list")
    return list(values)


def client_order_id_param(params: Mapping[str, Any]) -> Any:
    """Return the client order id that the parameters give under either of its names, unchecked; None if none."""
    return next((params[key] for key in CLIENT_ID if params.get(key) is not None), None)


def whole_number(exchange: MarginExchange, method: str, name: str, value: object) -> None:
    """Refuse a time or a count that is neither None nor a whole number above zero."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): {name} is {value!r}; give a whole number above 0")


def required_symbol(exchange: MarginExchange, method: str, symbol: object, where: str = "") -> str:
    """Return the symbol, or refuse what is none; `where` says which of several it is."""
    if symbol is None or symbol == "":
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}() requires a symbol such as 'BTC/USDT'{where}")
    if not isinstance(symbol, str):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): symbol{where} is {symbol!r}; give one such as 'BTC/USDT'")
    if ":" in symbol:
        raise ccxt.BadSymbol(
            f"{exchange.id} {method}(): {symbol} is a contract; crossed margin orders are on spot symbols such as "
            f"{symbol.split(':')[0]}",
        )
    return symbol


def spot_market(exchange: MarginExchange, method: str, symbol: str) -> Any:
    """Return the market of a symbol; markets must be loaded."""
    market = exchange.market(symbol)
    if not market["spot"]:
        raise ccxt.BadSymbol(
            f"{exchange.id} {method}(): {symbol} is a {market['type']} market; "
            "crossed margin orders are on spot symbols",
        )
    return market


def refuse_conditional(exchange: MarginExchange, method: str, params: Params) -> None:
    """Refuse what the crossed account has no endpoint for: stock ccxt sends it to the spot wallet, or at once."""
    for key in _CONDITIONAL:
        if params.get(key) is not None:
            raise ccxt.NotSupported(f"{exchange.id} {method}(): crossed margin has no conditional orders ({key!r})")


def market_cost(exchange: MarginExchange, symbol: str, amount: object, price: object, params: Params) -> Decimal:
    """Return what a market buy may cost, by ccxt's rules: `cost`, or the amount at a price, or the amount itself."""
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
    """Return the one order that is named by `id`, or by a client order id in `params`."""
    given_name = client_order_id_param(params)
    try:
        if given_name is None:
            return OrderRef(symbol, IdKind.ORDER, order_id(given_id, "id"))
        if given_id is not None and given_id != "":
            raise BadInput(f"both id {given_id!r} and clientOrderId {given_name!r} are given; give one of them")
        return OrderRef(symbol, IdKind.CLIENT, client_id(given_name, "clientOrderId"))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None


_TYPES: Final = ("limit", "market")
_SIDES: Final = ("buy", "sell")


def check_order(
    exchange: MarginExchange,
    method: str,
    where: str,
    kind: object,
    side: object,
    amount: object,
    price: object = None,
) -> None:
    """Refuse an order that the venue would refuse, or would understand as another one.

    :param where: which of several it is, for the message
    :param kind: `limit` or `market`
    :param side: `buy` or `sell`
    :param amount: of the base coin; for some market buys of the quote coin
    :param price: of a limit order; a market order may have one
    :raises ccxt.ArgumentsRequired: nothing is given for what is needed
    :raises ccxt.BadRequest: a type or a side that there is not
    :raises ccxt.InvalidOrder: an amount or a price that is no number above zero
    """
    given = {"type": kind, "side": side, "amount": amount}
    if kind == "limit":
        given["price"] = price
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(){where}: an order needs {', '.join(missing)}")
    for name, value, known in (("type", kind, _TYPES), ("side", side, _SIDES)):
        if value not in known:
            raise ccxt.BadRequest(f"{exchange.id} {method}(){where}: {name} is {value!r}; give {' or '.join(known)}")
    for name, value in (("amount", amount), ("price", price)):
        if value is not None and not _is_positive(value):
            raise ccxt.InvalidOrder(f"{exchange.id} {method}(){where}: {name} is {value!r}; give a number above 0")


def _is_positive(value: object) -> bool:
    """Whether this is a number above zero, in one of the forms that ccxt takes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    return number.is_finite() and number > 0

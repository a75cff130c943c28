"""Placing of orders, at most once: queries resolve a doubtful response, never a second request.

The venue rejects a duplicate client order id for six hours only, and only while its order is unfilled, so that a second
request could buy twice (https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order, December 2025; on a
unified account it can be reused once its order has ended).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import ccxt

from bitget_margin.adapter import fallback_markets, strategy
from bitget_margin.adapter.account import require_margin
from bitget_margin.adapter.call import load_markets, open_call
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.errors import PlaceUnresolved, cause_of, documented
from bitget_margin.adapter.order_numbers import fit_order
from bitget_margin.adapter.orders import parsed_or_bare, unknown
from bitget_margin.adapter.params import (
    BOUNDS,
    CLIENT_ID,
    CROSS,
    KIND,
    LOOKS_ON,
    URGENT,
    as_list,
    bad_request,
    check_order,
    client_order_id_param,
    is_urgent,
    known_kind,
    parse_settings,
    places_cross,
    refuse_conditional,
    required_symbol,
    split_params,
    spot_market,
)
from bitget_margin.adapter.strategy_orders import is_conditional
from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import BadInput, IdKind, OrderRef, checked_client_id
from bitget_margin.core.place import Placement, place
from bitget_margin.core.place_state import PlaceOutcome, PlaceState, Terms
from bitget_margin.core.responses import decimal
from bitget_margin.core.settings import Settings

_IDENTITY: Final = frozenset({"symbol", "category", "side", "orderType", "orderList"})
"""Fields of the venue that would change the order that the arguments describe."""
_OURS: Final = (*CLIENT_ID, *BOUNDS, LOOKS_ON, URGENT, KIND, "type", "stock", "maxRetriesOnFailure")
"""Parameters of this package and of ccxt, which are not sent."""


def create_order(exchange: MarginExchange, symbol: object, order: tuple[Any, ...], params: Params) -> Flow[Order]:
    """Place a cross margin order; `order` is its type, side, amount and price."""
    if is_conditional(params):
        return (yield from strategy.create_order(exchange, symbol, order, params))
    method = "create_order"
    unified = required_symbol(exchange, method, symbol)
    kind, side, amount, price = order
    check_order(exchange, method, "", kind, side, amount, price, cost=params.get("cost"))
    _refuse_identity(exchange, method, params)
    refuse_conditional(exchange, method, params)
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()
    settings = parse_settings(exchange, method, params, confirm=False)
    names = [_name(exchange, method, params, "clientOrderId")]
    requested = [dict(zip(("type", "side", "amount", "price"), order, strict=False))]
    placement, market = yield from _prepare(exchange, method, settings, params, unified, requested, [params], names)
    yield from place(placement)
    (state,) = placement.states
    if state.outcome is PlaceOutcome.REFUSED:
        yield from require_margin(exchange, method, placement.ctx, ask=True)  # the reason may be a level not yet known
        raise documented(f"{exchange.id} {method}()", _refusal(exchange, method, state))
    if state.outcome is PlaceOutcome.CLIENT_ID_TAKEN:
        raise ccxt.DuplicateOrderId(
            f"{exchange.id} {method}(): another order of {market['symbol']} has the client order id {names[0]!r}; "
            "nothing was placed: give a new one"
        )
    (placed,) = _structures(exchange, method, placement, market)
    return placed


def batch_is_cross(exchange: MarginExchange, orders: object, params: Params) -> bool:
    """Whether these order requests are for the cross margin account; refuse a mixture."""
    listed = as_list(exchange, "create_orders", "orders", orders)
    modes = set()
    for i, order in enumerate(listed):
        if not isinstance(order, Mapping):
            raise bad_request(exchange, "create_orders", BadInput(f"orders[{i}] is {order!r}; give a dict"))
        named = {**params, **(order.get("params") or {})}
        modes.add(places_cross(exchange, "createOrders", order.get("symbol"), named))
    if len(modes) > 1:
        raise bad_request(exchange, "create_orders", BadInput("some orders are for cross margin and some are not"))
    return modes == {True}


def create_orders(
    exchange: MarginExchange,
    orders: Sequence[Mapping[str, Any]],
    params: Params,
) -> Flow[list[Order]]:
    """Place cross margin orders of one symbol with one request; return one structure each."""
    method = "create_orders"
    split_params(exchange, method, params, {"timeout", LOOKS_ON, URGENT})
    settings = parse_settings(exchange, method, params, confirm=False)
    symbols = {required_symbol(exchange, method, o.get("symbol"), f" in orders[{i}]") for i, o in enumerate(orders)}
    if len(symbols) > 1:
        raise bad_request(
            exchange, method, BadInput(f"orders of {', '.join(sorted(symbols))}; give those of one symbol")
        )
    given = [_given(exchange, method, i, order) for i, order in enumerate(orders)]
    names = [_name(exchange, method, each, f"orders[{i}] clientOrderId") for i, each in enumerate(given)]
    if len(set(names)) < len(names):
        raise bad_request(exchange, method, BadInput("two orders have the same client order id"))
    placement, market = yield from _prepare(
        exchange, method, settings, params, symbols.pop(), orders, given, names, is_single=False
    )
    yield from place(placement)
    errors = [None if state.fault is None else state.fault.error for state in placement.states]
    if errors[0] is not None and all(state.outcome is PlaceOutcome.REFUSED for state in placement.states):
        yield from require_margin(exchange, method, placement.ctx, ask=True)
        raise documented(f"{exchange.id} {method}()", errors[0]) from None
    return _structures(exchange, method, placement, market)


def _given(exchange: MarginExchange, method: str, i: int, order: Mapping[str, Any]) -> Params:
    """Return the checked parameters of one order request."""
    given = dict(order.get("params") or {})
    kind, side, amount, price = (order.get(key) for key in ("type", "side", "amount", "price"))
    check_order(exchange, method, f" in orders[{i}]", kind, side, amount, price, cost=given.get("cost"))
    _refuse_identity(exchange, method, given)
    refuse_conditional(exchange, method, given)
    return given


def _refuse_identity(exchange: MarginExchange, method: str, params: Params) -> None:
    """Raise BadRequest for parameters that would change the order, which queries would then not find."""
    for key in sorted(_IDENTITY & params.keys()):
        raise bad_request(exchange, method, BadInput(f"params[{key!r}] is {params[key]!r}: give it as an argument"))


def _name(exchange: MarginExchange, method: str, params: Params, where: str) -> str:
    """Return the client order id from the parameters, or a new unique one."""
    given = client_order_id_param(params)
    try:
        return uuid.uuid4().hex if given is None else checked_client_id(given, where, known_kind(exchange, params))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None


def _prepare(
    exchange: MarginExchange,
    method: str,
    settings: Settings,
    params: Params,
    symbol: str,
    orders: Sequence[Mapping[str, Any]],
    given: Sequence[Params],
    names: Sequence[str],
    *,
    is_single: bool = True,
) -> Flow[tuple[Placement, Mapping[str, Any]]]:
    """Load the markets and return the placement; raise for an order whose request cannot be built."""
    # All of them leave with one request.
    urgent = any(is_urgent(exchange, method, each) for each in (params, *given))
    ctx = open_call(exchange, settings, params, urgent=urgent)
    _refuse_too_many(exchange, method, ctx.api, orders)
    yield from load_markets(exchange, ctx)
    _refuse_too_many(exchange, method, ctx.api, orders)
    market = spot_market(exchange, method, symbol)
    ask = not urgent and all(order["side"] == "buy" for order in orders)
    yield from require_margin(exchange, method, ctx, ask=ask)
    of = dict(zip(names, zip(orders, given, strict=True), strict=True))

    def request(api: Api, name: str) -> Mapping[str, Any]:
        order, own = of[name]
        named = {**exchange.omit(own, [*_OURS]), "marginMode": CROSS, "clientOrderId": name}
        return _request(exchange, method, api, market, order, named, refuses=not urgent)

    def build(api: Api, states: Sequence[PlaceState]) -> Call:
        _refuse_too_many(exchange, method, api, states)
        requests = [request(api, state.ref.value) for state in states]
        return api.single_place_request(requests[0]) if is_single else api.batch_place_request(market["id"], requests)

    states = [
        PlaceState(
            OrderRef(market["id"], IdKind.CLIENT, name),
            _terms(request(ctx.api, name)),
            is_unique=client_order_id_param(own) is None or bool(params.get(LOOKS_ON)),
        )
        for name, own in zip(names, given, strict=True)
    ]
    return Placement(
        ctx,
        market["id"],
        fallback_markets.coin_pairs(exchange, fallback_markets.spot_markets(exchange, [market])),
        tuple(states),
        build,
        is_single,
        stop_when_missed=bool(params.get(LOOKS_ON)),
    ), market


def _refuse_too_many(exchange: MarginExchange, method: str, api: Api, orders: Sequence[object]) -> None:
    most, kind = api.BATCH_MAX, api.KIND.value
    if len(orders) > most:
        refusal = BadInput(f"there are {len(orders)} orders; one request takes {most} on a {kind} account")
        raise bad_request(exchange, method, refusal)


def _request(
    exchange: MarginExchange,
    method: str,
    api: Api,
    market: Mapping[str, Any],
    order: Mapping[str, Any],
    params: Params,
    *,
    refuses: bool,
) -> Mapping[str, Any]:
    """Return the venue's form of one order, built by stock ccxt.

    :param refuses: whether numbers out of the bounds of the margin pair are refused
    """
    unified = api.KIND is AccountKind.UNIFIED
    build = exchange.create_uta_order_request if unified else exchange.create_order_request
    try:
        order, params = fit_order(exchange, method, market, order, params, refuses=refuses)
        return cast(
            "Mapping[str, Any]",
            build(market["symbol"], order["type"], order["side"], order["amount"], order.get("price"), params),
        )
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def _terms(request: Mapping[str, Any]) -> Terms:
    """Return the fields of a request that distinguish its order from others."""
    base, quote = decimal(request.get("baseSize")), decimal(request.get("quoteSize"))
    side = str(request.get("side"))
    if "qty" in request:
        is_cost = (request.get("orderType"), side) == ("market", "buy")
        base, quote = (None, decimal(request["qty"])) if is_cost else (decimal(request["qty"]), None)
    return Terms(side, base, quote, decimal(request.get("price")), str(request.get("orderType")))


def _refusal(exchange: MarginExchange, method: str, state: PlaceState) -> Exception:
    """Return the exception for a refused order: stock ccxt's, if it raised one."""
    if state.fault is not None:
        return state.fault.error
    code, reason = (None, None) if state.item is None else (state.item.code, state.item.reason)
    return ccxt.InvalidOrder(f"{exchange.id} {method}(): the order was refused: {reason} ({code})")


def _structures(exchange: MarginExchange, method: str, placement: Placement, market: Mapping[str, Any]) -> list[Order]:
    """Return one structure per order, or raise PlaceUnresolved with all of them."""
    structures = [_structure(exchange, state, market) for state in placement.states]
    if unresolved := placement.unresolved():
        pacing, cause = placement.ctx.settings.pacing, _cause(exchange, unresolved)
        missed_twice = all(state.is_missed_twice(pacing) for state in unresolved)
        raise PlaceUnresolved(method, structures, cause, missed_twice=missed_twice) from cause
    return structures


def _cause(exchange: MarginExchange, states: Iterable[PlaceState]) -> Exception:
    """Return the reason why these orders are unresolved."""
    state = next(iter(states))
    if state.namesake is not None:
        return ccxt.BadResponse(
            f"{exchange.id}: the open order {state.namesake.order_id} has the client order id {state.ref.value} and "
            "other values; it was placed at about the same time, and does not show whether this one exists, too"
        )
    if state.fault is not None:
        return state.fault.error
    if state.item is None:
        return ccxt.BadResponse(f"{exchange.id}: the response does not name the order")
    reason = state.item.reason or f"the response is about {state.item.client_id or 'no client order id'}"
    return ccxt.BadResponse(f"{exchange.id}: {reason}")


def _structure(exchange: MarginExchange, state: PlaceState, market: Mapping[str, Any]) -> Any:
    if state.row is not None:
        # The order was placed, even if ccxt cannot read a field of its row.
        return {**parsed_or_bare(exchange, dict(state.row.raw), market), "symbol": market["symbol"]}
    if state.outcome is PlaceOutcome.PLACED and state.item is not None:
        return parsed_or_bare(exchange, dict(state.item.raw), market)
    if state.outcome is None:
        return unknown(exchange, state.ref.value, market)
    raw = dict(state.item.raw) if state.item is not None else _body(state)
    refused = {**parsed_or_bare(exchange, raw, market), "id": None, "status": "rejected", "symbol": market["symbol"]}
    return {**refused, "clientOrderId": state.ref.value}


def _body(state: PlaceState) -> dict[str, Any]:
    body = None if state.fault is None else state.fault.body
    return dict(body) if isinstance(body, Mapping) else {}

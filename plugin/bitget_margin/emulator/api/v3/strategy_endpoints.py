"""Strategy orders of a unified account: place, modify, cancel, list.

The names of parameters and fields are those of the pages under uta/strategy (December 2025, futures only) with the
additions of client libraries of 2026: type `trigger`, `status`, the sub-orders, and the category MARGIN. The rows have
neither side nor type there.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Final

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v2.rows import average_price
from bitget_margin.emulator.api.v3.category import Category, read_category
from bitget_margin.emulator.behaviour.knobs import EmptyLists, StrategyIds, StrategyTypes
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, fits, write_decimal
from bitget_margin.emulator.market.orders import Order, OrderType, Side, Status
from bitget_margin.emulator.market.strategies import (
    Leg,
    LegKind,
    StrategyKind,
    StrategyOrder,
    StrategyStatus,
    StrategyTicket,
    TriggerBy,
)
from bitget_margin.emulator.market.symbol import Symbol

_CAP: Final = 100
_CLIENT_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class _Fields:
    """Names of the parameters of a condition, which its rows have too."""

    price: str
    by: str
    order_type: str
    limit_price: str


_FIELDS: Final = {
    LegKind.TAKE_PROFIT: _Fields("takeProfit", "tpTriggerBy", "tpOrderType", "tpLimitPrice"),
    LegKind.STOP_LOSS: _Fields("stopLoss", "slTriggerBy", "slOrderType", "slLimitPrice"),
    LegKind.TRIGGER: _Fields("triggerPrice", "triggerBy", "triggerOrderType", "triggerOrderPrice"),
}
_KINDS: Final = {
    StrategyKind.TPSL: (LegKind.TAKE_PROFIT, LegKind.STOP_LOSS),
    StrategyKind.TRIGGER: (LegKind.TRIGGER,),
}


def place_strategy_order(request: PrivateRequest) -> Row:
    """Place a strategy order."""
    params = request.params
    symbol = request.symbol_named(params.text("symbol"))
    category = read_category(params)
    if category is not Category.MARGIN:
        raise VenueError(Refusal.UNIFIED_UNSUPPORTED, category)
    kind = params.choice("type", StrategyKind, StrategyKind.TPSL)
    if request.knobs.strategy_types not in (StrategyTypes.BOTH, kind.value):
        raise VenueError(Refusal.UNIFIED_UNSUPPORTED, kind)
    side = params.choice("side", Side)
    ticket = StrategyTicket(
        client_oid=_client_id(request, kind),
        symbol=symbol.symbol,
        type=kind,
        side=side,
        size=_size(params, symbol),
        legs=_legs(request, symbol, kind, side, {}),
    )
    _refuse_too_small(symbol, ticket.size, ticket.legs)
    order = request.engine.strategies.place(request.account.uid, ticket, request.now_ms)
    return _ids(order)


def modify_strategy_order(request: PrivateRequest) -> Row:
    """Change the amount of a strategy order, and the conditions that are given."""
    order = _target(request)
    if not order.live:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    symbol = request.symbol_named(order.symbol)
    size = _size(request.params, symbol)
    legs = _legs(request, symbol, order.type, order.side, {leg.kind: leg for leg in order.legs})
    _refuse_too_small(symbol, size, legs)
    return _ids(request.engine.strategies.modify(order.order_id, size, legs, request.now_ms))


def cancel_strategy_order(request: PrivateRequest) -> None:
    """Cancel a strategy order; the response has no data."""
    order, strategies, knobs = _target(request), request.engine.strategies, request.knobs
    if not order.live:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    if request.take("refuse_cancels"):
        raise VenueError(Refusal.CANCEL_FAILED)
    if request.take("cancel_never_lands"):
        return
    if knobs.ack_delay_ms:
        request.engine.at(request.now_ms + knobs.ack_delay_ms, lambda due_ms: strategies.cancel(order.order_id, due_ms))
    else:
        strategies.cancel(order.order_id, request.now_ms)


def unfilled_strategy_orders(request: PrivateRequest) -> list[Row] | None:
    """List the strategy orders that wait for their price, newest first; there are no pages."""
    lagging = request.now_ms - request.knobs.open_orders_lag_ms
    rows = [
        _row(request, order if order.live else replace(order, status=StrategyStatus.PENDING))
        for order in _listed(request)
        if order.live or order.updated_ms > lagging
    ]
    return None if not rows and request.knobs.empty_lists is EmptyLists.NULL else rows


def history_strategy_orders(request: PrivateRequest) -> Row:
    """List the strategy orders that have ended, newest first."""
    params, shown = request.params, request.now_ms - request.knobs.history_lag_ms
    start_ms, end_ms = params.integer("startTime", 0), params.integer("endTime", request.now_ms)
    below, limit = params.optional_integer("cursor"), params.integer("limit", _CAP)
    if not 0 < limit <= _CAP:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    ended = (
        order
        for order in _listed(request)
        if not order.live
        and order.updated_ms <= shown
        and start_ms <= order.created_ms <= end_ms
        and (below is None or int(order.order_id) < below)
    )
    page = list(islice(ended, limit))
    null = not page and request.knobs.empty_lists is EmptyLists.NULL
    rows = [_row(request, order) for order in page]
    return {"list": None if null else rows, "cursor": page[-1].order_id if page else None}


def strategy_sub_orders(request: PrivateRequest) -> Row:
    """List the orders that a strategy order has placed: one, once it has triggered."""
    order = request.engine.strategies.find(request.account.uid, request.params.text("orderId"), None)
    if order is None:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    shown = order.placed_id is not None and request.knobs.strategy_sub_orders
    placed = [request.engine.orders.get(order.placed_id)] if shown and order.placed_id is not None else []
    return {"list": [_sub_order_row(each) for each in placed], "cursor": None}


def _target(request: PrivateRequest) -> StrategyOrder:
    order_id, client_oid = request.params.optional_text("orderId"), request.params.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    order = request.engine.strategies.find(request.account.uid, order_id, client_oid)
    if order is None:
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return order


def _listed(request: PrivateRequest) -> Iterator[StrategyOrder]:
    """Yield the strategy orders of the requested category and type."""
    category = read_category(request.params)
    kind = request.params.choice("type", StrategyKind) if request.params.optional_text("type") else None
    if category is Category.MARGIN:
        for order in request.engine.strategies.of_account(request.account.uid):
            if kind in (None, order.type):
                yield order


def _client_id(request: PrivateRequest, kind: StrategyKind) -> str:
    given = request.params.optional_text("clientOid")
    if given is not None and len(given) > _CLIENT_ID_LENGTH:
        raise VenueError(Refusal.UNIFIED_INVALID, "clientOid")
    honoured = request.knobs.strategy_ids is StrategyIds.ALL or request.knobs.strategy_ids.value == kind.value
    return given if given is not None and honoured else str(uuid.uuid4().int % 10**18)


def _size(params: Params, symbol: Symbol) -> Decimal:
    return _scaled(params, "qty", symbol.quantity_precision)


def _scaled(params: Params, name: str, decimals: int) -> Decimal:
    number = params.amount(name)
    if not fits(number, decimals):
        raise VenueError(Refusal.BAD_SCALE, name, write_decimal(number), decimals)
    return number


def _legs(
    request: PrivateRequest, symbol: Symbol, kind: StrategyKind, side: Side, known: dict[LegKind, Leg]
) -> tuple[Leg, ...]:
    """Read the conditions of a request.

    :param known: the conditions of an order that is modified, which are kept where the request leaves them out
    """
    legs = [
        _leg(request, symbol, each, side) if request.params.optional_text(_FIELDS[each].price) else known.get(each)
        for each in _KINDS[kind]
    ]
    found = tuple(leg for leg in legs if leg is not None)
    if not found:
        raise VenueError(Refusal.EMPTY_PARAMETER, _FIELDS[_KINDS[kind][-1]].price)
    return found


def _leg(request: PrivateRequest, symbol: Symbol, kind: LegKind, side: Side) -> Leg:
    params, names = request.params, _FIELDS[kind]
    price = _scaled(params, names.price, symbol.price_precision)
    market_price = request.engine.market.price(symbol.symbol)
    if kind is LegKind.TRIGGER:
        below = price <= market_price
    else:
        below = (kind is LegKind.STOP_LOSS) is (side is Side.SELL)
        if market_price <= price if below else market_price >= price:
            raise VenueError(Refusal.UNIFIED_INVALID, names.price)  # it would trigger at once
    order_type = params.choice(names.order_type, OrderType, OrderType.MARKET)
    limit = _scaled(params, names.limit_price, symbol.price_precision) if order_type is OrderType.LIMIT else ZERO
    return Leg(kind, price, params.choice(names.by, TriggerBy, TriggerBy.MARKET), order_type, limit, below)


def _refuse_too_small(symbol: Symbol, size: Decimal, legs: tuple[Leg, ...]) -> None:
    if size < symbol.min_amount:
        raise VenueError(Refusal.UNIFIED_SMALL_QUANTITY, symbol.symbol, write_decimal(symbol.min_amount))
    if size * min(leg.price for leg in legs) < symbol.min_quote_value:
        raise VenueError(Refusal.UNIFIED_SMALL_AMOUNT)


def _ids(order: StrategyOrder) -> Row:
    return {"orderId": order.order_id, "clientOid": order.client_oid}


def _row(request: PrivateRequest, order: StrategyOrder) -> Row:
    row: Row = {
        **_ids(order),
        "category": Category.MARGIN.value,
        "symbol": order.symbol,
        "qty": write_decimal(order.size),
        "posSide": "",
        "status": order.status.value,
        "triggerType": "" if order.hit is None or order.hit.kind is LegKind.TRIGGER else order.hit.kind.value,
    }
    legs = {leg.kind: leg for leg in order.legs}
    for kind, names in _FIELDS.items():
        leg = legs.get(kind)
        row[names.by] = "" if leg is None else leg.by.value
        row[names.price] = "" if leg is None else write_decimal(leg.price)
        row[names.order_type] = "" if leg is None else leg.order_type.value
        limited = leg is not None and leg.order_type is OrderType.LIMIT
        row[names.limit_price] = write_decimal(leg.limit_price) if leg is not None and limited else ""
    if request.knobs.strategy_row_side:
        row |= {"side": order.side.value, "type": order.type.value, "reduceOnly": "no"}
    return row | {"createdTime": str(order.created_ms), "updatedTime": str(order.updated_ms)}


def _sub_order_row(order: Order) -> Row:
    ended = {Status.FILLED: "filled", Status.CANCELLED: "cancelled"}
    return {
        "subOrderId": order.order_id,
        "subClientOid": order.client_oid,
        "category": Category.MARGIN.value,
        "symbol": order.symbol,
        "price": write_decimal(order.price),
        "qty": write_decimal(order.base_size),
        "cumExecQty": write_decimal(order.filled),
        "avgPrice": average_price(order),
        "side": order.side.value,
        "posSide": "",
        "status": ended.get(order.status, order.status.value),
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }

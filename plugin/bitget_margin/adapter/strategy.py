"""Flows for strategy orders of a unified account: stop-losses, take-profits and triggers.

They are experimental, and off unless `options['strategyOrders']` is True.
"""

import uuid
from dataclasses import replace
from typing import Any, Final, cast

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.account import require_margin
from bitget_margin.adapter.call import log_cancel, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.errors import CancelUnresolved, ChangeUnresolved, PlaceUnresolved, attach, documented
from bitget_margin.adapter.orders import market_of_id, unknown
from bitget_margin.adapter.params import (
    BOUNDS,
    CLIENT_ID,
    KIND,
    LOOKS_ON,
    TRIGGER,
    URGENT,
    bad_request,
    check_order,
    client_order_id_param,
    is_urgent,
    order_ref,
    parse_settings,
    required_symbol,
    spot_market,
    whole_number,
)
from bitget_margin.adapter.strategy_orders import (
    CONDITIONS,
    WATCHED,
    by_time,
    changed_terms,
    given_conditions,
    not_supported,
    open_strategy_call,
    strategy_terms,
    structure,
)
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core.change import ChangeOutcome
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import BadInput, IdKind, OrderRef, checked_client_id
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.core.requests import CallContext, pause
from bitget_margin.core.strategy_change import StrategyCancel, cancel_strategy, modify_strategy
from bitget_margin.core.strategy_place import PlacedStrategy, StrategyPlacement
from bitget_margin.core.strategy_placed import PlacedOrder, query_placed
from bitget_margin.core.strategy_queries import find_strategy, list_ended, list_waiting
from bitget_margin.core.strategy_row import StrategyRow, StrategyState

_COMMON: Final = frozenset({"marginMode", "defaultMarginMode", "type", KIND, *TRIGGER})
"""Parameters that are already evaluated."""


def create_order(exchange: MarginExchange, symbol: object, order: tuple[Any, ...], params: Params) -> Flow[Order]:
    """Place a strategy order; `order` is type, side, amount and price of the order that it places."""
    method = "create_order"
    unified = required_symbol(exchange, method, symbol)
    check_order(exchange, method, "", *order)
    given_conditions(exchange, method, params)
    _check(exchange, method, params, {"timeout", URGENT, LOOKS_ON, WATCHED, *CONDITIONS, *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    given = client_order_id_param(params)
    try:
        name = uuid.uuid4().hex if given is None else checked_client_id(given, "clientOrderId", AccountKind.UNIFIED)
    except BadInput as error:
        raise bad_request(exchange, method, error) from None
    urgent = is_urgent(exchange, method, params)
    ctx = yield from open_strategy_call(exchange, settings, method, params, urgent=urgent)
    market = spot_market(exchange, method, unified)
    yield from require_margin(exchange, method, ctx, ask=not urgent and order[1] == "buy")
    terms = strategy_terms(exchange, method, market, order, params)
    is_unique = given is None or bool(params.get(LOOKS_ON))
    result = yield from StrategyPlacement(ctx, terms, name, is_unique).place()
    if result.outcome is ChangeOutcome.DONE and result.found is not None:
        return _placed(exchange, result.found, market, terms.side)
    cause = ccxt.BadResponse(f"{exchange.id}: the response does not show the order")
    why = cause if result.fault is None else result.fault.error
    if result.outcome is ChangeOutcome.REFUSED:
        raise documented(f"{exchange.id} {method}()", why)
    if result.outcome is ChangeOutcome.OTHER_KIND:
        raise not_supported(exchange, method, "a classic account has no conditional cross margin orders")
    raise PlaceUnresolved(method, [unknown(exchange, name, market)], why) from why


def fetch_order(exchange: MarginExchange, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Return one strategy order, with the fills of the order that it has placed."""
    method = "fetch_order"
    _check(exchange, method, params, {"timeout", *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    ref = order_ref(exchange, method, given_id, required_symbol(exchange, method, symbol), params)
    ctx = yield from open_strategy_call(exchange, settings, method, params, reads=True)
    market = fallback_markets.spot_market(exchange, method, ref.symbol)
    found = yield from find_strategy(ctx, OrderRef(market["id"], ref.kind, ref.value))
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    if found.row is None:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): neither list of strategy orders shows {ref.value} of {market['symbol']}; "
            "history can lag behind",
        )
    placed = yield from _query_placed(exchange, method, ctx, found.row)
    return structure(exchange, found.row, market, placed)


def fetch_open_orders(
    exchange: MarginExchange, symbol: object, since: int | None, limit: int | None, params: Params
) -> Flow[list[Order]]:
    """Return the strategy orders that wait for their price, or the newest `limit`, oldest first."""
    method = "fetch_open_orders"
    ctx, market = yield from _open_list(exchange, method, symbol, since, limit, params)
    found = yield from list_waiting(ctx)
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    if not found.whole:
        raise ccxt.BadResponse(f"{exchange.id} {method}(): a row of the list of strategy orders cannot be read")
    return _selected(exchange, found.rows, market, since, limit, params)


def fetch_ended_orders(
    exchange: MarginExchange,
    method: str,
    symbol: object,
    times: tuple[Any, Any],
    params: Params,
    statuses: frozenset[str] | None = None,
) -> Flow[list[Order]]:
    """Return the strategy orders that have ended, oldest first; fills are not queried.

    :param times: since and limit; the limit cuts to the oldest from `since` on, without it to the newest
    :param statuses: ccxt's statuses that are wanted; None for all
    """
    since, limit = times
    ctx, market = yield from _open_list(exchange, method, symbol, since, limit, params)
    at_most = limit if market is None and since is None and statuses is None else None  # the venue filters by neither
    found = yield from list_ended(ctx, since, at_most=at_most)
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    ended = _selected(exchange, found.rows, market, since, None, params)
    orders = [order for order in ended if statuses is None or order["status"] in statuses]
    if limit is None:
        return orders
    return orders[-limit:] if since is None else orders[:limit]


def cancel_order(exchange: MarginExchange, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Cancel one strategy order and return its structure; one that has triggered is returned with its fills."""
    method = "cancel_order"
    _check(exchange, method, params, {*BOUNDS, *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    ref = order_ref(exchange, method, given_id, required_symbol(exchange, method, symbol), params)
    ctx = yield from open_strategy_call(exchange, settings, method, params, urgent=True)
    market = fallback_markets.spot_market(exchange, method, ref.symbol)
    cancel = StrategyCancel(OrderRef(market["id"], ref.kind, ref.value))
    yield from cancel_strategy(ctx, cancel)
    placed = yield from _query_placed(exchange, method, ctx, cancel.row, required=False)
    report = _report(ctx, [_result(exchange, cancel, market, placed)])
    error = _error_of(exchange, method, cancel, report)
    log_cancel(method, report, error)
    if error is not None:
        attach(error, report)
        raise error
    return cast("Order", dict(report.orders[0]))


def edit_order(
    exchange: MarginExchange, given_id: object, symbol: object, order: tuple[Any, ...], params: Params
) -> Flow[Order]:
    """Change amount or prices of a strategy order; `order` is its type, side, new amount and new price."""
    method = "edit_order"
    kind, side, amount, price = order
    check_order(exchange, method, "", kind, side, 1 if amount is None else amount, 1 if price is None else price)
    _check(exchange, method, params, {"timeout", WATCHED, *CONDITIONS})
    settings = parse_settings(exchange, method, params, confirm=False)
    ref = order_ref(exchange, method, given_id, required_symbol(exchange, method, symbol), params)
    ctx = yield from open_strategy_call(exchange, settings, method, params)
    market = spot_market(exchange, method, ref.symbol)
    yield from require_margin(exchange, method, ctx, ask=False)
    found = yield from find_strategy(ctx, OrderRef(market["id"], ref.kind, ref.value))
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    if found.row is None or found.row.state is not StrategyState.WAITING:
        state = "in no list" if found.row is None else found.row.state.value
        raise ccxt.OrderNotFound(f"{exchange.id} {method}(): strategy order {ref.value}: {state}; nothing was changed")
    terms = changed_terms(exchange, method, market, found.row, order, params)
    result = yield from modify_strategy(ctx, found.row.order_id, terms)
    row = result.found or found.row
    if result.outcome is ChangeOutcome.DONE:
        return structure(exchange, row, market, side=side)
    if result.outcome is ChangeOutcome.IMPOSSIBLE:
        raise ccxt.OrderNotFound(f"{exchange.id} {method}(): strategy order {ref.value}: {row.state.value}")
    if result.outcome is ChangeOutcome.REFUSED and result.fault is not None:
        raise to_exception(exchange, method, result.fault)
    error = None if result.fault is None else result.fault.error
    change, shown = f"the edit of strategy order {ref.value}", structure(exchange, row, market, side=side)
    raise ChangeUnresolved(method, change, shown, error) from error


def cancel_all_orders(exchange: MarginExchange, symbol: object, params: Params) -> Flow[list[Order]]:
    """Cancel the strategy orders of a symbol, or all of them, each with proof."""
    method = "cancel_all_orders"
    _check(exchange, method, params, {*BOUNDS})
    settings = replace(parse_settings(exchange, method, params, confirm=True), confirm=True)
    named = None if symbol is None else required_symbol(exchange, method, symbol)
    ctx = yield from open_strategy_call(exchange, settings, method, params, urgent=True)
    market = None if named is None else fallback_markets.spot_market(exchange, method, named)
    found = yield from list_waiting(ctx)
    if not isinstance(found, Fault) and not found.rows and (yield from pause(ctx, ctx.settings.pacing.recheck_ms)):
        found = yield from list_waiting(ctx)  # an empty list may be null, which proves nothing
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    cancels = [
        StrategyCancel(OrderRef(row.symbol, IdKind.ORDER, row.order_id), row=row)
        for row in found.rows
        if market is None or row.symbol == market["id"]
    ]
    yield from run_concurrently(cancel_strategy(ctx, cancel) for cancel in cancels)
    markets = fallback_markets.spot_markets(exchange, () if market is None else [market])
    report = _report(
        ctx, [_result(exchange, each, market_of_id(exchange, markets, each.target.symbol)) for each in cancels]
    )
    problem = None if found.whole else "a row of the list of strategy orders cannot be read"
    error = None if report.ok and problem is None else CancelUnresolved(method, report, problem)
    log_cancel(method, report, error)
    if error is not None:
        raise error
    return [cast("Order", dict(order)) for order in report.orders]


def _check(exchange: MarginExchange, method: str, params: Params, known: set[str]) -> None:
    """Refuse unknown parameters."""
    for key in params:
        if key not in known and key not in _COMMON:
            names = ", ".join(sorted({*known, "marginMode", TRIGGER[0]}))
            raise ccxt.BadRequest(
                f"{exchange.id} {method}(): unknown parameter {key!r} of a strategy order; known are {names}"
            )


def _open_list(
    exchange: MarginExchange, method: str, symbol: object, since: int | None, limit: int | None, params: Params
) -> Flow[tuple[CallContext, Any]]:
    _check(exchange, method, params, {"timeout", "until"})
    for name, value in (("since", since), ("limit", limit), ("until", params.get("until"))):
        whole_number(exchange, method, name, value)
    settings = parse_settings(exchange, method, params, confirm=False)
    named = None if symbol is None else required_symbol(exchange, method, symbol)
    ctx = yield from open_strategy_call(exchange, settings, method, params, reads=True)
    return ctx, None if named is None else spot_market(exchange, method, named)


def _selected(
    exchange: MarginExchange,
    rows: tuple[StrategyRow, ...],
    market: Any,
    since: int | None,
    limit: int | None,
    params: Params,
) -> list[Order]:
    wanted = [row for row in rows if market is None or row.symbol == market["id"]]
    orders = by_time(structure(exchange, row, market) for row in wanted)
    until = params.get("until")
    orders = [
        order
        for order in orders
        if (since is None or (order["timestamp"] or since) >= since)
        and (until is None or (order["timestamp"] or 0) <= until)
    ]
    return orders if limit is None else orders[-limit:]


def _query_placed(
    exchange: MarginExchange, method: str, ctx: CallContext, row: StrategyRow | None, *, required: bool = True
) -> Flow[PlacedOrder | None]:
    """Return the order that a strategy order has placed; None where it has placed none, or none is certain."""
    if row is None or row.state not in {StrategyState.FIRED, StrategyState.ENDED}:
        return None
    placed = yield from query_placed(ctx, row)
    if isinstance(placed, Fault):
        if required:
            raise to_exception(exchange, method, placed)
        return None
    return placed


def _placed(exchange: MarginExchange, placed: PlacedStrategy, market: Any, side: str) -> Order:
    """Return the structure of a new order: of its row, or of its ids, as in stock ccxt."""
    if placed.row is not None:
        return structure(exchange, placed.row, market, side=side)
    ids: Params = {"id": placed.order_id, "clientOrderId": placed.client_id, "info": {}}
    return cast("Order", {**exchange.safe_order(ids, market), "symbol": market["symbol"]})


def _report(ctx: CallContext, results: list[CancelResult]) -> CancelReport:
    return CancelReport(tuple(results), (), ctx.requests, monotonic_ms() - ctx.began_ms)


def _result(
    exchange: MarginExchange, cancel: StrategyCancel, market: Any, placed: PlacedOrder | None = None
) -> CancelResult:
    outcome = cancel.outcome or Outcome.UNKNOWN
    is_id = cancel.target.kind is IdKind.ORDER
    ids = {"id" if is_id else "clientOrderId": cancel.target.value}
    order: dict[str, Any]
    if cancel.row is not None and outcome is not Outcome.ACCEPTED:
        order = {**structure(exchange, cancel.row, market, placed), **ids}
    else:
        order = {**exchange.safe_order({"info": {}, **ids}, market), "symbol": market["symbol"]}
    fault = cancel.fault
    return CancelResult(
        id=order["id"],
        client_order_id=order["clientOrderId"],
        symbol=market["symbol"],
        outcome=outcome,
        reason=None if fault is None else fault.text or str(fault.error),
        code=None if fault is None else fault.code,
        order=order,
    )


def _error_of(exchange: MarginExchange, method: str, cancel: StrategyCancel, report: CancelReport) -> Exception | None:
    """Return the exception for a cancel that is not proven or was refused."""
    if cancel.error is not None:
        return documented(f"{exchange.id} {method}()", cancel.error)
    name, reason = f"strategy order {cancel.target.value}", report.results[0].reason
    if cancel.outcome is Outcome.NOT_FOUND:
        return ccxt.OrderNotFound(f"{exchange.id} {method}(): {name} is not known to the venue ({reason})")
    if cancel.outcome is Outcome.OPEN:
        return ccxt.ExchangeError(f"{exchange.id} {method}(): {name} was refused twice and is open ({reason})")
    return None if report.results[0].outcome.resolved else CancelUnresolved(method, report)

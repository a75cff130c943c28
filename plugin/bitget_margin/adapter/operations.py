"""Each method of the exchange classes as one flow, which the drivers of the three flavours run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import ccxt

from bitget_margin.adapter import asking
from bitget_margin.adapter.base import Order, Params
from bitget_margin.adapter.desk import conclude, guard, load_markets, open_desk, place, raised
from bitget_margin.adapter.errors import attach
from bitget_margin.adapter.margin import ISOLATED
from bitget_margin.adapter.orders import readable
from bitget_margin.core import flow, sweep, wire
from bitget_margin.core.ask import ask, find, list_open
from bitget_margin.core.call import Fault, Flow
from bitget_margin.core.codes import refuses_parameters
from bitget_margin.core.outcome import CancelReport, Outcome
from bitget_margin.core.settings import Settings
from bitget_margin.core.target import BadInput, IdKind, Target, client_id, distinct, order_id, targets

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin


def batch_cancel(
    exchange: CrossedMargin,
    ids: object,
    symbol: object,
    client_order_ids: object,
    params: Params,
) -> Flow[CancelReport]:
    """Cancel orders of one symbol and return the report."""
    method = "batch_cancel"
    mode, _ = exchange.handle_margin_mode_and_params("cancelOrders", params)
    if mode == ISOLATED:
        raise ccxt.NotSupported(
            f"{exchange.id} {method}() is for crossed margin, and marginMode is 'isolated'; "
            "use cancel_orders() for isolated orders",
        )
    return (
        yield from _cancel_listed(
            exchange,
            method,
            params,
            ids=ids,
            symbol=symbol,
            client_ids=[
                *asking.listed(exchange, method, "client_order_ids", client_order_ids),
                *asking.listed(exchange, method, "clientOrderIds", params.get("clientOrderIds")),
            ],
            confirm=True,
        )
    )


def cancel_orders(exchange: CrossedMargin, ids: object, symbol: object, params: Params) -> Flow[list[Order]]:
    """Cancel orders of one symbol and return one order structure each."""
    method = "cancel_orders"
    report = yield from _cancel_listed(
        exchange,
        method,
        params,
        ids=ids,
        symbol=symbol,
        client_ids=params.get("clientOrderIds"),
        confirm=False,
    )
    return _orders(report)


def cancel_orders_for_symbols(exchange: CrossedMargin, orders: object, params: Params) -> Flow[list[Order]]:
    """Cancel orders of several symbols and return one order structure each."""
    method = "cancel_orders_for_symbols"
    asking.prepare(exchange, method, params, asking.BOUNDS)
    settings = asking.settings(exchange, method, params, confirm=False)
    listed = asking.listed(exchange, method, "orders", orders)
    named = [_request(exchange, method, i, item) for i, item in enumerate(listed)]
    return _orders((yield from _cancel(exchange, method, settings, distinct(named))))


def cancel_order(exchange: CrossedMargin, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Cancel one order and return its structure; what lives on, or is not known, raises as stock ccxt does."""
    method = "cancel_order"
    asking.prepare(exchange, method, params, {*asking.BOUNDS, *asking.CLIENT_ID})
    settings = asking.settings(exchange, method, params, confirm=False)
    target = _target(exchange, method, given_id, asking.required_symbol(exchange, method, symbol), params)
    report = yield from _cancel(exchange, method, settings, (target,), single=True)
    return _orders(report)[0]


def cancel_all_orders(exchange: CrossedMargin, symbol: object, params: Params) -> Flow[list[Order]]:
    """Cancel every open order of one symbol, or of the account, and prove it by the balance."""
    method = "cancel_all_orders"
    asking.prepare(exchange, method, params, {*asking.BOUNDS, "symbols", "progress"})
    settings = asking.settings(exchange, method, params, confirm=False)
    unified = None if symbol is None else asking.required_symbol(exchange, method, symbol)
    chosen = params.get("symbols")
    others = [asking.required_symbol(exchange, method, s) for s in asking.listed(exchange, method, "symbols", chosen)]
    progress = params.get("progress")
    if progress is not None and not callable(progress):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): progress is {progress!r}; give a function")
    desk = open_desk(exchange, settings)
    yield from load_markets(exchange, desk)
    markets = _spot_markets(exchange)
    coins = {market_id: (market["base"], market["quote"]) for market_id, market in markets.items()}
    if progress is not None:
        desk.progress = lambda done, total, market_id: progress(done, total, markets[market_id]["symbol"])
    other_ids = [asking.spot_market(exchange, method, other)["id"] for other in others]
    if unified is not None:
        market_id = asking.spot_market(exchange, method, unified)["id"]
        sweeping = sweep.sweep_symbol(desk, market_id, coins, other_ids)
    else:
        crossed = [i for i, m in markets.items() if m["active"] and (m.get("marginModes") or {}).get("cross")]
        sweeping = sweep.sweep_account(desk, coins, other_ids if chosen is not None else crossed)
    swept = yield from guard(exchange, desk, markets, sweeping)
    return _orders(conclude(exchange, method, desk, markets, swept))


def refuse_edit(exchange: CrossedMargin) -> None:
    """Refuse to edit a crossed order: the account has no such endpoint, and stock ccxt sends it to the spot wallet."""
    raise ccxt.NotSupported(
        f"{exchange.id} edit_order(): crossed margin orders cannot be edited; cancel and place anew"
    )


def fetch_order(exchange: CrossedMargin, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Return one crossed order: open-orders is asked first, then history-orders."""
    method = "fetch_order"
    asking.prepare(exchange, method, params, {"timeout", *asking.CLIENT_ID})
    settings = asking.settings(exchange, method, params, confirm=False)
    target = _target(exchange, method, given_id, asking.required_symbol(exchange, method, symbol), params)
    desk = open_desk(exchange, settings)
    yield from load_markets(exchange, desk)
    market = asking.spot_market(exchange, method, target.symbol)
    row = yield from find(desk, Target(market["id"], target.kind, target.value))
    if isinstance(row, Fault):
        raise raised(exchange, method, row)
    if row is None:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): neither open-orders nor history-orders shows {target.value} "
            f"of {market['symbol']}; history can lag behind",
        )
    return cast("Order", readable(exchange, row, market))


def fetch_open_orders(
    exchange: CrossedMargin,
    symbol: object,
    since: int | None,
    limit: int | None,
    params: Params,
) -> Flow[list[Order]]:
    """Return the open crossed orders, over all pages; `limit` ends it early, with the newest."""
    method = "fetch_open_orders"
    asking.prepare(exchange, method, params, {"timeout", "until"})
    for name, value in (("since", since), ("limit", limit), ("until", params.get("until"))):
        asking.whole_number(exchange, method, name, value)
    settings = asking.settings(exchange, method, params, confirm=False)
    unified = None if symbol is None else asking.required_symbol(exchange, method, symbol)
    desk = open_desk(exchange, settings)
    yield from load_markets(exchange, desk)
    market = None if unified is None else asking.spot_market(exchange, method, unified)
    market_id = None if market is None else market["id"]
    rows = yield from list_open(desk, market_id, since_ms=since, at_most=limit)
    if isinstance(rows, Fault):
        if market is None and refuses_parameters(rows):
            raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(): the venue requires a symbol") from rows.error
        raise raised(exchange, method, rows)
    newest = rows if limit is None else rows[:limit]
    orders = sorted((readable(exchange, row, market) for row in newest), key=lambda order: order["timestamp"] or 0)
    until = params.get("until")
    # Not sent as endTime, which would beat the paging by id.
    return [order for order in orders if until is None or (order["timestamp"] or 0) <= until]


def balance_is_cross(exchange: CrossedMargin, params: Params) -> bool:
    """Whether this is the balance of the crossed account; a contract's margin mode is called cross too."""
    if params.get("stock") or not asking.is_cross(exchange, "fetchBalance", None, params):
        return False
    kind, _ = exchange.handle_market_type_and_params("fetchBalance", None, params)
    return kind in {"spot", "margin"}


def fetch_balance(exchange: CrossedMargin, params: Params) -> Flow[Any]:
    """Return the crossed balance."""
    method = "fetch_balance"
    asking.prepare(exchange, method, params, params)
    settings = asking.settings(exchange, method, params, confirm=False)
    desk = open_desk(exchange, settings)
    yield from load_markets(exchange, desk)
    extra = exchange.omit(params, ["marginMode", "defaultMarginMode", "type", "uta", *asking.BOUNDS])
    body = yield from ask(desk, wire.assets(extra), wire.read_assets)
    if isinstance(body, Fault):
        raise raised(exchange, method, body)
    return exchange.parse_balance(body)


def _cancel_listed(
    exchange: CrossedMargin,
    method: str,
    params: Params,
    *,
    ids: object,
    symbol: object,
    client_ids: object,
    confirm: bool,
) -> Flow[CancelReport]:
    asking.prepare(exchange, method, params, {*asking.BOUNDS, "clientOrderIds"})
    settings = asking.settings(exchange, method, params, confirm=confirm)
    unified = asking.required_symbol(exchange, method, symbol)
    order_ids = asking.listed(exchange, method, "ids", ids)
    cids = asking.listed(exchange, method, "clientOrderIds", client_ids)
    try:
        named = targets(unified, order_ids, cids)
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None
    return (yield from _cancel(exchange, method, settings, named))


def _cancel(
    exchange: CrossedMargin,
    method: str,
    settings: Settings,
    named: tuple[Target, ...],
    *,
    single: bool = False,
) -> Flow[CancelReport]:
    if not named:
        return CancelReport(())
    desk = open_desk(exchange, settings)
    desk.single = single
    yield from load_markets(exchange, desk)
    markets = place(exchange, method, desk, named)
    yield from guard(exchange, desk, markets, flow.cancel(desk))
    report = conclude(exchange, method, desk, markets)
    if single and report.results[0].outcome in {Outcome.NOT_FOUND, Outcome.OPEN}:
        (entry,) = desk.ledger.entries.values()
        # What stock raises for an unknown order; of one that lives, it would say that it is gone.
        gone = entry.error if report.results[0].outcome is Outcome.NOT_FOUND else None
        error = gone or _refusal(exchange, method, report)
        attach(error, report)
        raise error
    return report


def _refusal(exchange: CrossedMargin, method: str, report: CancelReport) -> Exception:
    """Return the exception for one order that was not cancelled, where the venue's answer raised none."""
    result = report.results[0]
    name = f"{result.id or result.client_order_id} of {result.symbol}"
    if result.outcome is Outcome.NOT_FOUND:
        return ccxt.OrderNotFound(f"{exchange.id} {method}(): the venue does not know {name} ({result.reason})")
    return ccxt.ExchangeError(f"{exchange.id} {method}(): {name} was refused twice and is open ({result.reason})")


def _target(exchange: CrossedMargin, method: str, given_id: object, symbol: str, params: Params) -> Target:
    """Return the one order that is named by `id`, or by a client order id in `params`."""
    named = asking.named(params)
    try:
        if named is None:
            return Target(symbol, IdKind.ORDER, order_id(given_id, "id"))
        if given_id is not None and given_id != "":
            raise BadInput(f"both id {given_id!r} and clientOrderId {named!r} are given; give one of them")
        return Target(symbol, IdKind.CLIENT, client_id(named, "clientOrderId"))
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None


def _request(exchange: CrossedMargin, method: str, i: int, item: object) -> Target:
    """Return the order that one of ccxt's cancellation requests names."""
    where = f"orders[{i}]"
    if not isinstance(item, Mapping):
        raise asking.bad(exchange, method, BadInput(f"{where} is {item!r}; give a dict with id and symbol"))
    symbol = asking.required_symbol(exchange, method, item.get("symbol"), f" in {where}")
    given, named = item.get("id"), item.get("clientOrderId")
    try:
        if given is not None and named is not None:
            raise BadInput(f"{where} has both id {given!r} and clientOrderId {named!r}; give one of them")
        if named is not None:
            return Target(symbol, IdKind.CLIENT, client_id(named, f"{where} clientOrderId"))
        return Target(symbol, IdKind.ORDER, order_id(given, f"{where} id"))
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None


def _spot_markets(exchange: CrossedMargin) -> dict[str, Any]:
    """Return the spot markets by the venue's symbol."""
    return {market["id"]: market for market in (exchange.markets or {}).values() if market["spot"]}


def _orders(report: CancelReport) -> list[Order]:
    return [cast("Order", dict(order)) for order in report.orders]

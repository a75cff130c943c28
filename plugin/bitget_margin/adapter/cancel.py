"""Cancel methods of the exchange classes, as flows that the drivers of the three flavours run."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import ccxt

from bitget_margin.adapter import fallback_markets, strategy
from bitget_margin.adapter.call import (
    attach_report_on_error,
    finish_cancel,
    known_coins,
    load_markets,
    open_call,
    register_orders,
)
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.orders import market_of_id
from bitget_margin.adapter.params import (
    BOUNDS,
    CLIENT_ID,
    ISOLATED,
    STRATEGY_ORDERS,
    as_list,
    bad_request,
    known_kind,
    order_ref,
    parse_settings,
    required_symbol,
    split_params,
)
from bitget_margin.adapter.strategy_orders import is_trigger
from bitget_margin.core import cancel
from bitget_margin.core import cancel_all as cancel_all_core
from bitget_margin.core.cancel_all import SymbolStages
from bitget_margin.core.cancel_proof import CancelAllScope
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Flow
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.order_ref import (
    BadInput,
    IdKind,
    OrderRef,
    checked_client_id,
    checked_order_id,
    distinct,
    order_refs,
)
from bitget_margin.core.outcome import CancelReport, Outcome
from bitget_margin.core.settings import Settings

_locked_logger: Final = logging.getLogger("bitget_margin.locked")
_NO_MARKETS: Final = "the markets could not be loaded: name the symbols to examine in params['symbols']"


def batch_cancel(
    exchange: MarginExchange,
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
            f"{exchange.id} {method}() is for cross margin, and marginMode is 'isolated'; "
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
                *as_list(exchange, method, "client_order_ids", client_order_ids),
                *as_list(exchange, method, "clientOrderIds", params.get("clientOrderIds")),
            ],
            confirm=True,
        )
    )


def cancel_orders(exchange: MarginExchange, ids: object, symbol: object, params: Params) -> Flow[list[Order]]:
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


def cancel_orders_for_symbols(exchange: MarginExchange, orders: object, params: Params) -> Flow[list[Order]]:
    """Cancel orders of several symbols and return one order structure each."""
    method = "cancel_orders_for_symbols"
    split_params(exchange, method, params, BOUNDS)
    settings = parse_settings(exchange, method, params, confirm=False)
    listed = as_list(exchange, method, "orders", orders)
    named = [_request(exchange, method, i, item, params) for i, item in enumerate(listed)]
    return _orders((yield from _cancel(exchange, method, settings, params, distinct(named))))


def cancel_order(exchange: MarginExchange, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Cancel one order and return its structure; raise as stock ccxt does if it stays open or is unknown."""
    if is_trigger(params):
        return (yield from strategy.cancel_order(exchange, given_id, symbol, params))
    method = "cancel_order"
    split_params(exchange, method, params, {*BOUNDS, *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    target = order_ref(exchange, method, given_id, required_symbol(exchange, method, symbol), params)
    report = yield from _cancel(exchange, method, settings, params, (target,), single=True)
    return _orders(report)[0]


@dataclass(frozen=True, slots=True)
class AllCanceled:
    """Report of a cancel of all orders, and the coins that are locked although no margin order is left."""

    report: CancelReport
    locked: LockedCoins | None = None
    """Of a unified account, whose spot orders share the wallet; None if nothing is locked."""


def cancel_all_orders(exchange: MarginExchange, symbol: object, params: Params) -> Flow[list[Order]]:
    """Cancel every open order of one symbol or of the account, and prove it by the balance or by the lists."""
    if is_trigger(params):
        return (yield from strategy.cancel_all_orders(exchange, symbol, params))
    if params.get(STRATEGY_ORDERS):
        return (yield from _cancel_all_kinds(exchange, symbol, params))
    done = yield from cancel_all(exchange, symbol, params)
    if done.locked is not None:
        level = logging.WARNING if done.locked.unexplained else logging.INFO
        _locked_logger.log(level, "No order of the cross margin account is left to cancel; %s", done.locked.describe())
    return _orders(done.report)


def cancel_all(
    exchange: MarginExchange,
    symbol: object,
    params: Params,
    *,
    likely: Collection[str] | None = None,
    listed_before: Iterable[OrderRef] = (),
) -> Flow[AllCanceled]:
    """Cancel every open order of one symbol or of the account; return the report and what is still locked.

    :param likely: symbols to list first where they are listed one by one, instead of all cross margin pairs
    :param listed_before: orders of the account that the caller has listed; they are canceled first, without a list
    """
    method = "cancel_all_orders"
    split_params(exchange, method, params, {*BOUNDS, "symbols", "progress"})
    settings = parse_settings(exchange, method, params, confirm=False)
    named = None if symbol is None else required_symbol(exchange, method, symbol)
    chosen = params.get("symbols")
    others = [required_symbol(exchange, method, s) for s in as_list(exchange, method, "symbols", chosen)]
    progress = params.get("progress")
    if progress is not None and not callable(progress):
        raise ccxt.BadRequest(f"{exchange.id} {method}(): progress is {progress!r}; give a function")
    ctx, state = open_call(exchange, settings, params, urgent=True), CancelState()
    yield from load_markets(exchange, ctx, is_cancel=True)
    own = None if named is None else fallback_markets.spot_market(exchange, method, named)
    listed = [fallback_markets.spot_market(exchange, method, other) for other in others]
    registered = register_orders(exchange, method, state, listed_before).values()
    markets = fallback_markets.spot_markets(exchange, [*registered, *listed] if own is None else [own, *listed])
    coins, known = fallback_markets.coin_pairs(exchange, markets), known_coins(exchange)
    other_ids = [market["id"] for market in listed]

    def report_progress(done: int, total: int, market_id: str) -> None:
        if progress is not None:
            progress(done, total, market_of_id(exchange, markets, market_id)["symbol"])

    if own is not None:
        flow = cancel_all_core.cancel_symbol(ctx, state, CancelAllScope(coins, own["id"], other_ids, known))
    else:
        first = None if likely is None else [fallback_markets.spot_market(exchange, method, s)["id"] for s in likely]
        stages = SymbolStages(other_ids) if chosen is not None else _stages(markets, first, known)
        scope = CancelAllScope(coins, known_coins=known)
        flow = cancel_all_core.cancel_account(ctx, state, scope, stages, report_progress)
    result = yield from attach_report_on_error(exchange, method, ctx, state, markets, flow)
    no_markets = isinstance(markets, fallback_markets.FallbackMarkets)
    if result.problem is not None and named is None and not others and no_markets:
        result = replace(result, problem=f"{result.problem}; {_NO_MARKETS}")
    return AllCanceled(finish_cancel(exchange, method, ctx, state, markets, result), result.locked)


def _cancel_all_kinds(exchange: MarginExchange, symbol: object, params: Params) -> Flow[list[Order]]:
    """Cancel strategy orders and then all other orders: a strategy order could place another one meanwhile.

    What is not proven of the first, or refused, is raised once the others are canceled.
    """
    bounds = {name: value for name, value in params.items() if name in {*BOUNDS, "marginMode", "defaultMarginMode"}}
    strategy_orders: list[Order] = []
    error: ccxt.BaseError | None = None
    try:
        strategy_orders = yield from strategy.cancel_all_orders(exchange, symbol, bounds)
    except ccxt.NotSupported:
        raise  # nothing was sent
    except ccxt.BaseError as raised:
        error = raised
    others = {name: value for name, value in params.items() if name != STRATEGY_ORDERS}
    orders = yield from cancel_all_orders(exchange, symbol, others)
    if error is not None:
        raise error
    return [*strategy_orders, *orders]


def _cancel_listed(
    exchange: MarginExchange,
    method: str,
    params: Params,
    *,
    ids: object,
    symbol: object,
    client_ids: object,
    confirm: bool,
) -> Flow[CancelReport]:
    split_params(exchange, method, params, {*BOUNDS, "clientOrderIds"})
    settings = parse_settings(exchange, method, params, confirm=confirm)
    required = required_symbol(exchange, method, symbol)
    order_ids = as_list(exchange, method, "ids", ids)
    cids = as_list(exchange, method, "clientOrderIds", client_ids)
    try:
        named = order_refs(required, order_ids, cids, known_kind(exchange, params))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None
    return (yield from _cancel(exchange, method, settings, params, named))


def _cancel(
    exchange: MarginExchange,
    method: str,
    settings: Settings,
    params: Params,
    named: tuple[OrderRef, ...],
    *,
    single: bool = False,
) -> Flow[CancelReport]:
    if not named:
        return CancelReport(())
    ctx, state = open_call(exchange, settings, params, urgent=True), CancelState(use_single_endpoint=single)
    yield from load_markets(exchange, ctx, is_cancel=True)
    markets = register_orders(exchange, method, state, named)
    yield from attach_report_on_error(exchange, method, ctx, state, markets, cancel.cancel(ctx, state))

    def refusal(report: CancelReport) -> Exception | None:
        if not single or report.results[0].outcome not in {Outcome.NOT_FOUND, Outcome.OPEN}:
            return None
        (order,) = state.orders.values()
        # Stock ccxt raises OrderNotFound for codes that it knows; for an order that is open, that would be wrong.
        unknown = order.outcome is Outcome.NOT_FOUND and isinstance(order.evidence.error, ccxt.OrderNotFound)
        return order.evidence.error if unknown else _refusal(exchange, method, report)

    return finish_cancel(exchange, method, ctx, state, markets, refusal=refusal)


def _refusal(exchange: MarginExchange, method: str, report: CancelReport) -> Exception:
    """Return the exception for one order that was not canceled, if its response raised none."""
    result = report.results[0]
    name = f"{result.id or result.client_order_id} of {result.symbol}"
    if result.outcome is Outcome.NOT_FOUND:
        return ccxt.OrderNotFound(f"{exchange.id} {method}(): {name} is not known to the venue ({result.reason})")
    return ccxt.ExchangeError(f"{exchange.id} {method}(): {name} was refused twice and is open ({result.reason})")


def _request(exchange: MarginExchange, method: str, i: int, item: object, params: Params) -> OrderRef:
    """Return the order of one of ccxt's cancellation requests."""
    where = f"orders[{i}]"
    if not isinstance(item, Mapping):
        raise bad_request(exchange, method, BadInput(f"{where} is {item!r}; give a dict with id and symbol"))
    symbol = required_symbol(exchange, method, item.get("symbol"), f" in {where}")
    given, named = item.get("id"), item.get("clientOrderId")
    try:
        if given is not None and named is not None:
            raise BadInput(f"{where} has both id {given!r} and clientOrderId {named!r}; give one of them")
        if named is not None:
            client_id = checked_client_id(named, f"{where} clientOrderId", known_kind(exchange, params))
            return OrderRef(symbol, IdKind.CLIENT, client_id)
        return OrderRef(symbol, IdKind.ORDER, checked_order_id(given, f"{where} id"))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None


def _stages(markets: Mapping[str, Any], likely: Sequence[str] | None, known: set[str]) -> SymbolStages:
    """Return the symbols that may have orders, those with cross margin that trade at present first.

    :param known: coins that the account is known to have
    """
    first = tuple(_cross_symbols(markets) if likely is None else likely)
    further = tuple(market_id for market_id in markets if market_id not in set(first))

    def guess(coins: Iterable[str]) -> Sequence[str]:
        return [pair for pair in fallback_markets.pairs_of(coins, known) if pair not in {*first, *further}]

    return SymbolStages(first, further, guess)


def _cross_symbols(markets: Mapping[str, Any]) -> list[str]:
    """Return the active symbols of cross margin; those of all markets, if none is marked as such."""
    active = {market_id: market for market_id, market in markets.items() if market["active"]}
    return [i for i, m in active.items() if (m.get("marginModes") or {}).get("cross")] or list(active)


def _orders(report: CancelReport) -> list[Order]:
    return [cast("Order", dict(order)) for order in report.orders]

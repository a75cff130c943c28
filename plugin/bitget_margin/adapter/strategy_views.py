"""Flows for a caller that keeps its own records of strategy orders: rows and evidence instead of structures."""

from dataclasses import dataclass
from typing import Final

from bitget_margin.adapter.call import to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.params import parse_settings
from bitget_margin.adapter.strategy_orders import open_strategy_call
from bitget_margin.core.change import ChangeResult
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.strategy_change import StrategyCancel, cancel_strategy, modify_strategy
from bitget_margin.core.strategy_placed import PlacedOrder, query_placed
from bitget_margin.core.strategy_queries import TYPES, StrategyList, list_ended, list_waiting
from bitget_margin.core.strategy_row import StrategyRow, StrategyTerms, StrategyType

_METHOD: Final = "view_strategies"


@dataclass(frozen=True, slots=True)
class StrategyView:
    """Strategy orders of the account: those that wait for their price, and those that have ended since a time."""

    waiting: StrategyList
    ended: StrategyList

    @property
    def is_complete(self) -> bool:
        """Whether an order that neither list shows is not there, as far as history has come."""
        return self.waiting.whole and self.ended.whole


def view_strategies(
    exchange: MarginExchange,
    types: tuple[StrategyType, ...],
    since_ms: int,
    order_ids: frozenset[str] | None,
    params: Params,
) -> Flow[StrategyView]:
    """Return the strategy orders that wait, and those placed since a time that have ended.

    :param since_ms: earliest time of placing, on the venue's clock
    :param order_ids: ended ones are read only where one of these does not wait; None to read them in any case
    """
    settings = parse_settings(exchange, _METHOD, params, confirm=False)
    ctx = yield from open_strategy_call(exchange, settings, _METHOD, params, reads=True)
    waiting = yield from list_waiting(ctx, types)
    if isinstance(waiting, Fault):
        raise to_exception(exchange, _METHOD, waiting)
    if order_ids is not None and order_ids <= {row.order_id for row in waiting.rows}:
        return StrategyView(waiting, StrategyList((), whole=True))
    ended = yield from list_ended(ctx, since_ms, types)
    if isinstance(ended, Fault):
        raise to_exception(exchange, _METHOD, ended)
    return StrategyView(waiting, ended)


def view_placed(exchange: MarginExchange, row: StrategyRow, side: str, params: Params) -> Flow[PlacedOrder | None]:
    """Return the order that a triggered strategy order has placed; None where none is certain."""
    settings = parse_settings(exchange, _METHOD, params, confirm=False)
    ctx = yield from open_strategy_call(exchange, settings, _METHOD, params, reads=True)
    placed = yield from query_placed(ctx, row, side)
    if isinstance(placed, Fault):
        raise to_exception(exchange, _METHOD, placed)
    return placed


def try_cancel(
    exchange: MarginExchange, target: OrderRef, params: Params, types: tuple[StrategyType, ...] = TYPES
) -> Flow[StrategyCancel]:
    """Cancel a strategy order until its end is proven or the time is up; return the evidence, whatever it is."""
    settings = parse_settings(exchange, "cancel_order", params, confirm=True)
    ctx = yield from open_strategy_call(exchange, settings, "cancel_order", params, urgent=True)
    cancel = StrategyCancel(target, types)
    yield from cancel_strategy(ctx, cancel)
    return cancel


def try_modify(
    exchange: MarginExchange, order_id: str, terms: StrategyTerms, params: Params
) -> Flow[ChangeResult[StrategyRow]]:
    """Give a strategy order these terms; return the evidence, whatever it is."""
    settings = parse_settings(exchange, "edit_order", params, confirm=False)
    ctx = yield from open_strategy_call(exchange, settings, "edit_order", params, urgent=True)
    return (yield from modify_strategy(ctx, order_id, terms))

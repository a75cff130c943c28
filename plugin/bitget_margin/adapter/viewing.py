"""Many orders looked at in few requests, without touching them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from bitget_margin.adapter import asking
from bitget_margin.adapter.base import Order, Params
from bitget_margin.adapter.desk import load_markets, open_desk, raised
from bitget_margin.adapter.orders import readable
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.order_ref import BadInput, targets
from bitget_margin.core.order_row import Row
from bitget_margin.core.queries import view

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

_NOTHING: Final[Mapping[str, Order]] = MappingProxyType({})


def view_orders(
    exchange: CrossedMargin,
    symbol: str,
    ids: Sequence[str],
    client_order_ids: Sequence[str],
    params: Params,
    before: Mapping[str, Order] = _NOTHING,
) -> Flow[Mapping[str, Order]]:
    """Return the order structures of those that the venue shows, by the id that was asked for.

    One request while all of them are live, one more once some have ended. What is missing from the answer may be
    anywhere: history lags.

    :param before: what an earlier look returned: a row that is the same is not parsed again, and most are
    """
    method = "view_orders"
    asking.prepare(exchange, method, params, {"timeout"})
    settings = asking.settings(exchange, method, params, confirm=False)
    unified = asking.required_symbol(exchange, method, symbol)
    desk = open_desk(exchange, settings, params)
    yield from load_markets(exchange, desk)
    market = asking.spot_market(exchange, method, unified)
    try:
        named = targets(market["id"], ids, client_order_ids)
    except BadInput as error:
        raise asking.bad(exchange, method, error) from None
    rows = yield from view(desk, market["id"], named)
    if isinstance(rows, Fault):
        raise raised(exchange, method, rows)
    return {target.value: _order(exchange, row, market, before.get(target.value)) for target, row in rows.items()}


def _order(exchange: CrossedMargin, row: Row, market: Mapping[str, Any], before: Order | None) -> Order:
    if before is not None and before["info"] == row.raw:
        return before
    return cast("Order", readable(exchange, row, market))

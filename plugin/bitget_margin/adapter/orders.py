"""Results as ccxt's unified order structures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.cancel_state import CancelState, OrderState
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import OrderRow, text
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome

Markets = Mapping[str, Mapping[str, Any]]
"""ccxt's market structures by the venue's symbol."""

_STATUS: Final = {
    Outcome.CANCELED: "canceled",
    Outcome.FILLED: "closed",
    Outcome.OPEN: "open",
    Outcome.NOT_FOUND: "rejected",
}


def report(
    exchange: MarginExchange,
    cancel_state: CancelState,
    markets: Markets,
    elapsed_ms: float,
    unexamined: tuple[str, ...] = (),
    *,
    brief: bool = False,
) -> CancelReport:
    """Return the report of a ledger whose entries are all closed.

    :param brief: an order that was cancelled without a fill has no more in its structure than that
    """
    acknowledged = _Acknowledged(exchange)
    return CancelReport(
        results=tuple(
            _result(exchange, entry, _market(exchange, markets, entry), acknowledged, brief=brief)
            for entry in cancel_state.orders.values()
        ),
        unasked=tuple(cancel_state.unasked),
        requests=cancel_state.requests,
        elapsed_ms=elapsed_ms,
        unexamined=unexamined,
    )


def readable(exchange: MarginExchange, row: OrderRow, market: Mapping[str, Any] | None) -> Any:
    """Return the order structure of a row, or raise BadResponse where ccxt cannot read its fields."""
    try:
        return exchange.parse_order(dict(row.raw), market)
    except Exception as error:
        raise ccxt.BadResponse(f"{exchange.id}: the row of order {row.order_id} cannot be read: {error!r}") from error


def _market(exchange: MarginExchange, markets: Markets, entry: OrderState) -> Mapping[str, Any]:
    """Return the market of an entry; of a symbol that is not in the loaded markets, what can be said without."""
    symbol = entry.ref.symbol
    known: Mapping[str, Any] = markets.get(symbol) or exchange.safe_market(symbol, None, None, "spot")
    return known


class _Acknowledged:
    """What stock ccxt makes of entries of successList: it is asked once for each market, since only ids differ."""

    _IDS: Final = frozenset({"orderId", "clientOid"})

    def __init__(self, exchange: MarginExchange) -> None:
        self._exchange = exchange
        self._patterns: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
        """The structure of each market, and which of its fields are lists or dicts."""

    def order(self, info: dict[str, Any], market: Mapping[str, Any]) -> dict[str, Any]:
        """Return the order structure of an entry."""
        if info.keys() != self._IDS:
            return dict(parsed_or_bare(self._exchange, info, market))
        known = self._patterns.get(market["id"])
        if known is None:
            pattern = dict(parsed_or_bare(self._exchange, dict.fromkeys(self._IDS), market))
            parts = tuple(name for name, value in pattern.items() if isinstance(value, list | dict))
            known = self._patterns[market["id"]] = (pattern, parts)
        pattern, parts = known
        order = pattern.copy()
        for name in parts:
            order[name] = pattern[name].copy()
        order["id"], order["clientOrderId"] = text(info["orderId"]), text(info["clientOid"])
        order["info"] = info
        return order


def _result(
    exchange: MarginExchange, entry: OrderState, market: Mapping[str, Any], acknowledged: _Acknowledged, *, brief: bool
) -> CancelResult:
    outcome = entry.outcome or Outcome.UNKNOWN
    if brief and outcome is Outcome.CANCELED and entry.row is not None and entry.row.unfilled:
        order = _named(_unfilled(entry.row), entry, market)
    else:
        order = _order(exchange, entry, outcome, market, acknowledged)
    return CancelResult(
        id=order["id"],
        client_order_id=order["clientOrderId"],
        symbol=market["symbol"],
        outcome=outcome,
        reason=entry.reason,
        code=entry.code,
        order=order,
    )


def _order(
    exchange: MarginExchange,
    entry: OrderState,
    outcome: Outcome,
    market: Mapping[str, Any],
    acknowledged: _Acknowledged,
) -> dict[str, Any]:
    info = dict(entry.info or {})
    if outcome is Outcome.ACCEPTED:
        # Whatever stands in the entry, an end is read from rows alone.
        return {**_named(acknowledged.order(info, market), entry, market), "status": None}
    if entry.row is not None:
        order = parsed_or_bare(exchange, dict(entry.row.raw), market)
        if outcome is Outcome.OPEN and info:
            order["info"] = info
    else:
        order = exchange.safe_order({"info": info, "clientOrderId": text(info.get("clientOid"))}, market)
    order = _named(order, entry, market)
    order["status"] = _STATUS.get(outcome, order["status"])
    return order


def _unfilled(row: OrderRow) -> dict[str, Any]:
    """Return what there is to say of an order that was cancelled without a fill; ccxt's parse costs ten times more."""
    ids = {"id": row.order_id, "clientOrderId": row.client_id}
    return {**ids, "status": _STATUS[Outcome.CANCELED], "filled": 0.0, "average": None, "info": dict(row.raw)}


def parsed_or_bare(exchange: MarginExchange, raw: dict[str, Any], market: Mapping[str, Any]) -> Any:
    """Return what ccxt makes of it; one field that cannot be read must not cost the outcome, nor the other orders'."""
    try:
        return exchange.parse_order(raw, market)
    except Exception:  # noqa: BLE001 - ccxt raises whatever its conversions raise
        ids = {"id": text(raw.get("orderId")), "clientOrderId": text(raw.get("clientOid"))}
        return exchange.safe_order({"info": raw, **ids}, market)


def unknown(exchange: MarginExchange, client_id: str, market: Mapping[str, Any]) -> Any:
    """Return the structure of an order of which nothing is known but its name."""
    return {**exchange.safe_order({"clientOrderId": client_id, "info": {}}, market), "symbol": market["symbol"]}


def _named(order: dict[str, Any], entry: OrderState, market: Mapping[str, Any]) -> dict[str, Any]:
    """Name the order as the caller did, where the venue's own row leaves it out."""
    if entry.ref.kind is IdKind.ORDER:
        order["id"] = order["id"] or entry.ref.value
    else:
        order["id"] = order["id"] or entry.bound_id
        order["clientOrderId"] = order["clientOrderId"] or entry.ref.value
    order["symbol"] = market["symbol"]
    return order

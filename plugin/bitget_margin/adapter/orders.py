"""Cancel results as ccxt's unified order structures."""

from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.cancel_state import CancelState, OrderEvidence
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
    state: CancelState,
    markets: Markets,
    *,
    requests: int = 0,
    elapsed_ms: float = 0.0,
    unexamined: tuple[str, ...] = (),
) -> CancelReport:
    """Return the report of a cancel whose orders are all resolved."""
    acknowledged = _Acknowledged(exchange)
    return CancelReport(
        results=tuple(
            _result(exchange, order.evidence, market_of_id(exchange, markets, order.ref.symbol), acknowledged)
            for order in state.orders.values()
        ),
        unasked=tuple(state.unasked),
        requests=requests,
        elapsed_ms=elapsed_ms,
        unexamined=unexamined,
    )


def readable(exchange: MarginExchange, row: OrderRow, market: Mapping[str, Any] | None) -> Any:
    """Return the order structure of a row, or raise BadResponse if ccxt cannot parse its fields."""
    return structure_of(exchange, row.raw, market)


def structure_of(exchange: MarginExchange, raw: Mapping[str, Any], market: Mapping[str, Any] | None) -> Any:
    """Return the order structure of a row as it was received, or raise BadResponse."""
    try:
        return exchange.parse_order(dict(raw), market)
    except Exception as error:
        order_id = text(raw.get("orderId"))
        raise ccxt.BadResponse(f"{exchange.id}: the row of order {order_id} cannot be read: {error!r}") from error


def market_of_id(exchange: MarginExchange, markets: Markets, symbol: str) -> Mapping[str, Any]:
    """Return the market of a symbol of the venue; if it is not loaded, one derived from the symbol."""
    return markets.get(symbol) or market_of_symbol(exchange, symbol)


def market_of_symbol(exchange: MarginExchange, symbol: object) -> Any:
    """Return the spot market of a row's symbol; of a pair that was removed, one derived from the symbol."""
    market_id = text(symbol)
    known = None if market_id is None else fallback_markets.market_of_row(exchange, market_id)
    return known or exchange.safe_market(market_id, None, None, "spot")


class _Acknowledged:
    """Order structures of acknowledgements: one per market is parsed, the others are copies of it.

    To parse each of them would take 12 ms of the 70 ms that 500 orders take.
    """

    _IDS: Final = frozenset({"orderId", "clientOid"})

    def __init__(self, exchange: MarginExchange) -> None:
        self._exchange = exchange
        self._patterns: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
        """The structure of each market, and the names of its fields that are lists or dicts."""

    def order(self, info: dict[str, Any], market: Mapping[str, Any]) -> dict[str, Any]:
        """Return the order structure of an acknowledgement."""
        if info.keys() != self._IDS:
            return dict(parsed_or_bare(self._exchange, info, market))
        known = self._patterns.get(market["id"])
        if known is None:
            pattern = dict(parsed_or_bare(self._exchange, dict.fromkeys(self._IDS), market))
            parts = tuple(name for name, value in pattern.items() if isinstance(value, list | dict))
            known = self._patterns[market["id"]] = (pattern, parts)
        pattern, parts = known
        order = pattern | {name: pattern[name].copy() for name in parts}
        return order | {"id": text(info["orderId"]), "clientOrderId": text(info["clientOid"]), "info": info}


def _result(
    exchange: MarginExchange, evidence: OrderEvidence, market: Mapping[str, Any], acknowledged: _Acknowledged
) -> CancelResult:
    outcome = evidence.outcome or Outcome.UNKNOWN
    order = _order(exchange, evidence, outcome, market, acknowledged)
    return CancelResult(
        id=order["id"],
        client_order_id=order["clientOrderId"],
        symbol=market["symbol"],
        outcome=outcome,
        reason=evidence.reason,
        code=evidence.code,
        order=order,
    )


def _order(
    exchange: MarginExchange,
    evidence: OrderEvidence,
    outcome: Outcome,
    market: Mapping[str, Any],
    acknowledged: _Acknowledged,
) -> dict[str, Any]:
    info = dict(evidence.info or {})
    if outcome is Outcome.ACCEPTED:
        # Only a row proves an end: a status in the acknowledgement is ignored.
        return {**_with_ids(acknowledged.order(info, market), evidence, market), "status": None}
    if evidence.row is not None:
        order = parsed_or_bare(exchange, dict(evidence.row.raw), market)
        if outcome is Outcome.OPEN and info:
            order["info"] = info
    else:
        order = exchange.safe_order({"info": info, "clientOrderId": text(info.get("clientOid"))}, market)
    order = _with_ids(order, evidence, market)
    order["status"] = _STATUS.get(outcome, order["status"])
    return order


def parsed_or_bare(exchange: MarginExchange, raw: dict[str, Any], market: Mapping[str, Any]) -> Any:
    """Return the parsed structure, or a bare one: an unreadable field must not lose any outcome."""
    try:
        return exchange.parse_order(raw, market)
    except Exception:  # noqa: BLE001 - ccxt raises whatever its conversions raise
        ids = {"id": text(raw.get("orderId")), "clientOrderId": text(raw.get("clientOid"))}
        return exchange.safe_order({"info": raw, **ids}, market)


def unknown(exchange: MarginExchange, client_id: str, market: Mapping[str, Any]) -> Any:
    """Return the structure of an order of which only the client order id is known."""
    return {**exchange.safe_order({"clientOrderId": client_id, "info": {}}, market), "symbol": market["symbol"]}


def _with_ids(order: dict[str, Any], evidence: OrderEvidence, market: Mapping[str, Any]) -> dict[str, Any]:
    """Set the symbol, and the ids that the caller gave where the row leaves them out."""
    if evidence.ref.kind is IdKind.ORDER:
        order["id"] = order["id"] or evidence.ref.value
    else:
        order["id"] = order["id"] or evidence.bound_id
        order["clientOrderId"] = order["clientOrderId"] or evidence.ref.value
    order["symbol"] = market["symbol"]
    return order

"""Annotations of FreqUI's chart: a line for each resting order, and a pin for each batch cancel."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.order_store import CancelBatch
from bitget_margin.freqtrade.tracked_order import TrackedOrder

_COLORS: Final = {True: "rgba(255, 152, 0, 0.9)", False: "rgba(33, 150, 243, 0.9)"}
"""Colors of lines, by whether the order sells."""
_ABOVE_CANDLES: Final = 10


def lines(orders: Iterable[TrackedOrder], end: datetime) -> list[dict[str, Any]]:
    """Return a line at the price of each order, from its placing to the end of the chart."""
    return [
        {
            "type": "line",
            "start": datetime.fromtimestamp(min(order.intended_ms / 1_000, end.timestamp()), UTC).isoformat(),
            "end": end.isoformat(),
            "y_start": order.price,
            "y_end": order.price,
            "label": f"{order.ladder} {order.number + 1}: {order.side} {order.remaining:.8g} at {order.price:.8g}",
            "color": _COLORS[order.side == SELL],
            "width": 2,
            "line_style": "dashed",
            "z_level": _ABOVE_CANDLES,
        }
        for order in orders
    ]


def pins(batches: Iterable[CancelBatch], end_ms: int, price: float) -> list[dict[str, Any]]:
    """Return a pin for each batch cancel, at a price; batches after the end of the chart are pinned there."""
    return [
        {
            "type": "point",
            "x": datetime.fromtimestamp(min(batch.at_ms, end_ms) / 1_000, UTC).isoformat(),
            "y": price,
            "label": batch.label,
            "shape": "pin",
        }
        for batch in batches
    ]

"""Chart of one task with all methods."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from benchmarks.cancel_times import CancelTime, limit_ms
from support.adaptive_svg import terminal

ORDERS: Final = 500
ROUND_TRIP_MS: Final = 50
_WIDTH: Final = 96
_BAR: Final = 46


def draw(found: Sequence[CancelTime], path: Path) -> None:
    """Write an SVG of the time to cancel 500 orders at a round trip of 50 ms."""
    task = [one for one in found if (one.orders, one.round_trip_ms) == (ORDERS, ROUND_TRIP_MS)]
    if not task:
        raise ValueError(f"the chart is of {ORDERS} orders at {ROUND_TRIP_MS} ms, which was not measured")
    longest_ms = max(one.took_ms for one in task)
    table = Table(box=None, show_header=False, padding=(0, 1))
    limit = limit_ms(ORDERS, ROUND_TRIP_MS)
    table.add_row("the venue's limit", _bar(limit, longest_ms, "bright_black"), f"{limit:.0f} ms")
    for one in task:
        colour = "green" if one.method.is_ours else "red"
        table.add_row(one.method.name, _bar(one.took_ms, longest_ms, colour), f"{one.took_ms:.0f} ms")
    console = Console(record=True, width=_WIDTH, file=StringIO())
    console.print(table)
    title = f"{ORDERS} orders canceled, round trip {ROUND_TRIP_MS} ms"
    path.write_text(terminal(console.export_svg(title=title)), encoding="utf-8")


def _bar(value: float, longest: float, colour: str) -> Bar:
    return Bar(longest, 0, value, width=_BAR, color=colour)

"""The command line of the benchmarks."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import ccxt
import click

from . import cancelling, costs, exits, sharing
from .chart import draw
from .sharing import By
from .tables import cancelling_table, costs_table, exits_table, sharing_table

COUNTS: Final = (1, 10, 50, 200, 500, 1_000, 2_000)
ROUND_TRIPS_MS: Final = (0, 20, 50, 200)
_REPEATS: Final = 5
_STORES: Final = [by.value for by in By]


@click.group()
def main() -> None:
    """Measure this library beside stock ccxt on the local venue, which answers after a round trip of your choice."""


@main.command()
@click.option("--orders", "counts", multiple=True, type=click.IntRange(1, 5_000), default=COUNTS, show_default=True)
@click.option("--round-trip-ms", "round_trips", multiple=True, type=click.IntRange(0, 1_000), default=ROUND_TRIPS_MS)
@click.option("--repeats", type=click.IntRange(1, 50), default=_REPEATS, show_default=True)
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG of one task.")
def cancel(counts: Sequence[int], round_trips: Sequence[int], repeats: int, chart: Path | None) -> None:
    """Measure how long it takes to cancel so many orders."""
    found = list(cancelling.measure(counts, round_trips, repeats, _progress))
    _say(cancelling_table(found))
    if chart is not None:
        draw(found, chart)


@main.command()
@click.option("--processes", multiple=True, type=click.IntRange(1, 8), default=(1, 2, 4, 8), show_default=True)
@click.option("--by", "stores", multiple=True, type=click.Choice(_STORES), default=_STORES, show_default=True)
@click.option("--batches", type=click.IntRange(20, 5_000), default=200, show_default=True)
@click.option(
    "--skew-ms",
    type=click.IntRange(0, 10_000),
    default=0,
    help="Between the first clock and the last, as on several machines: for redis.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 if the venue has refused a request, or an order lives.")
def share(processes: Sequence[int], stores: Sequence[str], batches: int, skew_ms: int, strict: bool) -> None:
    """Count the batches per second of processes that share one UID, and what the venue refuses."""
    found = []
    for store in stores:
        for count in processes:
            found.append(sharing.measure(By(store), count, batches, skew_ms))
            last = found[-1]
            click.echo(f"{store}, {count}: {last.per_second:.2f} per second, {last.refused} refused", err=True)
    _say(sharing_table(found))
    if strict and any(one.refused or one.alive for one in found):
        raise SystemExit(1)


@main.command("exit")
@click.option("--resting", multiple=True, type=click.IntRange(0, 50), default=(0, 1, 10, 50), show_default=True)
@click.option("--round-trip-ms", type=click.IntRange(0, 1_000), default=50, show_default=True)
@click.option("--repeats", type=click.IntRange(1, 10), default=_REPEATS, show_default=True)
def exit_(resting: Sequence[int], round_trip_ms: int, repeats: int) -> None:
    """Freqtrade's exit with so many resting orders, and its own way to cancel one."""
    found = list(exits.measure(resting, round_trip_ms, repeats))
    _say(exits_table(found, exits.stock_ms(round_trip_ms)))


@main.command()
@click.option("--repeats", type=click.IntRange(1, 50), default=_REPEATS, show_default=True)
def cost(repeats: int) -> None:
    """Measure the processor's time per order, memory, and the time of an import."""
    found = list(cancelling.measure((costs.LIST,), (0,), repeats, _progress))
    _say(costs_table(found, costs.importing(), costs.memory_mb()))


def _progress(one: cancelling.Cancelling) -> None:
    click.echo(f"{one.contender.name}, {one.orders} at {one.round_trip_ms} ms: {one.took_ms:.0f} ms", err=True)


def _say(table: str) -> None:
    click.echo(f"Python {platform.python_version()}, ccxt {ccxt.__version__}, {platform.machine()}\n")
    click.echo(table)

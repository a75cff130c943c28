"""Command line of the benchmarks."""

import logging
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import ccxt
import click

from benchmarks import (
    bot_memory,
    cancel_all_times,
    cancel_times,
    costs,
    exit_times,
    first_trade,
    loop_times,
    processor_shares,
    shared_windows,
    stop_times,
)
from benchmarks.chart import draw
from benchmarks.shared_windows import Store
from benchmarks.tables import (
    all_table,
    cancelling_table,
    costs_table,
    exits_table,
    first_trade_table,
    loops_table,
    memory_table,
    sharing_table,
    stops_table,
)
from bitget_margin.core.endpoints import CLASSIC_BATCH_MAX, UNIFIED_BATCH_MAX
from bitget_margin.emulator import AccountKind

COUNTS: Final = (1, 10, 50, 200, 500, 1_000, 2_000)
ROUND_TRIPS_MS: Final = (0, 20, 50, 200)
_REPEATS: Final = 5
_STORES: Final = [by.value for by in Store]
_accounts = click.option(
    "--account", "kinds", multiple=True, type=click.Choice([kind.value for kind in AccountKind]), help="Default: both."
)


@click.group()
def main() -> None:
    """Compare this library with stock ccxt on the emulator, with a chosen round trip time."""


@main.command()
@click.option("--orders", "counts", multiple=True, type=click.IntRange(1, 5_000), default=COUNTS, show_default=True)
@click.option("--round-trip-ms", "round_trips", multiple=True, type=click.IntRange(0, 1_000), default=ROUND_TRIPS_MS)
@click.option("--repeats", type=click.IntRange(1, 50), default=_REPEATS, show_default=True)
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG of one task.")
def cancel(counts: Sequence[int], round_trips: Sequence[int], repeats: int, chart: Path | None) -> None:
    """Measure the time to cancel a number of orders."""
    found = list(cancel_times.measure(counts, round_trips, repeats, _progress))
    _print(cancelling_table(found))
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
    help="Difference between the first and the last clock, as on several machines; for redis.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 if a request was refused or an order is still live.")
def share(processes: Sequence[int], stores: Sequence[str], batches: int, skew_ms: int, strict: bool) -> None:
    """Measure the throughput of processes that share one UID, and count refused requests."""
    found = []
    for name in stores:
        for count in processes:
            found.append(shared_windows.measure(Store(name), count, batches, skew_ms))
            last = found[-1]
            click.echo(f"{name}, {count}: {last.per_second:.2f} per second, {last.refused} refused", err=True)
    _print(sharing_table(found))
    if strict and any(one.refused or one.alive for one in found):
        raise SystemExit(1)


@main.command("exit")
@click.option("--resting", multiple=True, type=click.IntRange(0, 50), default=(0, 1, 10, 50), show_default=True)
@click.option("--round-trip-ms", type=click.IntRange(0, 1_000), default=50, show_default=True)
@click.option("--repeats", type=click.IntRange(1, 10), default=_REPEATS, show_default=True)
def exit_(resting: Sequence[int], round_trip_ms: int, repeats: int) -> None:
    """Measure freqtrade's exit by number of resting orders, and stock freqtrade's cancel."""
    found = []
    for kind in AccountKind:
        # A ladder takes as many orders as a batch.
        most = UNIFIED_BATCH_MAX if kind is AccountKind.UNIFIED else CLASSIC_BATCH_MAX
        counts = tuple(dict.fromkeys(min(count, most) for count in resting))
        for confirms in (False, True):
            found += exit_times.measure(kind, counts, round_trip_ms, repeats, confirms=confirms)
    _print(exits_table(found, exit_times.stock_ms(round_trip_ms)))


@main.command()
@click.option("--trades", type=click.IntRange(1, 40), default=30, show_default=True)
@click.option("--rungs", type=click.IntRange(1, 20), default=10, show_default=True)
@click.option("--round-trip-ms", "round_trips", multiple=True, type=click.IntRange(0, 1_000), default=(50, 200))
@_accounts
@click.option("--loops", type=click.IntRange(1, 100), default=24, show_default=True)
def loop(trades: int, rungs: int, round_trips: Sequence[int], kinds: Sequence[str], loops: int) -> None:
    """Measure time and private requests of idle loops, with ladders and without."""
    logging.disable(logging.WARNING)
    found = []
    for kind in _kinds(kinds):
        for round_trip_ms in round_trips:
            for one in loop_times.measure(kind, trades, rungs, round_trip_ms, loops):
                found.append(one)
                click.echo(f"{kind.value}, {one.case.value}, {round_trip_ms} ms: {one.median_ms:.0f} ms", err=True)
    _print(loops_table(found))


@main.command()
@click.option("--trades", type=click.IntRange(1, 60), default=50, show_default=True)
@click.option("--rungs", type=click.IntRange(1, 20), default=10, show_default=True)
@click.option("--round-trip-ms", type=click.IntRange(0, 2_000), default=800, show_default=True)
@_accounts
@click.option("--stops", type=click.IntRange(1, 10), default=3, show_default=True)
def stop(trades: int, rungs: int, round_trip_ms: int, kinds: Sequence[str], stops: int) -> None:
    """Measure the delay of a stop-loss among many trades on a slow venue, with ladders and without."""
    logging.disable(logging.WARNING)
    found = []
    for kind in _kinds(kinds):
        for one in stop_times.measure(kind, trades, rungs, round_trip_ms, stops):
            found.append(one)
            click.echo(f"{kind.value}, {one.case.value}: {one.median_ms:.0f} ms", err=True)
    _print(stops_table(found))


@main.command()
@click.option("--trades", type=click.IntRange(1, 40), default=30, show_default=True)
@click.option("--rungs", type=click.IntRange(0, 20), default=10, show_default=True)
@click.option("--loops", type=click.IntRange(1_000, 100_000), default=10_000, show_default=True)
@click.option("--account", "name", type=click.Choice([kind.value for kind in AccountKind]), default="classic")
def memory(trades: int, rungs: int, loops: int, name: str) -> None:
    """Measure the memory of a bot with ladders over many idle loops."""
    logging.disable(logging.WARNING)
    progress = lambda count, mb: click.echo(f"{count} loops: {mb:.1f} MB", err=True)  # noqa: E731
    found = bot_memory.measure(AccountKind(name), trades, rungs, loops, progress)
    _print(memory_table(found))


@main.command("all")
@click.option("--orders", type=click.IntRange(1, 5_000), default=2_000, show_default=True)
@click.option("--symbols", type=click.IntRange(1, 100), default=40, show_default=True)
@click.option("--round-trip-ms", type=click.IntRange(0, 1_000), default=50, show_default=True)
@click.option("--repeats", type=click.IntRange(1, 10), default=3, show_default=True)
def all_(orders: int, symbols: int, round_trip_ms: int, repeats: int) -> None:
    """Measure `cancel --all` from the start of its process to its end."""
    found = []
    for kind in AccountKind:
        found += cancel_all_times.measure(kind, orders, symbols, round_trip_ms, repeats)
    _print(all_table(found))


@main.command("first-trade")
def first_trade_() -> None:
    """Measure the way of a user from `pip install` of the wheel to the first trade on the local venue."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bitget-margin-first-trade-") as folder:
        try:
            for step in first_trade.measure(Path(folder)):
                found.append(step)
                click.echo(f"{step.name}: {step.seconds:.1f} s", err=True)
        except first_trade.StepFailed as error:
            raise click.ClickException(str(error)) from error
        # The end of the block takes a while: it removes a whole environment.
        _print(first_trade_table(found))


@main.command()
@click.option("--repeats", type=click.IntRange(1, 50), default=_REPEATS, show_default=True)
def cost(repeats: int) -> None:
    """Measure processor time per order and its shares, memory, and import time."""
    found = list(cancel_times.measure((costs.LIST,), (0,), repeats, _progress))
    shares = processor_shares.measure(repeats)
    _print(costs_table(found, shares, costs.importing(), costs.memory_mb()))


def _kinds(names: Sequence[str]) -> list[AccountKind]:
    """Return the account kinds of these names; all if there are none."""
    return [AccountKind(name) for name in names] or list(AccountKind)


def _progress(one: cancel_times.CancelTime) -> None:
    click.echo(f"{one.method.name}, {one.orders} at {one.round_trip_ms} ms: {one.took_ms:.0f} ms", err=True)


def _print(table: str) -> None:
    click.echo(f"Python {platform.python_version()}, ccxt {ccxt.__version__}, {platform.machine()}\n")
    click.echo(table)

"""Markdown tables of the measurements."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.bot_memory import BotMemory
from benchmarks.cancel_all_times import CancelAllTime
from benchmarks.cancel_times import CancelTime, limit_ms
from benchmarks.costs import MANY, ImportTimes
from benchmarks.exit_times import ExitTime
from benchmarks.first_trade import StepTime
from benchmarks.loop_times import Case, LoopTime
from benchmarks.processor_shares import Part
from benchmarks.shared_windows import SharedWindow
from benchmarks.stop_times import StopTime


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def cancelling_table(found: Sequence[CancelTime]) -> str:
    """Return one table per round trip: a row per method, a column per number of orders."""
    parts = []
    for round_trip_ms in dict.fromkeys(one.round_trip_ms for one in found):
        here = [one for one in found if one.round_trip_ms == round_trip_ms]
        counts = list(dict.fromkeys(one.orders for one in here))
        rows = [["the venue's limit", *(f"{limit_ms(count, round_trip_ms):.0f}" for count in counts)]]
        for name in dict.fromkeys(one.method.name for one in here):
            cells = {one.orders: _cell(one) for one in here if one.method.name == name}
            rows.append([name, *(cells.get(count, "") for count in counts)])
        parts.append(f"Round trip {round_trip_ms} ms:\n\n" + _table(["orders", *map(str, counts)], rows))
    return "\n\n".join(parts)


def _cell(one: CancelTime) -> str:
    notes = [f"{one.refused} × 429"] if one.refused else []
    notes += [f"{one.alive} alive"] if one.alive else []
    return f"{one.took_ms:.0f}" + (f" ({', '.join(notes)})" if notes else "")


def sharing_table(found: Iterable[SharedWindow]) -> str:
    """Return a row per measurement."""
    head = ["shared by", "processes", "clocks apart", "batches", "per second", "429", "alive"]
    return _table(
        head,
        (
            [
                one.store.value,
                str(one.processes),
                f"{one.skew_ms} ms",
                str(one.batches),
                f"{one.per_second:.2f}",
                str(one.refused),
                str(one.alive),
            ]
            for one in found
        ),
    )


def exits_table(found: Iterable[ExitTime], stock_ms: float) -> str:
    """Return a row per account kind, strategy and number of resting orders, and stock freqtrade's one."""
    rows = [
        [
            one.kind.value,
            "its own" if one.confirms else "freqtrade's",
            str(one.resting),
            *(f"{ms:.0f}" for ms in (one.median_ms, one.shortest_ms, one.longest_ms)),
            str(one.requests),
        ]
        for one in found
    ]
    private = "private requests before the exit order"
    head = ["account", "confirmation", "resting orders", "median ms", "shortest", "longest", private]
    return _table(head, rows) + f"\n\nStock freqtrade, to cancel one of them: {stock_ms:.0f} ms"


def loops_table(found: Sequence[LoopTime]) -> str:
    """Return a row per account kind, round trip and case, beside the same bot without ladders."""
    bare = {(one.kind, one.round_trip_ms): one.median_ms for one in found if one.case is Case.NO_LADDERS}
    rows = [
        [
            one.kind.value,
            f"{one.round_trip_ms} ms",
            one.case.value,
            f"{one.median_ms:.0f}",
            f"{one.longest_ms:.0f}",
            f"{one.median_ms / bare[one.kind, one.round_trip_ms]:.2f}",
            f"{one.requests_per_loop:.1f}",
        ]
        for one in found
    ]
    head = ["account", "round trip", "bot", "median ms of a loop", "longest", "ratio", "private requests per loop"]
    return _table(head, rows)


def stops_table(found: Sequence[StopTime]) -> str:
    """Return a row per account kind and case, beside the same bot without ladders."""
    bare = {one.kind: one.median_ms for one in found if one.case is Case.NO_LADDERS}
    rows = [
        [
            one.kind.value,
            f"{one.trades} trades, {one.round_trip_ms} ms",
            one.case.value,
            f"{one.median_ms / 1_000:.1f}",
            f"{one.longest_ms / 1_000:.1f}",
            f"{(one.median_ms - bare[one.kind]) / 1_000:+.1f}",
            "yes" if one.sold_once else "no",
        ]
        for one in found
    ]
    head = ["account", "venue", "bot", "median s until the exit order", "longest", "beside no ladders", "sold once"]
    return _table(head, rows)


def memory_table(found: BotMemory) -> str:
    """Return the mean memory of each fifth of the loops."""
    fifths = [(fifth / 5, (fifth + 1) / 5) for fifth in range(5)]
    head = ["loops", *(f"{first:.0%} to {last:.0%}" for first, last in fifths)]
    means = [f"{found.mean_mb(first, last):.1f} MB" for first, last in fifths]
    return _table(head, [[f"{found.mb_by_loops[-1][0]:,}", *means]])


def all_table(found: Sequence[CancelAllTime]) -> str:
    """Return a row per run of `cancel --all`."""
    rows = [
        [
            one.kind.value,
            f"{one.orders:,} over {one.symbols} symbols",
            f"{one.round_trip_ms} ms",
            f"{one.took_ms / 1_000:.1f}",
            str(one.requests),
            str(one.refused),
            str(one.exit_code),
            str(one.alive),
        ]
        for one in found
    ]
    head = ["account", "orders", "round trip", "seconds", "private requests", "of them 429", "exit code", "left alive"]
    return _table(head, rows)


def first_trade_table(found: Sequence[StepTime]) -> str:
    """Return a row per step of a user, and their sum."""
    rows = [[step.name, f"{step.seconds:.1f}"] for step in found]
    total = sum(step.seconds for step in found if step.counts)
    return _table(["step", "seconds"], [*rows, ["from `pip install` to the first closed trade", f"{total:.1f}"]])


def costs_table(
    found: Sequence[CancelTime], shares: Mapping[Part, float], importing: ImportTimes, memory_mb: float
) -> str:
    """Return processor time per order and method, its shares, memory, and import times."""
    rows = [[one.method.name, f"{one.busy_ms * 1_000 / one.orders:.0f}"] for one in found]
    parts = [[part.value, f"{100 * share:.0f} %"] for part, share in shares.items()]
    return "\n\n".join(
        [
            _table(["to cancel 500 orders", "µs of the processor per order"], rows),
            _table(["async, proven", "share of the processor's time"], parts),
            f"Memory for {MANY:,} ids: {memory_mb:.0f} MB at most.",
            (
                f"`import ccxt`: {importing.ccxt_ms:.0f} ms; "
                f"`import bitget_margin` after it: {importing.on_top_ms:.0f} ms, "
                f"and the first use of its class {importing.class_ms:.0f} ms more."
            ),
        ]
    )

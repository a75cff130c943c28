"""Time of freqtrade's exit by number of resting orders, and of stock freqtrade's cancel."""

import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bitget_margin.emulator import AccountKind, Emulator, ccxt_urls, synthetic_symbols
from support.bot import PAIRS, Bot, account, config, endpoint_name, signed_requests, symbol_of
from support.running_bot import RunningBot, enter, wait_until_closed

_SETTLE_S: Final = 1.2


@dataclass(frozen=True, slots=True)
class ExitTime:
    """Times from freqtrade's log line about the exit to its exit order at the venue.

    :ivar confirms: whether the strategy confirms exits itself
    """

    kind: AccountKind
    confirms: bool
    resting: int
    median_ms: float
    shortest_ms: float
    longest_ms: float
    requests: int


def measure(
    kind: AccountKind, resting: Sequence[int], round_trip_ms: int, repeats: int, *, confirms: bool
) -> list[ExitTime]:
    """Measure a bot that enters, places a ladder and exits; cases alternate to average out the machine."""
    pairs = len(resting) * repeats
    with (
        tempfile.TemporaryDirectory() as name,
        Emulator(accounts=(replace(account(), kind=kind),), symbols=synthetic_symbols(pairs)) as venue,
    ):
        folder = Path(name)
        strategy = "Scripted" if confirms else "Unasked"
        with Bot(folder, config(venue, PAIRS[:pairs], folder, strategy=strategy)).start() as bot:
            bot.wait_for_log("Changing state to: RUNNING")
            running = RunningBot(bot, venue, iter(PAIRS))
            rounds = [[_exit(running, count, round_trip_ms) for count in resting] for _ in range(repeats)]
    by_count = zip(resting, zip(*rounds, strict=True), strict=True)
    return [_summary(kind, count, taken, confirms=confirms) for count, taken in by_count]


def _summary(kind: AccountKind, count: int, taken: Iterable[tuple[float, int]], *, confirms: bool) -> ExitTime:
    times, sent = zip(*taken, strict=True)
    return ExitTime(kind, confirms, count, statistics.median(times), min(times), max(times), max(sent))


def _exit(running: RunningBot, count: int, round_trip_ms: int) -> tuple[float, int]:
    """Return the time of one exit, and the number of private requests before its order."""
    pair = next(running.pairs)
    if count:
        enter(running, pair, rungs=count)
    else:
        running.bot.instruct(pair, enter=True, rungs=0)
        running.bot.wait_until(lambda: running.bot.trade(pair), "the trade is there")
        running.bot.instruct(pair, enter=False)
    time.sleep(_SETTLE_S)
    running.venue.knobs(latency_ms=round_trip_ms)
    running.bot.instruct(pair, exit=True)
    wait_until_closed(running, pair)
    running.venue.knobs(latency_ms=0)
    line = re.search(rf"(\S+ \S+) - \S+ - INFO - Exit for {re.escape(pair)} detected", running.bot.log_text())
    assert line is not None
    began_ms = datetime.strptime(line[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp() * 1_000
    since = [record for record in signed_requests(running.venue) if record.at_ms >= began_ms]
    orders = signed_requests(running.venue, [symbol_of(pair)])
    last = next(record for record in reversed(orders) if endpoint_name(record) == "place-order")
    return last.at_ms - began_ms, sum(record.at_ms < last.at_ms for record in since)


def stock_ms(round_trip_ms: int) -> float:
    """Return the time that stock freqtrade needs to cancel one order of the cross margin account."""
    from freqtrade.enums import RunMode  # noqa: PLC0415 - slow to import
    from freqtrade.resolvers import ExchangeResolver  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory() as name,
        Emulator(accounts=(account(),), symbols=synthetic_symbols(1)) as venue,
    ):
        settings = config(venue, PAIRS[:1], Path(name))
        options: dict[str, Any] = {"fetchMarkets": {"types": ["spot"]}, "defaultMarginMode": "cross", "uta": False}
        settings["exchange"] |= {"name": "bitget", "ccxt_config": {"urls": ccxt_urls(venue.url), "options": options}}
        settings |= {"margin_mode": "", "runmode": RunMode.OTHER, "original_config": settings}
        exchange = ExchangeResolver.load_exchange(settings, validate=False, load_leverage_tiers=False)
        order = {"symbol": symbol_of(PAIRS[0]), "side": "buy", "price": "50", "baseSize": "1"}
        order_id = venue.place(venue.accounts[0].uid, order)
        venue.knobs(latency_ms=round_trip_ms)
        began = time.perf_counter()
        exchange.cancel_order_with_result(order_id, PAIRS[0], 1.0)
        took_ms = (time.perf_counter() - began) * 1_000
        with contextlib.suppress(Exception):
            exchange.close()
        return took_ms

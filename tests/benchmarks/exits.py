"""How long freqtrade's exit takes with so many resting orders, beside its own way to cancel one."""

from __future__ import annotations

import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bitget_margin.emulator import Emulator, ccxt_urls, synthetic_symbols
from support.bot import PAIRS, Bot, account, config, endpoint_name, signed_requests, symbol_of
from support.running_bot import RunningBot, enter, wait_until_closed

_SETTLE_S: Final = 1.2


@dataclass(frozen=True, slots=True)
class Exiting:
    """Milliseconds from freqtrade's line that an exit was detected to its exit order at the venue."""

    resting: int
    median_ms: float
    shortest_ms: float
    longest_ms: float
    requests: int


def measure(resting: Sequence[int], round_trip_ms: int, repeats: int) -> list[Exiting]:
    """Let a bot enter, place a ladder and exit, again and again; in turn, since machines have good and bad minutes."""
    pairs = len(resting) * repeats
    with (
        tempfile.TemporaryDirectory() as name,
        Emulator(accounts=(account(),), symbols=synthetic_symbols(pairs)) as venue,
    ):
        folder = Path(name)
        with Bot(folder, config(venue, PAIRS[:pairs], folder)).start() as bot:
            bot.wait_for_log("Changing state to: RUNNING")
            stage = RunningBot(bot, venue, iter(PAIRS))
            turns = [[_exit(stage, count, round_trip_ms) for count in resting] for _ in range(repeats)]
    return [_summary(count, taken) for count, taken in zip(resting, zip(*turns, strict=True), strict=True)]


def _summary(count: int, taken: Iterable[tuple[float, int]]) -> Exiting:
    times, sent = zip(*taken, strict=True)
    return Exiting(count, statistics.median(times), min(times), max(times), max(sent))


def _exit(stage: RunningBot, count: int, round_trip_ms: int) -> tuple[float, int]:
    """Return how long one exit took, and how many private requests went before its order."""
    pair = next(stage.pairs)
    if count:
        enter(stage, pair, rungs=count)
    else:
        stage.bot.instruct(pair, enter=True, rungs=0)
        stage.bot.wait_until(lambda: stage.bot.trade(pair), "the trade is there")
        stage.bot.instruct(pair, enter=False)
    time.sleep(_SETTLE_S)
    stage.venue.knobs(latency_ms=round_trip_ms)
    stage.bot.instruct(pair, exit=True)
    wait_until_closed(stage, pair)
    stage.venue.knobs(latency_ms=0)
    line = re.search(rf"(\S+ \S+) - \S+ - INFO - Exit for {re.escape(pair)} detected", stage.bot.log_text())
    assert line is not None
    began_ms = datetime.strptime(line[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp() * 1_000
    since = [record for record in signed_requests(stage.venue) if record.at_ms >= began_ms]
    orders = signed_requests(stage.venue, [symbol_of(pair)])
    last = next(record for record in reversed(orders) if endpoint_name(record) == "place-order")
    return last.at_ms - began_ms, sum(record.at_ms < last.at_ms for record in since)


def stock_ms(round_trip_ms: int) -> float:
    """Return how long stock freqtrade, on stock ccxt, takes to cancel one resting order of the crossed account."""
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

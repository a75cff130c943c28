"""Delay of a stop-loss of a bot with many trades on a slow venue, with ladders and without."""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.loop_times import Case, enter_all, settle
from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.bot import symbol_of
from support.in_process_bot import InProcessBot, in_process_bot

_FALL: Final = 0.8
"""Price of a pair whose stop-loss is due, as a share of the open rate."""
_ORDER: Final = "/place-order"
_LOOPS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class StopTime:
    """Times from the fall of a price, at the beginning of a loop, until an exit order reached the venue."""

    kind: AccountKind
    case: Case
    trades: int
    round_trip_ms: int
    median_ms: float
    longest_ms: float
    sold_once: bool
    """Whether each trade has sold what it had, and no more."""


def measure(kind: AccountKind, trades: int, rungs: int, round_trip_ms: int, stops: int) -> Iterator[StopTime]:
    """Measure stops of a bot in each case, one per loop; with ladders, a rung of the pair fills just before."""
    for case in (Case.NO_LADDERS, Case.PUSHES):
        symbols = synthetic_symbols(trades)
        pairs = [f"{symbol.base}/USDT" for symbol in symbols]
        with (
            tempfile.TemporaryDirectory() as name,
            in_process_bot(
                Path(name),
                kind=kind,
                pairs=pairs,
                symbols=symbols,
                settings={"stoploss": -0.1, "bitget_margin": {"order_pushes": True}},
                keeps_pauses=True,
            ) as bot,
        ):
            enter_all(bot, 0 if case is Case.NO_LADDERS else rungs)
            settle(bot)
            bot.venue.knobs(latency_ms=round_trip_ms)
            bot.loop()
            # The last pairs wait for the prices of all others.
            delays = [_stop(bot, pair) for pair in pairs[-stops:]]
            bot.venue.knobs(latency_ms=0)
            bot.loop(3)
            once = all(_is_sold(bot, pair) for pair in pairs[-stops:])
        yield StopTime(kind, case, trades, round_trip_ms, statistics.median(delays), max(delays), once)


def _stop(bot: InProcessBot, pair: str) -> float:
    """Return the time until an exit order has reached the venue."""
    symbol = symbol_of(pair)
    resting = [order for order in bot.live() if order.symbol == symbol]
    if resting:
        bot.venue.fill(resting[0].order_id)
    began_ms = time.time() * 1_000
    bot.venue.set_price(symbol, f"{bot.trade_on(pair).open_rate * _FALL:.2f}")
    for _ in range(_LOOPS_MAX):
        bot.loop()
        sent = [record for record in bot.venue.requests if record.at_ms >= began_ms]
        orders = [json.loads(record.body) | {"at_ms": record.at_ms} for record in sent if record.path.endswith(_ORDER)]
        found = [order["at_ms"] for order in orders if (order["symbol"], order["side"]) == (symbol, "sell")]
        if found:
            return float(found[0] - began_ms)
    raise RuntimeError(f"no exit of {pair} within {_LOOPS_MAX} loops")


def _is_sold(bot: InProcessBot, pair: str) -> bool:
    balance = bot.venue.balances(bot.venue.accounts[0].uid)[pair.partition("/")[0]]
    return not bot.trade_on(pair).is_open and 0 <= balance.available + balance.frozen < 1

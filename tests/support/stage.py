"""Steps of a story that a test tells with a running bot, and the comparison of its books with the venue's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Emulator, Order, synthetic_symbols
from support.bot import PAIRS, Bot, account, config, live_of, private, symbol_of, word

FEE = 0.001


@dataclass
class Stage:
    """The running bot, and the pairs that nobody has traded yet."""

    bot: Bot
    venue: Emulator
    pairs: Iterator[str]


@contextlib.contextmanager
def on_stage(folder: Path, pairs: int, **settings: Any) -> Iterator[Stage]:
    """Run a venue and a bot on that many made-up pairs; neither may have stumbled at the end."""
    with Emulator(accounts=(account(),), symbols=synthetic_symbols(pairs)) as venue:
        with Bot(folder, config(venue, PAIRS[:pairs], folder, **settings)).start() as bot:
            bot.until_said("Changing state to: RUNNING")
            yield Stage(bot, venue, iter(PAIRS))
            # Not "Traceback": freqtrade logs one where a look-up fails, or its two threads meet.
            assert "- bitget_margin - ERROR" not in bot.said()
            assert "Fatal exception" not in bot.said()
        assert venue.errors == ()


def not_filled(stage: Stage, pair: str) -> bool:
    trade = stage.bot.trade(pair) or {}
    return any(row["ft_is_open"] for row in stage.bot.orders(trade["id"]))


def enter(stage: Stage, pair: str, **script: Any) -> tuple[int, list[Order]]:
    """Let the bot enter and place a ladder; return the trade and its resting orders."""
    script = {"rungs": 3, **script}
    stage.bot.say(pair, enter=True, **script)
    stage.bot.until(lambda: len(live_of(stage.venue, pair)) == script["rungs"], "the ladder rests")
    stage.bot.say(pair, enter=False)
    trade = stage.bot.trade(pair)
    assert trade is not None
    return trade["id"], live_of(stage.venue, pair)


def closed(stage: Stage, pair: str, seconds: float = 40) -> dict[str, Any]:
    """Wait until freqtrade has closed the trade on a pair, and return it."""

    def ended() -> Any:
        trade = stage.bot.trade(pair)
        return trade if trade and not trade["is_open"] else None

    return dict(stage.bot.until(ended, f"the trade on {pair} is closed", seconds))


def exit_posts(stage: Stage, pair: str, since: int) -> list[str]:
    """Return the batch cancels and new orders on a pair since a request, by their paths."""
    sent = private(stage.venue, [symbol_of(pair)])
    begin = stage.venue.requests[since:]
    posts = [record for record in sent if record in begin and record.method == "POST"]
    return [word(record) for record in posts]


def agree(stage: Stage, trade: dict[str, Any]) -> None:
    """Hold freqtrade's rows against the venue's orders: side, filled and average exactly, and the profit."""
    ours = [row for row in stage.bot.orders(trade["id"]) if row["filled"]]
    theirs = {order.order_id: order for order in stage.venue.orders() if order.symbol == symbol_of(trade["pair"])}
    assert {row["order_id"] for row in ours} == {order.order_id for order in theirs.values() if order.filled}
    profit = 0.0
    for row in ours:
        order = theirs[row["order_id"]]
        assert (row["ft_order_side"], row["filled"]) == (order.side.value, float(order.filled))
        assert row["average"] == pytest.approx(float(order.quote_filled / order.filled), rel=1e-12)
        quote = float(order.quote_filled)
        # The fee of a buy is taken from the coins, which then are fewer to sell.
        profit += -quote if order.side.value == "buy" else quote * (1 - FEE)
    assert trade["close_profit_abs"] == pytest.approx(profit, abs=1e-5 * trade["max_stake_amount"])

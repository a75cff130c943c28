"""Steps of a test with a running bot, and the comparison of its books with the orders of the venue."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Emulator, Order, synthetic_symbols
from support.bot import PAIRS, Bot, account, config, endpoint_name, live_orders, signed_requests, symbol_of

FEE = 0.001
"""The fee rate of the synthetic symbols."""


@dataclass
class RunningBot:
    """A bot process, its venue, and the pairs that no test has traded yet."""

    bot: Bot
    venue: Emulator
    pairs: Iterator[str]


@contextlib.contextmanager
def running_bot(folder: Path, pairs: int, **settings: Any) -> Iterator[RunningBot]:
    """Run a venue and a bot on that many synthetic pairs; neither may have had an error at the end."""
    with Emulator(accounts=(account(),), symbols=synthetic_symbols(pairs)) as venue:
        with Bot(folder, config(venue, PAIRS[:pairs], folder, **settings)).start() as bot:
            bot.wait_for_log("Changing state to: RUNNING")
            yield RunningBot(bot, venue, iter(PAIRS))
            # Tracebacks are allowed: freqtrade logs one where a lookup fails, or where its two threads collide.
            assert "- bitget_margin - ERROR" not in bot.log_text()
            assert "Fatal exception" not in bot.log_text()
        assert venue.errors == ()


def place_foreign_order(venue: Emulator, pair: str) -> str:
    """Place a buy on a pair that is not the bot's, far below the price; return its order id."""
    fields = {"symbol": symbol_of(pair), "side": "buy", "price": "50", "baseSize": "1"}
    return venue.place(venue.accounts[0].uid, {**fields, "clientOid": f"by-hand-{pair[:4]}"})


def has_open_order(running: RunningBot, pair: str) -> bool:
    """Whether freqtrade has an open order row of the trade on a pair."""
    trade = running.bot.trade(pair) or {}
    return any(row["ft_is_open"] for row in running.bot.orders(trade["id"]))


def enter(running: RunningBot, pair: str, **script: Any) -> tuple[int, list[Order]]:
    """Let the bot enter and place a ladder; return the trade id and the resting orders."""
    script = {"rungs": 3, **script}
    running.bot.instruct(pair, enter=True, **script)
    running.bot.wait_until(lambda: len(live_orders(running.venue, pair)) == script["rungs"], "the ladder rests")
    running.bot.instruct(pair, enter=False)
    trade = running.bot.trade(pair)
    assert trade is not None
    return trade["id"], live_orders(running.venue, pair)


def wait_until_closed(running: RunningBot, pair: str, seconds: float = 40) -> dict[str, Any]:
    """Wait until freqtrade has closed the trade on a pair, and return it."""

    def ended() -> Any:
        trade = running.bot.trade(pair)
        return trade if trade and not trade["is_open"] else None

    return dict(running.bot.wait_until(ended, f"the trade on {pair} is closed", seconds))


def exit_requests(running: RunningBot, pair: str, since: int) -> list[str]:
    """Return the endpoint names of the batch cancels and new orders on a pair since a request."""
    sent = signed_requests(running.venue, [symbol_of(pair)], since)
    return [endpoint_name(record) for record in sent if record.method == "POST"]


def assert_books_agree(running: RunningBot, trade: dict[str, Any], dust: float = 0.0) -> None:
    """Compare freqtrade's rows with the venue's orders: side, filled, average and profit.

    :param dust: value of less than a lot, which a fee leaves and freqtrade does not count
    """
    ours = [row for row in running.bot.orders(trade["id"]) if row["filled"]]
    theirs = {order.order_id: order for order in running.venue.orders() if order.symbol == symbol_of(trade["pair"])}
    assert {row["order_id"] for row in ours} == {order.order_id for order in theirs.values() if order.filled}
    profit = 0.0
    for row in ours:
        order = theirs[row["order_id"]]
        assert (row["ft_order_side"], row["filled"]) == (order.side.value, float(order.filled))
        assert row["average"] == pytest.approx(float(order.quote_filled / order.filled), rel=1e-12)
        quote = float(order.quote_filled)
        # The fee of a buy is paid in base coins, so that fewer are left to sell.
        profit += -quote if order.side.value == "buy" else quote * (1 - FEE)
    assert trade["close_profit_abs"] == pytest.approx(profit, abs=dust + 1e-5 * trade["max_stake_amount"])

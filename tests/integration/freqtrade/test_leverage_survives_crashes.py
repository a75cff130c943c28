"""Promise: killed at any step of a leveraged or short trade, the bot places nothing twice and loses nothing."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, Order
from bitget_margin.freqtrade import absent_orders, exit_names, maintenance, recovery
from support.borrowing_bot import KINDS, WAYS, allowed, borrowing_bot, difference
from support.crash_points import CrashPoints, Killed, crash_points
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = [
    pytest.mark.filterwarnings("default"),  # freqtrade's own
    pytest.mark.timeout(1_800),
]
PRICE, STEP = 60_000, 600
SECONDS = 12.0
"""Longest time until a life of the bot has come to its next state."""


@pytest.fixture(autouse=True)
def _short_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let orders that never arrived be given up within a second: a request here arrives at once, or never."""
    monkeypatch.setattr(absent_orders, "BLOCKS_SECONDS", 0.5)
    monkeypatch.setattr(recovery, "BLOCKS_SECONDS", 0.5)
    monkeypatch.setattr(exit_names, "BLOCKS_SECONDS", 0.5)
    monkeypatch.setattr(maintenance, "LOST_AFTER_SECONDS", 0.5)
    for module in (absent_orders, recovery, maintenance):
        monkeypatch.setattr(module, "RECHECK_SECONDS", 0.1)


@dataclass
class Life:
    """A trade from its entry to its end, by a bot that is killed once on the way."""

    bot: InProcessBot
    points: CrashPoints
    leverage: float
    short: bool
    while_down: Callable[[], object] = lambda: None
    is_killed: bool = field(default=False, init=False)
    trades: int = field(default=0, init=False)
    """Trades of earlier lives."""
    stage: str = field(default="", init=False)
    killed: str = field(default="", init=False)
    """Stage and step of the kill."""
    _net: float = field(default=0.0, init=False)

    def live(self, at: int | None) -> None:
        """Enter, let a part of the ladder fill, and exit; killed at the step with this number."""
        bot = self.bot
        self.is_killed, self.trades = False, len(bot.trades())
        _unlock()
        bot.venue.set_price("BTCUSDT", PRICE)
        self._net, self.killed = self._coins(), ""
        before, orders = bot.venue.worth(), len(self._orders())
        CONTROLS.short, CONTROLS.leverage, CONTROLS.ladder = self.short, self.leverage, self._ladder
        self.points.begin(at)
        CONTROLS.enter = True
        self._until(lambda: len(bot.trades()) > self.trades, "entered")
        CONTROLS.enter = False
        self._until(self._has_entered, "booked")
        self._loop(2)
        self._check_trade()
        bot.venue.set_price("BTCUSDT", PRICE + (-1 if self.short else 1) * (STEP + 60))
        self._loop(2)
        self._check_trade()
        CONTROLS.exit = True
        self._until(lambda: not bot.trade.is_open, "exited")
        CONTROLS.exit = False
        self._until(lambda: not bot.live() and not bot.venue.debts(), "flat")
        self.points.end()
        assert len(bot.trades()) == self.trades + 1
        profit = bot.trade.realized_profit - float(bot.venue.worth() - before)
        assert abs(profit) <= allowed(self.leverage), f"the books differ by {profit}: {self.killed}"
        self._check_orders(self._orders()[orders:])

    def _ladder(self, trade: Any) -> list[dict[str, Any]]:
        better = -1 if self.short else 1
        prices = [PRICE + better * STEP * step for step in (1, 2, 3)]
        return [{"side": trade.exit_side, "price": price, "share": 0.2} for price in prices]

    def _loop(self, times: int = 1) -> None:
        for _ in range(times):
            try:
                self.bot.loop()
            except Killed:
                self.killed = f"{self.stage}, {self.points.steps[-2:]}"
                self.is_killed = True
                self.points.end()
                self.bot.restart(self.while_down)

    def _until(self, condition: Callable[[], bool], stage: str) -> None:
        """Run loops until a condition holds."""
        end, self.stage = time.monotonic() + SECONDS, stage
        self._loop()
        while not condition():
            assert time.monotonic() < end, f"not {self.stage} after {self.killed} in {SECONDS} s"
            time.sleep(0.05)
            self._loop()

    def _has_entered(self) -> bool:
        return self.bot.trade.nr_of_successful_entries > 0 and not self.bot.trade.has_open_orders

    def _check_trade(self) -> None:
        """Compare the trade with the coins that the account has, or owes."""
        trade = self.bot.trade
        assert (trade.is_short, trade.leverage) == (self.short, self.leverage), self.killed
        coins = self._coins() - self._net
        assert trade.amount * (-1 if self.short else 1) == pytest.approx(coins, abs=2e-5), self.killed

    def _coins(self) -> float:
        """Return the net coins of the account, without interest."""
        held = self.bot.venue.balances(self.bot.venue.accounts[0].uid).get("BTC")
        owed = self.bot.venue.debts().get("BTC")
        return float((0 if held is None else sum(held)) - (0 if owed is None else owed.principal))

    def _check_orders(self, orders: list[Order]) -> None:
        """Check that it entered once, exited as much, and gave each order a name of its own."""
        names = Counter(order.client_oid for order in orders)
        assert {name: count for name, count in names.items() if count > 1} == {}
        entries = [order for order in orders if (order.side == "sell") is self.short]
        assert len(entries) == 1, self.killed

    def _orders(self) -> list[Order]:
        return self.bot.venue.orders(self.bot.venue.accounts[0].uid)


def _unlock() -> None:
    """Let the pair be entered again: freqtrade locks it until the next candle once a trade has ended."""
    from freqtrade.persistence import PairLocks  # noqa: PLC0415 - seconds, and only these tests need it

    for side in ("long", "short", "*"):
        PairLocks.unlock_pair("BTC/USDT", side=side)


@KINDS
@WAYS
def test_a_kill_at_any_step(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    with crash_points() as points, borrowing_bot(tmp_path, kind) as bot:
        life = Life(bot, points, leverage, short)
        life.live(None)
        print(len(points.steps), points.steps)
        import os
        at = int(os.environ.get("AT", "0"))
        while True:
            began = time.monotonic()
            try:
                life.live(at)
            except AssertionError as e:
                print("FINDING", at, life.killed, e)
                if "AT" in os.environ: raise
                return
            print(at, life.killed, round(time.monotonic() - began, 1))
            if not life.is_killed:
                break
            at += 1

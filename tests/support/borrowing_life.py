"""Leveraged and short trades from the entry to the end, by a bot that may be killed on the way."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bitget_margin.emulator import Order
from bitget_margin.freqtrade import absent_orders, exit_names, maintenance, recovery
from support.borrowing_bot import allowed
from support.crash_points import CrashPoints, Killed
from support.in_process_bot import CONTROLS, PAIR, InProcessBot

PRICE = 60_000
STEP = 600
"""Distance of the orders of a ladder."""
RUNGS = 3
SHARE = 0.2
"""Share of the trade that each order of its ladder closes."""
LOT = 2e-5
"""More than the coins that covers leave by their lots and the interest of an hour."""
SECONDS = 15.0
"""Longest time to the next stage of a life."""


def nothing() -> None:
    """Do nothing."""


def shorten_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let orders that never arrived be given up within a second: a request here arrives at once, or never."""
    for module in (absent_orders, recovery, exit_names):
        monkeypatch.setattr(module, "BLOCKS_SECONDS", 0.5)
    monkeypatch.setattr(maintenance, "LOST_AFTER_SECONDS", 0.5)
    for module in (absent_orders, recovery, maintenance):
        monkeypatch.setattr(module, "RECHECK_SECONDS", 0.1)


@dataclass
class Life:
    """One trade after the other on the pair of a bot; each one has to end with books that agree, and without debts."""

    bot: InProcessBot
    points: CrashPoints
    leverage: float
    short: bool
    rungs: int = RUNGS
    fills: int = 1
    """Number of the orders of the ladder that fill before the exit."""
    share: float = SHARE
    killed: str = field(default="", init=False)
    """Stage and last steps of the kill."""
    _stage: str = field(default="", init=False)
    _coins_before: float = field(default=0.0, init=False)

    @property
    def better(self) -> int:
        """Direction in which the price moves for the trade."""
        return -1 if self.short else 1

    def live(
        self,
        kills: Callable[[Sequence[str]], bool] = lambda _: False,
        *,
        before_entry: Callable[[], object] = nothing,
        before_exit: Callable[[], object] = nothing,
    ) -> None:
        """Enter, let a part of the ladder fill, and exit.

        :param kills: returns whether the bot is killed after these steps
        """
        bot = self.bot
        _unlock()
        bot.venue.set_price("BTCUSDT", PRICE)
        trades, orders = len(bot.trades()), len(self.orders())
        unbooked = self._unbooked()
        self._coins_before, self.killed = self._coins(), ""
        CONTROLS.short, CONTROLS.leverage, CONTROLS.ladder = self.short, self.leverage, self.ladder
        self.points.begin(kills)
        before_entry()
        CONTROLS.enter = True
        self.until(lambda: len(bot.trades()) > trades, "entered")
        CONTROLS.enter = False
        self.until(self._is_booked, "booked")
        self.loop(2)
        self.check_trade()
        bot.venue.set_price("BTCUSDT", PRICE + self.better * (STEP * self.fills + 60))
        self.loop(2)
        before_exit()
        if bot.trade.is_open:
            self.check_trade()
            CONTROLS.exit = True
            self.until(lambda: not bot.trade.is_open, "exited")
            CONTROLS.exit = False
        self.until(lambda: not bot.live() and not bot.venue.debts(), "flat")
        self.points.end()
        assert len(bot.trades()) == trades + 1, self.killed
        assert abs(self._unbooked() - unbooked) <= allowed(self.leverage), self.killed
        self._check_orders(self.orders()[orders:])

    def ladder(self, trade: Any) -> list[dict[str, Any]]:
        """Return the ladder of a trade."""
        prices = [PRICE + self.better * STEP * step for step in range(1, self.rungs + 1)]
        return [{"side": trade.exit_side, "price": price, "share": self.share} for price in prices]

    def loop(self, times: int = 1) -> None:
        """Run loops; a bot that is killed in one is started again."""
        for _ in range(times):
            try:
                self.bot.loop()
            except Killed:
                self.killed = f"killed until {self._stage}, after {self.points.steps[-3:-1]}"
                self.points.end()
                self.bot.restart()

    def until(self, condition: Callable[[], bool], stage: str) -> None:
        """Run loops until a condition holds."""
        end, self._stage = time.monotonic() + SECONDS, stage
        self.loop()
        while not condition():
            assert time.monotonic() < end, f"not {stage} in {SECONDS} s; {self.killed}"
            time.sleep(0.05)
            self.loop()

    def check_trade(self) -> None:
        """Compare side and leverage of the trade, and its amount with the coins that the account has, or owes."""
        trade = self.bot.trade
        assert (trade.is_short, trade.leverage) == (self.short, self.leverage), self.killed
        coins = self._coins() - self._coins_before
        assert trade.amount * self.better == pytest.approx(coins, abs=LOT), self.killed

    def orders(self) -> list[Order]:
        """Return all orders of the account."""
        return self.bot.venue.orders(self.bot.venue.accounts[0].uid)

    def _is_booked(self) -> bool:
        return self.bot.trade.nr_of_successful_entries > 0 and not self.bot.trade.has_open_orders

    def _unbooked(self) -> float:
        """Return what the account is worth beside the profit in the books."""
        return float(self.bot.venue.worth()) - sum(trade.realized_profit for trade in self.bot.trades())

    def _coins(self) -> float:
        """Return the net coins of the account, without interest."""
        held = self.bot.venue.balances(self.bot.venue.accounts[0].uid).get("BTC")
        owed = self.bot.venue.debts().get("BTC")
        return float((0 if held is None else sum(held)) - (0 if owed is None else owed.principal))

    def _check_orders(self, orders: Sequence[Order]) -> None:
        """Check that it entered once, exited no more than that, and gave each order a name of its own."""
        assert max(Counter(order.client_oid for order in orders).values()) == 1
        entries = [order for order in orders if (order.side == "sell") is self.short]
        exits = [order for order in orders if (order.side == "sell") is not self.short]
        assert len(entries) == 1, self.killed
        assert float(sum(order.filled for order in exits)) <= float(entries[0].filled) * 1.0012, self.killed


def _unlock() -> None:
    """Let the pair be entered again: freqtrade locks it until the next candle once a trade has ended."""
    from freqtrade.persistence import PairLocks  # noqa: PLC0415 - seconds, and only these tests need it

    for side in ("long", "short", "*"):
        PairLocks.unlock_pair(PAIR, side=side)

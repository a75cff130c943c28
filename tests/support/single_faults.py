"""Exits that meet one fault each, one after the other on the same bot."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

from bitget_margin.emulator import AccountKind, FaultKind
from bitget_margin.freqtrade import exit_names, recovery
from bitget_margin.freqtrade.tracked_order import Origin
from support.in_process_bot import PAIR
from support.measured_exits import EATEN_FEE, HALF, MeasuredBot, measured_bot, symbol_of

PRICE = "60000"
"""The price of each entry."""
LATE_MS = 300
"""Duration of the faults that last, and delay of a request that is executed late."""
BLOCKS_SECONDS = 3.0
"""Instead of half a minute: time for which an exit in doubt blocks others where the balance proves nothing."""
ENDS_SECONDS = 30.0
"""Time in which a trade has to be closed: a request without a response takes 6 to 10 s."""

Ladder = Callable[[Any], list[dict[str, Any]]] | None
LADDERS: dict[str, Ladder] = {"none": None, "half": HALF}


class ExitRequest(Enum):
    """A request of an exit: the end of its path on a classic and on a unified account."""

    OPEN_ORDERS = ("/open-orders", "/unfilled-orders")
    HISTORY = ("/history-orders", "/history-orders")
    ASSETS = ("/account/assets", "/account/assets")
    CANCEL = ("/batch-cancel-order", "/cancel-batch")
    PLACE = ("/place-order", "/place-order")

    def path(self, kind: AccountKind) -> str:
        """Return the end of the path."""
        return self.value[kind is AccountKind.UNIFIED]


@dataclass
class SingleFaults:
    """A bot that enters and exits under a fault, again and again."""

    bot: MeasuredBot
    restarts_each_time: bool = False
    """Whether the bot is started again after each exit, or by the test, after the last one."""

    def __post_init__(self) -> None:
        self._lock_no_pair(self.bot.running.bot)
        self.bot.running.on_start.append(self._lock_no_pair)

    @staticmethod
    def _lock_no_pair(bot: Any) -> None:
        """Keep freqtrade from locking a pair after an exit, until the next candle."""
        bot.strategy.lock_pair = lambda *_, **__: None

    def exit_under(
        self, kind: FaultKind, request: ExitRequest, ladder: Ladder, *, count: int | None = 1, code: str = "99999"
    ) -> None:
        """Check that an exit ends well whose request meets a fault.

        :param count: number of requests that meet it; None for all of them in the loop of the exit
        """
        venue, path = self.bot.venue, request.path(self.bot.venue.accounts[0].kind)
        with noted(f"{kind.value} {code} on {path}, {'with' if ladder else 'without'} a ladder"):
            self.enter(ladder)
            self.at_decision(
                lambda: venue.add_fault(kind, path, count=count, duration_ms=self._duration_ms(kind), code=code)
            )
            self.bot.fall()
            self.bot.loop()
            if count is None:
                venue.clear_faults()
            self.ends_well()

    def enter(self, ladder: Ladder) -> None:
        """Enter, and place a ladder."""
        bot = self.bot
        bot.venue.set_price(symbol_of(PAIR), PRICE)
        coin = bot.venue.balances(bot.uid).get(PAIR.partition("/")[0])
        self._before = coin.available + coin.frozen if coin is not None else 0
        trade = bot.running.enter(ladder)
        assert trade.is_open
        assert len(bot.live()) == (0 if ladder is None else len(ladder(trade)))

    def at_decision(self, begin: Callable[[], object]) -> None:
        """Begin a fault as freqtrade decides on its exit."""

        def once() -> None:
            self.bot.at_decision = None
            begin()

        self.bot.at_decision = once

    def ends_well(self) -> None:
        """Check that the exit is sent, the trade is closed, and the books agree."""
        bot = self.bot
        bot.loop_until(bot.sent, "the exit is sent", ENDS_SECONDS)
        bot.loop_until(lambda: not bot.running.trade_on(PAIR).is_open, "the trade is closed", ENDS_SECONDS)
        bot.venue.clear_faults()
        bot.loop()
        self.assert_books_agree()
        if self.restarts_each_time:
            self.restart()

    def restart(self) -> None:
        """Start the bot again, and check that the books still agree."""
        self.bot.running.restart()
        self.bot.loop()
        self.assert_books_agree()

    def assert_books_agree(self) -> None:
        """Check that all coins of the last trade are sold, once, and each order of the venue is in the books, once."""
        from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it

        bot = self.bot
        assert not bot.running.trade_on(PAIR).is_open
        assert bot.live() == []
        rows = [row for trade in Trade.get_trades_proxy() for row in trade.orders]
        booked = Counter((row.order_id, row.ft_order_side, row.filled) for row in rows if row.filled)
        orders = [order for order in bot.venue.orders(bot.uid) if order.filled]
        assert booked == Counter((order.order_id, order.side.value, float(order.filled)) for order in orders)
        left = bot.held() + bot.others - self._before
        # Where there are coins of others, or dust of earlier trades, freqtrade takes the fee of an entry from them.
        assert (-EATEN_FEE if self._before >= EATEN_FEE else 0) <= left < bot.lot(), (
            f"{left} of the trade's coins are left"
        )
        assert bot.venue.borrowed(bot.uid) == {}
        assert bot.running.exchange.store.open(Origin.FREQTRADE) == []

    @staticmethod
    def _duration_ms(kind: FaultKind) -> int:
        return 60_000 if kind in {FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER} else LATE_MS


@contextmanager
def single_faults(
    folder: Path, kind: AccountKind, *, others: str = "0", restarts_each_time: bool = False
) -> Iterator[SingleFaults]:
    """Start a bot that waits shortly for the fate of an exit without an answer."""
    with (
        mock.patch.object(exit_names, "BLOCKS_SECONDS", BLOCKS_SECONDS),
        mock.patch.object(recovery, "BLOCKS_SECONDS", BLOCKS_SECONDS),
        measured_bot(folder, kind, others=others) as bot,
    ):
        # A unified account would lend for the copy of an order that a gateway repeats, which no client can prevent.
        bot.venue.knobs(auto_borrow=False)
        yield SingleFaults(bot, restarts_each_time)


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Add what was tried to the error of a block."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise

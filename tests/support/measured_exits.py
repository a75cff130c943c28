"""Measurement of the exits of a bot in the test's process: when freqtrade decides, and when orders reach the venue."""

import contextlib
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import DEFAULT_SYMBOLS, AccountKind, Emulator, Order, RequestRecord, Symbol
from support.in_process_bot import PAIR, InProcessBot, in_process_bot

ROUND_TRIPS = 5
OWN_MS = 1_000
"""Time that an exit may take beside its round trips."""
EATEN_FEE = Decimal("0.00002")
"""The fee of an entry of these tests, in base coins."""
GRACE_MS = 1_000
"""Allowance for a busy machine."""
STOP_LOSS = -0.1
RUNGS = (1.2, 1.3, 1.4)
"""Prices of a ladder that sells, as multiples of the open rate."""


def sells(*shares: float) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a ladder that sells these shares of a trade, above the price."""
    return lambda trade: [
        {"side": "sell", "price": trade.open_rate * up, "amount": trade.amount * share}
        for up, share in zip(RUNGS, shares, strict=False)
    ]


FULL = sells(1 / 3, 1 / 3, 1 / 3)
"""A ladder over all coins of a trade."""
HALF = sells(0.25, 0.25)
"""A ladder over half of the coins of a trade."""


@dataclass
class MeasuredBot:
    """A bot whose exits are measured.

    :ivar decided: pair and time of each call of freqtrade's `execute_trade_exit` since the last `fall`, epoch ms
    """

    running: InProcessBot
    others: Decimal = Decimal(0)
    """Base coins in the wallet that belong to no trade."""
    symbols: Sequence[Symbol] = DEFAULT_SYMBOLS
    decided: list[tuple[str, int]] = field(default_factory=list)
    at_decision: Callable[[], object] | None = None
    """Called when freqtrade decides on an exit."""
    since: int = 0
    """Number of requests before the last `fall`."""

    def __post_init__(self) -> None:
        self.watch(self.running.bot)
        self.running.on_start.append(self.watch)

    # -- the bot -------------------------------------------------------------------------------------------------------

    def watch(self, bot: Any) -> None:
        """Note each exit that this bot decides on."""
        execute = bot.execute_trade_exit

        def noted(trade: Any, *args: Any, **named: Any) -> Any:
            self.decided.append((trade.pair, epoch_ms()))
            if self.at_decision is not None:
                self.at_decision()
            return execute(trade, *args, **named)

        bot.execute_trade_exit = noted

    @property
    def venue(self) -> Emulator:
        """The venue of the bot."""
        return self.running.venue

    @property
    def uid(self) -> str:
        """The account of the bot."""
        return self.venue.accounts[0].uid

    @property
    def unified(self) -> bool:
        """Whether the account is a unified one."""
        return self.venue.accounts[0].kind is AccountKind.UNIFIED

    def loop(self, times: int = 1) -> None:
        """Run freqtrade's loop; an exception is one that ends the bot, or lets it sleep for 30 s."""
        self.running.loop(times)

    def loop_until(self, condition: Callable[[], object], what: str, seconds: float = 15) -> int:
        """Run loops until a condition holds, and return their number."""
        end, loops = time.monotonic() + seconds, 0
        while not condition():
            assert time.monotonic() < end, f"not {what} within {seconds} s and {loops} loops"
            self.loop()
            loops += 1
            time.sleep(0.02)
        return loops

    def loop_for(self, seconds: float) -> None:
        """Run loops for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.loop()
            time.sleep(0.1)

    # -- the market ---------------------------------------------------------------------------------------------------

    def fall(self, share: float = 0.8, pair: str = PAIR) -> None:
        """Let the price fall to this share of the open rate, and measure from here on."""
        self.venue.set_price(symbol_of(pair), f"{self.running.trade_on(pair).open_rate * share:.2f}")
        self.mark()

    def mark(self) -> None:
        """Measure from here on."""
        self.decided.clear()
        self.since = len(self.venue.requests)

    # -- observation --------------------------------------------------------------------------------------------------

    def sent(self, pair: str = PAIR) -> list[RequestRecord]:
        """Return the requests that place a single sell order on a pair, since the last `fall`."""
        return [
            record
            for record in self.venue.requests[self.since :]
            if record.path.endswith("/place-order")
            and f'"{symbol_of(pair)}"' in record.body
            and json.loads(record.body)["side"] == "sell"
        ]

    def requests_of_exit(self, pair: str = PAIR) -> list[RequestRecord]:
        """Return the signed requests from freqtrade's first decision to the first exit order."""
        began_ms = next(at_ms for name, at_ms in self.decided if name == pair)
        requests = self.venue.requests[self.since :]
        order = requests.index(self.sent(pair)[0])
        return [record for record in requests[:order] if record.uid and record.at_ms >= began_ms]

    def kinds(self, pair: str = PAIR) -> set[str]:
        """Return the kinds of these orders, such as market."""
        return {json.loads(record.body)["orderType"] for record in self.sent(pair)}

    def delay_ms(self, pair: str = PAIR) -> int:
        """Return the time from freqtrade's first decision to the first exit order that reached the venue."""
        times = [at_ms for name, at_ms in self.decided if name == pair]
        assert times, f"freqtrade has not decided to exit {pair}"
        reached = self.sent(pair)
        assert reached, f"no exit order on {pair} in {epoch_ms() - times[0]} ms"
        return reached[0].at_ms - times[0]

    def live(self, pair: str = PAIR) -> list[Order]:
        """Return the live orders on a pair."""
        orders = self.venue.orders(self.uid, live_only=True)
        return [order for order in orders if order.symbol == symbol_of(pair)]

    def held(self, pair: str = PAIR) -> Decimal:
        """Return the base coins of the account that are not others'."""
        balance = self.venue.balances(self.uid)[pair.partition("/")[0]]
        return balance.available + balance.frozen - self.others

    def lot(self, pair: str = PAIR) -> Decimal:
        """Return the smallest step of an amount."""
        symbol = next(symbol for symbol in self.symbols if symbol.symbol == symbol_of(pair))
        return Decimal(1).scaleb(-symbol.quantity_precision)

    # -- promises -----------------------------------------------------------------------------------------------------

    def assert_exit_left(self, pair: str = PAIR, *, round_trip_ms: int = 0, own_ms: int = OWN_MS) -> None:
        """Check that the exit order has reached the venue in time."""
        delay_ms = self.delay_ms(pair)
        assert delay_ms <= ROUND_TRIPS * round_trip_ms + own_ms + GRACE_MS, f"after {delay_ms} ms"

    def assert_sold_once(self, pair: str = PAIR, *, lots: int = 1) -> None:
        """Check that all coins of the trade are sold, those of others are not, and nothing was borrowed.

        :param lots: number of buys: the fee of each may leave less than a lot
        """
        assert self.live(pair) == []
        self.assert_sold(pair, lots=lots)

    def assert_sold(self, pair: str = PAIR, *, lots: int = 1) -> None:
        """Check the same, while orders may rest."""
        # Where there are coins of others, freqtrade takes the fee of an entry from them.
        least = -EATEN_FEE if self.others else Decimal(0)
        assert least <= self.held(pair) < self.lot(pair) * lots, f"{self.held(pair)} held, {len(self.sent(pair))} sent"
        assert self.venue.borrowed(self.uid) == {}

    def assert_ends_well(self, pair: str = PAIR, *, lots: int = 1, seconds: float = 10) -> None:
        """Check that freqtrade soon closes the trade, with all coins sold once, and that nothing follows."""
        self.loop_until(lambda: not self.running.trade_on(pair).is_open, "the trade is closed", seconds)
        self.assert_sold_once(pair, lots=lots)
        self.assert_quiet(pair=pair)

    def assert_quiet(self, loops: int = 3, pair: str = PAIR) -> None:
        """Check that no more orders are sent: nothing is tried in every loop for ever."""
        before = len(self.sent(pair))
        self.loop(loops)
        assert len(self.sent(pair)) == before

    # -- what fails around the bot ------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        """The database of the bot."""
        return self.running.config_path.parent / "trades.sqlite"

    @contextlib.contextmanager
    def locked_database(self) -> Iterator[None]:
        """Lock the database against writes from freqtrade's next decision on, until the end of the block."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None, timeout=0.5)) as holder:

            def lock() -> None:
                if not holder.in_transaction:
                    holder.execute("BEGIN IMMEDIATE")

            self.at_decision = lock
            try:
                yield
            finally:
                self.at_decision = None
                if holder.in_transaction:
                    holder.execute("ROLLBACK")

    def execute(self, statement: str, *values: object) -> None:
        """Change the database."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            assert database.execute(statement, values).rowcount, f"no row changed: {statement}"

    def loop_despite_errors(self, times: int = 1) -> None:
        """Run loops, each of which the database may end with an error."""
        from freqtrade.persistence import Trade  # noqa: PLC0415
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        for _ in range(times):
            try:
                self.loop()
            except SQLAlchemyError:
                Trade.session.rollback()


@contextlib.contextmanager
def no_file_grows() -> Iterator[None]:
    """Let every write to a file of this process fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def measured_bot(folder: Path, kind: AccountKind, *, others: str = "0", **more: Any) -> Iterator[MeasuredBot]:
    """Start a bot with a stop-loss at 10 % on a venue of its own."""
    settings = {"stoploss": STOP_LOSS, **more.pop("settings", {})}
    coins = {"BTC": others} if Decimal(others) else {}
    with in_process_bot(folder, kind=kind, settings=settings, keeps_pauses=True, **more, **coins) as running:
        yield MeasuredBot(running, Decimal(others), more.get("symbols", DEFAULT_SYMBOLS))


def kinds(usual: AccountKind) -> list[Any]:
    """Return both kinds of account as parameters: the usual one, and the other in drills."""
    return [usual, *(pytest.param(kind, marks=pytest.mark.drill) for kind in AccountKind if kind is not usual)]


def symbol_of(pair: str) -> str:
    """Return the venue's symbol of a pair."""
    return pair.replace("/", "")


def epoch_ms() -> int:
    """Return the time in ms since the epoch."""
    return time.time_ns() // 1_000_000

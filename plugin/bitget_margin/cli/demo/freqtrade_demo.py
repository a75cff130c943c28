"""Demo with freqtrade: a script moves the price, and the events of freqtrade and the venue are shown."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from math import isclose
from typing import ClassVar, Final

from bitget_margin.cli.demo import request_log
from bitget_margin.cli.demo.bot_process import BotProcess
from bitget_margin.cli.demo.request_log import RequestKind
from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Order, RequestRecord

MARKET: Final = next(market for market in DEFAULT_SYMBOLS if market.base == "ETH")
PAIR: Final = f"{MARKET.base}/{MARKET.quote}"
FUNDS: Final = "10000"
LIMIT_SECONDS: Final = 50.0
"""Limit of all steps together; the comparison after them takes seconds."""
RUNGS: Final = 12
"""Number of rungs that the strategy places."""
_ZERO: Final = Decimal(0)
_POLL_SECONDS: Final = 0.05
_LIQUIDITY: Final = "0.35"
"""Amount that fills three rungs and a third of the fourth one."""
_STOPPED: Final = "Stopping trader"


class DemoFailed(Exception):
    """Early end of the demo: freqtrade has ended, or a step took too long."""


class EventSource(Enum):
    """Origin of an event."""

    BOT = "freqtrade"
    REQUEST = "request"
    VENUE = "venue"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the demo; the time is in ms since the epoch."""

    at_ms: int
    source: EventSource
    text: str


def demo_account(kind: AccountKind) -> Account:
    """Return an account without base coins, so that every coin belongs to the trade."""
    return Account(balances={"USDT": FUNDS}, kind=kind)


class TradeScript:
    """Script of one trade: entry, ladder partly filled, exit."""

    notable: ClassVar = re.compile(r"Changing state to: RUNNING|Exit for \S+ detected\. Reason: .*")
    """Lines of freqtrade's log that are events."""

    def __init__(self, venue: Emulator, bot: BotProcess) -> None:
        self._venue = venue
        self._bot = bot
        self._end = time.monotonic() + LIMIT_SECONDS
        self._requests = 0
        self._lines = 0
        self._filled: dict[str, Decimal] = {}

    def events(self) -> Iterator[Event]:
        """Run the script and yield its events.

        :raises DemoFailed: freqtrade has ended, or a step took too long
        """
        yield Event(epoch_ms(), EventSource.BOT, "starts in live mode, on the exchange bitgetcross")
        yield from self._until(lambda: self._venue.orders(live_only=True), "freqtrade places its entry")
        yield from self._move("2995")
        yield from self._until(lambda: len(self._venue.orders(live_only=True)) > 1, "freqtrade places the ladder")
        yield from self._move("3080", _LIQUIDITY)
        yield from self._until(self._fills_recorded, "freqtrade records the fills of the rungs")
        yield Event(epoch_ms(), EventSource.BOT, f"has recorded the fills: {_LIQUIDITY} sold")
        yield from self._move("3010")
        yield from self._until(self._closed, "freqtrade closes the trade")
        yield Event(epoch_ms(), EventSource.BOT, "trade closed")
        self._bot.stop()
        yield from self._new_events()

    def _until(self, condition: Callable[[], object], step: str) -> Iterator[Event]:
        while True:
            reached = _value(condition)
            yield from self._new_events()
            if reached:
                return
            if (code := self._bot.process.poll()) is not None:
                raise DemoFailed(f"freqtrade ended with exit code {code} before this was seen: {step}")
            if any(_STOPPED in text for _, text in self._bot.log()):
                raise DemoFailed(f"freqtrade stopped trading before this was seen: {step}")
            if time.monotonic() > self._end:
                raise DemoFailed(f"{LIMIT_SECONDS:.0f} s are over before this was seen: {step}")
            time.sleep(_POLL_SECONDS)

    def _move(self, price: str, liquidity: str | None = None) -> Iterator[Event]:
        at_ms = epoch_ms()
        self._venue.set_price(MARKET.symbol, price, liquidity)
        yield Event(
            at_ms, EventSource.PRICE, f"{price} USDT" + (f", where {liquidity} are bought" if liquidity else "")
        )
        yield from self._new_events()

    def _new_events(self) -> list[Event]:
        """Return the events since the last call, in order of time."""
        # The log is read last, so that a line written before a request never comes after it.
        orders, requests, lines = self._venue.orders(), self._venue.requests, self._bot.log()
        posts = [
            self._of_request(record) for record in requests[self._requests :] if record.uid and record.method == "POST"
        ]
        fills = [
            Event(order.updated_ms, EventSource.VENUE, f"{self._name(number, order)} {fill_of(order)}")
            for number, order in enumerate(orders)
            if order.filled != self._filled.get(order.order_id, _ZERO)
        ]
        logged = [
            Event(at_ms, EventSource.BOT, text) for at_ms, text in lines[self._lines :] if self.notable.match(text)
        ]
        self._requests, self._lines = len(requests), len(lines)
        self._filled = {order.order_id: order.filled for order in orders}
        return sorted([*logged, *posts, *fills], key=lambda event: event.at_ms)

    def _fills_recorded(self) -> bool:
        (row,) = self._bot.rows("select sum(filled) as sold from orders where ft_order_side = 'sell'")
        return isclose(row["sold"] or 0.0, float(_LIQUIDITY), rel_tol=1e-9)

    def _closed(self) -> object:
        return self._bot.rows("select id from trades where is_open = 0")

    def _of_request(self, record: RequestRecord) -> Event:
        orders = request_log.orders_of(record)
        match request_log.kind_of(record):
            case RequestKind.PLACE:
                (order,) = orders
                name = "entry order" if order["side"] == "buy" else "exit order"
                text = f"{name}: {order['side']} {order.get('baseSize', order.get('qty'))} at {order['price']}"
            case RequestKind.BATCH_PLACE:
                text = f"ladder: {len(orders)} sells from {orders[0]['price']} to {orders[-1]['price']}"
            case RequestKind.BATCH_CANCEL:
                text = f"batch cancel of {len(orders)} resting orders"
            case _:
                text = "request"
        return Event(record.at_ms, EventSource.REQUEST, f"{text} (1 request: {request_log.endpoint_name(record)})")

    def _name(self, number: int, _order: Order) -> str:
        """Return the name of the account's order with this number, counted from 0."""
        if not number:
            return "entry"
        return f"rung {number}" if number <= RUNGS else "exit"


def _value(condition: Callable[[], object]) -> object:
    try:
        return condition()
    except sqlite3.OperationalError:  # not there yet, or being written
        return None


def fill_of(order: Order) -> str:
    """Return how far an order has filled, and its average price."""
    how = "filled" if order.filled == order.base_size else "partly filled"
    return f"{how}: {order.filled} of {order.base_size} at {order.quote_filled / order.filled:f}"


def epoch_ms() -> int:
    """Return the time, ms since the epoch."""
    return time.time_ns() // 1_000_000

"""The demo's price script, and what freqtrade and the venue do while it plays."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from bitget_margin.cli.demo import request_log
from bitget_margin.cli.demo.bot_process import Bot
from bitget_margin.cli.demo.request_log import What
from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, Order, RequestRecord

MARKET: Final = next(market for market in DEFAULT_SYMBOLS if market.base == "ETH")
PAIR: Final = f"{MARKET.base}/{MARKET.quote}"
FUNDS: Final = "10000"
LIMIT_SECONDS: Final = 50.0
"""Over all steps; what comes after them takes seconds."""
RUNGS: Final = 12
"""As many as the strategy places."""
_ZERO: Final = Decimal(0)
_POLL_SECONDS: Final = 0.05
_LIQUIDITY: Final = "0.35"
"""Three rungs and a third of the fourth, which is left partly filled."""
_NOTABLE: Final = re.compile(r"Changing state to: RUNNING|Exit for \S+ detected\. Reason: .*")
_STOPPED: Final = "Stopping trader"


class Broken(Exception):
    """The story cannot go on: freqtrade has ended, or a step took too long."""


class Who(Enum):
    """Where something happened."""

    BOT = "freqtrade"
    REQUEST = "request"
    VENUE = "venue"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; the time is in ms since the epoch."""

    at_ms: int
    who: Who
    text: str


def account(kind: AccountKind) -> Account:
    """Return a customer without coins of its own, so that every coin belongs to the trade."""
    return Account(balances={"USDT": FUNDS}, kind=kind)


class Story:
    """One trade: bought, its ladder partly sold, and exited."""

    def __init__(self, venue: Emulator, bot: Bot) -> None:
        self._venue = venue
        self._bot = bot
        self._end = time.monotonic() + LIMIT_SECONDS
        self._requests = 0
        self._lines = 0
        self._filled: dict[str, Decimal] = {}

    def events(self) -> Iterator[Event]:
        """Play it, and yield what happens.

        :raises Broken: it cannot go on
        """
        yield Event(_now_ms(), Who.BOT, "starts in live mode, on the exchange bitgetcross")
        yield from self._until(lambda: self._venue.orders(live_only=True), "freqtrade places its entry")
        yield from self._move("2995")
        yield from self._until(lambda: len(self._venue.orders(live_only=True)) > 1, "freqtrade places the ladder")
        yield from self._move("3080", _LIQUIDITY)
        yield from self._until(self._booked, "freqtrade books the fills of the rungs")
        yield Event(_now_ms(), Who.BOT, f"has booked the fills: {_LIQUIDITY} sold")
        yield from self._move("3010")
        yield from self._until(self._closed, "freqtrade closes the trade")
        yield Event(_now_ms(), Who.BOT, "trade closed")
        self._bot.stop()
        yield from self._news()

    def _until(self, condition: Callable[[], object], what: str) -> Iterator[Event]:
        while True:
            reached = _asked(condition)
            yield from self._news()
            if reached:
                return
            if (code := self._bot.exit_code) is not None:
                raise Broken(f"freqtrade ended with exit code {code} before this was seen: {what}")
            if any(_STOPPED in line.text for line in self._bot.log()):
                raise Broken(f"freqtrade stopped trading before this was seen: {what}")
            if time.monotonic() > self._end:
                raise Broken(f"{LIMIT_SECONDS:.0f} s are over before this was seen: {what}")
            time.sleep(_POLL_SECONDS)

    def _move(self, price: str, liquidity: str | None = None) -> Iterator[Event]:
        at_ms = _now_ms()
        self._venue.set_price(MARKET.symbol, price, liquidity)
        yield Event(at_ms, Who.PRICE, f"{price} USDT" + (f", where {liquidity} are bought" if liquidity else ""))
        yield from self._news()

    def _news(self) -> list[Event]:
        """Return what has happened since the last call, in order of time."""
        # The log last: a line that was written before a request is then never seen after it.
        orders, requests, lines = self._venue.orders(), self._venue.requests, self._bot.log()
        posts = [_of_request(record) for record in requests[self._requests :] if record.uid and record.method == "POST"]
        fills = [
            Event(order.updated_ms, Who.VENUE, f"{_name(number)} {_fill(order)}")
            for number, order in enumerate(orders)
            if order.filled != self._filled.get(order.order_id, _ZERO)
        ]
        said = [Event(line.at_ms, Who.BOT, line.text) for line in lines[self._lines :] if _NOTABLE.match(line.text)]
        self._requests, self._lines = len(requests), len(lines)
        self._filled = {order.order_id: order.filled for order in orders}
        return sorted([*said, *posts, *fills], key=lambda event: event.at_ms)

    def _sold(self) -> float:
        rows = self._bot.rows("select filled from orders where ft_order_side = 'sell'")
        return sum(row["filled"] or 0.0 for row in rows)

    def _booked(self) -> bool:
        return abs(self._sold() - float(_LIQUIDITY)) < float(_LIQUIDITY) / 1e9

    def _closed(self) -> object:
        return self._bot.rows("select id from trades where is_open = 0")


def _asked(condition: Callable[[], object]) -> object:
    try:
        return condition()
    except sqlite3.OperationalError:  # not there yet, or being written
        return None


def _of_request(record: RequestRecord) -> Event:
    named = request_log.orders(record)
    match request_log.what(record):
        case What.PLACE:
            (order,) = named
            name = "entry order" if order["side"] == "buy" else "exit order"
            text = f"{name}: {order['side']} {order.get('baseSize', order.get('qty'))} at {order['price']}"
        case What.LADDER:
            text = f"ladder: {len(named)} sells from {named[0]['price']} to {named[-1]['price']}"
        case What.BATCH:
            text = f"batch cancel of {len(named)} resting orders"
        case _:
            text = "request"
    return Event(record.at_ms, Who.REQUEST, f"{text} (1 request: {request_log.endpoint(record)})")


def _name(number: int) -> str:
    """Return the name of an order of the account by its place in time."""
    if not number:
        return "entry"
    return f"rung {number}" if number <= RUNGS else "exit"


def _fill(order: Order) -> str:
    how = "filled" if order.filled == order.base_size else "partly filled"
    return f"{how}: {order.filled} of {order.base_size} at {order.quote_filled / order.filled:f}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

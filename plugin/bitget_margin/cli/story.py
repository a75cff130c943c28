"""The demo's price script, and what freqtrade and the venue do while it plays."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bitget_margin.cli.bot import Bot
from bitget_margin.emulator import Account, Emulator, Order, RequestRecord

PAIR: Final = "ETH/USDT"
SYMBOL: Final = "ETHUSDT"
FUNDS: Final = "10000"
LIMIT_SECONDS: Final = 50.0
"""Over all steps; what comes after them takes seconds."""
_POLL_SECONDS: Final = 0.05
_LIQUIDITY: Final = "0.35"
"""Three rungs and a half: one is left partly filled."""
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


def account() -> Account:
    """Return a customer without coins of its own, so that every coin belongs to the trade."""
    return Account(balances={"USDT": FUNDS})


class Story:
    """One trade: bought, its ladder partly sold, and exited."""

    def __init__(self, venue: Emulator, bot: Bot) -> None:
        self._venue = venue
        self._bot = bot
        self._end = time.monotonic() + LIMIT_SECONDS
        self._requests = 0
        self._lines = 0
        self._filled: dict[str, Order] = {}

    def events(self) -> Iterator[Event]:
        """Play it, and yield what happens.

        :raises Broken: it cannot go on
        """
        yield Event(_now_ms(), Who.BOT, "starts: live trading, exchange bitgetcross, on the local venue")
        yield from self._until(lambda: self._venue.orders(live_only=True), "freqtrade places its entry")
        yield from self._move("2995")
        yield from self._until(lambda: len(self._venue.orders(live_only=True)) > 1, "freqtrade places the ladder")
        yield from self._move("3080", _LIQUIDITY)
        yield from self._until(self._booked, "freqtrade books the fills of the rungs")
        yield Event(_now_ms(), Who.BOT, f"has booked the fills: {self._sold():g} sold")
        yield from self._move("2960")
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
        self._venue.set_price(SYMBOL, price, liquidity)
        yield Event(at_ms, Who.PRICE, f"{price} USDT" + (f", where {liquidity} are bought" if liquidity else ""))
        yield from self._news()

    def _news(self) -> list[Event]:
        """Return what has happened since the last call, in order of time."""
        # The log last: a line that was written before a request is then never seen after it.
        orders, requests, lines = self._venue.orders(), self._venue.requests, self._bot.log()
        posts = [_of_request(record) for record in requests[self._requests :] if record.uid and record.method == "POST"]
        fills = [
            _of_fill(order, self._filled.get(order.order_id))
            for order in orders
            if order.filled and order.filled != getattr(self._filled.get(order.order_id), "filled", None)
        ]
        said = [Event(line.at_ms, Who.BOT, line.text) for line in lines[self._lines :] if _NOTABLE.match(line.text)]
        self._requests, self._lines = len(requests), len(lines)
        self._filled = {order.order_id: order for order in orders}
        return sorted([*said, *posts, *fills], key=lambda event: event.at_ms)

    def _sold(self) -> float:
        rows = self._bot.rows("select filled from orders where ft_order_side = 'sell'")
        return sum(row["filled"] or 0.0 for row in rows)

    def _booked(self) -> bool:
        return abs(self._sold() - float(_LIQUIDITY)) < float(_LIQUIDITY) / 1e9

    def _closed(self) -> object:
        return self._bot.rows("select id from trades where is_open = 0")

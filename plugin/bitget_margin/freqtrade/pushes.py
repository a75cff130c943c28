"""Pushes of changed orders: a websocket in a thread of its own, as freqtrade has one for candles.

A push is a reason to look a pair up at once, and never proof of anything. Without one, a pair is looked up less often.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

logger = logging.getLogger("bitget_margin")

_MESSAGE_SECONDS: Final = 0.2
"""Time between two subscriptions: the venue ends a connection that sends more than 10 messages per second."""
_FIRST_PAUSE_SECONDS: Final = 1.0
"""Pause before a new connection; it doubles up to the longest."""
_LONGEST_PAUSE_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0
"""Longest time that the end of the thread may take."""
_LOG_SECONDS: Final = 60.0
"""Least time between two lines of the log about connections that ended."""
_CROSS: Final = {"marginMode": "cross"}


@dataclass(eq=False, kw_only=True)
class OrderPushes:
    """The websocket of a bot, and the times of its pushes.

    :param make: makes an exchange object of the websocket flavour, with the markets and the account kind of the bot
    :param lists_all: whether one subscription is for all pairs, as on a unified account
    """

    make: Callable[[], Any]
    lists_all: Callable[[], bool]
    enabled: bool = True
    clock: Callable[[], float] = time.monotonic
    _pairs: set[str] = field(default_factory=set, init=False)
    """Pairs whose pushes are wanted."""
    _pushed_at: dict[str, float] = field(default_factory=dict, init=False)
    """Time of the last push, by pair."""
    _exchange: Any = field(default=None, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set in the thread's event loop as pairs are added, and as the thread is to end."""
    _logged_at: float = field(default=float("-inf"), init=False)
    _is_over: bool = field(default=False, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the thread, if the setting is on."""
        if self.enabled and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bitget-margin-pushes", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """End the thread and its connection, as the bot ends."""
        thread, self._thread, self._is_over = self._thread, None, True
        if thread is not None:
            self._wake()
            thread.join(_END_SECONDS)

    def follow(self, pairs: Iterable[str]) -> None:
        """Subscribe to the orders on these pairs, and remain subscribed."""
        more = set(pairs) - self._pairs
        if more:
            self._pairs = self._pairs | more
            self._wake()

    def quiet_since(self, pair: str) -> float | None:
        """Return the time since which every change of an order on a pair would have been pushed, and none was.

        None where there is no such time: the connection is down, or the venue has not confirmed the subscription yet.
        """
        exchange = self._exchange
        if exchange is None or pair not in self._pairs:
            return None
        since_ms = exchange.orders_pushed_since_ms(None if self.lists_all() else pair)
        return None if since_ms is None else max(since_ms / 1_000, self._pushed_at.get(pair, 0.0))

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wanted.set)

    def _run(self) -> None:
        try:
            asyncio.run(self._listen())
        except Exception:
            logger.exception("Pushes of orders are not available; pairs are looked up in every loop")
        finally:
            self._exchange = None

    async def _listen(self) -> None:
        """Follow the pairs that are wanted, each with a task of its own, until the bot ends."""
        self._loop = asyncio.get_running_loop()
        self._exchange = exchange = self.make()
        turn = asyncio.Lock()
        tasks: dict[str | None, asyncio.Task[None]] = {}
        try:
            while not self._is_over:
                self._wanted.clear()
                symbols: set[str | None] = {None} if self._pairs and self.lists_all() else set(self._pairs)
                for symbol in symbols - set(tasks):
                    tasks[symbol] = asyncio.create_task(self._follow(exchange, symbol, turn))
                await self._wanted.wait()
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            await exchange.close()

    async def _follow(self, exchange: Any, symbol: str | None, turn: asyncio.Lock) -> None:
        """Note the pushes of one subscription, and subscribe again whenever the connection ends."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            async with turn:
                await asyncio.sleep(_MESSAGE_SECONDS)
            try:
                while True:
                    orders = await exchange.watch_orders(symbol, None, None, _CROSS)
                    self._pushed_at.update(dict.fromkeys({order["symbol"] for order in orders}, self.clock()))
                    pause_seconds = _FIRST_PAUSE_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever it was, pushes would be missed from here on
                self._log(error)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _log(self, error: Exception) -> None:
        """Log the end of a subscription; all of them end with a connection."""
        if self.clock() - self._logged_at >= _LOG_SECONDS:
            self._logged_at = self.clock()
            level = logging.INFO if isinstance(error, ccxt.NetworkError) else logging.WARNING
            logger.log(level, "Pushes of orders have ended; loops look pairs up until they are back: %s", error)

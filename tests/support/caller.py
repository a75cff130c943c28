"""Exchange objects on a simulated transport, for call after call."""

import asyncio
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin.core.settings import Pacing
from support.hostile import Hostile
from support.simulated_transport import Clock, SimulatedLoop, Wire
from support.wire import market

PACING: Final = Pacing(recancel_ms=210, refusals_ms=200, recheck_ms=250, limited_ms=100, polls_ms=(50, 100, 200))
TIMEOUT_S: Final = 1.0
GRACE_S: Final = 1.3
LOADING_S: Final = 12.0
"""Time for requests that the sync class has started and does not interrupt: all that load the markets."""
MARKETS: Final = tuple(
    market(f"{coin}USDT", coin) | {"marginModes": {"cross": True, "isolated": None}} for coin in ("BTC", "ETH")
)
STATE: Final = ("options", "markets", "markets_by_id", "symbols", "ids", "currencies", "currencies_by_id", "codes")
"""Attributes of an exchange object that a call may change."""


@dataclass
class Caller:
    """Two exchange objects on a simulated transport: with ccxt's own JSON parser, and with Python's."""

    flavour: Any
    session: Callable[[Wire], Any]

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.wire = Wire(self.clock)
        self.loop = SimulatedLoop(self.clock)
        self.states: dict[Any, dict[str, Any]] = {}
        self.exchanges = [self.loop.run_until_complete(self._made(json_parser)) for json_parser in (None, json.loads)]

    def __call__(self, exchange: Any, method: str, *args: Any) -> Any:
        result = getattr(exchange, method)(*args)
        if not inspect.isawaitable(result):
            return result
        try:
            return self.loop.run_until_complete(result)
        finally:
            self.loop.run_until_complete(_cancel_other_tasks())

    def close(self) -> None:
        for exchange in self.exchanges:
            if not exchange.synchronous:
                exchange.session = None
                exchange.timeout_on_exit = 0
                self.loop.run_until_complete(exchange.close())
        self.loop.close()

    def ready(self, venue: Hostile) -> Any:
        """Return an exchange as new, whose requests go to this venue."""
        exchange = venue.choices.pick(self.exchanges)
        self.wire.start_case(venue, exchange.on_json_response)
        vars(exchange).update(self.states[exchange.on_json_response])
        exchange.options = exchange.options | {"uta": venue.choices.pick((False, False, True, None))}
        if venue.choices.once_in(10):
            exchange.markets = exchange.markets_by_id = None
            exchange.markets_loading = None
        self.grace_s = LOADING_S if exchange.markets is None and exchange.synchronous else GRACE_S
        return exchange

    async def _made(self, json_parser: Any) -> Any:
        config: dict[str, Any] = {"apiKey": "key", "secret": "secret", "password": "passphrase"}
        bounds = {"timeout": TIMEOUT_S * 1_000, "pacing": PACING}
        options = {"uta": False, "fetchMarkets": {"types": ["spot"]}, "batchCancel": bounds}
        session = {"session": self.session(self.wire)}
        exchange = self.flavour(config | {"enableRateLimit": False, "options": options} | session)
        if json_parser is not None:
            exchange.on_json_response = json_parser
        exchange.set_markets([dict(known) for known in MARKETS])
        self.states[exchange.on_json_response] = {name: getattr(exchange, name) for name in STATE}
        return exchange


async def _cancel_other_tasks() -> None:
    """Cancel the tasks that a call has left running: they would go on in the next case."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

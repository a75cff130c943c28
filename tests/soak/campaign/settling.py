"""Orders that a call left open, looked up once the trouble has ended: as its exception tells the caller to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from .calls import AGAIN_MS, CROSS, Call, timed
from .evidence import Settled
from .placing import SETTLED_MS
from .scenario import PACING

_PAUSE_SECONDS: Final = 0.02


@dataclass(slots=True)
class _Search:
    """What look-ups have shown of one order."""

    missed_ms: float | None = None
    """When a look-up first did not show it."""
    settled: Settled | None = None
    error: BaseException | None = None

    def see(self, name: str, result: object, now_ms: float, began_ms: float) -> None:
        """Take the result of a look-up; an order that is older than the call had the name before.

        The venue writes whole milliseconds.
        """
        if isinstance(result, Mapping) and (result["timestamp"] or 0) >= began_ms - 1:
            self.settled = Settled(name, result, elapsed_ms=now_ms)
        elif isinstance(result, BaseException) and not isinstance(result, ccxt.OrderNotFound):
            self.error = result
        elif self.missed_ms is None:
            self.missed_ms = now_ms
        elif now_ms - self.missed_ms >= PACING.recheck_ms:
            self.settled = Settled(name, is_missed=True, elapsed_ms=now_ms)


async def settle(
    exchange: Any, symbol: str, names: Sequence[str], began_ms: float, threads: Executor
) -> tuple[Settled, ...]:
    """Look these client order ids up, one after the other, until each is found, or is missed by two look-ups.

    :param began_ms: when the call began that was to place them, ms since the epoch
    """
    began = time.monotonic()
    searches = {name: _Search() for name in names}
    used_ms = 0.0
    while used_ms <= SETTLED_MS and any(search.settled is None for search in searches.values()):
        for name, search in searches.items():
            if search.settled is None:
                params: dict[str, Any] = CROSS | {"clientOrderId": name, "timeout": AGAIN_MS}
                result, _ = await timed(exchange, Call("fetch_order", ("", symbol, params)), threads)
                used_ms = (time.monotonic() - began) * 1_000
                search.see(name, result, used_ms, began_ms)
        await asyncio.sleep(_PAUSE_SECONDS)
    return tuple(
        search.settled or Settled(name, error=search.error, elapsed_ms=used_ms) for name, search in searches.items()
    )

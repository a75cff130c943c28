"""Look up the orders that a call left open, after the faults have ended.

The exception of the call asks its caller to do this.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from campaign.calls import CROSS, SECOND_CALL_MS, Call, timed
from campaign.evidence import Settled
from campaign.judge_placing import SETTLED_MS
from campaign.scenario import PACING

_PAUSE_SECONDS: Final = 0.02


@dataclass(slots=True)
class _Search:
    """Results of the lookups of one order."""

    missed_ms: float | None = None
    """Time of the first lookup that did not show the order."""
    settled: Settled | None = None
    error: BaseException | None = None

    def record(self, name: str, result: object, now_ms: float, began_ms: float) -> None:
        """Record the result of a lookup; an order older than the call is another one of the same name.

        The venue's timestamps are whole milliseconds.
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
    """Look up client order ids until each is found, or missed by two lookups.

    :param began_ms: start of the call that placed them, ms since the epoch
    """
    began = time.monotonic()
    searches = {name: _Search() for name in names}
    used_ms = 0.0
    while used_ms <= SETTLED_MS and any(search.settled is None for search in searches.values()):
        for name, search in searches.items():
            if search.settled is None:
                params: dict[str, Any] = CROSS | {"clientOrderId": name, "timeout": SECOND_CALL_MS}
                result, _ = await timed(exchange, Call("fetch_order", ("", symbol, params)), threads)
                used_ms = (time.monotonic() - began) * 1_000
                search.record(name, result, used_ms, began_ms)
        await asyncio.sleep(_PAUSE_SECONDS)
    return tuple(
        search.settled or Settled(name, error=search.error, elapsed_ms=used_ms) for name, search in searches.items()
    )

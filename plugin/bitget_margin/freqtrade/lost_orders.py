"""Orders that were taken as never placed: looked for in growing intervals, and taken in when they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import ccxt

from bitget_margin.freqtrade.client import Budget, epoch_ms
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder

if TYPE_CHECKING:
    from bitget_margin.freqtrade.resting_orders import RestingOrders

FIRST_SECONDS: Final = 5.0
LAST_SECONDS: Final = 300.0
"""Between two looks, at first and at most: each is twice the one before."""
FORGET_AFTER_MS: Final = {Origin.FREQTRADE: 3_600_000, Origin.LADDER: 24 * 3_600_000}
"""How old an order may be that is still looked for: the venue refuses a request that is half a minute old."""


class LostOrders:
    """The orders of a bot that it has given up."""

    def __init__(self, resting: RestingOrders, adopt: Callable[[TrackedOrder], None]) -> None:
        self._resting = resting
        self._adopt = adopt
        self._next: dict[str, tuple[float, float]] = {}
        """When each order is looked for next, and how long after that again, by client order id; in seconds."""

    def look(self, budget: Budget) -> None:
        """Look for those that are due, pair by pair, and take in what shows."""
        with self._resting.lock:
            due: dict[str, list[TrackedOrder]] = {}
            now = self._resting.seconds()
            for rung in self._resting.store.in_phase(Phase.LOST):
                if epoch_ms() - rung.intended_ms > FORGET_AFTER_MS[rung.kind]:
                    if rung.kind is Origin.FREQTRADE:
                        self._resting.store.forget(rung)
                    continue
                at, pause = self._next.get(rung.client_id, (now, FIRST_SECONDS))
                if at <= now:
                    self._next[rung.client_id] = (now + pause, min(2 * pause, LAST_SECONDS))
                    due.setdefault(rung.pair, []).append(rung)
            for pair, rungs in due.items():
                if budget.left_ms():
                    try:
                        self._look_at(pair, rungs, budget)
                    except ccxt.BaseError as error:
                        about = f"The orders on {pair} that were given up"
                        self._resting.alerts.warn(f"{about} could not be looked for: {error}", about)

    def _look_at(self, pair: str, rungs: list[TrackedOrder], budget: Budget) -> None:
        asked = [replace(rung, phase=Phase.INTENDED) for rung in rungs]
        for lost, found in zip(rungs, self._resting.client.view(pair, asked, budget), strict=True):
            if found is None:
                continue
            self._next.pop(lost.client_id, None)
            if lost.kind is Origin.FREQTRADE:
                self._resting.store.update([(lost, found)])
                self._adopt(found)
            else:
                self._resting.take_in(lost, found)

"""Orders that were taken as never placed: looked for in growing intervals, and taken in when they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import ccxt

from bitget_margin.freqtrade.client import Budget, now_ms
from bitget_margin.freqtrade.tracked_order import Kind, Phase, Rung

if TYPE_CHECKING:
    from bitget_margin.freqtrade.resting_orders import Keeper

FIRST_SECONDS: Final = 5.0
LAST_SECONDS: Final = 300.0
"""Between two looks, at first and at most: each is twice the one before."""
FORGET_AFTER_MS: Final = {Kind.OWN: 3_600_000, Kind.RUNG: 24 * 3_600_000}
"""How old an order may be that is still looked for: the venue refuses a request that is half a minute old."""


class LostOrders:
    """The orders of a bot that it has given up."""

    def __init__(self, keeper: Keeper, adopt: Callable[[Rung], None]) -> None:
        self._keeper = keeper
        self._adopt = adopt
        self._next: dict[str, tuple[float, float]] = {}
        """When each order is looked for next, and how long after that again, by client order id; in seconds."""

    def look(self, budget: Budget) -> None:
        """Look for those that are due, pair by pair, and take in what shows."""
        with self._keeper.lock:
            due: dict[str, list[Rung]] = {}
            now = self._keeper.seconds()
            for rung in self._keeper.records.in_phase(Phase.LOST):
                if now_ms() - rung.intended_ms > FORGET_AFTER_MS[rung.kind]:
                    if rung.kind is Kind.OWN:
                        self._keeper.records.forget(rung)
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
                        self._keeper.notices.warn(f"{about} could not be looked for: {error}", about)

    def _look_at(self, pair: str, rungs: list[Rung], budget: Budget) -> None:
        asked = [replace(rung, phase=Phase.INTENDED) for rung in rungs]
        for lost, found in zip(rungs, self._keeper.venue.view(pair, asked, budget), strict=True):
            if found is None:
                continue
            self._next.pop(lost.client_id, None)
            if lost.kind is Kind.OWN:
                self._keeper.records.update([(lost, found)])
                self._adopt(found)
            else:
                self._keeper.take_in(lost, found)

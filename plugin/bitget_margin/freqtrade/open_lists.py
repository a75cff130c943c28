"""Lists of open orders that are compared with what is stored: one request tells which pairs have to be looked up.

They decide nothing: a pair that a list shows as it is known counts as looked up, any other one is looked up at once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import ccxt

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient
from bitget_margin.freqtrade.lookups import Lookups
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import TrackedOrder, apply_row

Rows = Sequence[Mapping[str, Any]]
"""ccxt's order structures."""

_SIDE_BY_SIDE: Final = 4
"""Number of lists that run at a time."""
_EARLY: Final = 0.8
"""Share of the longest age within which every pair is listed: a list takes time, too."""


@dataclass(frozen=True, slots=True)
class _Running:
    """List that was requested: of one pair, or of all."""

    pairs: frozenset[str]
    at_seconds: float
    rows: Beside[Rows]


@dataclass(eq=False, kw_only=True)
class OpenLists:
    """Lists of open orders of a bot."""

    client: VenueClient
    resting: RestingOrders
    store: OrderStore
    lookups: Lookups
    _lists_all: bool | None = field(default=None, init=False)
    """Whether the venue lists all pairs at once: a classic account may refuse it. None before the first try."""
    _running: list[_Running] = field(default_factory=list, init=False)
    _share: float = field(default=0.0, init=False)
    """Number of pairs that are due to be listed, as time passes."""
    _shared_at: float | None = field(default=None, init=False)

    def compare_ended(self, pairs: Mapping[str, Sequence[TrackedOrder]]) -> None:
        """Compare the lists that have ended with the stored orders of each pair."""
        for running in [running for running in self._running if running.rows.ended(0.0)]:
            self._running.remove(running)
            self._compare(running, pairs)

    def refresh_quiet(self, pairs: Mapping[str, Sequence[TrackedOrder]]) -> None:
        """Request lists of pairs without pushes, before they are due: each once in the longest age, evenly in time."""
        quiet = sorted((pair for pair in pairs if self.lookups.is_quiet(pair)), key=self.lookups.age_seconds)
        now, since = self.lookups.clock(), self._shared_at
        self._shared_at = now
        if not quiet:
            self._share = 0.0
            return
        longest = _EARLY * self.lookups.max_age_seconds
        if self._lists_all is not False and len(quiet) > 1:
            if self.lookups.age_seconds(quiet[-1]) >= longest:
                self._begin(quiet, self.client.open_rows_everywhere)
            return
        self._share = min(len(quiet), self._share + len(quiet) * (0.0 if since is None else now - since) / longest)
        while self._share >= 1 and quiet:
            self._share -= 1
            pair = quiet.pop()
            self._begin([pair], partial(self.client.open_rows, pair, pairs[pair]))

    def still_due(
        self, pairs: Mapping[str, Sequence[TrackedOrder]], wanted: Sequence[str], budget: Budget
    ) -> Sequence[str]:
        """Return those of the wanted pairs that have to be looked up, by one list of all pairs, if there is one.

        :param budget: the time of the loop, which waits no longer than that for the list
        """
        if self._lists_all is False or len(wanted) <= 1:
            return wanted
        running = self._begin(wanted, self.client.open_rows_everywhere)
        if running is None:
            return wanted
        # Where the venue is slow, the exits of this loop come first, and a later one compares the list.
        wait_ms = 0.0 if self.client.pace.is_slow else budget.left_ms()
        if not running.rows.ended(wait_ms / 1_000):
            return []
        self._running.remove(running)
        self._compare(running, pairs)
        return [pair for pair in wanted if self.lookups.is_due(pair)]

    def _begin(self, pairs: Collection[str], request: Callable[[Budget, str], Rows]) -> _Running | None:
        """Request a list, unless one of the same pairs or too many others are running."""
        is_running = any(not running.pairs.isdisjoint(pairs) for running in self._running)
        if is_running or len(self._running) >= _SIDE_BY_SIDE:
            return None
        budget = self.client.pace.loop_budget()
        rows: Beside[Rows] = Beside(partial(request, budget, self.store.key()))
        running = _Running(frozenset(pairs), self.lookups.clock(), rows)
        self._running.append(running)
        self.lookups.begin(pairs)
        return running

    def _compare(self, running: _Running, pairs: Mapping[str, Sequence[TrackedOrder]]) -> None:
        try:
            rows = running.rows.result()
        except ccxt.BaseError as error:
            if isinstance(error, ccxt.ArgumentsRequired):
                self._lists_all = False
            for pair in running.pairs:
                self.lookups.require(pair)
            return
        self._lists_all = self._lists_all or len(running.pairs) > 1
        for pair in running.pairs:
            orders = pairs.get(pair, ())
            listed = {row["id"]: row for row in rows if row["symbol"] == pair}
            ids = {order.order_id for order in orders}
            unknown = [row for row in listed.values() if row["id"] not in ids]
            if unknown:
                self.resting.take_in(pair, unknown)
            if all(apply_row(order, listed.get(order.order_id or "")) is order for order in orders):
                self.lookups.confirm(pair, running.at_seconds)
            else:
                self.lookups.require(pair)

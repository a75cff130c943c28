"""Lists of open orders that are compared with what is stored: one request tells which pairs have to be looked up.

They decide nothing: a pair that a list shows as it is known counts as looked up, any other one is looked up at once.
"""

import contextlib
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

_EARLY: Final = 0.8
"""Share of the longest age within which every pair is listed: a list takes time, too."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """The bot's open orders on a pair, as of the time at which they were requested; None where that failed."""

    at_seconds: float
    rows: Rows | None


_Lists = Mapping[str, _Listed]


@dataclass(frozen=True, slots=True)
class _Running:
    """Lists that were requested: of all pairs at once, or of some one after the other."""

    pairs: frozenset[str]
    lists: Beside[_Lists]


@dataclass(eq=False, kw_only=True)
class OpenLists:
    """Lists of open orders of a bot."""

    client: VenueClient
    resting: RestingOrders
    store: OrderStore
    lookups: Lookups
    _lists_all: bool = field(default=True, init=False)
    """Whether the venue lists all pairs at once, as far as is known: a classic account may refuse it."""
    _running: list[_Running] = field(default_factory=list, init=False)
    _share: float = field(default=0.0, init=False)
    """Number of pairs that are due to be listed, as time passes."""
    _shared_at: float | None = field(default=None, init=False)

    def compare_ended(self, pairs: Mapping[str, Sequence[TrackedOrder]]) -> None:
        """Compare the lists that have ended with the stored orders of each pair."""
        for running in [running for running in self._running if running.lists.ended(0.0)]:
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
        if self._lists_all and len(quiet) > 1:
            if self.lookups.age_seconds(quiet[-1]) >= longest:
                self._begin(quiet, partial(self._list_all, quiet))
            return
        self._share = min(len(quiet), self._share + len(quiet) * (0.0 if since is None else now - since) / longest)
        due = {pair: pairs[pair] for pair in quiet[len(quiet) - int(self._share) :]}
        # Where the venue is slow, lists of an earlier loop may still run: these wait for their turn then.
        if due and not self._running:
            self._begin(due, partial(self._list_each, due))
            self._share -= len(due)

    def still_due(
        self, pairs: Mapping[str, Sequence[TrackedOrder]], wanted: Sequence[str], budget: Budget
    ) -> Sequence[str]:
        """Return those of the wanted pairs that have to be looked up, by one list of all pairs, if there is one.

        :param budget: the time of the loop, which waits no longer than that for the list
        """
        if not self._lists_all or len(wanted) <= 1:
            return wanted
        running = self._begin(wanted, partial(self._list_all, wanted))
        if running is None:
            return wanted
        # Where the venue is slow, the exits of this loop come first, and a later one compares the list.
        wait_ms = 0.0 if self.client.pace.is_slow else budget.left_ms()
        if not running.lists.ended(wait_ms / 1_000):
            return []
        self._running.remove(running)
        self._compare(running, pairs)
        return [pair for pair in wanted if self.lookups.is_due(pair)]

    def _list_all(self, pairs: Collection[str], key: str) -> _Lists:
        """List all pairs with one request."""
        at_seconds = self.lookups.clock()
        rows = self.client.open_rows_everywhere(self.client.pace.loop_budget(), key)
        return {pair: _Listed(at_seconds, [row for row in rows if row["symbol"] == pair]) for pair in pairs}

    def _list_each(self, pairs: Mapping[str, Sequence[TrackedOrder]], key: str) -> _Lists:
        """List pairs one after the other, so that most of the rate window is left to exits."""
        lists = {}
        for pair, orders in pairs.items():
            at_seconds, rows = self.lookups.clock(), None
            with contextlib.suppress(ccxt.BaseError):
                rows = self.client.open_rows(pair, orders, self.client.pace.loop_budget(), key)
            lists[pair] = _Listed(at_seconds, rows)
        return lists

    def _begin(self, pairs: Collection[str], request: Callable[[str], _Lists]) -> _Running | None:
        """Request lists, unless others of the same pairs are running."""
        if any(not running.pairs.isdisjoint(pairs) for running in self._running):
            return None
        running = _Running(frozenset(pairs), Beside(partial(request, self.store.key())))
        self._running.append(running)
        self.lookups.begin(pairs)
        return running

    def _compare(self, running: _Running, pairs: Mapping[str, Sequence[TrackedOrder]]) -> None:
        lists: _Lists = {}
        try:
            lists = running.lists.result()
        except ccxt.ArgumentsRequired:
            self._lists_all = False
        except ccxt.BaseError:
            pass
        for pair in running.pairs:
            found = lists.get(pair)
            if found is None or found.rows is None:
                self.lookups.require(pair)
            else:
                self._compare_pair(pair, pairs.get(pair, ()), found.rows, found.at_seconds)

    def _compare_pair(self, pair: str, orders: Sequence[TrackedOrder], rows: Rows, at_seconds: float) -> None:
        listed = {row["id"]: row for row in rows}
        ids = {order.order_id for order in orders}
        unknown = [row for row in listed.values() if row["id"] not in ids]
        if unknown:
            self.resting.take_in(pair, unknown)
        if all(apply_row(order, listed.get(order.order_id or "")) is order for order in orders):
            self.lookups.confirm(pair, at_seconds)
        else:
            self.lookups.require(pair)

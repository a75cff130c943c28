"""State of the venue: accounts, market, knobs, faults and requests, under one lock."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import localcontext

from bitget_margin.emulator.api.private_feed import PrivateFeed
from bitget_margin.emulator.behaviour.faults import FaultBoard
from bitget_margin.emulator.behaviour.knob_board import KnobBoard
from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.market.decimals import EXACT
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.loan_terms import LoanTerms
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import Account, AccountKind
from bitget_margin.emulator.messages import RequestHistory

REQUESTS_KEPT = 100_000

Clock = Callable[[], int]
"""Returns the time in ms since the epoch."""


class Venue:
    """State of the venue; to be used within `opened`, which locks it.

    :ivar errors: unexpected exceptions, each a bug of the emulator
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        symbols: Sequence[Symbol],
        knobs: Knobs,
        clock: Clock,
        fault_seed: int,
        loan_terms: LoanTerms,
    ) -> None:
        _refuse_duplicates("account", [account.uid for account in accounts])
        _refuse_duplicates("account", [account.api_key for account in accounts])
        _refuse_duplicates("symbol", [symbol.symbol for symbol in symbols])
        self.accounts_by_key = {account.api_key: account for account in accounts}
        self.knobs = KnobBoard(knobs)
        self.engine = Engine(symbols, accounts, clock(), loan_terms, self.knobs.of, self._kind_of)
        self.feed = PrivateFeed(self.engine, accounts, self.knobs)
        self.faults = FaultBoard(fault_seed)
        self.requests = RequestHistory(REQUESTS_KEPT)
        self.errors: list[Exception] = []
        self._clock = clock
        self._lock = threading.RLock()

    def change_kind(self, uid: str, kind: AccountKind) -> None:
        """Replace an account by the same one of another kind."""
        for key, account in self.accounts_by_key.items():
            if account.uid == uid:
                self.accounts_by_key[key] = replace(account, kind=kind)
                self.feed.remove_account(uid)

    def _kind_of(self, uid: str) -> AccountKind:
        return next(account.kind for account in self.accounts_by_key.values() if account.uid == uid)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Lock the venue and bring it up to date, with exact arithmetic; yields the time in ms since the epoch."""
        with self._lock, localcontext(EXACT):
            now_ms = self._clock()
            self.engine.settle(now_ms)
            yield now_ms
            if self.engine.due_ms is not None:
                self.feed.announce(self.engine.due_ms, now_ms)

    def settle(self) -> None:
        """Execute the actions that are due, though no request arrives."""
        with self.opened():
            pass


def _refuse_duplicates(noun: str, names: Sequence[str]) -> None:
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(f"each {noun} must be unique, but there are several {', '.join(duplicates)}")

"""Table of faults: the fault of each request and the required result, as in docs/faults.md."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

import ccxt

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import AccountKind, FaultKind

QUICK: Final = Pacing(
    recancel_ms=60, refusals_ms=50, recheck_ms=60, limited_ms=40, polls_ms=(30, 60, 120, 150, 150, 150, 300)
)
"""Shorter waits than the venue needs; the real ones have tests of their own."""
SPARING: Final = Pacing(recancel_ms=200, refusals_ms=150, recheck_ms=200, limited_ms=150, polls_ms=(300,))
"""Pauses of a call that runs until its deadline: long enough to leave room in the rate windows."""
PLENTY_MS: Final = 20_000
"""Timeout of a call that ends as soon as everything is proven, also on a slow machine."""
SHORT_MS: Final = 330
"""Timeout of a call that ends with its deadline."""
STALLED_MS: Final = 1_200
"""Timeout of a call with a request without response, which takes a third of it."""
STRETCHES: Final = (1, 4, 16)
"""Factors of the timeout, tried in turn if the machine is too slow."""
FOR_GOOD: Final = 1_000_000

CANCELED, FILLED, OPEN = Outcome.CANCELED, Outcome.FILLED, Outcome.OPEN
NOT_FOUND, UNKNOWN, NOT_SENT = Outcome.NOT_FOUND, Outcome.UNKNOWN, Outcome.NOT_SENT


class Where(Enum):
    """Request with a fault, by the end of its path on each account kind."""

    CANCEL = ("/batch-cancel-order", "/cancel-batch")
    SINGLE = ("/crossed/cancel-order", "/trade/cancel-order")
    HISTORY = ("/crossed/history-orders", "/trade/history-orders")
    OPEN = ("/crossed/open-orders", "/unfilled-orders")
    ONE = (None, "/order-info")
    PLACE = ("/place-order", "/place-order")
    PLACE_MANY = ("/batch-place-order", "/place-batch")

    def path(self, kind: AccountKind) -> str | None:
        """Return the end of the path; None if this account kind has no such request."""
        classic, unified = self.value
        return unified if kind is AccountKind.UNIFIED else classic


class Role(Enum):
    """State of an order before the call."""

    FILLED = "filled before the call"
    ENDED = "cancelled before the call"
    LIVE = "live, one of them partly filled"
    ABSENT = "an id that nobody placed"


KNOWN_ROLES: Final = (Role.FILLED, Role.ENDED, Role.LIVE)
"""Roles without the unknown id, which stays unproven after an ambiguous response until the deadline."""

Ends = Mapping[Role, Outcome | tuple[Outcome, ...]]
PROVEN: Final[Ends] = {Role.FILLED: FILLED, Role.ENDED: CANCELED, Role.LIVE: CANCELED, Role.ABSENT: NOT_FOUND}
NOTHING: Final[Ends] = dict.fromkeys(Role, UNKNOWN)
UNSENT: Final[Ends] = dict.fromkeys(Role, NOT_SENT)
LIVES: Final[Ends] = PROVEN | {Role.LIVE: OPEN}


class Meanwhile(Enum):
    """Event before a request: its text, a part of the path, and the number of the request."""

    FILL = ("the third live order is filled in part, the fourth wholly", "cancel", 3)
    TURN = ("the account becomes one of the other kind", "cancel", 2)
    TURN_LATE = ("the account becomes one of the other kind", "history-orders", 1)


@dataclass(frozen=True, slots=True)
class At:
    """A fault and the requests that meet it."""

    kind: FaultKind
    where: Where = Where.CANCEL
    count: int | None = 1
    duration_ms: int = 30


@dataclass(frozen=True, slots=True)
class Case:
    """Row of the table of cancels: faults, and the outcome of each order."""

    name: str
    faults: tuple[At, ...] = ()
    knobs: Mapping[str, Any] = field(default_factory=dict)
    roles: tuple[Role, ...] = tuple(Role)
    ends: Ends = field(default_factory=lambda: PROVEN)
    on_unified: Mapping[str, Any] = field(default_factory=dict)
    """Different fields on a unified account."""
    raises: type[Exception] | None = None
    reason: str = ""
    """Part of the reason of every live order."""
    cancels: int | None = None
    """Number of cancels, if it is certain."""
    unasked: int = 0
    timeout_ms: int = PLENTY_MS
    pacing: Pacing = QUICK
    live: int = 4
    by_name: bool = False
    request_timeout_ms: int | None = None
    """Timeout of ccxt for one request."""
    refused_ms: int = 0
    """Time from the start for which connections are refused."""
    meanwhile: Meanwhile | None = None
    classic: bool = False

    def on(self, kind: AccountKind) -> Case:
        """Return the row for this account kind."""
        return replace(self, **self.on_unified) if kind is AccountKind.UNIFIED else self

    def stretched(self, factor: int) -> Case:
        """Return the row with more time."""
        request_timeout_ms = None if self.request_timeout_ms is None else self.request_timeout_ms * factor
        return replace(
            self,
            timeout_ms=self.timeout_ms * factor,
            refused_ms=self.refused_ms * factor,
            request_timeout_ms=request_timeout_ms,
        )


class Placed(Enum):
    """Result of an order to be placed."""

    ONCE = "placed once and returned"
    UNRESOLVED = "named by PlaceUnresolved, placed or not"
    REFUSED = "not placed, with stock ccxt's exception"
    REJECTED = "not placed, with the status rejected"


class How(Enum):
    """Requests or items that meet the fault: one order, two orders, or items of two."""

    ONE = "one"
    MANY = "many"
    ITEMS = "items"
    FIRST = "first-item"

    @property
    def where(self) -> Where:
        """Request that meets the fault."""
        return Where.PLACE if self is How.ONE else Where.PLACE_MANY

    @property
    def is_item(self) -> bool:
        """Whether items fail instead of the request."""
        return self in {How.ITEMS, How.FIRST}


WHOLE: Final = (How.ONE, How.MANY)


@dataclass(frozen=True, slots=True)
class Placing:
    """Row of the table of placements."""

    name: str
    kind: FaultKind
    ends: Placed = Placed.ONCE
    error: type[Exception] = ccxt.BaseError
    """Exception if the order was refused."""
    timeout_ms: int = PLENTY_MS
    rule: Mapping[str, Any] = field(default_factory=dict)
    hows: tuple[How, ...] = WHOLE
    is_sent_again: bool = False
    """Whether the order is sent more than once."""
    on_unified: Mapping[str, Any] = field(default_factory=dict)
    """Different fields on a unified account."""

    def on(self, kind: AccountKind) -> Placing:
        """Return the row for this account kind."""
        return replace(self, **self.on_unified) if kind is AccountKind.UNIFIED else self

    def kind_for(self, how: How) -> FaultKind:
        """Return the fault of this row, for a request or for items."""
        return _OF_ITEMS[self.kind] if how.is_item else self.kind

    def ends_for(self, how: How) -> tuple[Placed, ...]:
        """Return the result of each order."""
        ends = Placed.REJECTED if how.is_item and self.ends is Placed.REFUSED else self.ends
        return {How.ONE: (ends,), How.FIRST: (ends, Placed.ONCE)}.get(how, (ends, ends))


def _done(kind: FaultKind, **more: Any) -> Case:
    """Return the row of a cancel that was executed without a response: nothing is sent again."""
    return Case(f"cancel/{kind}", (At(kind, duration_ms=60_000),), roles=KNOWN_ROLES, **{"cancels": 1, **more})


def _undone(kind: FaultKind, **more: Any) -> Case:
    """Return the row of a cancel that was not executed: it is sent again."""
    return Case(f"cancel/{kind}", (At(kind),), roles=KNOWN_ROLES, **{"cancels": 2, **more})


LOOKUP_PATHS: Final = (Where.HISTORY, Where.OPEN, Where.ONE)


def _all_lookups(kind: FaultKind) -> tuple[At, ...]:
    return tuple(At(kind, where, None) for where in LOOKUP_PATHS)


def _lookup_row(name: str, *kinds: FaultKind, **more: Any) -> Case:
    """Return the row of lookups that meet these faults in turn before they get a response."""
    at = tuple(At(kind, where) for where in LOOKUP_PATHS for kind in (kinds if where is Where.HISTORY else kinds[::-1]))
    return Case(name, at, **{"live": 2, **more})


def _for_good(name: str, *faults: At, ends: Ends = NOTHING, **more: Any) -> Case:
    """Return the row of a call that stays unresolved and raises CancelUnresolved at its deadline."""
    bounds = {"raises": CancelUnresolved, "timeout_ms": SHORT_MS, "pacing": SPARING}
    return Case(name, faults, ends=ends, **{**bounds, **more})


F = FaultKind
_NO_REASON: Final = {"reason": ""}
"""An item without a code is no failure on a unified account, so it has no reason."""

CANCELS: Final = (
    _undone(F.REFUSE, cancels=None),
    _undone(F.RESET_BEFORE),
    _done(F.RESET_AFTER),
    _undone(F.STALL_BEFORE, timeout_ms=STALLED_MS),
    _done(F.STALL_AFTER, timeout_ms=STALLED_MS),
    _done(F.SLOW_BYTES, timeout_ms=STALLED_MS),
    _done(F.TRUNCATED_JSON),
    _done(F.HTML_200),
    _done(F.HTML_502),
    _done(F.EMPTY_BODY),
    _done(F.SERVER_ERROR, reason="System error"),
    _undone(F.UNAVAILABLE),
    Case("cancel/too-many", (At(F.TOO_MANY, count=3),), cancels=4),
    _done(F.CODE_40010, reason="Request timed out"),
    _done(F.CODE_40015, reason="System is abnormal"),
    _done(F.CODE_40725, reason="service return an error"),
    _done(F.CODE_45001, reason="Unknown error"),
    _undone(F.CODE_BEFORE),
    _done(F.CODE_AFTER, reason="refused by a fault"),
    _undone(F.ITEM_CODE_BEFORE, reason="refused by a fault", on_unified=_NO_REASON),
    _done(F.ITEM_CODE_AFTER, reason="refused by a fault", on_unified=_NO_REASON),
    _done(F.REPEAT),
    Case("cancel/late", (At(F.LATE),), roles=KNOWN_ROLES),
    _done(F.NULL_DATA, reason="no list that can be read"),
    _done(F.NULL_LISTS, reason="no list that can be read"),
    _done(F.MISSING_LISTS, reason="no list that can be read"),
    Case("cancel/unasked-ids", (At(F.UNASKED_IDS),), unasked=1),
    _done(F.OTHER_ANSWER, unasked=1),
    _undone(F.OTHER_ANSWER_BEFORE, unasked=1),
    Case("cancel/twice", (At(F.TWICE),)),
    Case("cancel/wrong-symbol", (At(F.WRONG_SYMBOL),)),
    Case("cancel/clock-skew", (At(F.CLOCK_SKEW),)),
    Case("cancel/unified", (At(F.UNIFIED),), ends=UNSENT, raises=ccxt.ExchangeError, cancels=2),
    _for_good("cancel/nobody-listens", refused_ms=420, ends=UNSENT, cancels=0),
    _for_good("cancel/too-many-for-good", At(F.TOO_MANY, count=None), ends=UNSENT),
    _for_good("cancel/clock-skew-for-good", At(F.CLOCK_SKEW, count=None), ends=UNSENT, raises=ccxt.InvalidNonce),
    _for_good("cancel/lost-for-good", At(F.RESET_BEFORE, count=None), roles=(Role.LIVE, Role.ABSENT)),
    _for_good("cancel/unknown-id-in-doubt", At(F.RESET_AFTER), roles=(Role.ABSENT,)),
    _for_good("cancel/names-in-doubt", At(F.RESET_AFTER), roles=(Role.FILLED, Role.ENDED), by_name=True),
)

LOOKUPS: Final = (
    _lookup_row("look/no-answer", F.RESET_BEFORE, F.RESET_AFTER),
    _lookup_row("look/stalled", F.SLOW_BYTES, F.STALL_AFTER, F.STALL_BEFORE, request_timeout_ms=100, timeout_ms=3_000),
    _lookup_row("look/refuse", F.REFUSE, roles=(Role.LIVE, Role.ABSENT)),
    _lookup_row("look/no-json", F.TRUNCATED_JSON, F.HTML_200, F.EMPTY_BODY),
    _lookup_row("look/server-down", F.HTML_502, F.SERVER_ERROR, F.UNAVAILABLE, F.LATE),
    _lookup_row("look/codes", F.CODE_40010, F.CODE_40015, F.CODE_40725, F.CODE_45001, F.CODE_BEFORE, F.CODE_AFTER),
    _lookup_row("look/no-list", F.NULL_DATA, F.NULL_LISTS, F.MISSING_LISTS),
    _lookup_row("look/too-many", F.TOO_MANY, F.TOO_MANY),
    Case("look/clock-skew", (At(F.CLOCK_SKEW, Where.HISTORY),)),
    Case("look/unified", (At(F.UNIFIED, Where.HISTORY),), ends=NOTHING, raises=ccxt.BaseError),
    _lookup_row("look/unasked-ids", F.UNASKED_IDS),
    _lookup_row("look/other-answer", F.OTHER_ANSWER, F.OTHER_ANSWER_BEFORE),
    _lookup_row("look/nothing-differs", F.REPEAT, F.ITEM_CODE_BEFORE, F.ITEM_CODE_AFTER),
    Case("look/twice", _all_lookups(F.TWICE)),
    _lookup_row("look/wrong-symbol", F.WRONG_SYMBOL),
    Case("look/turned", meanwhile=Meanwhile.TURN_LATE, live=2),
    _for_good("look/lost-for-good", *_all_lookups(F.RESET_BEFORE), roles=(Role.FILLED, Role.LIVE), live=1),
    _for_good(
        "look/wrong-symbol-for-good", *_all_lookups(F.WRONG_SYMBOL), knobs={"fill_wins": 2}, roles=(Role.LIVE,), live=2
    ),
)

ANSWERS: Final = (
    Case("answer/as-documented"),
    Case("answer/left-out", knobs={"omit_ids": 4}),
    Case("answer/left-out-live", knobs={"omit_refused": 4}),
    Case("answer/left-out-for-good", knobs={"omit_refused": FOR_GOOD}, roles=KNOWN_ROLES, ends=LIVES),
    Case("answer/both-lists", knobs={"both_lists": 4}),
    Case("answer/refused", knobs={"refuse_cancels": 4}, reason="Cancel order error"),
    Case("answer/refused-for-good", knobs={"refuse_cancels": FOR_GOOD}, ends=LIVES, reason="Cancel order error"),
    Case("answer/ends-late", knobs={"ack_delay_ms": 120}),
    _for_good("answer/ends-too-late", knobs={"ack_delay_ms": 60_000}, roles=(Role.LIVE,)),
    Case("answer/never-lands", knobs={"cancel_never_lands": 4}),
    _for_good("answer/never-lands-for-good", knobs={"cancel_never_lands": FOR_GOOD}, roles=(Role.LIVE,)),
    Case("answer/fill-wins", knobs={"fill_wins": 2}, ends=PROVEN | {Role.LIVE: (FILLED, FILLED, CANCELED, CANCELED)}),
    Case("answer/history-lags", knobs={"history_lag_ms": 40}, roles=KNOWN_ROLES, live=1),
    _for_good("answer/history-lags-for-good", knobs={"history_lag_ms": 60_000}, roles=(Role.LIVE,), live=2),
    _for_good(
        "answer/ended-and-not-shown",
        knobs={"history_lag_ms": 60_000},
        roles=(Role.FILLED, Role.ENDED),
        on_unified={"ends": dict.fromkeys(Role, NOT_FOUND), "raises": None, "timeout_ms": PLENTY_MS},
    ),
    Case("answer/chinese", knobs={"language": "zh"}),
    Case("answer/codes", knobs={"failure_code": True}),
    _for_good(
        "answer/unread-text", knobs={"failure_text_unknown": "no such thing"}, roles=(Role.ABSENT,), classic=True
    ),
    Case(
        "answer/all-failed",
        knobs={"all_failed": "43001"},
        roles=(Role.FILLED, Role.ENDED, Role.ABSENT),
        classic=True,
    ),
    Case("answer/null-when-empty", knobs={"empty_lists": "null"}, roles=(Role.LIVE,)),
    Case("answer/asked-ids-only", knobs={"echo_ids": "asked"}),
    Case("answer/result-list", knobs={"list_key": "resultList"}, classic=True),
    Case("answer/partial-status", knobs={"partial_status": "partial_fill", "cancel_never_lands": 4}),
    Case("answer/short-pages", knobs={"open_orders_cap": 2, "cancel_never_lands": 4}),
    Case("answer/fill-between-batches", meanwhile=Meanwhile.FILL, ends=PROVEN | {Role.LIVE: (*[CANCELED] * 3, FILLED)}),
    Case("answer/turned-between-batches", meanwhile=Meanwhile.TURN),
)

_OF_ITEMS: Final = {F.CODE_BEFORE: F.ITEM_CODE_BEFORE, F.CODE_AFTER: F.ITEM_CODE_AFTER}
_NOT_THERE: Final = {"ends": Placed.UNRESOLVED, "timeout_ms": SHORT_MS}
_AGAIN: Final = {"is_sent_again": True}
_NOT_ONCE: Final[Mapping[FaultKind, Mapping[str, Any]]] = {
    F.REFUSE: _NOT_THERE,
    F.RESET_BEFORE: _NOT_THERE,
    F.STALL_BEFORE: _NOT_THERE,
    F.STALL_AFTER: {"timeout_ms": STALLED_MS},
    F.SLOW_BYTES: {"timeout_ms": STALLED_MS},
    F.UNAVAILABLE: _NOT_THERE,
    F.TOO_MANY: _AGAIN,
    F.CLOCK_SKEW: _AGAIN,
    F.LATE: {"rule": {"duration_ms": 250}},
    F.OTHER_ANSWER_BEFORE: _NOT_THERE,
    F.UNIFIED: {"ends": Placed.REFUSED, "error": ccxt.ExchangeError, **_AGAIN},
}


def _coded(name: str, code: str | None, kind: FaultKind, **more: Any) -> Placing:
    """Return the row of a code of requests and items; None is an item without a code."""
    hows = tuple(How) if code is not None else (How.ITEMS, How.FIRST)
    after = kind is F.CODE_AFTER
    return Placing(f"place/{name}-{'after' if after else 'before'}", kind, rule={"code": code}, hows=hows, **more)


def _codes() -> Iterator[Placing]:
    """Yield the rows of a code of each verdict, executed and not executed."""
    refused = {"ends": Placed.REFUSED, "error": ccxt.ExchangeError}
    for name, code, not_there in (
        ("ambiguous", "40010", _NOT_THERE),
        ("unsettled", "40808", refused),
        ("unknown", "99999", refused),
        # On a unified account, an item without a code is neither failure nor success.
        ("no-code", None, refused | {"on_unified": _NOT_THERE}),
        ("funds", "43012", refused | {"error": ccxt.InsufficientFunds}),
        ("gone", "43001", refused),
        ("duplicate", "50060", _NOT_THERE),
        ("limited", "40918", _AGAIN),
    ):
        yield _coded(name, code, F.CODE_AFTER)
        yield _coded(name, code, F.CODE_BEFORE, **not_there)
    yield _coded("refused", "45110", F.CODE_BEFORE, **refused | {"error": ccxt.InvalidOrder})
    yield _coded("definitive", "40014", F.CODE_BEFORE, **refused | {"error": ccxt.PermissionDenied})


_WITH_CODE: Final = {F.CODE_BEFORE, F.CODE_AFTER, F.ITEM_CODE_BEFORE, F.ITEM_CODE_AFTER}
PLACINGS: Final = (
    *(Placing(f"place/{kind}", kind, **_NOT_ONCE.get(kind, {})) for kind in FaultKind if kind not in _WITH_CODE),
    Placing(
        "place/too-many-for-good",
        F.TOO_MANY,
        Placed.REFUSED,
        ccxt.NetworkError,
        STALLED_MS,
        rule={"count": None},
        is_sent_again=True,
    ),
    Placing("place/too-late", F.LATE, rule={"duration_ms": 60_000}, **_NOT_THERE),
    Placing("place/late-code", F.LATE, rule={"duration_ms": 250, "code": "40010"}),
    *_codes(),
)

OTHERS: Final = ("place/hidden", "place/taken", "single/done", "single/undone", "all/wrong-symbol")
"""Rows with tests of their own."""

_BOT: Final = "integration/freqtrade/test_"
_UNIT: Final = "unit/freqtrade/test_"
_DRILL: Final = "leverage_survives_faults.py::test_"
LEVERAGE: Final[Mapping[str, str]] = {
    "loan/refused": f"{_BOT}leverage_borrows_only_what_is_asked.py::"
    "test_a_refused_loan_leaves_nothing_and_pauses_the_pair",
    "loan/no-answer": f"{_BOT}leverage_survives_crashes.py::test_an_order_without_an_answer_is_placed_once",
    "loan/not-stored": f"{_UNIT}live_leverage.py::test_an_entry_that_cannot_be_stored_is_not_sent",
    "loan/unexplained": f"{_BOT}leverage_borrows_only_what_is_asked.py::"
    "test_a_debt_that_no_trade_explains_refuses_the_entry",
    "balance/entry": f"{_UNIT}live_leverage.py::"
    "test_an_entry_is_decided_on_a_new_reading_and_on_none_where_there_is_no_answer",
    "balance/position": f"{_BOT}{_DRILL}books_and_position_stay_and_the_stop_loss_leaves_under_every_fault",
    "balance/exit": f"{_BOT}exits_of_positions_leave.py::test_a_balance_that_cannot_be_read_holds_no_exit_up",
    "balance/no-coins": f"{_UNIT}positions.py::test_an_answer_without_the_coins_of_the_bot_is_not_whole",
    "balance/twice": f"{_BOT}{_DRILL}books_and_position_stay_and_the_stop_loss_leaves",
    "interest/unreadable": f"{_UNIT}live_leverage.py::test_interest_that_is_not_known_ends_no_bot",
    "interest/left-out": f"{_UNIT}trade_interest.py::"
    "test_an_answer_without_the_interest_that_was_known_is_not_believed",
    "level/entry": f"{_UNIT}entry_loans.py::test_without_a_level_the_maintenance_margin_counts",
    "level/loop": f"{_BOT}{_DRILL}a_bot_goes_on_without_levels_and_tiers",
    "level/worth": f"{_UNIT}margin_levels.py::"
    "test_a_worth_that_differs_by_more_than_five_percent_stops_liquidation_prices",
    "tiers/unreadable": f"{_UNIT}leveraged_exchange.py::"
    "test_without_the_list_of_pairs_a_bot_borrows_nothing_and_a_backtest_goes_by_the_settings",
    "rates/unreadable": f"{_BOT}{_DRILL}a_rate_is_the_venue_s_or_the_default",
    "repay/refused": f"{_UNIT}leftover_debts.py::test_it_is_tried_again_once_a_minute_for_an_hour",
    "repay/no-balance": f"{_UNIT}leftover_debts.py::test_a_balance_that_cannot_be_read_is_read_a_minute_later",
}
"""Rows of a bot with leverage, and the test that keeps each, below tests/."""


def undisturbed() -> Iterator[None]:
    """Exclude loaded objects from garbage collection, which would take longer than a short call."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()

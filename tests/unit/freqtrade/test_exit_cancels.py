"""Promise: an exit that nobody can refuse cancels with its first request; where little is free, it waits."""

import threading
from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import exit_cancels, exit_fills, resting_orders
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.config import BotSettings, CancelScope
from bitget_margin.freqtrade.hedged_cancel import HedgedCancel
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, Wallet, balance_of, confirm, in_another_thread, live, sold

ENDED = live("a", phase=Phase.ENDED)


def resting(stand: Stand, *orders: TrackedOrder) -> Stand:
    """Let a full exit come next, of a trade with these resting orders."""
    stand.store.add(orders or [live("a")])
    stand.exits.announce(stand.trades[KEY])
    return stand


# -- the first request ------------------------------------------------------------------------------------------------


def test_an_exit_that_nobody_can_refuse_cancels_with_its_first_request_and_once(stand: Stand) -> None:
    stand.venue.shown["a"] = live("a", phase=Phase.ENDED, filled=0.2)
    resting(stand).exits.begin(PAIR)
    assert (stand.venue.canceled, stand.venue.viewed) == ([(["a"], [])], [])
    assert ("fill", 1, "a", 0.2) in stand.calls, "freqtrade computes the amount next"
    assert confirm(stand)
    assert sold(stand, 0.8) == 0.8
    assert (len(stand.venue.canceled), stand.venue.viewed) == (1, [])


@pytest.mark.parametrize("is_announced", [True, False])
def test_the_cancel_of_an_exit_has_a_last_look_and_that_of_a_loop_has_none(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, *, is_announced: bool
) -> None:
    looks_last: list[bool] = []

    def recorded(*args: Any, **more: Any) -> HedgedCancel:
        looks_last.append(HedgedCancel(*args, **more).looks_last)
        return HedgedCancel(*args, **more)

    for module in (exit_cancels, resting_orders):
        monkeypatch.setattr(module, "HedgedCancel", recorded)
    resting(stand)
    if not is_announced:
        stand.exits.announce(None)
    stand.exits.begin(PAIR)
    confirm(stand)
    assert looks_last == [True]
    stand.resting.cancel(stand.trades[KEY], PAIR, [live("a")], stand.budget())
    assert looks_last == [True, False]


def test_cancel_balance_and_the_search_for_an_earlier_exit_run_side_by_side(stand_with: Callable[..., Stand]) -> None:
    begun = {name: threading.Event() for name in ("balance", "cancel", "search")}

    def begin(name: str) -> None:
        begun[name].set()
        assert all(event.wait(5) for event in begun.values())

    class Waiting(Wallet):
        def fetch(self) -> Any:
            begin("balance")
            return super().fetch()

    stand = stand_with(reads_ahead=True, wallet=Waiting(Holding(1.0, 0.5, 0.5)))
    stand.names.started_ms = stand.ms
    stand.venue.on_cancel = lambda: begin("cancel")
    stand.venue.view_rows = lambda *_: begin("search") or {}
    stand.venue.shown["a"] = ENDED
    resting(stand).exits.begin(PAIR)
    assert stand.store["a"].phase is Phase.ENDED
    assert stand.holdings.take_ahead() == balance_of(Holding(1.0, 0.5, 0.5)), "freqtrade asks for it next"


@pytest.mark.parametrize("why", ["another trade", "none", "another thread", "a while ago", "found", "failed", "pair"])
def test_where_the_exit_is_not_certain_or_other_orders_count_they_are_looked_up_first(
    stand_with: Callable[..., Stand], why: str
) -> None:
    stand = stand_with(settings=BotSettings(cancel_scope=CancelScope.PAIR if why == "pair" else CancelScope.TRADE))
    stand.store.add([live("a")])
    trade = stand.trade(2, pair="ETH/USDT") if why == "another trade" else stand.trades[KEY]
    if why == "another thread":
        in_another_thread(lambda: stand.exits.announce(trade))
    else:
        stand.exits.announce(trade)
    if why == "none":
        stand.exits.announce(None)
    elif why == "a while ago":
        stand.seconds += 1.1
    elif why == "found":
        stand.exits.refused(PAIR)
    elif why == "failed":
        stand.resting.unresolved[KEY] = stand.seconds
    stand.exits.begin(PAIR)
    assert (stand.venue.canceled, len(stand.venue.viewed)) == ([], 1)


def test_an_exit_is_announced_once(stand: Stand) -> None:
    stand.venue.shown["a"] = ENDED
    resting(stand).exits.begin(PAIR)
    stand.store.add([live("b")])
    stand.exits.begin(PAIR)
    assert [name for names, _ in stand.venue.canceled for name in names] == ["a"]


def test_a_batch_that_was_sent_is_recorded_also_where_an_earlier_exit_is_in_doubt(stand: Stand) -> None:
    stand.names.started_ms = stand.ms
    stand.venue.error = ccxt.RequestTimeout("no answer")
    stand.venue.shown["a"] = ENDED
    with pytest.raises(TemporaryError, match="whether one was sent before the start"):
        resting(stand).exits.begin(PAIR)
    assert stand.store["a"].phase is Phase.ENDED


@pytest.mark.parametrize(
    ("classic", "round_trip_ms", "seconds"),
    [(True, 200, None), (False, 0, 0.0), (False, 200, 0.2), (False, 2_000, 0.3)],
)
def test_a_venue_that_lends_is_asked_for_what_is_free_once_the_cancel_is_there(
    stand_with: Callable[..., Stand],
    monkeypatch: pytest.MonkeyPatch,
    classic: bool,
    round_trip_ms: float,
    seconds: float | None,
) -> None:
    """It is not asked before the cancel is sent, however late the thread of that runs."""
    stand = stand_with(reads_ahead=True, wallet=Wallet(Holding(1.0, 1.0, 0.0), classic))
    waits: list[float] = []
    readings_before: list[int] = []

    def cancel_late() -> None:
        threading.Event().wait(0.05)
        readings_before.append(stand.wallet.readings)

    monkeypatch.setattr(exit_fills, "_SENT_SECONDS", 60.0)
    monkeypatch.setattr(stand.exits.fills, "sleep", waits.append)
    stand.round_trip_ms = round_trip_ms
    stand.venue.shown["a"] = ENDED
    stand.venue.on_cancel = cancel_late
    resting(stand).exits.begin(PAIR)
    assert readings_before == [1 if classic else 0]
    assert (waits, stand.wallet.readings) == ([] if seconds is None else [seconds], 1)
    assert sold(stand) == 1.0
    assert stand.wallet.readings == 1


@pytest.mark.parametrize(("classic", "expected"), [(True, []), (False, [0.2])])
def test_it_is_also_asked_beside_a_cancel_that_waits_for_a_confirmation(
    stand_with: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch, classic: bool, expected: list[float]
) -> None:
    """What was free before the cancel says nothing, and a reading after its proof would be one more round trip."""
    stand = stand_with(reads_ahead=True, wallet=Wallet(Holding(1.0, 0.5, 0.5), classic))
    waits: list[float] = []
    monkeypatch.setattr(stand.exits.fills, "sleep", waits.append)
    stand.round_trip_ms = 200
    stand.venue.shown["a"] = live("a")
    resting(stand)
    stand.exits.announce(None)
    stand.exits.begin(PAIR)
    stand.venue.shown["a"] = ENDED
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    assert confirm(stand)
    assert sold(stand) == 1.0
    assert waits == expected
    assert stand.wallet.readings == 1 + len(expected)


def test_the_exit_waits_for_the_balance_that_is_read_beside_its_cancel(stand_with: Callable[..., Stand]) -> None:
    class Slow(Wallet):
        def fetch(self) -> Any:
            if self.readings:
                threading.Event().wait(0.1)
            return super().fetch()

    stand = stand_with(reads_ahead=True, wallet=Slow(Holding(1.0, 0.5, 0.5), classic=False))
    stand.venue.shown["a"] = live("a")
    resting(stand)
    stand.exits.announce(None)
    stand.exits.begin(PAIR)
    stand.venue.shown["a"] = ENDED
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    assert confirm(stand)
    assert sold(stand) == 1.0
    assert stand.wallet.readings == 2


def test_a_cancel_without_proof_leaves_the_exit_what_is_free(stand: Stand) -> None:
    resting(stand, live("a", amount=0.4)).exits.begin(PAIR)
    assert confirm(stand)
    assert sold(stand) == 0.6
    assert len(stand.venue.canceled) == 1, "more than half of it is free"


def test_a_balance_of_this_exit_answers_all_of_its_questions_however_long_the_cancel_takes(
    stand_with: Callable[..., Stand],
) -> None:
    stand = stand_with(reads_ahead=True, wallet=Wallet(Holding(1.0, 0.5, 0.5)))
    stand.venue.shown["a"] = live("a", phase=Phase.ENDED, filled=0.1)
    stand.venue.on_cancel = lambda: setattr(stand, "seconds", stand.seconds + 8)
    resting(stand).exits.begin(PAIR)
    assert stand.wallet.readings == 1
    assert stand.holdings.take_ahead() is not None


def test_orders_that_the_exit_has_canceled_do_not_ask_for_a_balance_that_has_failed(
    stand_with: Callable[..., Stand],
) -> None:
    stand = stand_with(reads_ahead=True)
    stand.venue.shown["a"] = live("a", phase=Phase.ENDED, filled=0.1)
    resting(stand).exits.begin(PAIR)
    assert stand.wallet.readings == 1
    stand.store.add([live("b", phase=Phase.ENDED, filled=0.1), live("c")])
    stand.exits.announce(stand.trades[KEY])
    stand.exits.begin(PAIR)
    assert stand.wallet.readings > 2, "the sums of another one may come later"


def test_a_balance_that_was_read_for_another_exit_answers_none(stand_with: Callable[..., Stand]) -> None:
    stand = stand_with(reads_ahead=True, wallet=Wallet(Holding(1.0, 0.5, 0.5)))
    stand.venue.shown["a"] = ENDED
    resting(stand).exits.begin(PAIR)
    stand.trade(2, pair="ETH/USDT")
    stand.exits.begin("ETH/USDT")
    assert stand.holdings.take_ahead() is None


# -- little is free ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("is_proven", [True, False])
def test_an_exit_cancels_once_more_where_less_than_half_is_free(stand: Stand, announced: bool, is_proven: bool) -> None:
    """After a small order, the others would wait until freqtrade has booked it."""
    resting(stand, live("a", amount=0.6))
    if not announced:
        stand.exits.announce(None)
    stand.venue.shown["a"] = live("a", amount=0.6)
    stand.exits.begin(PAIR)
    confirm(stand)
    assert len(stand.venue.canceled) == 1
    if is_proven:
        stand.venue.shown["a"] = ENDED
    assert sold(stand) == (1.0 if is_proven else 0.4), "a stop always leaves"
    assert stand.venue.canceled == [(["a"], [])] * 2


@pytest.mark.parametrize(
    ("before_ms", "within_ms", "again"),
    [
        (200.0, 1_600.0, True),
        (200.0, 400.0, True),
        (201.0, 400.0, False),  # a little slower: the time was enough
        (1_600.0, 1_600.0, False),  # slow before: it had the time that it takes
        (10.0, 390.0, False),  # quick enough for the time that each cancel has
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_cancel_that_had_too_little_time_on_a_venue_that_slowed_down_is_sent_again(
    stand: Stand, announced: bool, before_ms: float, within_ms: float, again: bool
) -> None:
    """It may have been executed: all coins leave with one order, and none waits until freqtrade has booked it."""
    resting(stand, live("a", amount=0.4))
    if not announced:
        stand.exits.announce(None)
    stand.venue.shown["a"] = live("a", amount=0.4)
    stand.round_trip_ms = before_ms
    stand.venue.on_cancel = lambda: setattr(stand, "round_trip_ms", within_ms)
    stand.exits.begin(PAIR)
    confirm(stand)
    stand.venue.shown["a"] = ENDED
    assert sold(stand) == (1.0 if again else 0.6)
    assert len(stand.venue.canceled) == (2 if again else 1)
    assert stand.venue.budgets[-1] >= 1_000 + 3 * (within_ms if again else before_ms) - 1e-6


@pytest.mark.parametrize("why", ["a rest", "a buy", "partial", "the loop has tried", "nothing rests"])
def test_an_exit_waits_once_and_only_for_sells_of_its_own_batch(stand: Stand, why: str) -> None:
    order = live("a", amount=0.6, side="buy" if why == "a buy" else "sell")
    resting(stand, order)
    if why == "a rest":
        stand.rests.remember(stand.trades[KEY], "roi", "limit", 0.1)
    elif why == "the loop has tried":
        stand.resting.unresolved[KEY] = stand.seconds
    elif why == "nothing rests":
        stand.venue.shown["a"] = live("a", phase=Phase.ENDED, filled=0.6)
        stand.remaining = 0.4
    stand.exits.begin(PAIR)
    if why != "partial":
        confirm(stand)
    if why == "a buy":
        stand.remaining = 0.4
    sold(stand, 0.5 if why == "partial" else 1.0)
    assert len(stand.venue.canceled) == (0 if why == "the loop has tried" else 1)


def test_a_batch_that_ran_is_not_waited_for_twice(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.venue.shown["a"] = ENDED
    resting(stand).exits.begin(PAIR)
    monkeypatch.setattr(Beside, "result", lambda _: pytest.fail("it was recorded"))
    stand.exits.cancels.finish(stand.trades[KEY], stand.exits._under_way[KEY].cancel)

"""Promise: an exit knows fills and balance within one round trip, and waits for no lookup that it does not need."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bitget_margin.adapter.awaited_change import AwaitedChange
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import exit_fills
from bitget_margin.freqtrade.holdings import Holding
from support.botless import KEY, PAIR, Stand, Wallet, balance_of, confirm, live, sold


@pytest.fixture
def ahead(stand_with: Callable[..., Stand]) -> Stand:
    """Return a stand whose exits read the balance beside the lookup, as those of a bot do."""
    stand = stand_with(reads_ahead=True)
    stand.store.add([live("a", amount=0.4)])
    stand.venue.shown["a"] = live("a", amount=0.4)
    stand.wallet.holding = Holding(1.0, 0.6, 0.4)
    return stand


def test_fills_and_balance_are_read_side_by_side(stand_with: Callable[..., Stand]) -> None:
    """Each is answered only once the other one is asked for."""
    begun = {name: threading.Event() for name in ("balance", "lookup")}

    class Waiting(Wallet):
        def fetch(self) -> Any:
            begun["balance"].set()
            assert begun["lookup"].wait(5)
            return super().fetch()

    def viewed() -> None:
        begun["lookup"].set()
        assert begun["balance"].wait(5)

    stand = stand_with(reads_ahead=True, wallet=Waiting(Holding(1.0, 1.0, 0.0)))
    stand.venue.on_view = viewed
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a", filled=0.2)
    stand.exits.begin(PAIR)
    assert stand.store["a"].filled == 0.2
    assert stand.holdings.take_ahead() == balance_of(Holding(1.0, 1.0, 0.0)), "freqtrade asks for it next"


def test_the_balance_of_an_exit_is_read_once(ahead: Stand) -> None:
    ahead.exits.begin(PAIR)
    ahead.seconds += 9
    confirm(ahead)
    assert sold(ahead) == 0.6
    assert ahead.wallet.readings == 1


@pytest.mark.parametrize(
    ("is_classic", "has_positions", "waits"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
    ids=["classic", "classic with loans", "unified", "unified with loans"],
)
def test_a_balance_that_decides_on_loans_is_read_a_round_trip_after_the_cancel(
    ahead: Stand, monkeypatch: pytest.MonkeyPatch, is_classic: bool, has_positions: bool, waits: bool
) -> None:
    """One from before it shows what the ladder held: it would be read again, and a cover would borrow."""
    ahead.wallet.classic, ahead.round_trip_ms = is_classic, 200.0
    fills, slept, change = ahead.exits.fills, list[float](), AwaitedChange()
    monkeypatch.setattr(fills, "holdings", replace(fills.holdings, has_positions=has_positions))
    monkeypatch.setattr(fills, "sleep", slept.append)
    waiting = threading.Thread(target=fills.wait_for_effect, args=(change,), daemon=True)
    waiting.start()
    waiting.join(0.05 if waits else 5)
    assert waiting.is_alive() == waits
    assert slept == []
    change.note_sent()
    waiting.join(5)
    assert slept == ([0.2] if waits else [])
    ahead.round_trip_ms = 5_000.0
    fills.wait_for_effect(change)
    assert slept == ([0.2, 0.3] if waits else [])


def test_a_cancel_that_is_not_sent_holds_the_balance_up_for_a_moment_only(
    ahead: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no effect to wait for, whether it may still be sent or has come to nothing."""
    ahead.wallet.classic, slept = False, list[float]()
    monkeypatch.setattr(ahead.exits.fills, "sleep", slept.append)
    ended = AwaitedChange()
    with ended.made_here():
        pass
    ahead.exits.fills.wait_for_effect(ended)
    monkeypatch.setattr(exit_fills, "_SENT_SECONDS", 0.02)
    ahead.exits.fills.wait_for_effect(AwaitedChange())
    assert slept == []


def test_a_trade_without_resting_orders_leaves_the_balance_to_freqtrade(ahead: Stand) -> None:
    ahead.store.rows.clear()
    ahead.exits.begin(PAIR)
    assert ahead.wallet.readings == 0


def test_coins_that_the_balance_of_an_exit_misses_are_not_sold(ahead: Stand) -> None:
    ahead.wallet.holding = Holding(0.5, 0.5, 0.0)
    ahead.exits.begin(PAIR)
    assert ahead.trades[KEY].amount == 0.5
    assert ahead.wallet.readings == 1


def test_with_a_balance_that_cannot_be_read_the_exit_goes_on(ahead: Stand) -> None:
    """An older one was not read for it."""
    ahead.read_balance(0.5)
    ahead.seconds += 3
    ahead.wallet.holding = None
    ahead.exits.begin(PAIR)
    assert ahead.store["a"].filled == 0.0
    assert ahead.trades[KEY].amount == 1.0
    assert sold(ahead) == 0.6
    assert ahead.holdings.take_ahead() is None


@pytest.mark.parametrize(
    ("round_trip_ms", "grace_seconds", "balance_seconds"), [(0, 0.25, 3.0), (400, 0.25, 3.0), (2_000, 1.0, 5.0)]
)
def test_a_lookup_may_take_half_a_round_trip_longer_than_the_balance(
    ahead: Stand, monkeypatch: pytest.MonkeyPatch, round_trip_ms: float, grace_seconds: float, balance_seconds: float
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Beside, "ended", lambda _work, seconds: waits.append(seconds) or True)
    ahead.round_trip_ms = round_trip_ms
    ahead.exits.begin(PAIR)
    assert waits == [balance_seconds, grace_seconds]


@pytest.mark.parametrize("why", ["nothing", "coins are missing", "refused"])
def test_a_lookup_that_comes_late_is_awaited_only_where_something_is_to_be_explained(
    ahead: Stand, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """The batch cancel looks its orders up again."""
    answer = threading.Event()
    monkeypatch.setattr(exit_fills, "_GRACE_SECONDS", 0.01)
    ahead.venue.on_view = lambda: answer.wait(5)
    ahead.venue.shown["a"] = live("a", amount=0.4, filled=0.2)
    if why == "coins are missing":
        ahead.wallet.holding = Holding(0.5, 0.5, 0.0)
    elif why == "refused":
        ahead.exits.refused(PAIR)
    if why != "nothing":
        threading.Timer(0.1, answer.set).start()
    ahead.exits.begin(PAIR)
    assert ahead.store["a"].filled == (0.0 if why == "nothing" else 0.2)
    assert ahead.alerts.texts == "" or why == "coins are missing"
    answer.set()

"""freqtrade's own orders: another one is sent only once the one before is proven not to be there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.freqtrade import recovery
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding
from bitget_margin.freqtrade.recovery import BLOCKS_SECONDS, Recovery
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import PAIR, Records, Stand, own, without_freqtrade

ALL_THERE = Holding(total=1.0, free=1.0, frozen=0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the epoch of these tests, which they move."""
    now = [5_000_000]
    monkeypatch.setattr(recovery, "epoch_ms", lambda: now[0])
    return now


def orders(monkeypatch: pytest.MonkeyPatch, *rungs: TrackedOrder) -> tuple[Stand, Recovery]:
    """Return a stand with these orders written down, and what looks after them."""
    stand = Stand(Records(*rungs))
    stand.trade()
    without_freqtrade(monkeypatch, stand)
    stand.holdings.holding = ALL_THERE
    return stand, Recovery(stand.exchange, stand.resting)


def intends(made: Recovery, side: str = "sell", amount: float = 1.0) -> bool:
    """Whether another order may be sent now."""
    try:
        made.intend(PAIR, side, amount, 60_000.0)
    except TemporaryError:
        return False
    return True


def failed_with(cause: Exception) -> TemporaryError:
    """Return what freqtrade raises for an exception of ccxt."""
    error = TemporaryError("x")
    error.__cause__ = cause
    return error


def unresolved(*, missed_twice: bool) -> PlaceUnresolved:
    """Return the exception of an order in doubt."""
    order = {"id": None, "status": None, "clientOrderId": "k-o1"}
    return PlaceUnresolved("create_order", [order], missed_twice=missed_twice)


def tied(code: str) -> Exception:
    """Return what ccxt raises for a code of the venue."""
    error = ccxt.ExchangeError(code)
    ccxt_errors.tie(error, 400, {"code": code, "msg": "no"})
    return error


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        (ccxt.RequestTimeout("not sent"), False),
        (ccxt.BadRequest("an argument"), False),
        (tied("45110"), False),
        (tied("40009"), False),
        (tied("43012"), True),  # proven by look-ups only: it may still come
        (tied("40808"), True),
        (tied("99999"), True),
        (tied("429"), True),
        (unresolved(missed_twice=True), True),
        (unresolved(missed_twice=False), True),
        (KeyError("x"), True),
    ],
)
def test_only_what_is_proven_not_placed_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, clock: list[int], cause: Exception, kept: bool
) -> None:
    stand, made = orders(monkeypatch)
    made.failed(made.intend(PAIR, "sell", 1.0, 60_000.0), failed_with(cause))
    assert bool(stand.records.rows) is kept
    assert clock


def test_an_exit_that_two_look_ups_missed_is_sent_again_at_once_where_its_coins_are_there(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    stand, made = orders(monkeypatch)
    first = made.intend(PAIR, "sell", 1.0, 60_000.0)
    made.failed(first, failed_with(unresolved(missed_twice=True)))
    clock[0] += 100
    assert intends(made)
    assert stand.records.rows[first.client_id].phase is Phase.LOST, "watched on"
    assert any("taken as never placed" in text for text in stand.said)


def test_a_refusal_that_look_ups_had_to_prove_holds_no_exit_back_and_an_entry_until_its_age(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    for side, again in (("sell", True), ("buy", False)):
        _, made = orders(monkeypatch)
        made.failed(made.intend(PAIR, side, 1.0, 60_000.0), failed_with(tied("43012")))
        clock[0] += 100
        assert intends(made, side) is again


def test_a_look_up_without_an_answer_is_no_miss(monkeypatch: pytest.MonkeyPatch, clock: list[int]) -> None:
    stand, made = orders(monkeypatch, own(side="buy", intended_ms=clock[0] - 100_000))

    def no_answer(*_: object) -> Any:
        raise ccxt.RequestTimeout("40010")

    monkeypatch.setattr(stand.venue, "view", no_answer)
    for _ in range(5):
        assert not intends(made, "buy")
        stand.seconds += 60


def test_one_look_up_is_no_proof(monkeypatch: pytest.MonkeyPatch, clock: list[int]) -> None:
    stand, made = orders(monkeypatch)
    made.failed(made.intend(PAIR, "sell", 1.0, 60_000.0), failed_with(unresolved(missed_twice=False)))
    assert not intends(made)
    stand.seconds += RECHECK_SECONDS - 0.1
    assert not intends(made)
    stand.seconds += 0.1
    assert intends(made)
    assert clock


@pytest.mark.parametrize(
    ("before", "holding", "classic", "at_once", "later"),
    [
        (1.0, ALL_THERE, True, True, True),
        (1.0, ALL_THERE, False, False, True),  # a unified account borrows what is missing
        (None, ALL_THERE, True, False, True),  # nothing to compare with, as after a start
        (2.0, Holding(2.0, 2.0, 0.0), True, False, True),  # coins of others would be sold
        (2.0, Holding(1.0, 1.0, 0.0), True, False, False),  # it was executed, and coins of others hide it
        (1.7, Holding(1.0, 1.0, 0.0), True, False, False),  # the same in part
        (1.0, Holding(0.0, 0.0, 0.0), True, False, False),  # it was executed
        (1.0, Holding(1.0, 0.4, 0.6), True, False, False),  # it rests
        (1.0, Holding(0.99, 0.99, 0.0), True, False, False),  # not free enough
        (1.0, None, True, False, False),
    ],
)
def test_the_balance_decides_about_an_exit(
    monkeypatch: pytest.MonkeyPatch,
    clock: list[int],
    before: float | None,
    holding: Holding | None,
    classic: bool,
    at_once: bool,
    later: bool,
) -> None:
    for age_ms, expected in ((2_000, at_once), (int(BLOCKS_SECONDS * 1_000), later)):
        stand, made = orders(monkeypatch)
        stand.holdings.holding, stand.holdings.classic, stand.holdings.before = holding, classic, before
        intent = made.intend(PAIR, "sell", 1.0, 60_000.0)
        made.failed(intent, failed_with(unresolved(missed_twice=True)))
        clock[0] += age_ms
        assert intends(made) is expected


def test_an_entry_waits_for_its_age_whatever_the_balance_shows(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    for age_s, expected in ((5.0, False), (BLOCKS_SECONDS - 0.1, False), (BLOCKS_SECONDS, True)):
        _, made = orders(monkeypatch, own(side="buy", intended_ms=clock[0] - int(age_s * 1_000)))
        made._resting.note_missed(own(), age_s)
        assert intends(made, "buy") is expected
        assert intends(made, "sell"), "the other side is free"


def test_what_the_venue_gave_an_id_is_never_given_up(monkeypatch: pytest.MonkeyPatch, clock: list[int]) -> None:
    old = own(intended_ms=clock[0] - 3_600_000, phase=Phase.LIVE, order_id="77")
    stand, made = orders(monkeypatch, old)
    monkeypatch.setattr(recovery, "order_row", lambda *_: None)
    stand.resting.note_missed(old, 3_600.0)
    assert not intends(made)
    assert any("was taken by the venue" in text for text in stand.said)


def test_an_order_that_shows_is_handed_to_freqtrade_and_sent_no_second_time(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    intent = own(intended_ms=clock[0])
    stand, made = orders(monkeypatch, intent)
    adopted: list[Any] = []
    monkeypatch.setattr(made, "adopt", adopted.append)
    stand.venue.shown[intent.client_id] = replace(intent, phase=Phase.LIVE, order_id="77")
    made.resolve(PAIR, "sell")
    assert [found.order_id for found in adopted] == ["77"]

"""freqtrade's own orders: another one is sent only once the one before is proven not to be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from sqlalchemy.exc import OperationalError

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.freqtrade import recovery
from bitget_margin.freqtrade.compat import TemporaryError, Trade
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding
from bitget_margin.freqtrade.ports import EntryTerms
from bitget_margin.freqtrade.recovery import BLOCKS_SECONDS, PLACING_SECONDS
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, exit_name, in_another_thread, own, rung, structure

ALL_THERE = Holding(total=1.0, free=1.0, frozen=0.0)
SELL_ROW = SimpleNamespace(ft_order_side="sell", order_id="1")
"""freqtrade's row of an exit."""


@pytest.fixture
def stand(stand_with: Callable[..., Stand]) -> Stand:
    stand = stand_with()
    stand.wallet.holding = ALL_THERE
    stand.read_balance(1.0)
    return stand


def intend(stand: Stand, side: str = "sell", amount: float = 1.0, pair: str = PAIR) -> TrackedOrder:
    return stand.recovery.intend(pair, side, amount, 60_000.0)


def may_send(stand: Stand, side: str = "sell", amount: float = 1.0) -> bool:
    """Whether another order may be sent now."""
    try:
        intend(stand, side, amount)
    except TemporaryError:
        return False
    return True


def failed_with(cause: BaseException) -> TemporaryError:
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
    ccxt_errors.attach_response(error, 400, {"code": code, "msg": "no"})
    return error


# -- around the request that places an order --------------------------------------------------------------------------


@pytest.mark.parametrize("trade", [True, False])
def test_an_entry_is_stored_before_it_is_sent(stand: Stand, trade: bool) -> None:
    if not trade:
        stand.trades.clear()
    intent = intend(stand, "buy", 0.7)
    assert stand.store.rows == {intent.client_id: intent}
    assert intent.client_id.startswith("k-o")
    key = (1, 1_000) if trade else (None, None)
    expected = own(intent.client_id, trade_id=key[0], opened_ms=key[1], side="buy", amount=0.7, intended_ms=stand.ms)
    assert intent == expected


def test_the_name_of_an_exit_follows_from_its_trade_and_number(stand: Stand) -> None:
    intent = intend(stand, amount=0.7)
    assert intent == own(exit_name(0), number=0, amount=0.7, intended_ms=stand.ms)
    stand.trades.clear()
    stand.store.rows.clear()
    assert intend(stand).client_id not in {exit_name(number) for number in range(9)}, "a sell of no trade has any name"


def test_each_exit_of_a_trade_has_a_number_of_its_own(stand: Stand) -> None:
    """Those that freqtrade has and those in doubt come before; a refused one gives its number back."""
    stand.store.add([rung("a", order_id="r")])
    rows = [("sell", "1"), ("buy", "2"), ("sell", "r"), ("sell", "3")]
    stand.trade(orders=[SimpleNamespace(ft_order_side=side, order_id=order_id) for side, order_id in rows])
    first = intend(stand)
    assert (first.client_id, first.number) == (exit_name(2), 2)
    stand.recovery.failed(first, failed_with(tied("45110")))
    assert intend(stand) == first
    stand.store.add([replace(first, phase=Phase.LOST)])
    assert intend(stand).client_id == exit_name(3)


def test_an_exit_never_takes_the_name_of_an_earlier_one(stand: Stand) -> None:
    """Number 1 was given up and is no row; number 2 is one."""
    stand.store.add([own(exit_name(1), phase=Phase.LOST, number=1)])
    stand.trade(orders=[SELL_ROW])
    second = intend(stand)
    assert second.client_id == exit_name(2)
    stand.recovery.placed(second, "3")
    stand.order_rows["3"] = SimpleNamespace()
    stand.trade(orders=[SELL_ROW, SimpleNamespace(ft_order_side="sell", order_id="3")])
    assert intend(stand).client_id == exit_name(3)
    stand.store.rows.clear()  # the one that was given up is forgotten after an hour
    assert intend(stand).client_id == exit_name(4)


def test_an_entry_that_cannot_be_stored_is_not_sent_and_an_exit_leaves(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(stand.store, "add", failing)
    monkeypatch.setattr(stand.store, "note", lambda order: stand.store.rows.update({order.client_id: order}))
    with pytest.raises(OSError, match="disk full"):
        intend(stand, "buy")
    assert intend(stand).client_id == exit_name(0)


def test_an_order_that_was_placed_is_kept_with_its_id_until_freqtrade_has_stored_it(stand: Stand) -> None:
    intent = intend(stand)
    stand.recovery.placed(intent, "77")
    live = stand.store[intent.client_id]
    assert live == replace(intent, phase=Phase.LIVE, order_id="77")
    stand.venue.shown[live.client_id] = live
    stand.order_rows["77"] = SimpleNamespace()
    assert not stand.recovery.resolve()
    assert stand.store.rows == {}
    assert stand.venue.viewed == []


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        (ccxt.RequestTimeout("not sent"), False),
        (ccxt.BadRequest("an argument"), False),
        (tied("45110"), False),
        (tied("40009"), False),
        (tied("43012"), True),  # proven by lookups only: it may still come
        (tied("40808"), True),
        (tied("99999"), True),
        (tied("429"), True),
        (unresolved(missed_twice=True), True),
        (unresolved(missed_twice=False), True),
        (KeyError("x"), True),
    ],
)
def test_only_what_is_proven_not_placed_is_forgotten(stand: Stand, cause: Exception, kept: bool) -> None:
    stand.recovery.failed(intend(stand), failed_with(cause))
    assert bool(stand.store.rows) is kept


@pytest.mark.parametrize(
    ("cause", "seconds"),
    [
        (unresolved(missed_twice=True), RECHECK_SECONDS),
        (unresolved(missed_twice=False), 0),
        (tied("43012"), RECHECK_SECONDS),
        (KeyError("x"), 0),
    ],
)
def test_a_refusal_that_needed_look_ups_counts_as_missed_by_them(
    stand: Stand, cause: Exception, seconds: float
) -> None:
    intent = intend(stand)
    stand.recovery.failed(intent, failed_with(cause))
    assert stand.missed.seconds(intent) == seconds


# -- another one on the same side -------------------------------------------------------------------------------------


def test_an_exit_that_two_look_ups_missed_is_sent_again_at_once_where_its_coins_are_there(stand: Stand) -> None:
    first = intend(stand)
    stand.recovery.failed(first, failed_with(unresolved(missed_twice=True)))
    stand.ms += 100
    assert may_send(stand)
    assert stand.store[first.client_id].phase is Phase.LOST, "watched on"
    ((text, _),) = stand.alerts.warnings
    assert text.startswith(f"The sell order {first.client_id} on {PAIR} got no answer, and neither two lookups nor")
    assert stand.missed.seconds(first) == 0


def test_a_refusal_that_look_ups_had_to_prove_holds_no_exit_back_and_an_entry_until_its_age(stand: Stand) -> None:
    for side, again in (("sell", True), ("buy", False)):
        stand.recovery.failed(intend(stand, side), failed_with(tied("43012")))
        stand.ms += 100
        assert may_send(stand, side) is again


def test_an_exit_of_which_the_balance_is_not_known_before_needs_its_age_and_the_coins(stand: Stand) -> None:
    stand.seconds += 61
    first = intend(stand)
    stand.recovery.failed(first, failed_with(unresolved(missed_twice=True)))
    stand.ms += 30_000
    stand.wallet.holding = Holding(0.5, 1.0, 0.0)
    assert not may_send(stand)
    stand.wallet.holding = ALL_THERE
    assert may_send(stand)


def test_an_order_in_doubt_blocks_its_side_of_its_pair_alone(stand: Stand) -> None:
    stand.store.add([own(intended_ms=stand.ms)])
    with pytest.raises(TemporaryError, match=rf"An earlier sell order on {PAIR} \(k-o1\) may be on the venue"):
        intend(stand)
    intend(stand, "buy")
    intend(stand, "sell", pair="ETH/USDT")


@pytest.mark.parametrize("answered", [True, False])
def test_a_look_up_that_does_not_show_an_order_has_not_found_it(stand: Stand, answered: bool) -> None:
    stand.store.add([own(intended_ms=stand.ms)])
    stand.venue.error = None if answered else ccxt.RequestTimeout("x")
    assert not stand.recovery.resolve()
    stand.seconds += BLOCKS_SECONDS + 1
    assert not stand.recovery.resolve()


def test_the_misses_of_an_order_that_freqtrade_has_are_forgotten(stand: Stand) -> None:
    order = own(phase=Phase.LIVE, order_id="77")
    stand.store.add([order])
    stand.missed.note(order)
    stand.order_rows["77"] = SimpleNamespace()
    stand.recovery.resolve()
    assert (stand.store.rows, stand.missed.has(order)) == ({}, False)


def test_a_look_up_without_an_answer_is_no_miss(stand: Stand) -> None:
    stand.store.add([own(side="buy", intended_ms=stand.ms - 100_000)])
    stand.venue.error = ccxt.RequestTimeout("40010")
    for _ in range(5):
        assert not may_send(stand, "buy")
        stand.seconds += 60
    assert stand.alerts.warnings[0] == (f"Order k-o1 on {PAIR} could not be looked up: 40010", None)


def test_one_look_up_is_no_proof(stand: Stand) -> None:
    stand.recovery.failed(intend(stand), failed_with(unresolved(missed_twice=False)))
    assert not may_send(stand)
    stand.seconds += RECHECK_SECONDS - 0.1
    assert not may_send(stand)
    stand.seconds += 0.1
    assert may_send(stand)


@pytest.mark.parametrize(
    ("before", "holding", "classic", "at_once", "later"),
    [
        (1.0, ALL_THERE, True, True, True),
        (1.0, ALL_THERE, False, False, True),  # a unified account borrows what is missing
        (None, ALL_THERE, True, False, True),  # nothing to compare with, as after a start
        (2.0, Holding(2.0, 2.0, 0.0), True, False, True),  # coins of others would be sold
        (1.0, Holding(2.0, 2.0, 0.0), True, False, True),
        (2.0, ALL_THERE, True, False, False),  # it was executed, and coins of others hide it
        (1.7, ALL_THERE, True, False, False),  # the same in part
        (1.4, ALL_THERE, True, False, True),  # less than half is missing
        (1.5, ALL_THERE, True, False, False),
        (1.002, ALL_THERE, True, False, True),
        (None, Holding(0.999, 0.999, 0.0), True, False, True),
        (1.0, Holding(0.0, 0.0, 0.0), True, False, False),  # it was executed
        (1.0, Holding(1.0, 0.4, 0.6), True, False, False),  # it rests
        (1.0, Holding(0.99, 0.99, 0.0), True, False, False),  # not free enough
        (1.0, Holding(1.0, 0.998, 0.002), True, True, True),
        (1.0, None, True, False, False),
    ],
)
def test_the_balance_decides_about_an_exit(
    stand: Stand, before: float | None, holding: Holding | None, classic: bool, at_once: bool, later: bool
) -> None:
    stand.wallet.holding, stand.wallet.classic = holding, classic
    if before is None:
        stand.seconds += 61
    else:
        stand.read_balance(before)
    for age_ms, expected in ((2_000, at_once), (int(BLOCKS_SECONDS * 1_000) - 1, at_once), (30_000, later)):
        stand.store.rows.clear()
        stand.recovery.failed(intend(stand), failed_with(unresolved(missed_twice=True)))
        stand.ms += age_ms
        assert may_send(stand) is expected, age_ms


def test_the_coins_that_the_next_exit_sells_have_to_be_free(stand: Stand) -> None:
    stand.wallet.holding = Holding(1.0, 0.6, 0.4)
    stand.recovery.failed(intend(stand, amount=0.5), failed_with(unresolved(missed_twice=True)))
    assert not may_send(stand, amount=1.0)
    assert may_send(stand, amount=0.5)


def test_an_entry_waits_for_its_age_whatever_the_balance_shows(stand: Stand) -> None:
    for age_s, expected in ((5.0, False), (BLOCKS_SECONDS - 0.1, False), (BLOCKS_SECONDS, True)):
        entry = own(side="buy", intended_ms=stand.ms - int(age_s * 1_000))
        stand.store.rows = {entry.client_id: entry}
        stand.missed.clear(entry)
        stand.missed.note(entry, age_s)
        assert may_send(stand, "buy") is expected
        assert may_send(stand, "sell"), "the other side is free"


@pytest.mark.parametrize(("age_s", "missed_s"), [(BLOCKS_SECONDS, 20.0), (20.0, BLOCKS_SECONDS)])
def test_an_entry_is_both_old_and_long_missed_before_another_one_is_sent(
    stand: Stand, age_s: float, missed_s: float
) -> None:
    entry = own(side="buy", intended_ms=stand.ms - int(age_s * 1_000))
    stand.store.add([entry])
    stand.missed.note(entry, missed_s)
    assert not may_send(stand, "buy")


def test_what_the_venue_gave_an_id_is_never_given_up(stand: Stand) -> None:
    old = own(intended_ms=stand.ms - 3_600_000, phase=Phase.LIVE, order_id="77")
    stand.store.add([old])
    stand.missed.note(old, BLOCKS_SECONDS)
    assert not may_send(stand)
    assert stand.alerts.warnings == []
    stand.seconds += 1
    assert not may_send(stand)
    ((text, about),) = stand.alerts.warnings
    assert text.startswith(f"The sell order 77 on {PAIR} was accepted by the venue, which does not show it now.")
    assert about == "missing k-o1"


@pytest.mark.parametrize(
    ("found", "refuses"),
    [
        ({"phase": Phase.LIVE}, True),
        ({"phase": Phase.ENDED, "filled": 0.1}, True),
        ({"phase": Phase.ENDED}, False),
    ],
)
def test_an_order_that_shows_is_handed_to_freqtrade_and_sent_no_second_time(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], refuses: bool
) -> None:
    intent = own(intended_ms=stand.ms)
    stand.store.add([intent])
    adopted: list[TrackedOrder] = []

    def adopt(order: TrackedOrder) -> None:
        adopted.append(order)
        stand.store.forget(order)

    monkeypatch.setattr(stand.recovery, "adopt", adopt)
    stand.missed.note(intent, 9)
    shown = stand.venue.shown[intent.client_id] = replace(intent, order_id="77", **found)
    if refuses:
        with pytest.raises(TemporaryError, match=f"An earlier sell order on {PAIR} has just been found"):
            intend(stand)
    else:
        intend(stand)
    assert adopted == [shown]
    assert stand.missed.seconds(intent) == 0


# -- every loop -------------------------------------------------------------------------------------------------------


def test_a_loop_looks_up_all_orders_in_doubt_within_its_budget(stand: Stand) -> None:
    orders = [own("k-o1"), own("k-o2", side="buy"), own("k-o3", pair="ETH/USDT")]
    stand.store.add([*orders, rung()])
    stand.venue.on_view = lambda: setattr(stand, "seconds", stand.seconds + 1.5)
    assert not stand.recovery.resolve()
    assert not stand.recovery.resolve(budget=stand.budget(1_000))
    assert stand.venue.viewed == [[orders[0]], [orders[1]], [orders[0]]]
    assert stand.venue.budgets == [3_000, 1_500, 1_000]
    stand.venue.on_view = lambda: None
    stand.venue.viewed.clear()
    assert not stand.recovery.resolve(PAIR, "buy")
    assert not stand.recovery.resolve("ETH/USDT", "buy")
    assert stand.venue.viewed == [[orders[1]]]


def test_an_entry_looks_up_an_earlier_one_while_other_threads_use_the_lock(stand: Stand) -> None:
    """An exit of the loop does not wait for an entry by the API."""
    lock, free = stand.managers.lock, []
    stand.store.add([own(side="buy")])
    stand.venue.on_view = lambda: free.append(in_another_thread(lambda: lock.acquire(timeout=5) and not lock.release()))
    assert not may_send(stand, "buy")
    assert free == [True]


@pytest.mark.parametrize("filled", [0.0, 0.4])
def test_an_order_that_another_thread_finds_meanwhile_is_not_sent_a_second_time(stand: Stand, filled: float) -> None:
    """The lookup of this thread was too early to show it."""
    entry = own(side="buy")
    stand.store.add([entry])
    shown = replace(entry, order_id="7", phase=Phase.ENDED, filled=filled)

    def loop() -> None:
        stand.venue.on_view = lambda: None
        stand.venue.shown[entry.client_id] = shown
        stand.recovery.resolve()
        stand.venue.shown.clear()
        stand.store.forget(entry)  # freqtrade has it

    stand.recovery.adopt = lambda _: None  # type: ignore[method-assign, assignment]
    stand.venue.on_view = lambda: in_another_thread(loop)
    assert may_send(stand, "buy") is not bool(filled)


def test_one_order_that_is_found_is_enough(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.store.add([own("k-o1"), own("k-o2")])
    monkeypatch.setattr(stand.recovery, "adopt", lambda _: None)
    stand.venue.shown["k-o1"] = own("k-o1", phase=Phase.LIVE)
    assert stand.recovery.resolve()


def test_what_another_thread_is_placing_is_not_looked_up(stand: Stand) -> None:
    in_another_thread(lambda: intend(stand))
    stand.recovery.resolve()
    assert stand.venue.viewed == []
    stand.seconds += PLACING_SECONDS
    stand.recovery.resolve()
    assert len(stand.venue.viewed) == 1


def test_what_another_thread_failed_to_place_is_looked_up(stand: Stand) -> None:
    def fail() -> None:
        stand.recovery.failed(intend(stand), failed_with(unresolved(missed_twice=False)))

    in_another_thread(fail)
    stand.recovery.resolve()
    assert len(stand.venue.viewed) == 1


@pytest.mark.parametrize(
    ("changes", "trade_is_open", "given_up"),
    [
        ({"side": "buy"}, True, True),
        ({"side": "buy", "intended_ms": 4_999_000}, True, False),
        ({}, True, True),
        ({"intended_ms": 4_999_000}, True, False),
        ({"intended_ms": 4_999_000}, False, True),  # the exit of a trade that has ended holds nothing back
        ({"intended_ms": 4_999_000, "trade_id": 2}, True, True),
        ({"side": "buy", "intended_ms": 4_999_000}, False, False),
    ],
)
def test_an_order_that_never_was_is_given_up_though_no_other_one_is_wanted(
    stand: Stand, changes: dict[str, Any], trade_is_open: bool, given_up: bool
) -> None:
    order = own(**changes)
    stand.store.add([order])
    if not trade_is_open:
        stand.trades.clear()
    stand.missed.note(order, BLOCKS_SECONDS)
    stand.recovery.resolve()
    assert stand.store[order.client_id].phase is Phase.INTENDED, "not before its time"
    stand.seconds += 0.1
    stand.recovery.resolve()
    assert (stand.store[order.client_id].phase is Phase.LOST) is given_up


# -- orders that freqtrade does not know ------------------------------------------------------------------------------


class Row(SimpleNamespace):
    """A row of freqtrade's, as far as adoption makes it."""

    @staticmethod
    def parse_from_ccxt_object(order: dict[str, Any], pair: str, side: str, amount: float, price: float) -> Row:
        return Row(order=order, pair=pair, side=side, amount=amount, price=price, ft_order_tag=None)


@pytest.fixture
def added(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the trades that are added to the session."""
    monkeypatch.setattr(recovery, "FreqtradeOrder", Row)
    return stand.added


def test_an_order_that_shows_belongs_to_its_trade(stand: Stand, added: list[Any]) -> None:
    found = own(phase=Phase.LIVE, order_id="77")
    stand.store.add([found])
    stand.missed.note(found)
    stand.recovery.adopt(found)
    trade = stand.trades[KEY]
    (row,) = trade.orders
    assert (row.pair, row.side, row.amount, row.price, row.ft_order_tag) == (PAIR, "sell", 0.5, 6e4, "found again")
    assert row.order == {**found.to_ccxt(), "status": "open"}
    assert added == [trade]
    assert stand.calls == [("refresh",), ("recalc", 1), ("commit",)]
    assert stand.store.rows == {}
    ((text, _),) = stand.alerts.warnings
    assert text.startswith(f"Order 77 (sell 0.5 {PAIR}) was placed before freqtrade could store it.")
    assert "belongs to trade 1 now" in text


def test_an_order_that_cannot_be_given_to_freqtrade_stays_in_doubt(
    stand: Stand, added: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> None:
        raise OperationalError("insert", {}, Exception("locked"))

    monkeypatch.setattr(Trade, "commit", failing)
    found = own(phase=Phase.LIVE, order_id="77")
    stand.store.add([found])
    stand.recovery.adopt(found)
    assert stand.store.rows == {found.client_id: found}
    assert stand.calls[-1] == ("rollback",)
    ((text, _),) = stand.alerts.warnings
    assert text.startswith(f"Order 77 on {PAIR} is found, and cannot be stored yet: ")


@pytest.mark.parametrize("average", [None, 59_000.0])
def test_an_entry_that_shows_opens_a_trade(stand: Stand, added: list[Any], average: float | None) -> None:
    stand.trades.clear()
    stand.recovery.adopt(own(side="buy", phase=Phase.LIVE, order_id="77", average=average, intended_ms=2_000))
    (made,) = [call for call in stand.calls if call[0] == "new trade"]
    price = average or 60_000.0
    values = {
        "stake_amount": 0.5 * price,
        "amount_requested": 0.5,
        "open_rate": price,
        "open_rate_requested": 60_000.0,
        "open_date": datetime.fromtimestamp(2, UTC),
        "exchange": "bitgetcross",
        "enter_tag": "found again",
    }
    assert made == ("new trade", PAIR, values)
    assert [trade.id for trade in added] == [9]
    assert len(added[0].orders) == 1


@pytest.mark.parametrize("known", ["nothing filled", "stored"])
def test_an_order_that_freqtrade_has_stored_or_that_ended_without_a_fill_is_forgotten(
    stand: Stand, added: list[Any], known: str
) -> None:
    found = own(phase=Phase.ENDED, order_id="77", filled=0.0 if known == "nothing filled" else 0.5)
    stand.store.add([found])
    if known == "stored":
        stand.order_rows["77"] = SimpleNamespace()
    stand.recovery.adopt(found)
    assert stand.store.rows == {}
    assert (added, stand.calls, stand.alerts.warnings) == ([], [("refresh",)], [])


@pytest.mark.parametrize("trade_is_open", [True, False])
@pytest.mark.parametrize(
    ("phase", "proven", "forgotten"),
    [(Phase.ENDED, False, True), (Phase.LIVE, True, True), (Phase.LIVE, False, False)],
)
def test_the_exit_of_an_ended_trade_is_canceled(
    stand: Stand, added: list[Any], trade_is_open: bool, phase: Phase, proven: bool, forgotten: bool
) -> None:
    found = own(phase=phase, order_id="77", filled=0.1, trade_id=5)
    stand.store.add([found])
    if not trade_is_open:
        stand.trades.clear()
    if proven:
        stand.venue.shown[found.client_id] = replace(found, phase=Phase.ENDED)
    stand.recovery.adopt(found)
    assert (stand.store.rows == {}) is forgotten
    assert stand.venue.canceled == ([] if phase is Phase.ENDED else [([found.client_id], [])])
    assert added == []
    assert "its trade is not open any more: it sold 0.1. Look at the account." in stand.alerts.texts


def test_freqtrade_may_adopt_its_own_orders_that_are_neither_in_doubt_nor_booked(stand: Stand) -> None:
    def listed(client_id: str | None, order_id: str, filled: float | None = 0.0) -> dict[str, Any]:
        return {**structure("closed", order_id), "clientOrderId": client_id, "filled": filled}

    stand.store.add([rung("k-rung"), own("k-o1"), own("k-lost", phase=Phase.LOST), rung("k-eth", pair="ETH/USDT")])
    stand.order_rows = {
        "booked": SimpleNamespace(ft_is_open=False, filled=0.5),
        "booked without a fill": SimpleNamespace(ft_is_open=False, filled=None),
        "more": SimpleNamespace(ft_is_open=False, filled=0.4),
        "open": SimpleNamespace(ft_is_open=True, filled=0.5),
    }
    orders = [
        listed("k-rung", "1"),
        listed("k-o1", "2"),
        listed("k-lost", "3"),
        listed("k-eth", "4"),
        listed(None, "5"),
        listed("x-o1", "6"),
        listed("k-new", "7"),
        listed("k-a", "booked", 0.5),
        listed("k-b", "booked without a fill", None),
        listed("k-c", "more", 0.5),
        listed("k-d", "open", 0.5),
    ]

    def ids() -> list[str]:
        found = stand.recovery.adoptable(PAIR, orders, lambda amount: round(amount, 3))
        return [order["id"] for order in found]

    assert ids() == ["3", "4", "7", "more", "open"]
    stand.remaining = 0.0004
    everything = ["3", "4", "7", "booked", "booked without a fill", "more", "open"]
    assert ids() == everything, "a trade that is sold out and still open is closed by reading its orders again"
    stand.trades.clear()
    assert ids() == ["3", "4", "7", "more", "open"]


def test_the_rows_are_read_after_the_store_or_an_order_could_be_in_neither(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.store, "open", lambda _origin: stand.calls.append(("store",)) or [])
    monkeypatch.setattr(stand.store, "resting_on", lambda _pair: stand.calls.append(("store",)) or [])
    stand.recovery.adoptable(PAIR, [], float)
    assert stand.calls == [("store",), ("store",), ("refresh",)]


# -- a leveraged bot: the side of an order does not tell an entry from an exit ----------------------------------------

SHORT_TERMS = EntryTerms(is_short=True, leverage=2.0)


@pytest.fixture
def terms(stand: Stand) -> dict[str, EntryTerms]:
    """Return the terms of the entries of a leveraged bot with a short of 1 BTC, by client order id."""
    found: dict[str, EntryTerms] = {}
    stand.recovery.absent.entry_terms = found.get
    stand.short()
    stand.owe(1.0)
    return found


def intend_cover(stand: Stand, amount: float = 1.0) -> TrackedOrder:
    return stand.recovery.intend(PAIR, "buy", amount, 60_000.0, is_entry=False, sent=amount * 1.001)


def may_cover(stand: Stand, amount: float = 1.0) -> bool:
    """Whether another cover may be sent now."""
    try:
        intend_cover(stand, amount)
    except TemporaryError:
        return False
    return True


def test_a_cover_is_an_exit_with_a_name_of_its_own_that_can_be_computed_again(
    stand: Stand, terms: dict[str, EntryTerms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.store, "add", lambda _: pytest.fail("an exit leaves, whether it can be stored or not"))
    monkeypatch.setattr(stand.store, "note", lambda order: stand.store.rows.update({order.client_id: order}))
    first = intend_cover(stand, 0.5)
    expected = own(exit_name(0), side="buy", amount=0.5, sent=0.5 * 1.001, intended_ms=stand.ms)
    assert first == stand.store[first.client_id] == expected


def test_the_entry_of_a_short_is_a_sell_with_a_random_name(stand: Stand, terms: dict[str, EntryTerms]) -> None:
    stand.trades.clear()
    intent = stand.recovery.intend(PAIR, "sell", 1.0, 60_000.0, is_entry=True)
    assert (intent.trade, intent.number, intent.sent) == (None, 0, None)
    assert intent.client_id != exit_name(0)


def test_an_entry_that_is_forgotten_before_it_was_sent_holds_no_exit_back(
    stand: Stand, terms: dict[str, EntryTerms]
) -> None:
    """What it is could not be stored: as an order in doubt, it would pass for an exit."""
    intent = stand.recovery.intend(PAIR, "buy", 1.0, 60_000.0, is_entry=True)
    assert not may_cover(stand)
    stand.recovery.forget(intent)
    assert may_cover(stand)


@pytest.mark.parametrize("classic", [True, False])
@pytest.mark.parametrize(
    ("before", "owed", "later"),
    [
        (1.0, 1.0, True),
        (None, 1.0, True),  # nothing to compare with, as after a start
        (1.0, 0.0, False),  # it was executed
        (1.0, 0.6, False),  # what the next one closes is not owed
        (1.5, 1.0, False),  # a half is not owed any more
        (1.4, 1.0, True),
        (1.0, None, False),
    ],
)
def test_the_debt_decides_about_a_cover_and_never_at_once(
    stand: Stand,
    terms: dict[str, EntryTerms],
    classic: bool,
    before: float | None,
    owed: float | None,
    later: bool,
) -> None:
    """It would not be refused for want of coins if it came late: until it is old, no other one is sent."""
    stand.wallet.classic = classic
    if before is None:
        stand.seconds += 61
    else:
        stand.owe(before)
    if owed is None:
        stand.wallet.holding = None
    else:
        stand.owe(owed, read=False)
    for age_ms, expected in ((2_000, False), (int(BLOCKS_SECONDS * 1_000) - 1, False), (30_000, later)):
        stand.store.rows.clear()
        stand.recovery.failed(intend_cover(stand), failed_with(unresolved(missed_twice=True)))
        stand.ms += age_ms
        assert may_cover(stand) is expected, age_ms


def test_what_resting_covers_have_closed_since_is_no_sign_of_an_exit(
    stand: Stand, terms: dict[str, EntryTerms]
) -> None:
    stand.recovery.failed(intend_cover(stand, 0.5), failed_with(unresolved(missed_twice=True)))
    stand.remaining = 0.5
    stand.owe(0.5)
    stand.ms += 30_000
    assert may_cover(stand, 0.5)


def test_after_minutes_the_debt_alone_decides_also_about_a_cover_that_was_accepted(
    stand: Stand, terms: dict[str, EntryTerms]
) -> None:
    stand.store.add([own(side="buy", sent=0.501, phase=Phase.LIVE, order_id="77", intended_ms=stand.ms)])
    stand.missed.note(stand.store["k-o1"], 299)
    stand.missed.note(stand.store["k-o1"])
    assert not may_cover(stand)
    stand.seconds += 1
    assert may_cover(stand)


def test_an_entry_of_a_short_waits_for_its_age(stand: Stand, terms: dict[str, EntryTerms]) -> None:
    terms["k-o1"] = SHORT_TERMS
    for age_s, expected in ((5.0, False), (BLOCKS_SECONDS, True)):
        entry = own(side="sell", trade_id=None, opened_ms=None, intended_ms=stand.ms - int(age_s * 1_000))
        stand.store.rows = {entry.client_id: entry}
        stand.missed.clear(entry)
        stand.missed.note(entry, age_s)
        try:
            stand.recovery.intend(PAIR, "sell", 1.0, 60_000.0, is_entry=True)
        except TemporaryError:
            assert not expected
        else:
            assert expected


def test_a_lost_entry_of_the_same_side_holds_no_cover_back(stand: Stand, terms: dict[str, EntryTerms]) -> None:
    terms["k-o1"] = EntryTerms(is_short=False, leverage=1.0)
    entry = own(side="buy", trade_id=None, opened_ms=None, intended_ms=stand.ms)
    stand.store.add([entry])
    assert may_cover(stand)
    assert stand.store["k-o1"].phase is Phase.INTENDED, "and is not given up for it"


def test_a_cover_that_shows_belongs_to_its_trade_in_coins_of_the_position(
    stand: Stand, terms: dict[str, EntryTerms], added: list[Any]
) -> None:
    stand.recovery.adopt(own(side="buy", sent=0.501, phase=Phase.LIVE, order_id="77", filled=0.25, average=6e4))
    (row,) = stand.trades[KEY].orders
    assert (row.side, row.amount, row.order["amount"], row.order["filled"]) == ("buy", 0.5, 0.5, 0.25)
    assert added == [stand.trades[KEY]]


def test_the_cover_of_an_ended_trade_opens_none_and_is_canceled(
    stand: Stand, terms: dict[str, EntryTerms], added: list[Any]
) -> None:
    stand.trades.clear()
    found = own(side="buy", sent=0.501, phase=Phase.LIVE, order_id="77", filled=0.25)
    stand.store.add([found])
    stand.recovery.adopt(found)
    assert added == []
    assert stand.venue.canceled == [([found.client_id], [])]
    assert "its trade is not open any more: it bought 0.25. Look at the account." in stand.alerts.texts


@pytest.mark.parametrize(("is_short", "leverage"), [(True, 1.0), (True, 2.0), (False, 3.0)])
def test_an_entry_that_shows_opens_a_trade_with_its_direction_and_leverage(
    stand: Stand, terms: dict[str, EntryTerms], added: list[Any], is_short: bool, leverage: float
) -> None:
    stand.trades.clear()
    terms["k-o1"] = EntryTerms(is_short=is_short, leverage=leverage)
    side = "sell" if is_short else "buy"
    stand.recovery.adopt(own(side=side, trade_id=None, opened_ms=None, phase=Phase.LIVE, order_id="77"))
    ((_, _, values),) = [call for call in stand.calls if call[0] == "new trade"]
    assert (values["is_short"], values["leverage"]) == (is_short, leverage)
    assert values["stake_amount"] == pytest.approx(0.5 * 60_000.0 / leverage)
    assert [trade.id for trade in added] == [9]


def test_an_entry_against_the_open_trade_is_canceled_and_not_booked_as_its_exit(
    stand: Stand, terms: dict[str, EntryTerms], added: list[Any]
) -> None:
    terms["k-o1"] = EntryTerms(is_short=False, leverage=1.0)
    found = own(side="buy", trade_id=None, opened_ms=None, phase=Phase.LIVE, order_id="77")
    stand.recovery.adopt(found)
    assert added == []
    assert stand.venue.canceled == [([found.client_id], [])]
    assert "the open trade 1 has the other direction: it bought 0" in stand.alerts.texts


def test_a_late_buy_of_a_ladder_gets_a_trade_though_it_has_no_terms(
    stand: Stand, terms: dict[str, EntryTerms], added: list[Any]
) -> None:
    stand.trades.clear()
    late = own(side="buy", ladder="take", trade_id=None, opened_ms=None, phase=Phase.ENDED, order_id="77", filled=0.2)
    stand.recovery.adopt(late)
    assert [trade.id for trade in added] == [9]
    ((_, _, values),) = [call for call in stand.calls if call[0] == "new trade"]
    assert "leverage" not in values


def test_covers_that_freqtrade_has_booked_in_coins_of_the_position_are_not_adopted_again(
    stand: Stand, terms: dict[str, EntryTerms]
) -> None:
    """Booked twice, one might close its trade; and of one without a row, only the amount that was sent is known."""

    def listed(order_id: str, side: str, filled: float, amount: float = 0.501) -> dict[str, Any]:
        named = {"clientOrderId": f"k-{order_id}", "side": side, "symbol": PAIR}
        return {**structure("closed", order_id), **named, "filled": filled, "amount": amount}

    stand.order_rows = {
        "full": SimpleNamespace(ft_is_open=False, filled=0.5, ft_amount=0.5, amount=0.5),
        "half": SimpleNamespace(ft_is_open=False, filled=0.25, ft_amount=0.5, amount=0.5),
        "more": SimpleNamespace(ft_is_open=False, filled=0.25, ft_amount=0.5, amount=0.5),
        "entry": SimpleNamespace(ft_is_open=False, filled=0.5, ft_amount=0.5, amount=0.5),
        "new entry": None,
    }
    orders = [
        listed("full", "buy", 0.501),
        listed("half", "buy", 0.2505),
        listed("more", "buy", 0.501),
        listed("unknown", "buy", 0.501),
        listed("entry", "sell", 0.5),
        listed("new entry", "sell", 0.5),
    ]
    found = stand.recovery.adoptable(PAIR, orders, lambda amount: round(amount, 3))
    assert [order["id"] for order in found] == ["more", "new entry"]

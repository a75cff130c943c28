"""A forgotten order holds nothing back; alive, it is canceled, and its fills are booked or warned of, never lost."""

import itertools
from dataclasses import replace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.forgotten_orders import WATCHED_MS
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, live, sold, structure

NAME = "k-1-x-0"
LOOK = "Look at the account"


def forgotten(name: str = NAME, **more: Any) -> TrackedOrder:
    """Return a resting sell of 0.5 of trade 1 that the operator has forgotten."""
    given = {"phase": Phase.FORGOTTEN, "forgotten_ms": 5_000_000, "reason": "word", **more}
    return live(name, **given)


@pytest.fixture
def order(stand: Stand) -> TrackedOrder:
    found = forgotten()
    stand.store.add([found])
    return found


def loop(stand: Stand, budget_ms: float = 3_000) -> None:
    stand.managers.forgotten.process_loop(stand.budget(budget_ms))


def show(stand: Stand, order: TrackedOrder, phase: Phase, **more: Any) -> TrackedOrder:
    """Let the venue show an order in this phase; a cancel changes nothing."""
    shown = stand.venue.shown[order.client_id] = replace(order, phase=phase, reason=None, **more)
    return shown


def show_alive(stand: Stand, order: TrackedOrder, after: Phase = Phase.ENDED, **more: Any) -> None:
    """Let the venue show an order as open, and a cancel bring it into this phase."""
    show(stand, order, Phase.LIVE)
    stand.venue.on_cancel = lambda: show(stand, order, after, **more)


# -- lookups ----------------------------------------------------------------------------------------------------------


def test_it_is_looked_up_with_the_open_orders_of_its_pair_in_growing_intervals(
    stand: Stand, order: TrackedOrder
) -> None:
    other = forgotten("k-1-x-1", pair="ETH/USDT")
    stand.store.add([other])
    began, times = stand.seconds, []
    while stand.seconds < began + 2_000:
        before = len(stand.venue.viewed)
        loop(stand)
        if len(stand.venue.viewed) > before:
            times.append(stand.seconds - began)
        stand.seconds += 1
    assert stand.venue.viewed[:2] == [[replace(each, phase=Phase.INTENDED)] for each in (order, other)]
    assert set(stand.venue.keys) == {"k"}
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert (times[0], gaps[:4], max(gaps), gaps[-1]) == (0, [5, 10, 20, 40], 300, 300)
    assert stand.store[NAME] == order
    assert stand.alerts.warnings == []


def test_its_first_lookup_changes_what_readers_of_its_trade_see(stand: Stand, order: TrackedOrder) -> None:
    changed: list[Any] = []
    stand.resting.changed = changed.append
    for _ in range(2):
        loop(stand)
        stand.seconds += 60
    assert changed == [order.trade]


@pytest.mark.parametrize(("age_ms", "times"), [(WATCHED_MS, 1), (WATCHED_MS + 1, 0)])
def test_after_a_month_it_is_not_looked_up_by_itself(
    stand: Stand, order: TrackedOrder, age_ms: int, times: int
) -> None:
    stand.ms = (order.forgotten_ms or 0) + age_ms
    loop(stand)
    assert len(stand.venue.viewed) == times


def test_a_loop_without_time_looks_it_up_next_time(stand: Stand, order: TrackedOrder) -> None:
    show_alive(stand, order)
    loop(stand, 0)
    assert stand.venue.viewed == []
    loop(stand)
    assert stand.venue.canceled == [([NAME], [])]


def test_a_lookup_that_fails_is_warned_of_and_repeated(stand: Stand, order: TrackedOrder) -> None:
    stand.venue.error = ccxt.RequestTimeout("no answer")
    loop(stand)
    about = f"The forgotten orders on {PAIR}"
    assert stand.alerts.warnings == [(f"{about} could not be looked up: no answer", about)]
    stand.venue.error = None
    stand.seconds += 5
    loop(stand)
    assert stand.alerts.cleared == [about]
    assert stand.store[NAME] == order


# -- alive ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["lookup", "list"])
def test_one_that_is_alive_is_canceled_and_never_taken_in_as_a_rung(stand: Stand, order: TrackedOrder, by: str) -> None:
    show_alive(stand, order)
    if by == "list":
        stand.seconds += 1
        row = {**structure("open", "78"), "clientOrderId": NAME}
        stand.own.take_in(PAIR, [row])
    loop(stand)
    assert stand.venue.canceled == [([NAME], [])]
    assert stand.store[NAME].phase is Phase.ENDED
    assert stand.resting.open_of(stand.trades[KEY]) == []
    ((text, _),) = stand.alerts.warnings
    assert "which the operator has forgotten, was alive: it is canceled." in text
    loop(stand)
    assert len(stand.venue.canceled) == 1


def test_a_list_that_shows_it_names_the_order_that_is_canceled(stand: Stand, order: TrackedOrder) -> None:
    """Its client order id was sent again: the order has another id."""
    assert order.order_id != "78"
    stand.own.take_in(PAIR, [{**structure("open", "78"), "clientOrderId": NAME}])
    (alive,) = stand.managers.forgotten.alive_of(stand.trades[KEY])
    assert (alive.order_id, alive.phase) == ("78", Phase.LIVE)
    assert stand.store[NAME] == order, "it is no rung again"
    assert stand.managers.forgotten.alive_of(stand.trade(2)) == []


def test_a_row_of_its_end_shows_nothing_to_cancel(stand: Stand, order: TrackedOrder) -> None:
    stand.own.take_in(PAIR, [{**structure("canceled", order.order_id), "clientOrderId": NAME}])
    loop(stand)
    assert stand.venue.canceled == []


def test_a_loop_whose_time_is_used_up_cancels_it_next_time(stand: Stand, order: TrackedOrder) -> None:
    def take_long() -> None:
        stand.seconds += 4

    show_alive(stand, order)
    stand.venue.on_view = take_long
    loop(stand)
    assert stand.venue.canceled == []
    loop(stand)
    assert stand.venue.canceled == [([NAME], [])]


def test_each_loop_of_the_bot_looks_after_it(stand: Stand, order: TrackedOrder) -> None:
    show_alive(stand, order)
    stand.managers.process_loop()
    assert stand.store[NAME].phase is Phase.ENDED


def test_its_cancel_is_repeated_in_every_loop_until_its_end_is_proven(stand: Stand, order: TrackedOrder) -> None:
    show_alive(stand, order, Phase.LIVE)
    for _ in range(3):
        loop(stand)
        stand.seconds += 10
    assert (len(stand.venue.canceled), len(stand.venue.viewed)) == (3, 1)
    assert stand.store[NAME].phase is Phase.FORGOTTEN
    assert [about for _, about in stand.alerts.warnings] == [f"forgotten {NAME}"] * 3
    assert "is not proven canceled (no answer): every loop cancels it again" in stand.alerts.texts
    show_alive(stand, order)
    loop(stand)
    assert stand.store[NAME].phase is Phase.ENDED
    assert stand.alerts.cleared[-1] == f"forgotten {NAME}"


def test_a_cancel_that_finds_nothing_leaves_it_to_the_lookups(stand: Stand, order: TrackedOrder) -> None:
    show_alive(stand, order, Phase.LIVE)
    stand.venue.not_found = frozenset({NAME})
    loop(stand)
    del stand.venue.shown[NAME]
    loop(stand)
    assert len(stand.venue.canceled) == 1
    assert stand.store[NAME].phase is Phase.FORGOTTEN


def test_other_open_orders_of_the_bot_that_a_lookup_shows_are_taken_in(stand: Stand, order: TrackedOrder) -> None:
    lost = live("k-1-x-5", phase=Phase.LOST)
    stand.store.add([lost])
    stand.venue.own = [{**structure("open", "79"), "clientOrderId": lost.client_id}]
    loop(stand)
    assert stand.store[lost.client_id].phase is Phase.LIVE
    assert stand.store[NAME] == order


# -- fills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.ENDED, Phase.LIVE])
def test_its_fills_are_booked_into_its_open_trade_and_warned_of(
    stand: Stand, order: TrackedOrder, phase: Phase
) -> None:
    """The exits of the trade would sell these coins again."""
    if phase is Phase.LIVE:
        show_alive(stand, order, filled=0.2)
    else:
        show(stand, order, phase, filled=0.2)
    loop(stand)
    assert ("fill", 1, NAME, 0.2) in stand.calls
    found = stand.store[NAME]
    assert (found.phase, found.settled) == (Phase.ENDED, False)
    assert (found.forgotten_ms, found.reason) == (order.forgotten_ms, order.reason)
    assert f"has filled 0.2 sell: it is booked into trade 1. {LOOK}." in stand.alerts.texts


def test_fills_without_a_row_are_booked_and_show_no_end(stand: Stand, order: TrackedOrder) -> None:
    show(stand, order, Phase.INTENDED, filled=0.2, average=61_000.0)
    stand.venue.by_fills = frozenset({NAME})
    loop(stand)
    assert stand.store[NAME] == replace(order, filled=0.2, average=61_000.0)
    assert ("fill", 1, NAME, 0.2) in stand.calls
    assert LOOK in stand.alerts.texts


@pytest.mark.parametrize("side", ["sell", "buy"])
@pytest.mark.parametrize("phase", [Phase.ENDED, Phase.LIVE])
def test_fills_after_the_end_of_its_trade_are_warned_of_once_and_booked_nowhere(
    stand: Stand, phase: Phase, side: str
) -> None:
    """No trade is opened again for them: the operator's word has ended it."""
    order = forgotten(side=side)
    stand.store.add([order])
    stand.trades.clear()
    if phase is Phase.LIVE:
        show_alive(stand, order, filled=0.2)
    else:
        show(stand, order, phase, filled=0.2)
    loop(stand)
    text = f"has filled 0.2 {side}: freqtrade does not count it. {LOOK}."
    assert [text in warning for warning, _ in stand.alerts.warnings].count(True) == 1
    assert not any(call[0] == "fill" for call in stand.calls)
    assert (stand.store[NAME].settled, stand.store[NAME].phase) == (True, Phase.ENDED)
    warned = len(stand.alerts.warnings)
    stand.seconds += 1_000
    loop(stand)
    stand.maintenance.hand_over_ended(set())
    assert len(stand.alerts.warnings) == warned
    assert not any(call[0] in {"new trade", "hand over"} for call in stand.calls)


def test_an_end_without_more_fills_is_stored_without_a_warning(stand: Stand, order: TrackedOrder) -> None:
    show(stand, order, Phase.ENDED)
    loop(stand)
    assert stand.store[NAME].phase is Phase.ENDED
    assert stand.alerts.warnings == []


# -- exits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holding", "amount"),
    [(Holding(1.0, 1.0, 0.0), 1.0), (Holding(6.0, 6.0, 0.0), 1.0), (Holding(1.0, 0.5, 0.5), 0.5)],
    ids=["free", "beside coins of others", "it is alive, and holds them"],
)
def test_an_exit_sells_as_if_it_were_gone_and_no_more_than_is_free(
    stand: Stand, order: TrackedOrder, holding: Holding, amount: float
) -> None:
    assert order.remaining == 0.5
    stand.wallet.holding = holding
    assert sold(stand) == amount


def test_coins_that_it_has_sold_are_missing_and_the_exit_is_fitted(stand: Stand, order: TrackedOrder) -> None:
    stand.wallet.holding = Holding(0.5, 0.5, 0.0)
    assert stand.amounts.missing(stand.trades[KEY]) == 0.5
    stand.store.add([replace(order, filled=0.5)])
    readings = stand.wallet.readings
    assert stand.amounts.missing(stand.trades[KEY]) == 0.0
    assert stand.wallet.readings == readings, "it has nothing left to sell"


def test_an_exit_leaves_the_coins_of_one_that_is_alive_where_no_balance_shows_them(lending: Stand) -> None:
    order = forgotten()
    lending.store.add([order])
    lending.wallet.holding = Holding(1.0, 1.0, 0.0)
    show_alive(lending, order, Phase.LIVE)
    loop(lending)
    assert sold(lending) == 0.5
    show_alive(lending, order)
    loop(lending)
    assert sold(lending) == 1.0

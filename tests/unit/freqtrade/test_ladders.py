"""A ladder is placed once; what is refused for the moment is placed again, until it is placed or refused for good."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin import client_order_ids
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.ladder_spec import LadderRefused
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, cover, live, live_cover, rung

NAME = "k-1-x-0"


def sell(amount: float, price: float = 61_000.0) -> dict[str, Any]:
    return {"side": "sell", "price": price, "amount": amount}


def place(stand: Stand, *orders: dict[str, Any], key: str = "entry") -> list[dict[str, Any]]:
    return stand.ladders.place(stand.trades[KEY], list(orders), key)


# -- placing ----------------------------------------------------------------------------------------------------------


def test_a_ladder_is_stored_before_it_is_sent_with_one_request(stand: Stand) -> None:
    seen: list[list[TrackedOrder]] = []

    def placing(order: TrackedOrder) -> TrackedOrder:
        seen.append(list(stand.store.rows.values()))
        return replace(order, phase=Phase.LIVE, order_id="7")

    stand.venue.placing = placing
    orders = place(stand, sell(0.2004), {"side": "buy", "price": 50_000.04, "amount": 0.5})
    names = [client_order_ids.rung_order_id("k", 1, 1_000, "entry", number) for number in (0, 1)]
    first = TrackedOrder(names[0], Origin.LADDER, 1, 1_000, PAIR, "sell", "entry", 0, 61_000.0, 0.2, stand.ms)
    second = replace(first, client_id=names[1], side="buy", number=1, price=50_000.0, amount=0.5)
    assert seen[0] == [first, second]
    assert stand.venue.placed == [names]
    assert stand.venue.budgets == [3_000]
    assert list(stand.store.rows.values()) == [
        replace(order, phase=Phase.LIVE, order_id="7") for order in (first, second)
    ]
    assert orders == [order.to_ccxt() for order in stand.store.rows.values()]
    assert stand.alerts.infos == [
        f"Ladder 'entry' of trade 1 on {PAIR}: 2 of 2 placed (sell 0.2 at 61000, buy 0.5 at 50000)."
    ]
    assert stand.alerts.warnings == []


def test_a_refused_ladder_is_one_message_however_often_it_is_asked_for(stand: Stand) -> None:
    more = "the sells add up to 9, and the trade on BTC/USDT has 1 that no other resting order sells: sell less"
    for key in ("steps", "steps", "other"):
        with pytest.raises(LadderRefused):
            place(stand, sell(9.0), key=key)
        with pytest.raises(LadderRefused):
            stand.ladders.change(stand.trades[KEY], [sell(9.0)], key)
    told = "Ladder {!r} of trade 1 on BTC/USDT was refused, and nothing of it was sent: {}."
    assert stand.alerts.warnings == [(told.format("steps", more), None), (told.format("other", more), None)]
    with pytest.raises(LadderRefused):
        place(stand, sell(0.2), key="")
    assert len(stand.alerts.warnings) == 3, "a name that is none, too"
    assert stand.venue.placed == []


def test_a_second_call_returns_the_same_orders_and_places_nothing(stand: Stand) -> None:
    first = place(stand, sell(0.2))
    stand.trades[KEY].is_open = False
    assert place(stand, sell(0.3)) == first == stand.ladders.resting_of(stand.trades[KEY])
    assert len(stand.venue.placed) == 1
    stand.trades[KEY].is_open = True
    assert place(stand, sell(0.3), key="second") != first
    assert len(stand.venue.placed) == 2


def test_a_share_is_of_what_the_trade_has_though_another_ladder_sells_a_part(stand: Stand) -> None:
    share = {"side": "sell", "price": 61_000.0, "share": 0.5}
    assert place(stand, share)[0]["amount"] == 0.5
    assert place(stand, share, key="second")[0]["amount"] == 0.5
    with pytest.raises(LadderRefused, match=r"the sells add up to 0\.5, and the trade on BTC/USDT has 0 that"):
        place(stand, share, key="third")


def test_a_trade_with_a_ladder_under_the_former_default_key_gets_no_second_one_by_default(stand: Stand) -> None:
    first = place(stand, sell(0.2), key="entry")
    assert place(stand, sell(0.3), key="ladder") == first
    assert place(stand, sell(0.3), key="other") != first
    assert place(stand, sell(0.1), key="ladder") == first
    assert len(stand.venue.placed) == 2


def test_a_message_about_a_long_ladder_shows_its_first_orders(stand: Stand) -> None:
    stand.rules.batch_max = 7
    place(stand, *(sell(0.05, price=61_000.0 + number) for number in range(7)))
    shown = ", ".join(f"sell 0.05 at {61_000 + number}" for number in range(5))
    assert stand.alerts.infos == [f"Ladder 'entry' of trade 1 on {PAIR}: 7 of 7 placed ({shown}, 2 more)."]


def test_an_empty_ladder_asks_nobody(stand: Stand) -> None:
    assert place(stand) == []
    assert (stand.venue.placed, stand.alerts.infos) == ([], [])


def test_a_trade_that_is_not_open_gets_no_ladder(stand: Stand) -> None:
    trade = stand.trades.pop(KEY)
    with pytest.raises(LadderRefused, match=f"trade 1 on {PAIR} is not open"):
        stand.ladders.place(trade, [sell(0.1)], "entry")
    with pytest.raises(LadderRefused, match="key is ''"):
        stand.ladders.place(trade, [sell(0.1)], "")


@pytest.mark.parametrize(
    ("orders", "refusal"),
    [
        ([sell(0.601)], "the sells add up to 0.601, and the trade on BTC/USDT has 0.6 that no other"),
        ([sell(0.1)] * 4, "there are 4 orders: one ladder takes 3"),
        ([{"side": "buy", "price": 50_000, "amount": 2.1}], "the buys cost 105000, and 100000 are free"),
        ([sell(0.009)], "amount 0.009 is under the 0.01"),
        ([sell(0.02, 240)], "is worth 4.8, and the venue takes orders from 5"),
        ([sell(0.02, 0.04)], "is nothing in the venue's precision"),
    ],
)
def test_a_ladder_keeps_the_limits_of_its_trade_and_pair(
    stand: Stand, orders: list[dict[str, Any]], refusal: str
) -> None:
    rows = [SimpleNamespace(ft_order_side=side, safe_remaining=0.1) for side in ("sell", "buy")]
    stand.trade(open_orders=rows)
    stand.store.add([live("a", amount=0.3, ladder="other"), live("b", side="buy", ladder="other")])
    with pytest.raises(LadderRefused, match=refusal):
        place(stand, *orders)
    assert stand.venue.placed == []
    assert place(stand, sell(0.6)), "exactly what is left"


def test_sells_wait_for_coins_that_are_not_free_where_the_venue_would_lend_them(lending: Stand) -> None:
    """Orders of the account's owner may hold coins of a trade; each loop tries again, and buys are not kept back."""
    lending.rules.free_of["BTC"] = 0.5
    buy = {"side": "buy", "price": 50_000, "amount": 0.1}
    place(lending, sell(0.3), sell(0.3), buy)
    names = [client_order_ids.rung_order_id("k", 1, 1_000, "entry", number) for number in range(3)]
    assert lending.venue.placed == [[names[0], names[2]]]
    assert lending.store[names[1]].phase is Phase.WAITING
    ((warned, _),) = lending.alerts.warnings
    assert "refused for the moment: only 0.5 BTC are free, and nothing is borrowed. The loop" in warned
    lending.rules.free_of["BTC"] = 0.3
    lending.remaining = 2.0
    again(lending)
    assert lending.venue.placed[1:] == [[names[1]]]


def test_nothing_is_sent_where_nothing_is_free_or_the_balance_cannot_be_read(lending: Stand) -> None:
    lending.rules.free_of["BTC"] = 0.0
    place(lending, sell(0.3))

    def fails(_: str) -> float:
        raise TemporaryError("no answer")

    lending.rules.free = fails
    again(lending)
    place(lending, sell(0.2), key="second")
    assert lending.venue.placed == []
    assert {row.phase for row in lending.store.rows.values()} == {Phase.WAITING}
    assert "the free BTC could not be read: no answer" in lending.alerts.texts


def test_buys_that_wait_are_placed_for_what_is_free_by_then(lending: Stand) -> None:
    lending.store.add([waiting(side="buy", amount=0.1, price=50_000.0)])
    lending.rules.free_of["USDT"] = 4_999.0
    again(lending)
    assert lending.venue.placed == []
    lending.rules.free_of["USDT"] = 5_000.0
    lending.seconds += 5
    again(lending)
    assert lending.venue.placed == [[NAME]]


def test_a_classic_account_lends_nothing_and_no_balance_is_read_for_sells(stand: Stand) -> None:
    stand.rules.free_of.clear()
    place(stand, sell(0.3))
    assert len(stand.venue.placed) == 1


def test_more_sold_than_the_trade_has_leaves_nothing_to_sell(stand: Stand) -> None:
    stand.store.add([live("a", amount=3.0, ladder="other")])
    with pytest.raises(LadderRefused, match=r"has 0 that no other"):
        place(stand, sell(0.1))


@pytest.mark.parametrize(
    ("phase", "text", "about"),
    [
        (Phase.REFUSED, "Resting sell of 0.2 at 61000 on BTC/USDT (ladder 'entry', trade 1) was refused: no.", None),
        (Phase.LOST, "Resting sell of 0.2 at 61000 on BTC/USDT (ladder 'entry', trade 1) was refused: no.", None),
        (
            Phase.WAITING,
            "1 resting orders on BTC/USDT (ladder 'entry', trade 1) were refused for the moment: no. The loop places",
            "waiting 1 entry",
        ),
        (
            Phase.INTENDED,
            "1 resting orders on BTC/USDT (ladder 'entry', trade 1) may have been placed: no. Every loop looks them",
            None,
        ),
    ],
)
def test_what_is_not_placed_is_warned_of(stand: Stand, phase: Phase, text: str, about: str | None) -> None:
    stand.venue.placing = lambda order: replace(
        order, phase=phase if order.number else Phase.LIVE, reason="no" if order.number else None
    )
    place(stand, sell(0.3), sell(0.2))
    ((warned, subject),) = stand.alerts.warnings
    assert warned.startswith(text)
    assert subject == about
    assert stand.alerts.infos == [f"Ladder 'entry' of trade 1 on {PAIR}: 1 of 2 placed (sell 0.3 at 61000)."]


# -- changing ---------------------------------------------------------------------------------------------------------


def change(stand: Stand, *orders: dict[str, Any], key: str = "entry") -> list[dict[str, Any]]:
    return stand.ladders.change(stand.trades[KEY], list(orders), key)


def resting(stand: Stand, *orders: dict[str, Any]) -> list[TrackedOrder]:
    """Place a ladder, which the venue then shows as ended once it is canceled."""
    place(stand, *orders)
    placed = list(stand.store.rows.values())
    stand.venue.shown = {order.client_id: replace(order, phase=Phase.ENDED) for order in placed}
    return placed


def test_a_change_keeps_what_is_wanted_and_replaces_the_rest_with_two_requests(stand: Stand) -> None:
    kept, going = resting(stand, sell(0.2, 61_000.0), sell(0.3, 62_000.0))
    now = change(stand, sell(0.3, 63_000.0), sell(0.2, 61_000.0))
    assert stand.venue.canceled == [([going.client_id], [])]
    new = stand.venue.placed[1]
    assert new == [client_order_ids.rung_order_id("k", 1, 1_000, "entry", 2)], "no number comes twice"
    assert [(order["price"], order["status"]) for order in now] == [(63_000.0, "open"), (61_000.0, "open")]
    assert now[1]["id"] == kept.order_id
    assert stand.store[going.client_id].phase is Phase.ENDED


def test_a_change_into_the_same_orders_sends_nothing(stand: Stand) -> None:
    resting(stand, sell(0.2))
    assert change(stand, sell(0.2))[0]["status"] == "open"
    assert (stand.venue.canceled, len(stand.venue.placed)) == ([], 1)


def test_a_change_into_nothing_cancels_the_ladder(stand: Stand) -> None:
    (order,) = resting(stand, sell(0.2))
    assert change(stand) == []
    assert stand.venue.canceled == [([order.client_id], [])]
    assert len(stand.venue.placed) == 1


def test_a_change_by_default_is_of_the_ladder_under_the_former_default_key(stand: Stand) -> None:
    (order,) = resting(stand, sell(0.2))
    (now,) = change(stand, sell(0.2, 63_000.0), key="ladder")
    assert stand.venue.canceled == [([order.client_id], [])]
    assert stand.store[now["clientOrderId"]].ladder == "entry"


def test_a_change_of_a_ladder_that_is_not_there_places_it(stand: Stand) -> None:
    assert change(stand, sell(0.2), key="new")[0]["status"] == "open"
    assert stand.venue.canceled == []


def test_nothing_is_placed_until_all_that_goes_is_proven_to_have_ended(stand: Stand) -> None:
    (order,) = resting(stand, sell(0.2))
    stand.venue.shown = {}
    for _ in range(2):
        assert change(stand, sell(0.2, 63_000.0)) == []
    assert stand.venue.canceled == [([order.client_id], [])], "the loop cancels it again"
    assert len(stand.venue.placed) == 1
    stand.store.update([(order, replace(order, phase=Phase.ENDED))])
    stand.resting.unresolved.clear()
    assert change(stand, sell(0.2, 63_000.0))[0]["price"] == 63_000.0


def test_what_was_sold_meanwhile_is_taken_from_the_last_sells(stand: Stand) -> None:
    (order,) = resting(stand, sell(0.6, 62_000.0))
    stand.venue.shown[order.client_id] = replace(order, phase=Phase.ENDED, filled=0.3, average=62_000.0)
    stand.venue.on_cancel = lambda: setattr(stand, "remaining", 0.3)
    now = change(stand, sell(0.25, 63_000.0), sell(0.35, 64_000.0))
    assert [(each["price"], each["amount"]) for each in now] == [(63_000.0, 0.25), (64_000.0, 0.05)]


def test_a_change_that_cannot_be_is_refused_before_anything_is_sent(stand: Stand) -> None:
    resting(stand, sell(0.5))
    with pytest.raises(LadderRefused, match=r"the sells add up to 1\.2, and the trade on BTC/USDT has"):
        change(stand, sell(1.2))
    with pytest.raises(LadderRefused, match="key is ''"):
        change(stand, sell(0.1), key="")
    assert (stand.venue.canceled, len(stand.venue.placed)) == ([], 1)
    trade = stand.trades.pop(KEY)
    with pytest.raises(LadderRefused, match="its ladder goes with it"):
        stand.ladders.change(trade, [sell(0.1)], "entry")


def test_a_ladder_with_an_order_without_a_response_is_not_changed_yet(stand: Stand) -> None:
    stand.store.add([rung(NAME, phase=Phase.INTENDED)])
    with pytest.raises(LadderRefused, match=f"order {NAME} of the ladder has no response yet"):
        change(stand, sell(0.1))
    assert stand.venue.canceled == []


def test_orders_that_wait_are_given_up_by_a_change(stand: Stand) -> None:
    stand.store.add([rung(NAME, phase=Phase.WAITING)])
    change(stand, sell(0.2, 63_000.0))
    assert stand.store[NAME].phase is Phase.LOST
    assert len(stand.venue.placed) == 1


# -- placing again ----------------------------------------------------------------------------------------------------


def waiting(name: str = NAME, **more: Any) -> TrackedOrder:
    """Return a rung that was refused for the moment."""
    return rung(name, phase=Phase.WAITING, reason="0BTC can be used at most", **more)


def again(stand: Stand, *busy: Any, budget_ms: float = 3_000) -> None:
    stand.ladders.place_waiting(busy, stand.budget(budget_ms))


def test_it_is_placed_by_the_next_loop_and_only_once(stand: Stand) -> None:
    stand.store.add([waiting()])
    again(stand)
    again(stand)
    assert stand.venue.placed == [[NAME]]
    assert stand.store[NAME].phase is Phase.LIVE
    assert stand.alerts.infos == [f"Ladder 'entry' of trade 1 on {PAIR}: 1 of 1 placed (sell 0.5 at 60000)."]


def test_while_it_is_refused_the_tries_grow_rare(stand: Stand) -> None:
    stand.store.add([waiting()])
    stand.venue.placing = lambda row: row
    times = []
    for _ in range(1_500):
        before = len(stand.venue.placed)
        again(stand)
        if len(stand.venue.placed) > before:
            times.append(stand.seconds - 1_000)
        stand.seconds += 1
    assert times == [0, 5, 15, 35, 75, 135, 255, 555, 855, 1_155, 1_455]
    assert stand.alerts.texts == "", "nothing is new"


@pytest.mark.parametrize("phase", [Phase.REFUSED, Phase.INTENDED])
def test_what_is_refused_for_good_or_in_doubt_is_not_placed_again(stand: Stand, phase: Phase) -> None:
    stand.store.add([waiting()])
    stand.venue.placing = lambda row: replace(row, phase=phase)
    for _ in range(3):
        again(stand)
        stand.seconds += 500
    assert len(stand.venue.placed) == 1


def test_a_trade_that_exits_gets_no_more_of_its_ladder(stand: Stand) -> None:
    stand.store.add([waiting(), live("a")])
    stand.ladders.drop_waiting(stand.trades[KEY])
    assert (stand.store[NAME].phase, stand.store[NAME].reason) == (Phase.LOST, "its trade exits")
    assert stand.store["a"] == live("a")
    assert stand.alerts.infos == [f"Resting sell on {PAIR} (ladder 'entry') is given up: its trade exits."]


def test_a_trade_that_has_ended_gets_no_more_of_its_ladder(stand: Stand) -> None:
    stand.store.add([waiting(), waiting("k-2", trade_id=None)])
    stand.trades.clear()
    again(stand)
    assert stand.venue.placed == []
    assert stand.store[NAME].reason == "its trade has ended"
    assert stand.store["k-2"].phase is Phase.WAITING


@pytest.mark.parametrize(("remaining", "sent"), [(0.5, True), (0.4, False), (0.4975, False), (0.5 - 1e-12, True)])
def test_a_ladder_that_sells_more_than_is_left_is_given_up(stand: Stand, remaining: float, sent: bool) -> None:
    stand.store.add([waiting(), waiting("k-2", side="buy")])
    stand.remaining = remaining
    again(stand)
    assert bool(stand.venue.placed) is sent
    if not sent:
        assert stand.store["k-2"].reason == "the trade has sold a part of its coins since"


@pytest.mark.parametrize(("remaining", "amount"), [(0.9985, 0.398), (0.996, 0.396)])
def test_the_fee_of_the_entry_is_taken_from_the_last_sell(stand: Stand, remaining: float, amount: float) -> None:
    """The venue lists the fills of an entry later than the entry."""
    stand.store.add([waiting("a", amount=0.6), waiting("b", amount=0.4), waiting("c", side="buy", amount=0.7)])
    stand.remaining = remaining
    again(stand)
    assert stand.venue.placed == [["a", "b", "c"]]
    assert [stand.store[name].amount for name in "abc"] == [0.6, amount, 0.7]


@pytest.mark.parametrize("least", [0.01, None])
def test_a_ladder_whose_last_sell_would_be_too_small_is_given_up(stand: Stand, least: float | None) -> None:
    stand.rules.markets[PAIR]["limits"]["amount"]["min"] = least
    stand.store.add([waiting("a", amount=0.99), waiting("b", amount=0.01 if least else 0.0005)])
    stand.remaining = 0.9985 if least else 0.99
    again(stand)
    assert stand.venue.placed == []
    assert stand.store["a"].reason == "the trade has sold a part of its coins since"


def test_a_trade_that_another_thread_exits_is_left_alone(stand: Stand) -> None:
    stand.store.add([waiting()])
    again(stand, KEY)
    assert (stand.venue.placed, stand.store[NAME].phase) == ([], Phase.WAITING)


def test_before_it_is_placed_again_a_look_up_takes_in_what_came_late(stand: Stand) -> None:
    stand.store.add([waiting(), waiting("k-2")])
    stand.venue.shown[NAME] = rung(phase=Phase.LIVE, order_id="77")
    again(stand)
    assert stand.venue.placed == [["k-2"]]
    assert stand.store[NAME].order_id == "77"
    stand.store.rows = {NAME: waiting()}
    stand.rules.markets = {}
    stand.seconds += 10
    again(stand)
    assert len(stand.venue.placed) == 1, "nothing is left to place"


def test_each_ladder_has_its_own_tries(stand: Stand) -> None:
    stand.remaining = 2.0
    stand.venue.placing = lambda row: row
    stand.store.add([waiting()])
    again(stand)
    stand.store.add([waiting("k-2", ladder="second")])
    stand.seconds += 1
    again(stand)
    assert stand.venue.placed == [[NAME], ["k-2"]]


def test_one_loop_has_one_budget_for_all_that_wait(stand: Stand) -> None:
    stand.store.add([waiting(), waiting("k-2", ladder="second")])
    again(stand, budget_ms=10)  # too little for a request
    assert stand.venue.viewed == []


def test_a_ladder_without_an_answer_does_not_keep_the_next_one_back(stand: Stand) -> None:
    stand.store.add([waiting(), waiting("k-2", ladder="second")])
    stand.venue.error = ccxt.RequestTimeout("x")
    again(stand)
    assert stand.alerts.warnings == [
        (f"Ladder {name!r} of trade 1 on {PAIR} could not be placed again: x", f"Ladder {name!r} of trade 1 on {PAIR}")
        for name in ("entry", "second")
    ]


# -- ladders of shorts ------------------------------------------------------------------------------------------------


def buy(amount: float, price: float = 59_000.0) -> dict[str, Any]:
    return {"side": "buy", "price": price, "amount": amount}


@pytest.fixture
def short(stand: Stand) -> Stand:
    """Return a stand whose trade is a short of 1 BTC."""
    stand.short()
    return stand


def test_the_ladder_of_a_short_is_sent_with_its_fee_and_repays(short: Stand) -> None:
    orders = place(short, buy(0.4), buy(0.6))
    assert [(order["amount"], order["status"]) for order in orders] == [(0.4, "open"), (0.6, "open")]
    assert [(order.amount, order.sent) for order in short.store.rows.values()] == [(0.4, 0.401), (0.6, 0.601)]
    assert short.venue.loan_types == ["autoRepay"]
    assert short.alerts.infos[0].endswith("2 of 2 placed (buy 0.4 at 59000, buy 0.6 at 59000).")


def test_the_ladder_of_a_long_has_no_loan_type_and_no_amount_of_its_own_for_the_venue(stand: Stand) -> None:
    place(stand, sell(0.4), {"side": "buy", "price": 50_000.0, "amount": 0.1})
    assert stand.venue.loan_types == [None]
    assert {order.sent for order in stand.store.rows.values()} == {None}


def test_a_short_is_covered_for_what_no_other_order_covers(short: Stand) -> None:
    rows = [SimpleNamespace(ft_order_side=side, safe_remaining=0.1) for side in ("buy", "sell")]
    short.short(open_orders=rows)
    short.store.add([live_cover("a", amount=0.3, sent=0.301, ladder="other")])
    with pytest.raises(LadderRefused, match=r"the buys add up to 0\.601, and the trade on BTC/USDT owes 0\.6 that no"):
        place(short, buy(0.601))
    assert place(short, buy(0.6))


@pytest.mark.parametrize(
    ("is_short", "leverage", "refused"),
    [(True, 1.0, "sell"), (True, 2.0, "sell"), (False, 2.0, "buy"), (False, 1.0, None), (False, None, None)],
)
def test_a_short_or_a_leveraged_trade_is_not_enlarged_by_its_ladder(
    stand: Stand, is_short: bool, leverage: float | None, refused: str | None
) -> None:
    (stand.short if is_short else stand.trade)(leverage=leverage)
    wanted = {"side": "sell" if is_short else "buy", "price": 60_000.0, "amount": 0.1}
    if refused is None:
        assert place(stand, wanted)
        return
    with pytest.raises(LadderRefused, match=f"side is '{refused}', which enlarges the trade"):
        place(stand, wanted)


def test_a_change_of_a_short_s_ladder_may_spend_what_the_old_one_holds(short: Stand) -> None:
    resting(short, buy(0.5))
    short.rules.free_of["USDT"] = 0.0
    (now,) = change(short, buy(0.5, 58_900.0))
    assert (now["price"], now["status"]) == (58_900.0, "open")
    short.rules.free_of["USDT"] = 1.0
    with pytest.raises(LadderRefused, match="the buys cost"):
        change(short, buy(0.5, 60_000.0))


def test_covers_that_wait_are_cut_to_what_the_short_still_owes_and_sent_with_their_fee(short: Stand) -> None:
    waits = {"phase": Phase.WAITING, "reason": "0"}
    short.store.add([cover("a", amount=0.6, sent=0.601, **waits), cover("b", amount=0.4, sent=0.401, **waits)])
    short.remaining = 0.996
    again(short)
    assert short.venue.placed == [["a", "b"]]
    assert [(short.store[name].amount, short.store[name].sent) for name in "ab"] == [(0.6, 0.601), (0.396, 0.397)]
    assert short.venue.loan_types == ["autoRepay"]


def test_covers_of_a_short_that_owes_less_by_now_are_given_up(short: Stand) -> None:
    short.store.add([cover("a", phase=Phase.WAITING)])
    short.remaining = 0.3
    again(short)
    assert short.store["a"].reason == "the trade has covered a part of its coins since"


def test_a_cover_waits_for_quote_coins_where_the_venue_would_lend_them(lending: Stand) -> None:
    lending.short()
    lending.store.add([cover("a", phase=Phase.WAITING)])
    lending.rules.free_of["USDT"] = 0.501 * 60_000.0 - 1
    again(lending)
    assert lending.venue.placed == []
    lending.rules.free_of["USDT"] = 0.501 * 60_000.0
    lending.seconds += 5
    again(lending)
    assert lending.venue.placed == [["a"]]

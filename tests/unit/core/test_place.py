"""A new order is placed once, called refused only on proof, and found whatever the answer to it was."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitget_margin.core.api import api_of
from bitget_margin.core.effects import Call, Fault, Reply, SendAll
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.place import place
from bitget_margin.core.place_state import Age, Doubt, PlaceOutcome, PlaceState, Terms, age_of
from bitget_margin.core.responses import BatchItem
from bitget_margin.core.settings import Pacing
from support.placing_venue import SIZE, SYMBOL, TERMS, Placed, PlacingVenue, failed_items, no_response, refuses_with
from support.script import EPOCH_MS, START_MS, fault

KINDS = list(AccountKind)
NOT_EXECUTED = {Verdict.DEFINITIVE, Verdict.REFUSED}
AGAIN = {Verdict.LIMITED, Verdict.CLOCK}
UNNAMED = ["99999", "1", "abc", "400000"]
"""Codes that no page has."""
BY_VERDICT = {verdict: [code for code, row in TABLE.items() if row.verdict is verdict] for verdict in Verdict}
NO_PROOF = [code for code, row in TABLE.items() if row.verdict not in NOT_EXECUTED | AGAIN] + UNNAMED
KIND_CODES = {"40084", "40085"}
ASSETS = {Endpoint.ASSETS, Endpoint.UNIFIED_ASSETS}
LOOKUPS = {
    *(Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS, Endpoint.UNIFIED_ORDER),
    *(Endpoint.UNIFIED_OPEN_ORDERS, Endpoint.UNIFIED_HISTORY_ORDERS),
}


def run(venue: PlacingVenue, *names: str, is_single: bool = True, **more: Any) -> list[PlaceOutcome | None]:
    """Place these orders; return what is proven of each."""
    placement = venue.placement(*names, is_single=is_single, **more)
    venue.script.run(place(placement))
    return [state.outcome for state in placement.states]


def whole_or_item(kind: AccountKind, code: str | None, *, whole: bool) -> Any:
    """Return what answers with this code, for the whole request or for each of its items."""
    if whole:
        return no_response if code is None else refuses_with(code)
    return lambda names, _: failed_items(kind, names, code)


# -- the codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("fills", [False, True], ids=["rests", "fills"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "item"])
def test_a_placed_order_is_found_behind_every_code_that_proves_nothing(
    kind: AccountKind, fills: bool, whole: bool
) -> None:
    for code in [*NO_PROOF, None]:
        venue = PlacingVenue(kind, respond=whole_or_item(kind, code, whole=whole), fills_at_once=fills)
        assert run(venue, "a", is_single=whole) == [PlaceOutcome.PLACED], code
        assert venue.times("a") == 1, code


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "item"])
def test_absence_refuses_only_what_was_refused_in_words(kind: AccountKind, whole: bool) -> None:
    """An order that was not placed: settled by two lookups and the account, unless the answer leaves it open."""
    for code in [*NO_PROOF, None]:
        venue = PlacingVenue(kind, lambda *_: False, whole_or_item(kind, code, whole=whole))
        why = Verdict.UNSETTLED if code is None else TABLE[code].verdict if code in TABLE else Verdict.UNSETTLED
        open_ = why in {Verdict.AMBIGUOUS, Verdict.DUPLICATE} or (code is None and whole)
        assert run(venue, "a", is_single=whole) == [None if open_ else PlaceOutcome.REFUSED], code
        took_ms = venue.script.now_ms - START_MS
        assert (1_500 <= took_ms < 1_700) is not open_, "quickly, and never before the second look"
        assert venue.times("a") == 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_known_to_mean_not_executed_is_a_refusal_at_once(kind: AccountKind) -> None:
    for code in [*BY_VERDICT[Verdict.DEFINITIVE], *BY_VERDICT[Verdict.REFUSED]]:
        for whole in (True, False):
            if code in KIND_CODES and whole:
                continue  # the request is sent again in the words of the other kind
            venue = PlacingVenue(kind, lambda *_: False, whole_or_item(kind, code, whole=whole))
            assert run(venue, "a", is_single=whole) == [PlaceOutcome.REFUSED], code
            assert len(venue.script.calls) == 1


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503, 504, 520, 200, 404])
def test_a_page_of_a_gateway_refuses_only_with_403_and_is_waited_out_with_429(status: int) -> None:
    """A gateway that answers anything else may have passed the request on."""
    venue = PlacingVenue(executed=lambda *_: False, respond=lambda *_: fault(None, "<html>", status))
    fate = run(venue, "a", timeout_ms=4_000)
    assert fate == [PlaceOutcome.REFUSED if status in {403, 429} else None]
    assert venue.times("a") == (2 if status == 429 else 1)


@pytest.mark.parametrize("code", [*BY_VERDICT[Verdict.LIMITED], *BY_VERDICT[Verdict.CLOCK]])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "item"])
def test_what_was_too_frequent_or_untimely_is_sent_again(kind: AccountKind, code: str, whole: bool) -> None:
    if TABLE[code].verdict is Verdict.CLOCK and not whole:
        return  # a timestamp is the request's

    def answer(names: list[str], times: int) -> object:
        return whole_or_item(kind, code, whole=whole)(names, times) if times == 1 else None

    venue = PlacingVenue(kind, lambda _, times: times == 2, answer)
    assert run(venue, "a", is_single=whole) == [PlaceOutcome.PLACED]
    assert (venue.times("a"), len(venue.of("a"))) == (2, 1)


@pytest.mark.parametrize("code", BY_VERDICT[Verdict.LIMITED])
def test_before_it_is_sent_again_a_look_makes_sure_that_no_gateway_has_had_it_executed(code: str) -> None:
    """The gateway repeats the request, and lets the second answer say that it was too frequent."""
    venue = PlacingVenue(executed=lambda _, times: times == 1, respond=refuses_with(code))
    assert run(venue, "a") == [PlaceOutcome.PLACED]
    assert venue.times("a") == 1


@pytest.mark.parametrize("code", BY_VERDICT[Verdict.LIMITED])
@pytest.mark.parametrize("lag_ms", [1_400, 60_000])
def test_lists_that_are_late_let_nothing_be_sent_again(code: str, lag_ms: float) -> None:
    """One look is no proof: the second one, or the account, shows what was executed."""
    for fills in (True, False):
        venue = PlacingVenue(respond=refuses_with(code), fills_at_once=fills, lists_lag_ms=lag_ms)
        assert run(venue, "a") == [PlaceOutcome.PLACED if lag_ms < 10_000 else None]
        assert venue.times("a") == 1


def test_an_order_that_may_have_been_executed_is_never_sent_again_though_look_ups_fail() -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("429", 429), lookup_faults=1_000)
    assert run(venue, "a") == [None]
    assert venue.times("a") == 1


# -- what proves that it is not there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["43012", "40808", "99999"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_refusal_in_words_is_not_believed_while_the_account_shows_a_trace(kind: AccountKind, code: str) -> None:
    """The lists are late; the balance or the fills show the order."""
    for fills in (True, False):
        venue = PlacingVenue(kind, respond=refuses_with(code), fills_at_once=fills, lists_lag_ms=60_000)
        if kind is AccountKind.UNIFIED and not fills:
            continue  # `locked` is documented for spot orders: its open orders have to show it
        assert run(venue, "a") == [None]


@pytest.mark.parametrize("code", ["43012", "40808", "99999"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_lists_that_are_late_show_it_in_time(kind: AccountKind, code: str) -> None:
    venue = PlacingVenue(kind, respond=refuses_with(code), fills_at_once=True, lists_lag_ms=5_000)
    assert run(venue, "a") == [PlaceOutcome.PLACED]


@pytest.mark.parametrize(
    "account",
    [{"frozen": {}}, {"frozen": {"BTC": "0", "USDT": "1.0"}}, {"foreign_fills": 1}, {"foreign_fills": 6}],
    ids=["empty balance", "rest of a filled order frozen", "unknown fill", "many unknown fills"],
)
def test_a_refusal_in_words_is_not_believed_unless_the_account_proves_it(account: dict[str, Any]) -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), **account)
    assert run(venue, "a", timeout_ms=4_000) == [None]


def test_coins_that_other_orders_hold_are_explained_by_them() -> None:
    held = Placed("900", "other", START_MS - 90_000, in_call=False)
    for explained, frozen in ((True, None), (False, {"BTC": "0", "USDT": "100"})):
        venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), orders=[held], frozen=frozen)
        assert run(venue, "a", timeout_ms=3_000) == [PlaceOutcome.REFUSED if explained else None]


def test_coins_of_one_side_that_nobody_explains_leave_the_other_side_s_orders_settled() -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), frozen={"BTC": "0", "USDT": "1000"})
    placement = venue.placement("a", "b", is_single=False, timeout_ms=4_000)
    placement.states[1].terms = Terms("sell", TERMS.base, None, TERMS.price)
    venue.script.run(place(placement))
    assert [state.outcome for state in placement.states] == [None, PlaceOutcome.REFUSED]


def test_a_look_up_without_an_answer_is_no_miss() -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), lookup_faults=8)
    assert run(venue, "a") == [PlaceOutcome.REFUSED]
    assert venue.script.now_ms - START_MS > 1_500 + 150, "the first miss comes after the faults"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_list_with_a_row_that_cannot_be_read_misses_nothing(kind: AccountKind) -> None:
    """It may be the order's; the balance of a unified account would not show it."""
    odd = Placed("900", "x", START_MS, in_call=False, overrides={"orderId": None})
    venue = PlacingVenue(kind, lambda *_: False, refuses_with("43012"), orders=[odd])
    assert run(venue, "a", "b", is_single=False, timeout_ms=4_000) == [None, None]


def test_lists_that_are_not_read_to_their_end_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.core.place._PAGES_MAX", 1)
    older = Placed("900", "x", START_MS - 90_000, in_call=False)
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), orders=[older])
    assert run(venue, "a", "b", is_single=False, timeout_ms=4_000) == [None, None]


def test_a_lookup_reads_at_most_twenty_pages_of_a_list() -> None:
    endless = count(10**6, -1)

    def open_orders(call: Call, reply: object) -> object:
        if call.endpoint is not Endpoint.OPEN_ORDERS:
            return reply
        return {"orderList": [{"orderId": str(next(endless)), "clientOid": "x", "symbol": SYMBOL, "status": "live"}]}

    venue = instead(PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012")), open_orders)
    assert run(venue, "a", "b", is_single=False, timeout_ms=4_000) == [None, None]
    endpoints = [call.endpoint for call in venue.script.calls]
    assert endpoints[1 : endpoints.index(Endpoint.HISTORY_ORDERS)] == [Endpoint.OPEN_ORDERS] * 20


def test_history_is_read_back_to_the_start_of_the_call_and_open_orders_to_their_end() -> None:
    older = [Placed(str(900 + i), f"x{i}", START_MS - 90_000, live=i < 10, in_call=False) for i in range(20)]
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), orders=older)
    assert run(venue, "a", "b", is_single=False, timeout_ms=4_000) == [PlaceOutcome.REFUSED] * 2
    pages = {(call.endpoint, dict(call.params).get("idLessThan")) for call in venue.script.calls}  # type: ignore[call-overload]
    assert {cursor for endpoint, cursor in pages if endpoint is Endpoint.HISTORY_ORDERS} == {None}
    assert {cursor for endpoint, cursor in pages if endpoint is Endpoint.OPEN_ORDERS} == {None, "900"}


def test_who_does_not_want_to_wait_is_told_after_two_misses() -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=no_response)
    placement = venue.placement("a")
    placement.stop_when_missed = True
    venue.script.run(place(placement))
    (state,) = placement.states
    assert (state.outcome, state.is_missed_twice(Pacing())) == (None, True)
    assert 1_500 <= venue.script.now_ms - START_MS < 1_700


# -- answers about another request, and other orders of the name ------------------------------------------------------


@pytest.mark.parametrize("is_single", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_answer_that_names_another_order_binds_nothing(kind: AccountKind, is_single: bool) -> None:
    other = {"orderId": "555", "clientOid": "stranger"}
    body = other if is_single else [other] if kind is AccountKind.UNIFIED else {"successList": [other]}
    venue = PlacingVenue(kind, respond=lambda *_: body)
    placement = venue.placement("a", is_single=is_single)
    venue.script.run(place(placement))
    (state,) = placement.states
    assert state.outcome is PlaceOutcome.PLACED
    assert state.row is not None
    assert state.row.order_id == venue.of("a")[0].order_id
    nothing = PlacingVenue(kind, lambda *_: False, respond=lambda *_: body)
    assert run(nothing, "a", is_single=is_single, timeout_ms=3_000) == [None]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_name_that_another_order_has_places_nothing(kind: AccountKind) -> None:
    code = "50060" if kind is AccountKind.CLASSIC else "25212"
    for side, size in (("sell", SIZE), ("buy", "0.5")):
        held = Placed("900", "a", START_MS - 90_000, in_call=False, side=side, size=size)
        venue = PlacingVenue(kind, lambda *_: False, refuses_with(code), orders=[held])
        assert run(venue, "a", is_unique=False) == [PlaceOutcome.CLIENT_ID_TAKEN]
    same = Placed("900", "a", START_MS - 90_000, in_call=False)
    venue = PlacingVenue(kind, lambda *_: False, refuses_with(code), orders=[same])
    assert run(venue, "a", is_unique=False) == [PlaceOutcome.PLACED], "a retry finds what it placed before"
    nothing = PlacingVenue(kind, lambda *_: False, refuses_with(code))
    assert run(nothing, "a", is_unique=False, timeout_ms=3_000) == [None], "an order has the name, wherever it is"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_older_order_of_a_name_is_not_the_placed_one(kind: AccountKind) -> None:
    old = Placed("900", "a", START_MS - 90_000, live=False, in_call=False)
    for answer, fate in ((no_response, None), (refuses_with("43012"), PlaceOutcome.REFUSED)):
        venue = PlacingVenue(kind, lambda *_: False, answer, orders=[old])
        assert run(venue, "a", is_unique=False, timeout_ms=4_000) == [fate]
        younger = PlacingVenue(kind, respond=answer, orders=[old], fills_at_once=True)
        placement = younger.placement("a", is_unique=False)
        younger.script.run(place(placement))
        assert placement.states[0].row is not None
        assert placement.states[0].row.order_id == younger.of("a")[0].order_id


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_fills_of_orders_that_are_known_leave_no_doubt_about_another_one(kind: AccountKind) -> None:
    names = [f"a{i}" for i in range(9)]
    venue = PlacingVenue(kind, lambda name, _: name != "a0", fills_at_once=True)

    def answer(_names: list[str], _times: int) -> object:
        failed: Any = failed_items(kind, ["a0"], "43012")
        good = [{"orderId": o.order_id, "clientOid": o.client_id} for o in venue.orders]
        return [*failed, *good] if kind is AccountKind.UNIFIED else {**failed, "successList": good}

    venue.respond = answer
    assert run(venue, *names, is_single=False) == [PlaceOutcome.REFUSED, *[PlaceOutcome.PLACED] * 8]


def test_terms_fit_what_a_row_leaves_out_or_writes_in_another_way() -> None:
    def row(**raw: str) -> OrderRow:
        return OrderRow("1", "a", "BTCUSDT", RowState.LIVE, raw)

    assert TERMS.fits(row()) is True
    assert TERMS.fits(row(side="buy", baseSize="0.00100", price="50000.0"))
    assert TERMS.fits(row(side="liquidation-buy", price="0"))
    assert TERMS.fits(row(side="sell")) is False
    assert TERMS.fits(row(baseSize="0.0011")) is False
    assert not TERMS.fits(row(price="49999"))
    market = Terms("buy", None, TERMS.price, None)
    assert market.fits(row(quoteSize="50000", baseSize="0"))
    assert not market.fits(row(quoteSize="50001"))
    by_cost = Terms("buy", None, TERMS.price, None, "market")
    assert by_cost.fits(row(qty="50000", orderType="market"))
    assert by_cost.fits(row(qty="0.02", price="50000", orderType="limit")) is False, (
        "a unified account has no cost to compare"
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("fills", [True, False], ids=["fills", "rests"])
@pytest.mark.parametrize("is_unique", [True, False])
def test_clocks_behind_rows_and_answers_may_be_apart(kind: AccountKind, fills: bool, is_unique: bool) -> None:
    for behind_ms in (5, 50, 900):
        venue = PlacingVenue(kind, respond=refuses_with("43012"), fills_at_once=fills, rows_behind_ms=behind_ms)
        assert run(venue, "a", is_unique=is_unique) in ([PlaceOutcome.PLACED], [None]), behind_ms


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("fills", [True, False], ids=["fills", "rests"])
@pytest.mark.parametrize(
    "odd", [{"clientOid": None}, {"clientOid": ""}, {"side": "sell"}, {"orderType": "market"}, {"price": "1"}], ids=str
)
def test_a_young_row_that_does_not_fit_is_not_taken_for_somebody_else_s(
    kind: AccountKind, fills: bool, odd: dict[str, Any]
) -> None:
    venue = PlacingVenue(kind, respond=refuses_with("43012"), fills_at_once=fills, row_overrides=odd)
    terms = replace(TERMS, order_type="limit")
    assert run(venue, "a", is_unique=False, terms=terms) in ([PlaceOutcome.PLACED], [None])


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("code", BY_VERDICT[Verdict.CLOCK])
def test_a_refused_timestamp_behind_an_executed_order_places_no_second_one(kind: AccountKind, code: str) -> None:
    for fills in (True, False):
        venue = PlacingVenue(kind, lambda _, times: times == 1, refuses_with(code), fills_at_once=fills)
        assert run(venue, "a") == [PlaceOutcome.PLACED]
        assert (venue.times("a"), venue.script.resyncs) == (1, 1)


@pytest.mark.parametrize("body", [{"orderId": "555"}, {"orderId": "555", "clientOid": ""}, {"orderId": "0"}], ids=str)
def test_an_answer_that_does_not_name_the_order_proves_nothing(body: dict[str, str]) -> None:
    named = {"clientOid": "a", **body} if body == {"orderId": "0"} else body
    venue = PlacingVenue(executed=lambda *_: False, respond=lambda *_: named)
    assert run(venue, "a", timeout_ms=3_000) == [None]


# -- evidence, case by case ------------------------------------------------------------------------------------------

EMPTY_LISTS = {"successList": [], "failureList": []}
ENTRY = {"orderId": "555", "clientOid": "a"}
"""Entry of a response for the order of these tests."""


def instead(venue: PlacingVenue, replace_reply: Callable[[Call, object], object]) -> PlacingVenue:
    """Let this function change what the venue replies."""
    respond = venue.script.respond
    venue.script.respond = lambda call: replace_reply(call, respond(call))
    return venue


def timeless(data: object) -> object:
    """Return a response of success without the time of the venue's clock."""
    return data if isinstance(data, Fault | Reply) else Reply({"code": "00000", "data": data})


@pytest.mark.parametrize("is_single", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_acknowledged_order_is_placed_without_a_lookup(kind: AccountKind, is_single: bool) -> None:
    venue = PlacingVenue(kind)
    placement = venue.placement("a", is_single=is_single)
    venue.script.run(place(placement))
    (state,) = placement.states
    assert (state.outcome, state.order_id, len(venue.script.calls)) == (PlaceOutcome.PLACED, "1000", 1)


@pytest.mark.parametrize(
    ("ids", "code", "text", "outcome"),
    [
        ({"clientOid": "a"}, "40009", "sign signature error", PlaceOutcome.REFUSED),
        ({"clientOid": "a"}, "40010", "Request timed out", None),
        ({"clientOid": "a"}, "25212", "Duplicate clientOid", None),
        ({"clientOid": "a"}, "unread", "no", PlaceOutcome.REFUSED),
        ({"orderId": "555"}, "43012", "Insufficient balance", PlaceOutcome.REFUSED),
        ({"clientOid": "other"}, "43012", "Insufficient balance", PlaceOutcome.REFUSED),
    ],
)
def test_a_failure_in_the_response_to_a_single_order_counts_as_in_a_batch(
    ids: dict[str, str], code: str, text: str, outcome: PlaceOutcome | None
) -> None:
    """There is only one order that it can be about."""
    entry = {**ids, "code": code, "msg": text}
    venue = PlacingVenue(AccountKind.UNIFIED, lambda *_: False, respond=lambda *_: entry)
    placement = venue.placement("a", timeout_ms=4_000)
    venue.script.run(place(placement))
    (state,) = placement.states
    assert (state.outcome, venue.times("a")) == (outcome, 1)
    assert state.item is not None
    assert (state.item.code, state.item.reason, state.fault) == (code, text, None)


@pytest.mark.parametrize(
    "second",
    [
        fault(),
        fault("40010", "Request timed out"),
        Reply("<html>"),
        EMPTY_LISTS,
        {"successList": [{**ENTRY, "clientOid": "other"}]},
        {"successList": [{"orderId": "555"}]},
        {"successList": [{**ENTRY, "orderId": "0"}]},
        {"successList": [ENTRY], "failureList": [{**ENTRY, "errorCode": "40009", "errorMsg": "no"}]},
        {"failureList": [{"clientOid": "a", "errorCode": "40010", "errorMsg": "Request timed out"}]},
    ],
    ids=str,
)
def test_only_the_last_response_decides_whether_an_order_is_sent_again(second: object) -> None:
    """The first request was too frequent; the second may have been executed: nothing but a row resolves it."""
    venue = PlacingVenue(
        executed=lambda *_: False, respond=lambda _, times: fault("429", "no", 429) if times == 1 else second
    )
    placement = venue.placement("a", is_single=False)
    venue.script.run(place(placement))
    (state,) = placement.states
    assert (state.outcome, state.doubt, venue.times("a")) == (None, Doubt.MAYBE_PLACED, 2)


@pytest.mark.parametrize("second", [{"orderId": "555", "clientOid": "other"}, {"orderId": "555"}], ids=str)
def test_a_single_order_is_not_sent_again_after_a_response_without_its_id(second: object) -> None:
    venue = PlacingVenue(
        executed=lambda *_: False, respond=lambda _, times: fault("429", "no", 429) if times == 1 else second
    )
    assert run(venue, "a") == [None]
    assert venue.times("a") == 2


def test_the_request_leaves_the_time_of_one_lookup() -> None:
    placement = PlacingVenue().placement("a", timeout_ms=9_000)
    effect = next(place(placement))
    assert isinstance(effect, SendAll)
    (send,) = effect.sends
    assert 3_000 < send.request_ms < 9_000
    assert START_MS + 3_000 < send.deadline_ms < START_MS + 9_000


def test_an_order_is_sent_again_only_after_two_lookups_that_miss_it() -> None:
    """One that failed is no miss, and the account alone is no proof."""
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("429", 429))
    placement = venue.placement("a", timeout_ms=4_000)
    instead(venue, lambda _, reply: fault() if 4 <= len(venue.script.calls) <= 7 else reply)
    venue.script.run(place(placement))
    assert [state.outcome for state in placement.states] == [PlaceOutcome.REFUSED]
    assert venue.times("a") == 1


@pytest.mark.parametrize("timeout_ms", [1_800, 2_300])
def test_an_order_that_was_too_frequent_is_refused_where_no_time_is_left_to_send_it_again(timeout_ms: float) -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("429", 429))
    assert run(venue, "a", timeout_ms=timeout_ms) == [PlaceOutcome.REFUSED]
    assert venue.times("a") == 1
    assert [call.endpoint for call in venue.script.calls].count(Endpoint.FILLS) == 1, "one proof is enough"
    assert venue.script.now_ms - START_MS <= timeout_ms


@pytest.mark.parametrize("is_single", [True, False])
def test_a_request_for_the_other_account_kind_is_sent_again_to_its_api(is_single: bool) -> None:
    def respond(_names: list[str], times: int) -> object:
        return fault("40085", "unified account") if times == 1 else None

    venue = PlacingVenue(AccountKind.UNIFIED, lambda _, times: times == 2, respond)
    placement = venue.placement("a", is_single=is_single)
    placement.ctx.api = api_of(AccountKind.CLASSIC)
    venue.script.run(place(placement))
    assert [state.outcome for state in placement.states] == [PlaceOutcome.PLACED]
    assert [call.endpoint.kind for call in venue.script.calls] == [AccountKind.CLASSIC, AccountKind.UNIFIED]


def test_a_venue_that_names_the_known_account_kind_refuses_the_order() -> None:
    venue = PlacingVenue(AccountKind.UNIFIED, lambda *_: False, refuses_with("40085"))
    assert run(venue, "a") == [PlaceOutcome.REFUSED]
    assert venue.times("a") == 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("names", "by_client_id"), [(["a"], True), (["a", "b"], False)], ids=["one", "two"])
def test_one_order_is_looked_up_by_its_client_order_id_and_several_in_the_lists(
    kind: AccountKind, names: list[str], by_client_id: bool
) -> None:
    venue = PlacingVenue(kind, lambda *_: False, refuses_with("43012"))
    assert run(venue, *names, is_single=False) == [PlaceOutcome.REFUSED] * len(names)
    lookups = [dict(call.params) for call in venue.script.calls if call.endpoint in LOOKUPS]  # type: ignore[call-overload]
    assert {"clientOid" in params for params in lookups} == {by_client_id}


def test_lookups_of_a_lost_order_have_growing_pauses() -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=no_response)
    assert run(venue, "a", timeout_ms=2_000) == [None]
    assert venue.script.waits[:3] == list(Pacing().polls_ms[:3])


def test_a_query_for_one_order_that_fails_is_made_up_for_by_the_lists() -> None:
    def by_client_id_fails(call: Call, reply: object) -> object:
        return fault() if "clientOid" in call.params and call.endpoint in LOOKUPS else reply

    venue = instead(PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012")), by_client_id_fails)
    assert run(venue, "a") == [PlaceOutcome.REFUSED]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(
    "unproven",
    [
        fault(),
        fault("40808", "no"),
        {},
        {"fills": {}, "list": {}},
        {"fills": [5], "list": [5]},
        {"fills": [{"orderId": "1"}], "list": [{"orderId": "1"}]},
        {"fills": [{"side": "buy"}], "list": [{"side": "buy"}]},
        {"fills": [{"orderId": "1", "side": "sell"}] * 100, "list": [{"orderId": "1", "side": "sell"}] * 100},
    ],
    ids=lambda value: str(value)[:40],
)
def test_fills_that_cannot_be_read_prove_nothing(kind: AccountKind, unproven: object) -> None:
    def replace_fills(call: Call, reply: object) -> object:
        return unproven if call.endpoint in {Endpoint.FILLS, Endpoint.UNIFIED_FILLS} else reply

    venue = instead(PlacingVenue(kind, lambda *_: False, refuses_with("43012")), replace_fills)
    assert run(venue, "a", timeout_ms=4_000) == [None]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("balance", [fault(), {}, [5], [], {"assets": []}, {"assets": [{"coin": "BTC"}]}], ids=str)
def test_a_balance_that_cannot_be_read_proves_nothing(kind: AccountKind, balance: object) -> None:
    def replace_balance(call: Call, reply: object) -> object:
        return balance if call.endpoint in ASSETS else reply

    venue = instead(PlacingVenue(kind, lambda *_: False, refuses_with("43012")), replace_balance)
    assert run(venue, "a", timeout_ms=4_000) == [None]


@pytest.mark.parametrize("names", [["a"], ["a", "b"]], ids=["one", "two"])
@pytest.mark.parametrize(
    ("timed", "outcome"),
    [(set(), None), ("assets", PlaceOutcome.REFUSED), ("lookups", PlaceOutcome.REFUSED)],
    ids=["no response", "the balance", "the lookups"],
)
def test_absence_is_proven_only_where_a_response_shows_the_venue_s_time(
    names: list[str], timed: str, outcome: PlaceOutcome | None
) -> None:
    """Without the start of the call on the venue's clock, its fills cannot be told from earlier ones."""
    endpoints = {"assets": ASSETS, "lookups": LOOKUPS}.get(timed or "", set())
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"))
    instead(venue, lambda call, reply: reply if call.endpoint in endpoints else timeless(reply))
    assert run(venue, *names, is_single=False, timeout_ms=4_000) == [outcome] * len(names)


@pytest.mark.parametrize("is_buy", [True, False], ids=["buy", "sell"])
@pytest.mark.parametrize(
    ("fill", "outcome"),
    [
        ({}, None),
        ({"symbol": None}, None),
        ({"symbol": "ETHUSDT"}, PlaceOutcome.REFUSED),
        ({"side": "other"}, PlaceOutcome.REFUSED),
        ({"side": "same-liquidation"}, None),
        ({"cTime": None}, None),
        ({"cTime": str(EPOCH_MS - 1_011)}, PlaceOutcome.REFUSED),
        ({"cTime": str(EPOCH_MS - 1_010)}, None),
    ],
    ids=str,
)
def test_a_fill_is_a_trace_unless_its_pair_side_or_time_excludes_the_order(
    fill: dict[str, str | None], outcome: PlaceOutcome | None, is_buy: bool
) -> None:
    """The call began at the earliest that the responses leave possible, here a round trip before it did."""
    side, other = ("buy", "sell") if is_buy else ("sell", "buy")
    written = {"other": other, "same-liquidation": f"liquidation-{side}"}.get(fill.get("side") or "", side)
    row = {"orderId": "77", "symbol": SYMBOL, "cTime": str(EPOCH_MS), **fill, "side": written}
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"))
    instead(venue, lambda call, reply: {"fills": [row]} if call.endpoint is Endpoint.FILLS else reply)
    terms = Terms(side, TERMS.base, None, TERMS.price)
    assert run(venue, "a", terms=terms, timeout_ms=4_000) == [outcome]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        ({"clientOid": "a"}, PlaceOutcome.PLACED),
        ({"clientOid": "other"}, PlaceOutcome.REFUSED),
        ({"clientOid": None}, None),
        ({"clientOid": "other", "orderId": "78"}, None),
        (None, None),
    ],
    ids=str,
)
def test_an_unknown_fill_is_settled_by_the_row_of_its_order(
    kind: AccountKind, shown: dict[str, str | None] | None, outcome: PlaceOutcome | None
) -> None:
    """The lists show it under its order id alone."""
    times = {"cTime": str(EPOCH_MS), "createdTime": str(EPOCH_MS)}
    fill = {"orderId": "77", "symbol": SYMBOL, "side": "buy", **times}
    row = {**fill, "status": "filled", "orderStatus": "filled", "category": "MARGIN", **(shown or {})}

    def with_fill(call: Call, reply: object) -> object:
        if call.endpoint in {Endpoint.FILLS, Endpoint.UNIFIED_FILLS}:
            return {"fills": [fill], "list": [fill]}
        if call.endpoint not in LOOKUPS or "orderId" not in call.params or shown is None:
            return reply
        return row if call.endpoint is Endpoint.UNIFIED_ORDER else {"orderList": [row]}

    venue = instead(PlacingVenue(kind, lambda *_: False, refuses_with("43012")), with_fill)
    assert run(venue, "a", timeout_ms=4_000) == [outcome]


@pytest.mark.parametrize(("names", "fills"), [(["a"], 5), (["a"], 6), (["a", "b"], 6)], ids=str)
def test_fills_of_orders_that_the_lists_have_shown_are_no_unknown_ones(names: list[str], fills: int) -> None:
    """More than five that no list has shown are not looked up one by one."""
    others = [
        Placed(str(900 + i), f"other{i}", START_MS, live=False, in_call=False, shown_ms=START_MS) for i in range(fills)
    ]
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), orders=others)
    proven = fills <= 5 or len(names) > 1
    assert run(venue, *names, is_single=False, timeout_ms=4_000) == [PlaceOutcome.REFUSED if proven else None] * len(
        names
    )
    by_order_id = ["orderId" in call.params for call in venue.script.calls]
    assert any(by_order_id) is (proven and len(names) == 1)


@pytest.mark.parametrize(
    ("terms", "coin", "least"),
    [
        (Terms("buy", Decimal("0.001"), None, Decimal(50_000)), "USDT", "0.5"),
        (Terms("buy", None, Decimal(200), None), "USDT", "2"),
        (Terms("sell", Decimal("0.001"), None, Decimal(50_000)), "BTC", "0.00001"),
        (Terms("sell", Decimal("0.001"), None, None), "BTC", "0.00001"),
    ],
    ids=["buy", "buy by cost", "sell", "market sell"],
)
def test_a_hundredth_of_an_order_that_is_frozen_is_a_trace_of_it(terms: Terms, coin: str, least: str) -> None:
    for amount, outcome in ((Decimal(least), None), (Decimal(least) * Decimal("0.99"), PlaceOutcome.REFUSED)):
        frozen = {"BTC": "0", "USDT": "0", coin: f"{amount:f}"}
        venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), frozen=frozen)
        assert run(venue, "a", terms=terms, timeout_ms=4_000) == [outcome]


@pytest.mark.parametrize(
    "terms",
    [Terms("buy", TERMS.base, None, None), Terms("buy", None, None, None), Terms("sell", None, Decimal(50), None)],
    ids=["buy without a price", "buy without an amount", "sell without an amount"],
)
def test_an_order_whose_frozen_amount_is_not_known_is_never_proven_absent(terms: Terms) -> None:
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"))
    assert run(venue, "a", terms=terms, timeout_ms=4_000) == [None]


@pytest.mark.parametrize(
    ("refused", "symbol", "outcome"),
    [
        (set(), "ETHUSDT", PlaceOutcome.REFUSED),
        ({None}, "ETHUSDT", None),
        ({None}, SYMBOL, PlaceOutcome.REFUSED),
        ({None, SYMBOL}, SYMBOL, None),
    ],
    ids=["other pair", "other pair that is not listed", "same pair", "nothing listed"],
)
def test_frozen_coins_are_explained_by_the_orders_of_all_pairs_that_can_be_listed(
    refused: set[str | None], symbol: str, outcome: PlaceOutcome | None
) -> None:
    def refuse_list(call: Call, reply: object) -> object:
        listed = call.endpoint is Endpoint.OPEN_ORDERS and "clientOid" not in call.params
        denied = listed and dict(call.params).get("symbol") in refused  # type: ignore[call-overload]
        return fault("40019", "symbol cannot be empty") if denied else reply

    held = Placed("900", "other", START_MS - 90_000, symbol=symbol, in_call=False)
    venue = PlacingVenue(executed=lambda *_: False, respond=refuses_with("43012"), orders=[held])
    assert run(instead(venue, refuse_list), "a", timeout_ms=4_000) == [outcome]


@pytest.mark.parametrize(("before_ms", "pages"), [(1, 2), (2, 1)])
def test_history_is_read_on_while_a_row_may_be_of_the_call(before_ms: float, pages: int) -> None:
    """Times are whole milliseconds: an order may look a millisecond older than the call that placed it."""
    older = [Placed(str(900 + i), f"x{i}", START_MS - before_ms, live=False, in_call=False) for i in range(10)]
    venue = PlacingVenue(executed=lambda *_: False, respond=no_response, orders=older)
    placement = venue.placement("a", "b", is_single=False, timeout_ms=60)
    venue.script.run(place(placement))
    assert [call.endpoint for call in venue.script.calls].count(Endpoint.HISTORY_ORDERS) == pages


def fresh_state(*, is_unique: bool = True) -> PlaceState:
    """Return the state of an order that was just sent."""
    return PlaceState(OrderRef(SYMBOL, IdKind.CLIENT, "a"), TERMS, is_unique)


def row_of(order_id: str = "5", **more: Any) -> OrderRow:
    """Return a live row of the order."""
    return replace(OrderRow(order_id, "a", SYMBOL, RowState.LIVE, {}), **more)


@pytest.mark.parametrize("order", [("4", "5"), ("5", "4"), ("5", "x"), ("x", "5"), ("0", "x5")], ids=str)
def test_of_several_rows_under_a_client_order_id_the_youngest_is_the_order_s(order: tuple[str, str]) -> None:
    state = fresh_state()
    for order_id in order:
        assert state.record_row(row_of(order_id), None) is False
    assert (state.outcome, state.order_id) == (PlaceOutcome.PLACED, "5" if "5" in order else "0")


@pytest.mark.parametrize("row", [row_of(symbol="ETHUSDT"), row_of(state=RowState.UNREADABLE)], ids=["pair", "state"])
def test_a_row_of_another_pair_or_of_no_known_state_leaves_the_order_open(row: OrderRow) -> None:
    state = fresh_state()
    assert state.record_row(row, None) is True
    assert (state.outcome, state.row) == (None, None)


@pytest.mark.parametrize("doubt", Doubt, ids=lambda doubt: doubt.name)
@pytest.mark.parametrize("row_state", [RowState.LIVE, RowState.FILLED], ids=str)
@pytest.mark.parametrize("fits", [True, False], ids=["fits", "does not fit"])
@pytest.mark.parametrize(("created_ms", "age"), [(0, Age.BEFORE), (4_500, Age.UNKNOWN), (5_000, Age.SINCE)], ids=str)
def test_a_row_under_a_client_order_id_that_was_used_before_counts_by_its_values_age_and_state(
    doubt: Doubt, row_state: RowState, fits: bool, created_ms: int, age: Age
) -> None:
    row = row_of(state=row_state, raw={"cTime": created_ms, "side": "buy" if fits else "sell"})
    state = replace(fresh_state(is_unique=False), doubt=doubt)
    left_open = state.record_row(row, 5_000.0)
    is_live = row_state is RowState.LIVE
    placed = fits and (is_live or age is Age.SINCE)
    taken = not fits and is_live and age is Age.BEFORE and doubt is Doubt.CLIENT_ID_TAKEN
    assert state.outcome is (PlaceOutcome.PLACED if placed else PlaceOutcome.CLIENT_ID_TAKEN if taken else None)
    assert left_open is (not placed and not taken and (is_live or age is not Age.BEFORE))
    assert state.namesake is (row if is_live and not fits and not taken else None)


def test_an_order_has_an_order_id_only_once_it_is_proven_to_be_placed() -> None:
    """The id beside a failure may be that of any order."""
    state, error = fresh_state(), fault("43012")
    item = BatchItem("555", "a", "no", "40009", {})
    state.record_failed_item(item)
    assert (state.outcome, state.item, state.order_id) == (None, item, None)
    state.outcome = PlaceOutcome.REFUSED
    assert state.order_id is None
    state.record_failure(Verdict.REFUSED, fault=error)
    assert (state.item, state.fault) == (None, error)
    state.outcome = PlaceOutcome.PLACED
    assert state.order_id is None
    state.record_row(row_of("7"), None)
    assert state.order_id == "7"


@pytest.mark.parametrize(
    ("misses_ms", "is_missed_twice", "recheck_ms"),
    [
        ((), False, None),
        ((5.0,), False, 1_505.0),
        ((5.0, 1_504.0), False, 1_505.0),
        ((5.0, 1_505.0), True, None),
        ((5.0, 900.0, 1_505.0), True, None),
    ],
    ids=str,
)
def test_two_misses_are_proof_from_the_distance_on_that_history_lags(
    misses_ms: tuple[float, ...], is_missed_twice: bool, recheck_ms: float | None
) -> None:
    state = fresh_state()
    for at_ms in misses_ms:
        state.record_miss(at_ms)
    assert state.misses_ms == misses_ms
    assert (state.is_missed_twice(Pacing()), state.recheck_ms(Pacing())) == (is_missed_twice, recheck_ms)


@pytest.mark.parametrize(
    ("created_ms", "age"),
    [(1_999, Age.SINCE), (1_998, Age.UNKNOWN), (1_000, Age.UNKNOWN), (999, Age.BEFORE), (None, Age.UNKNOWN)],
)
def test_an_order_is_older_than_a_call_only_beyond_the_distance_of_the_venue_s_clocks(
    created_ms: int | None, age: Age
) -> None:
    row = row_of(raw={"cTime": created_ms})
    assert age_of(row, 2_000.0) is age
    assert age_of(row, None) is Age.UNKNOWN


# -- anything together ------------------------------------------------------------------------------------------------

CODES = [code for code in TABLE if code not in KIND_CODES] + UNNAMED + [None]


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[PlacingVenue, list[str], bool, bool, dict[str, bool]]:
    """Return a venue, the names to place, whether alone, whether the names are new, and which are executed."""
    kind = draw(st.sampled_from(KINDS))
    is_single = draw(st.booleans())
    names = ["a"] if is_single else draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]]))
    whole = is_single or draw(st.booleans())
    code = draw(st.sampled_from(CODES))
    verdict = TABLE[code].verdict if code in TABLE else None
    truth = {name: draw(st.booleans()) and verdict not in NOT_EXECUTED | {Verdict.CLOCK} for name in names}
    faults = draw(st.integers(1, 3))

    def answer(sent: list[str], times: int) -> object:
        return whole_or_item(kind, code, whole=whole)(sent, times) if times <= faults else None

    old = draw(st.booleans())
    venue = PlacingVenue(
        kind,
        lambda name, times: truth[name] if times <= faults else True,
        answer,
        fills_at_once=draw(st.booleans()),
        lists_lag_ms=draw(st.sampled_from([0, 200, 1_400, 3_000])),
        lookup_faults=draw(st.integers(0, 4)),
        orders=[Placed("900", "a", START_MS - 90_000, live=False, in_call=False)] if old else [],
    )
    return venue, names, is_single, not old, truth


@given(scenarios())
@settings(max_examples=400, deadline=None)
def test_no_order_is_placed_twice_nor_called_refused_while_it_is_there(scenario: Any) -> None:
    venue, names, is_single, is_unique, _ = scenario
    if venue.kind is AccountKind.UNIFIED and not venue.fills_at_once:
        venue.lists_lag_ms = min(venue.lists_lag_ms, 1_400)  # its open orders are the proof
    placement = venue.placement(*names, is_single=is_single, is_unique=is_unique)
    venue.script.run(place(placement))
    for state in placement.states:
        there = venue.of(state.ref.value)
        assert len(there) <= 1, "twice"
        if state.outcome is PlaceOutcome.PLACED:
            assert there, "invented"
            assert state.row is None or state.row.order_id == there[0].order_id
        elif state.outcome is not None:
            assert not there, "lost"
    assert venue.script.now_ms - START_MS <= 10_000

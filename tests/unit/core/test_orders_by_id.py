"""Orders are looked up with two requests while both lists show them, and by id where the pages leave them out."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import RowState
from bitget_margin.core.orders_by_id import OrderFills, OrdersFound, fetch_orders_by_id
from bitget_margin.core.requests import CallContext
from support.script import SINCE_MS, START_MS, Respond, Script, by_id, by_name, fault, page, row

OPEN, HISTORY, FILLS = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS, Endpoint.FILLS
ORDER = Endpoint.UNIFIED_ORDER
NAMED = by_name("a")
DENIED = fault("40014")
LOST = fault()


def params_of(call: Call) -> Mapping[str, Any]:
    """Return the parameters of a query."""
    assert isinstance(call.params, Mapping)
    return call.params


def id_of(call: Call) -> str | None:
    """Return the id that a query names, None for a page."""
    params = params_of(call)
    found: str | None = params.get("orderId") or params.get("clientOid")
    return found


def lists(opened: Sequence[object] = ((),), ended: Sequence[object] = ((),), **one: object) -> Callable[[Call], object]:
    """Return a venue with these pages of both lists, the last one from then on, and answers to queries by id.

    A page is a list of rows, or an answer; `one` has the answers by list and id: `open_12`, `history_a`, `fills_12`.
    """
    pages = {OPEN: list(opened), HISTORY: list(ended)}
    names = {OPEN: "open", HISTORY: "history", FILLS: "fills"}

    def respond(call: Call) -> object:
        asked = id_of(call)
        if asked is not None:
            nothing = {"fills": []} if call.endpoint is FILLS else page()
            return one.get(f"{names[call.endpoint]}_{asked}", nothing)
        left = pages[call.endpoint]
        found = left.pop(0) if len(left) > 1 else left[0]
        return page(*found) if isinstance(found, list | tuple) else found

    return respond


def look_up(
    respond: Respond, targets: Sequence[OrderRef], *, kind: AccountKind = AccountKind.CLASSIC, **more: Any
) -> tuple[Script, OrdersFound]:
    """Look these orders up; return the script and what was found."""
    venue = Script(respond)
    found = venue.run(fetch_orders_by_id(venue.ctx(kind=kind), "BTCUSDT", targets, **more))
    assert isinstance(found, OrdersFound)
    return venue, found


def shown(found: OrdersFound) -> dict[str, tuple[str, RowState]]:
    """Return order id and state for each reference."""
    return {target.value: (each.order_id, each.state) for target, each in found.rows.items()}


def queried(venue: Script) -> list[tuple[Endpoint, str | None]]:
    """Return the endpoint of each query, and its id or cursor."""
    return [(call.endpoint, id_of(call) or params_of(call).get("idLessThan")) for call in venue.calls]


def full(newest: int, length: int = 50, status: str = "live") -> list[dict[str, Any]]:
    """Return the rows of a page that may have been cut off."""
    return [row(newest - i, status) for i in range(length)]


# -- pages ------------------------------------------------------------------------------------------------------------


def test_open_orders_take_one_round_trip_of_two_requests() -> None:
    """History begins at the newest of them, open orders at the newest of all."""
    venue, found = look_up(lists([[row(15), row(13), row(12), row(11)]]), by_id(11, 13))
    assert shown(found) == {"11": ("11", RowState.LIVE), "13": ("13", RowState.LIVE)}
    opened = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "100"}
    assert venue.calls == [Call(OPEN, opened), Call(HISTORY, opened | {"limit": "500", "idLessThan": "14"})]
    assert venue.groups == [2]
    assert not found.unanswered


@pytest.mark.parametrize("target", [*by_id(12), by_name("c12")], ids=["order id", "client order id"])
@pytest.mark.parametrize("end", ["filled", "cancelled"])
def test_the_end_of_an_order_in_history_beats_a_row_of_open_orders(target: OrderRef, end: str) -> None:
    """Open orders can show for a while what has ended."""
    venue, found = look_up(lists([[row(12)]], [[row(12, end)]]), [target])
    assert found.rows[target].state is {"filled": RowState.FILLED, "cancelled": RowState.CANCELED}[end]
    assert venue.groups == [2]
    assert found.others == ()


def test_a_live_row_of_history_is_weaker_than_one_of_open_orders() -> None:
    """It may be of a moment before a further fill."""
    _, found = look_up(lists([[row(12, size="2")]], [[row(12, size="1")]]), by_id(12))
    assert found.rows[by_id(12)[0]].raw["size"] == "2"
    _, found = look_up(lists([[]], [[row(12, "partially_fill")]]), by_id(12))
    assert shown(found) == {"12": ("12", RowState.LIVE)}


def test_the_newest_of_a_client_order_id_is_shown_whatever_the_order_of_the_rows() -> None:
    rows = [row(7, clientOid="a"), row(9, clientOid="a"), row(8, clientOid="a")]
    assert shown(look_up(lists([rows]), [NAMED])[1]) == {"a": ("9", RowState.LIVE)}
    ended = [row(10, "cancelled", clientOid="a"), row(6, "filled", clientOid="a")]
    assert shown(look_up(lists([rows], [ended]), [NAMED])[1]) == {"a": ("10", RowState.CANCELED)}
    assert shown(look_up(lists([rows], [ended[1:]]), [NAMED])[1]) == {"a": ("9", RowState.LIVE)}


def test_an_order_named_by_both_of_its_ids_is_shown_under_both() -> None:
    _, found = look_up(lists([[row(12, clientOid="a")]]), [NAMED, *by_id(12)])
    assert shown(found) == {"a": ("12", RowState.LIVE), "12": ("12", RowState.LIVE)}


def test_a_client_order_id_is_no_order_id() -> None:
    """Even where they are spelled alike."""
    _, found = look_up(lists([[row(12, clientOid="13")]]), [by_name("12"), *by_id(13)])
    assert shown(found) == {}


def test_further_pages_are_read_while_an_order_is_missing() -> None:
    venue, found = look_up(lists([full(200), [row(30)]], [[row(150, "filled")]]), by_id(200, 30))
    assert shown(found) == {"200": ("200", RowState.LIVE), "30": ("30", RowState.LIVE)}
    assert queried(venue) == [(OPEN, None), (HISTORY, "201"), (OPEN, "151")]
    venue, found = look_up(lists([[]], [full(200, status="filled"), full(150, status="filled")]), by_id(200, 120))
    assert found.rows.keys() == set(by_id(200, 120))
    assert queried(venue) == [(OPEN, None), (HISTORY, "201"), (HISTORY, "151")]


def test_history_is_not_read_below_the_oldest_order() -> None:
    rows = [row(i, "filled") for i in range(201, 150, -1) if i != 170][:50]
    venue, found = look_up(lists([[]], [rows]), by_id(200, 170, 160))
    assert found.rows.keys() == set(by_id(200, 160))
    assert queried(venue) == [(OPEN, None), (HISTORY, "201"), (HISTORY, "170"), (OPEN, "170"), (FILLS, "170")]


def test_no_list_is_read_for_more_than_three_pages_in_search_of_an_order() -> None:
    def endless(call: Call) -> object:
        if id_of(call) is not None:
            return page(row(7, clientOid="a")) if call.endpoint is OPEN else page()
        return page(*full(int(params_of(call).get("idLessThan", "100000")) - 1))

    venue, found = look_up(endless, [NAMED])
    assert shown(found) == {"a": ("7", RowState.LIVE)}
    pages = [call.endpoint for call in venue.calls if id_of(call) is None]
    assert (pages.count(OPEN), pages.count(HISTORY)) == (3, 3)
    assert not found.open_is_complete


# -- by id ------------------------------------------------------------------------------------------------------------


def test_what_no_page_shows_is_queried_by_id_in_both_lists_at_once() -> None:
    venue, found = look_up(
        lists(history_11=page(row(11, "filled")), open_a=page(row(12, clientOid="a"))), [*by_id(11), NAMED]
    )
    assert shown(found) == {"11": ("11", RowState.FILLED), "a": ("12", RowState.LIVE)}
    assert venue.groups == [2, 4]
    assert not found.unanswered


def test_the_end_of_an_order_beats_its_open_row_by_id_too() -> None:
    one = {"history_11": page(row(11, "filled")), "open_11": page(row(11))}
    assert shown(look_up(lists(**one), by_id(11))[1]) == {"11": ("11", RowState.FILLED)}


def test_an_order_of_a_unified_account_is_queried_at_one_endpoint() -> None:
    gone = fault("25204", "Order does not exist")
    named = {"category": "MARGIN", "symbol": "BTCUSDT", "clientOid": "a"}

    def respond(call: Call) -> object:
        if call.endpoint is not ORDER:
            return {"list": [], "cursor": None}
        return {"orderId": "12", "orderStatus": "filled", **named} if id_of(call) == "12" else gone

    venue, found = look_up(respond, by_id(11, 12), kind=AccountKind.UNIFIED)
    assert shown(found) == {"12": ("12", RowState.FILLED)}
    assert venue.groups == [2, 2]
    assert (found.fills, found.unanswered) == ({}, set())


def test_no_more_than_twenty_orders_are_queried_by_id_and_the_rest_is_unanswered() -> None:
    targets = [by_name(f"n{i}") for i in range(23)]
    venue, found = look_up(lists(), targets)
    assert venue.groups == [2, 40]
    assert found.unanswered == set(targets[20:])


@pytest.mark.parametrize(
    "answer",
    [page(row(12)), page(row(11, symbol="ETHUSDT")), page(row(11, "halfway")), page({"x": 1}), fault("50001")],
    ids=["another order", "another symbol", "unknown state", "unreadable", "fault"],
)
def test_an_answer_that_does_not_show_the_order_alone_proves_no_absence(answer: object) -> None:
    _, found = look_up(lists(open_11=answer), by_id(11))
    assert (found.rows, found.unanswered, found.fills) == ({}, set(by_id(11)), {})


def test_a_query_by_id_that_fails_is_sent_twice() -> None:
    venue, found = look_up(lists(history_11=LOST), by_id(11))
    assert [endpoint for endpoint, asked in queried(venue) if asked == "11"] == [HISTORY, OPEN, HISTORY]
    assert found.unanswered == set(by_id(11))
    assert found.fault is LOST


def test_rows_of_other_symbols_and_of_unknown_states_are_not_shown() -> None:
    _, found = look_up(lists([[row(12, symbol="ETHUSDT"), row(11, "halfway"), row(10)]]), by_id(12, 11, 10))
    assert shown(found) == {"10": ("10", RowState.LIVE)}


# -- fills of orders without a row ------------------------------------------------------------------------------------


def fill(order_id: int, size: object = "1", price: object = "10", **more: Any) -> dict[str, Any]:
    """Return a fill of a classic account."""
    named = {"orderId": str(order_id), "symbol": "BTCUSDT", "side": "sell", "cTime": "5"}
    return {**named, "size": size, "priceAvg": price, **more}


def test_fills_show_how_much_of_an_order_is_filled_that_has_no_row_any_more() -> None:
    """Those of other orders, and of other symbols, are not its own."""
    rows = [fill(11, "1", "10"), fill(11, "3", "20"), fill(12, "5"), fill(11, "7", symbol="ETHUSDT")]
    venue, found = look_up(lists(fills_11={"fills": rows}), [*by_id(11, 13), NAMED])
    nothing = OrderFills(Decimal(0), None)
    assert found.fills == {by_id(11)[0]: OrderFills(Decimal(4), Decimal("17.5")), by_id(13)[0]: nothing}
    params = {"symbol": "BTCUSDT", "orderId": "11", "startTime": str(SINCE_MS), "limit": "100"}
    assert venue.calls[-2] == Call(FILLS, params)
    assert venue.groups == [2, 6, 2]
    assert not found.unanswered


@pytest.mark.parametrize(
    "answer",
    [
        {"fills": [fill(11, None)]},
        {"fills": [fill(11), fill(11, price="x")]},
        {"fills": [fill(11)] * 100},
        LOST,
        DENIED,
    ],
    ids=["no amount", "no price", "cut off", "lost", "denied"],
)
def test_fills_that_cannot_be_summed_are_left_out(answer: object) -> None:
    assert look_up(lists(fills_11=answer), by_id(11))[1].fills == {}


# -- all open orders --------------------------------------------------------------------------------------------------


def test_open_orders_are_read_to_their_end_where_all_are_wanted() -> None:
    venue, found = look_up(lists([full(200), full(150, 7)]), by_id(200), whole_open=True)
    assert queried(venue) == [(OPEN, None), (HISTORY, "201"), (OPEN, "151")]
    assert [each.order_id for each in found.others] == [str(i) for i in (*range(199, 150, -1), *range(150, 143, -1))]
    assert found.open_is_complete
    assert not look_up(lists([full(200), full(150, 7)]), by_id(200))[1].open_is_complete


def test_without_orders_the_open_ones_alone_are_read() -> None:
    venue, found = look_up(lists([[row(12)]]), [], whole_open=True)
    assert queried(venue) == [(OPEN, None)]
    assert [each.order_id for each in found.others] == ["12"]
    assert found.open_is_complete
    venue, found = look_up(lists(), [])
    assert (venue.calls, found) == ([], OrdersFound())


def test_open_orders_alone_are_read_until_they_show_what_is_sought() -> None:
    venue, found = look_up(lists([full(200), full(150, 7)], [[row(12, "filled")]]), by_id(200), open_only=True)
    assert queried(venue) == [(OPEN, None)]
    assert list(shown(found)) == ["200"]
    assert "199" in {each.order_id for each in found.others}
    assert not found.open_is_complete
    venue, found = look_up(lists([full(200), full(150, 7)]), by_id(200, 144, 12), open_only=True)
    assert queried(venue) == [(OPEN, None), (OPEN, "151")]
    assert sorted(shown(found)) == ["144", "200"]
    assert {target.value for target in found.unanswered} == {"12"}


@pytest.mark.parametrize("answer", [LOST, DENIED], ids=["lost", "denied"])
def test_open_orders_alone_that_cannot_be_read_are_a_fault(answer: object) -> None:
    venue = Script(lists([answer]))
    assert venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", by_id(11), open_only=True)) is answer


def test_the_whole_list_of_open_orders_is_read_for_ten_pages_at_most() -> None:
    venue, found = look_up(
        lambda call: page(*full(int(params_of(call).get("idLessThan", "100000")) - 1)), [], whole_open=True
    )
    assert len(venue.calls) == 10
    assert not found.open_is_complete


def test_other_open_orders_are_those_that_nobody_asked_for_and_that_have_not_ended() -> None:
    opened = [row(15), row(14, clientOid="a"), row(13), row(12), row(11, symbol="ETHUSDT")]
    _, found = look_up(lists([opened], [[row(13, "filled")]]), [NAMED, *by_id(12)], whole_open=True)
    assert [each.order_id for each in found.others] == ["15"]


@pytest.mark.parametrize(
    ("rows", "named", "complete"),
    [
        ([row(12)], False, True),
        ([row(12), {"orderId": "9"}], False, False),
        ([row(12), row(9, "halfway")], False, False),
        ([row(12), row(9, clientOid="")], False, True),
        ([row(12, clientOid="a"), row(9, clientOid="")], True, False),
    ],
    ids=["readable", "no symbol", "unknown state", "no client order id", "no client order id, one is wanted"],
)
def test_open_orders_are_complete_only_with_every_row_readable(rows: list[Any], named: bool, complete: bool) -> None:
    targets = [NAMED] if named else list(by_id(12))
    assert look_up(lists([rows]), targets)[1].open_is_complete is complete


def test_open_orders_without_a_client_order_id_may_be_anybodys() -> None:
    assert not look_up(lists([[row(9, clientOid="")]]), [], whole_open=True)[1].open_is_complete


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["opened", "ended"])
def test_a_denied_query_is_returned_at_once(which: str) -> None:
    venue = Script(lists(**{which: [DENIED]}))
    assert venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", by_id(11))) is DENIED
    assert len(venue.calls) == 2


@pytest.mark.parametrize("whole_open", [False, True])
def test_a_list_that_fails_holds_up_nothing_once_the_other_one_shows_everything(whole_open: bool) -> None:
    venue, found = look_up(lists([[row(12)]], [LOST]), by_id(12), whole_open=whole_open)
    assert shown(found) == {"12": ("12", RowState.LIVE)}
    assert (venue.groups, venue.waits) == ([2], [])
    assert found.open_is_complete
    venue, found = look_up(lists([LOST], [[row(12, "filled")]]), by_id(12))
    assert shown(found) == {"12": ("12", RowState.FILLED)}
    assert venue.groups == [2]
    assert not found.open_is_complete


def test_a_list_that_fails_is_read_once_more_and_then_each_order_by_id() -> None:
    venue, found = look_up(lists([LOST, [row(12)]]), by_id(12))
    assert shown(found) == {"12": ("12", RowState.LIVE)}
    assert queried(venue) == [(OPEN, None), (HISTORY, "13"), (OPEN, None)]
    assert (venue.waits, found.fault) == ([150], None)
    venue, found = look_up(lists([LOST], open_12=page(row(12))), by_id(12))
    assert shown(found) == {"12": ("12", RowState.LIVE)}
    assert [endpoint for endpoint, asked in queried(venue) if asked == "12"] == [HISTORY, OPEN]


@pytest.mark.parametrize("targets", [by_id(12), ()], ids=["orders", "none"])
def test_where_nothing_is_answered_the_fault_is_returned(targets: Sequence[OrderRef]) -> None:
    venue = Script(lambda _: LOST)
    found = venue.run(fetch_orders_by_id(venue.ctx(timeout_ms=900), "BTCUSDT", targets, whole_open=True))
    assert found is LOST
    assert venue.now_ms <= START_MS + 900


def test_what_was_answered_is_kept_where_the_rest_fails() -> None:
    _, found = look_up(lists([[row(12)]], [LOST], history_11=LOST, open_11=LOST), by_id(11, 12))
    assert shown(found) == {"12": ("12", RowState.LIVE)}
    assert (found.unanswered, found.fault) == (set(by_id(11)), LOST)


def test_no_query_outlasts_its_call() -> None:
    """A read may take all the time that is left, and no more."""
    limits: list[tuple[float, float]] = []

    class Limits(Script):
        def _reply(self, send: Any) -> Any:
            limits.append((send.request_ms, send.deadline_ms))
            return Script._reply(self, send)

    venue = Limits(lists())
    ctx: CallContext = venue.ctx(timeout_ms=3_000)
    ctx.reads_only = True
    assert not isinstance(venue.run(fetch_orders_by_id(ctx, "BTCUSDT", by_id(11))), Fault)
    assert limits
    assert set(limits) == {(3_000, START_MS + 3_000)}

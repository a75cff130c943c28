"""Requests for resting orders: bounded in time, and no answer is taken for more than it proves."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved, PlaceUnresolved
from bitget_margin.adapter.fetch import OPEN_ONLY, PARTIAL, PREFIX, FilledSum, OrdersView
from bitget_margin.adapter.params import LOOKS_ON
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.freqtrade import client as client_module
from bitget_margin.freqtrade.budget import Budget, Pace
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import PAIR, cover, live, live_cover, rung, structure

MOMENTARY = {Verdict.STATE, Verdict.LIMITED}


def test_a_bot_cancels_named_orders_alone() -> None:
    """A cancel of all orders would reach those of the owner, and of other bots."""
    forbidden = {"cancel_all_orders", "cancel_all", "cancel_account", "cancel_symbol", "cancel_at_once"}
    sources = sorted(Path(client_module.__file__).parent.glob("*.py"))
    assert len(sources) > 40
    for source in sources:
        nodes = list(ast.walk(ast.parse(source.read_text())))
        names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        names |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert not names & forbidden, source.name


def client(**methods: Callable[..., Any]) -> VenueClient:
    """Return a client of an exchange object with these methods, at a time that stands still."""
    return VenueClient(lambda: SimpleNamespace(**methods), Pace(1_000, lambda: 0.0))


def budget(total_ms: float = 1_000) -> Budget:
    """Return a budget at a time that stands still."""
    return Budget(total_ms, lambda: 5.0)


def raising(error: Exception) -> Callable[..., Any]:
    def method(*_: object) -> None:
        raise error

    return method


# -- time -------------------------------------------------------------------------------------------------------------


def test_the_epoch_is_in_milliseconds() -> None:
    assert 1_600_000_000_000 < epoch_ms() < 10_000_000_000_000


@pytest.mark.parametrize(
    "send",
    [
        lambda api, time: api.view(PAIR, [live()], time),
        lambda api, time: api.view_rows(PAIR, [live()], time),
        lambda api, time: api.open_ids(PAIR, time),
        lambda api, time: api.open_rows(PAIR, [live()], time, "k"),
        lambda api, time: api.open_rows_everywhere(time, "k"),
    ],
)
def test_without_time_nothing_is_sent(send: Any) -> None:
    with pytest.raises(ccxt.RequestTimeout, match="no time is left"):
        send(client(perform=lambda flow: flow, fetch_open_orders=raising(AssertionError())), budget(10))


def test_without_time_a_cancel_is_unresolved_and_a_ladder_waits() -> None:
    api = client(batch_cancel=raising(AssertionError()), create_orders=raising(AssertionError()))
    done = api.cancel(PAIR, [live("a")], budget(10))
    assert "no time is left" in done.unresolved["a"]
    (placed,) = api.place(PAIR, [rung()], budget(10))
    assert placed.phase is Phase.WAITING


# -- looking up -------------------------------------------------------------------------------------------------------


def viewing(monkeypatch: pytest.MonkeyPatch, **shown: Any) -> list[Any]:
    """Have lookups show this; return the requests."""
    asked: list[Any] = []
    usual: dict[str, Any] = {"orders": {}, "fills": {}, "own": (), "open_is_complete": True, "unanswered": frozenset()}

    def view_orders(*request: Any) -> OrdersView:
        asked.append(request[1:])
        return OrdersView(**{**usual, **shown})

    monkeypatch.setattr(client_module, "view_orders", view_orders)
    return asked


ORDERS = [live("a"), rung("b"), rung("c"), rung("d")]
ROWS = {"id-a": {**structure("open", "id-a"), "filled": 0.2}, "b": structure("closed", "77"), "d": structure("?")}


def test_a_look_up_names_orders_by_id_or_else_by_client_order_id(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = viewing(monkeypatch, orders=ROWS)
    viewed = client(perform=lambda flow: flow).view(PAIR, ORDERS, budget())
    assert asked == [(PAIR, ["id-a"], ["b", "c", "d"], {"timeout": 1_000, PARTIAL: True})]
    assert viewed.orders == (live("a", filled=0.2), rung("b", phase=Phase.ENDED, order_id="77"), None, None)
    assert viewed.missing == {"c", "d"}
    assert viewed.own == ()


def test_with_the_key_of_the_bot_its_other_open_orders_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = viewing(monkeypatch, own=(structure("open", "9"),))
    viewed = client(perform=lambda flow: flow).view(PAIR, [], budget(), "k3x9ab12")
    assert asked == [(PAIR, [], [], {"timeout": 1_000, PARTIAL: True, PREFIX: "k3x9ab12-"})]
    assert viewed.own == (structure("open", "9"),)


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ({"open_is_complete": False}, set()),
        ({"unanswered": frozenset({"id-a"})}, {"b", "c", "d"}),
        ({"unanswered": frozenset({"b", "id-c"})}, {"a", "c", "d"}),
        ({}, {"a", "b", "c", "d"}),
    ],
)
def test_an_order_is_missing_only_where_every_query_for_it_was_answered(
    monkeypatch: pytest.MonkeyPatch, shown: dict[str, Any], missing: set[str]
) -> None:
    viewing(monkeypatch, **shown)
    viewed = client(perform=lambda flow: flow).view(PAIR, ORDERS, budget())
    assert viewed.orders == (None,) * 4
    assert viewed.missing == missing


@pytest.mark.parametrize(
    ("order", "fills", "now", "is_missing"),
    [
        (live("a"), FilledSum(0.5, 61_000.0), {"phase": Phase.ENDED, "filled": 0.5, "average": 61_000.0}, False),
        (live("a"), FilledSum(0.5 - 1e-12, None), {"phase": Phase.ENDED, "filled": 0.5 - 1e-12}, False),
        (live("a"), FilledSum(0.2, 61_000.0), {"filled": 0.2, "average": 61_000.0}, True),
        (live("a", filled=0.3, average=60_500.0), FilledSum(0.2, None), {"filled": 0.3, "average": 60_500.0}, True),
        (live("a", phase=Phase.ENDED), FilledSum(0.2, 61_000.0), {"filled": 0.2, "average": 61_000.0}, False),
        (live("a", phase=Phase.ENDED), FilledSum(0.5, 61_000.0), {"filled": 0.5, "average": 61_000.0}, False),
    ],
)
def test_fills_show_an_order_that_history_has_dropped_and_its_end_if_they_are_all(
    monkeypatch: pytest.MonkeyPatch, order: Any, fills: FilledSum, now: dict[str, Any], is_missing: bool
) -> None:
    viewing(monkeypatch, fills={"id-a": fills})
    viewed = client(perform=lambda flow: flow).view(PAIR, [order], budget())
    assert viewed.orders == (replace(order, **now),)
    assert bool(viewed.missing) is is_missing


def test_rows_are_returned_by_the_given_id(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = viewing(monkeypatch, orders=ROWS)
    assert client(perform=lambda flow: flow).view_rows(PAIR, ORDERS, budget()) == ROWS
    assert asked == [(PAIR, ["id-a"], ["b", "c", "d"], {"timeout": 1_000, PARTIAL: True})]


def test_open_orders_are_listed_on_the_cross_margin_account() -> None:
    asked: list[Any] = []

    def fetch_open_orders(*request: Any) -> Any:
        asked.append(request)
        return [{"id": "1"}, {"id": "2"}]

    assert client(fetch_open_orders=fetch_open_orders).open_ids(PAIR, budget(750)) == ["1", "2"]
    assert asked == [(PAIR, None, None, {"marginMode": "cross", "timeout": 750})]


def test_the_bot_s_open_orders_on_all_pairs_are_those_with_its_key() -> None:
    asked: list[Any] = []

    def fetch_open_orders(*request: Any) -> Any:
        asked.append(request)
        return [{"id": name, "clientOrderId": given} for name, given in (("1", "k-1-x-0"), ("2", "other"), ("3", None))]

    own = client(fetch_open_orders=fetch_open_orders).open_rows_everywhere(budget(750), "k")
    assert [order["id"] for order in own] == ["1"]
    assert asked == [(None, None, None, {"marginMode": "cross", "timeout": 750})]


def test_the_bot_s_open_orders_on_a_pair_are_listed_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = viewing(monkeypatch, orders={"id-a": {"id": "id-a"}}, own=({"id": "1"},))
    own = client(perform=lambda flow: flow).open_rows(PAIR, [live()], budget(), "k")
    assert own == [{"id": "id-a"}, {"id": "1"}]
    assert asked == [(PAIR, ["id-k-1-x-0"], [], {"timeout": 1_000, PARTIAL: True, PREFIX: "k-", OPEN_ONLY: True})]


# -- canceling --------------------------------------------------------------------------------------------------------


def result(
    order_id: str | None, client_id: str | None, outcome: Outcome, order: dict[str, Any], reason: str | None = None
) -> CancelResult:
    return CancelResult(order_id, client_id, PAIR, outcome, reason, None, order)


def test_one_batch_names_all_orders_and_its_results_go_to_theirs() -> None:
    asked: list[Any] = []
    report = CancelReport(
        (
            result("id-a", None, Outcome.CANCELED, {**structure("canceled", "id-a"), "filled": 0.1}),
            result(None, "b", Outcome.FILLED, {**structure("closed", "77"), "filled": 0.5}),
            result("id-c", "c", Outcome.OPEN, structure("open", "id-c"), "refused"),
            result("id-d", "d", Outcome.NOT_FOUND, structure("canceled", "id-d")),
            result("x", "e", Outcome.UNKNOWN, structure(None, "x")),
            result("9", None, Outcome.CANCELED, structure("canceled", "9")),
        )
    )

    def batch_cancel(*request: Any) -> CancelReport:
        asked.append(request)
        return report

    orders = [live("a"), rung("b"), live("c"), live("d"), rung("e")]
    done = client(batch_cancel=batch_cancel).cancel(PAIR, orders, budget(), ["9"])
    assert asked == [(["id-a", "id-c", "id-d", "9"], PAIR, ["b", "e"], {"timeout": 1_000})]
    assert done.orders == (
        live("a", phase=Phase.ENDED, filled=0.1),
        rung("b", phase=Phase.ENDED, filled=0.5, order_id="77"),
        live("c", reason="refused"),
        live("d", reason="not_found"),
        rung("e", reason="unknown"),
    )
    assert done.unresolved == {"c": "refused", "d": "not_found", "e": "unknown"}
    assert done.missing == {"d"}
    assert [found.id for found in done.foreign] == ["9"]
    assert done.report is report
    assert done.summary == report.summary()


def test_a_cancel_that_fails_keeps_what_its_report_proves() -> None:
    report = CancelReport((result("id-a", None, Outcome.CANCELED, structure("canceled", "id-a")),))
    error = CancelUnresolved("batch_cancel", report)
    done = client(batch_cancel=raising(error)).cancel(PAIR, [live("a"), live("b")], budget())
    assert done.orders == (live("a", phase=Phase.ENDED), live("b", reason=str(error)))
    assert done.unresolved == {"b": str(error)}
    assert done.report is report


def test_a_cancel_without_an_answer_proves_nothing() -> None:
    done = client(batch_cancel=raising(ccxt.RequestTimeout("x"))).cancel(PAIR, [live("a")], budget(), ["9"])
    assert done.orders == (live("a", reason="x"),)
    assert (done.report, done.foreign) == (None, [])
    assert done.summary == "0 of 1 ended"
    ended = replace(done, orders=(live(phase=Phase.ENDED), live()))
    assert ended.summary == "1 of 2 ended"


def test_one_order_is_canceled_by_id() -> None:
    report = CancelReport(())
    asked: list[Any] = []
    api = client(batch_cancel=lambda *request: asked.append(request) or report)
    assert api.cancel_one("7", PAIR, 500) is report
    assert asked == [(["7"], PAIR, (), {"timeout": 500})]


# -- placing ----------------------------------------------------------------------------------------------------------


def phase_of(answer: object) -> Phase:
    """Return the phase of a rung whose placing is answered so."""
    create_orders = raising(answer) if isinstance(answer, Exception) else lambda *_: [answer]
    (placed,) = client(create_orders=create_orders).place(PAIR, [rung()], budget())
    return placed.phase


def tied(error: Exception, code: str) -> Exception:
    """Return an exception of ccxt with the venue's answer tied to it."""
    ccxt_errors.attach_response(error, 400, {"code": code, "msg": "no"})
    return error


def test_a_ladder_is_one_request_under_its_client_order_ids() -> None:
    asked: list[Any] = []

    def create_orders(*request: Any) -> Any:
        asked.append(request)
        return [structure(None, "1"), {**structure("open", "2"), "filled": 0.1}]

    placed = client(create_orders=create_orders).place(PAIR, [rung("a"), rung("b", side="buy")], budget())
    order = {"symbol": PAIR, "type": "limit", "side": "sell", "amount": 0.5, "price": 60_000.0}
    requests = [
        {**order, "params": {"marginMode": "cross", "clientOrderId": "a"}},
        {**order, "side": "buy", "params": {"marginMode": "cross", "clientOrderId": "b"}},
    ]
    assert asked == [(requests, {"timeout": 1_000, LOOKS_ON: True, "marginMode": "cross"})]
    assert placed == [
        rung("a", phase=Phase.LIVE, order_id="1"),
        rung("b", side="buy", phase=Phase.LIVE, order_id="2", filled=0.1),
    ]


def test_every_code_leads_to_the_phase_that_its_verdict_asks_for() -> None:
    for code, row in TABLE.items():
        final = Phase.REFUSED if row.verdict in {Verdict.DEFINITIVE, Verdict.REFUSED} else Phase.LOST
        expected = Phase.WAITING if row.verdict in MOMENTARY else final
        assert phase_of(structure("rejected", info={"errorCode": code, "errorMsg": "no"})) is expected, code
        assert phase_of(structure("rejected", info={"code": code, "msg": "no"})) is expected, code
        assert phase_of(tied(ccxt.ExchangeError(code), code)) is expected, code


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (structure(None, "7"), Phase.LIVE),
        (structure("open", "7"), Phase.LIVE),
        (structure("closed", "7"), Phase.ENDED),
        (structure("?", "7"), Phase.INTENDED),
        (structure(None), Phase.INTENDED),
        (structure("rejected", info={"errorMsg": "no code"}), Phase.WAITING),
        (ccxt.RequestTimeout("not sent: no time"), Phase.WAITING),
        (ccxt.BadRequest("there are 60 orders"), Phase.REFUSED),
        (PlaceUnresolved("create_orders", [{**structure(None), "clientOrderId": "k-1-x-0"}]), Phase.INTENDED),
    ],
)
def test_an_answer_leads_to_a_phase(answer: object, phase: Phase) -> None:
    assert phase_of(answer) is phase


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (structure(None), "no response, and no lookup shows it yet"),
        (structure("rejected", info={"errorCode": "45110", "errorMsg": "no"}), "no"),
        (structure("rejected", info={"code": "45110", "msg": "not"}), "not"),
        (ccxt.BadRequest("there are 60 orders"), "there are 60 orders"),
    ],
)
def test_an_order_that_was_not_placed_has_the_reason(answer: object, reason: str) -> None:
    create_orders = raising(answer) if isinstance(answer, Exception) else lambda *_: [answer]
    (placed,) = client(create_orders=create_orders).place(PAIR, [rung()], budget())
    assert placed.reason == reason


# -- covers of shorts -------------------------------------------------------------------------------------------------


def test_a_cover_is_sent_with_its_fee_and_comes_back_without_it() -> None:
    asked: list[Any] = []

    def create_orders(*request: Any) -> Any:
        asked.append(request)
        return [{**structure("closed", "1"), "filled": 0.501}, {**structure("open", "2"), "filled": 0.2505}]

    orders = [cover("a"), cover("b")]
    placed = client(create_orders=create_orders).place(PAIR, orders, budget(), "autoRepay")
    ((requests, _),) = asked
    assert [(each["side"], each["amount"], each["params"]["loanType"]) for each in requests] == [
        ("buy", 0.501, "autoRepay")
    ] * 2
    assert placed == [
        cover("a", phase=Phase.ENDED, order_id="1", filled=0.5),
        cover("b", phase=Phase.LIVE, order_id="2", filled=0.25),
    ]


def test_the_fills_of_a_cover_show_its_end_if_they_are_all_that_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    viewing(monkeypatch, fills={"id-a": FilledSum(0.501, 6e4), "id-b": FilledSum(0.5, 6e4)})
    viewed = client(perform=lambda flow: flow).view(PAIR, [live_cover("a"), live_cover("b")], budget())
    assert viewed.orders[0] == live_cover("a", phase=Phase.ENDED, filled=0.5, average=6e4)
    assert viewed.orders[1] == live_cover("b", filled=0.5 * 0.5 / 0.501, average=6e4)
    assert viewed.missing == {"b"}


def test_a_cancel_shows_the_fills_of_a_cover_in_coins_of_the_position() -> None:
    shown = {**structure("canceled", "id-a"), "filled": 0.2505, "average": 6e4}
    report = CancelReport((result("id-a", None, Outcome.CANCELED, shown),))
    done = client(batch_cancel=lambda *_: report).cancel(PAIR, [live_cover("a")], budget())
    assert done.orders == (live_cover("a", phase=Phase.ENDED, filled=0.25, average=6e4),)

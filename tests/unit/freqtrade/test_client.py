"""Requests for resting orders: bounded in time, and no answer is taken for more than it proves."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.errors import CancelUnresolved, PlaceUnresolved
from bitget_margin.adapter.fetch import OrdersView
from bitget_margin.adapter.place import LOOKS_ON
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.freqtrade import client as client_module
from bitget_margin.freqtrade.client import Budget, VenueClient, epoch_ms
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import PAIR, live, rung, structure

MOMENTARY = {Verdict.STATE, Verdict.LIMITED}


def client(**methods: Callable[..., Any]) -> VenueClient:
    """Return a client of an exchange object with these methods."""
    return VenueClient(lambda: SimpleNamespace(**methods))


def raising(error: Exception) -> Callable[..., Any]:
    def method(*_: object) -> None:
        raise error

    return method


# -- time -------------------------------------------------------------------------------------------------------------


def test_a_budget_loses_the_time_of_each_request() -> None:
    now = [5.0]
    budget = Budget(1_000, lambda: now[0])
    assert budget.left_ms() == 1_000
    for _ in range(2):
        with budget:
            now[0] += 0.25
        now[0] += 10
    assert budget.left_ms() == 500
    with budget:
        now[0] += 0.45
    assert budget.left_ms() == pytest.approx(50)
    with budget:
        now[0] += 0.001
    assert budget.left_ms() == 0, "too little for a request"
    budget.__exit__()
    assert budget._left_ms == pytest.approx(49)


def test_the_epoch_is_in_milliseconds() -> None:
    assert 1_600_000_000_000 < epoch_ms() < 10_000_000_000_000


@pytest.mark.parametrize(
    "request_",
    [
        lambda api, budget: api.view(PAIR, [live()], budget),
        lambda api, budget: api.open_ids(PAIR, budget),
    ],
)
def test_without_time_nothing_is_sent(request_: Any) -> None:
    with pytest.raises(ccxt.RequestTimeout, match="no time is left"):
        request_(client(perform=lambda flow: flow, fetch_open_orders=raising(AssertionError())), Budget(10))


def test_without_time_a_cancel_is_unresolved_and_a_ladder_waits() -> None:
    api = client(batch_cancel=raising(AssertionError()), create_orders=raising(AssertionError()))
    done = api.cancel(PAIR, [live("a")], Budget(10))
    assert "no time is left" in done.unresolved["a"]
    (placed,) = api.place(PAIR, [rung()], Budget(10))
    assert placed.phase is Phase.WAITING


# -- looking up -------------------------------------------------------------------------------------------------------


def test_a_look_up_names_orders_by_id_or_else_by_client_order_id(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def view_orders(*request: Any) -> Any:
        asked.append(request[1:])
        rows = {
            "id-a": {**structure("open", "id-a"), "filled": 0.2},
            "b": structure("closed", "77"),
            "d": structure("?"),
        }
        return OrdersView(rows, {}, (), open_is_complete=False, unanswered=frozenset())

    monkeypatch.setattr(client_module, "view_orders", view_orders)
    orders = [live("a"), rung("b"), rung("c"), rung("d")]
    viewed = client(perform=lambda flow: flow).view(PAIR, orders, Budget(1_000))
    assert asked == [(PAIR, ["id-a"], ["b", "c", "d"], {"timeout": 1_000})]
    assert viewed == [live("a", filled=0.2), rung("b", phase=Phase.ENDED, order_id="77"), None, None]


def test_open_orders_are_listed_on_the_cross_margin_account() -> None:
    asked: list[Any] = []

    def fetch_open_orders(*request: Any) -> Any:
        asked.append(request)
        return [{"id": "1"}, {"id": "2"}]

    assert client(fetch_open_orders=fetch_open_orders).open_ids(PAIR, Budget(900)) == ["1", "2"]
    assert asked == [(PAIR, None, None, {"marginMode": "cross", "timeout": 900})]


@pytest.mark.parametrize("method", ["view", "open_ids", "cancel", "place"])
def test_each_request_takes_its_time_from_the_budget(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    now = [0.0]

    def slow(*_: object) -> Any:
        now[0] += 0.4
        nothing = OrdersView({}, {}, (), open_is_complete=False, unanswered=frozenset())
        return nothing if method == "view" else CancelReport(()) if method == "cancel" else []

    monkeypatch.setattr(client_module, "view_orders", lambda *_: None)
    budget = Budget(1_000, lambda: now[0])
    api = client(perform=slow, fetch_open_orders=slow, batch_cancel=slow, create_orders=slow)
    getattr(api, method)(PAIR, *([] if method == "open_ids" else [[]]), budget)
    assert budget.left_ms() == 600


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
    done = client(batch_cancel=batch_cancel).cancel(PAIR, orders, Budget(1_000), ["9"])
    assert asked == [(["id-a", "id-c", "id-d", "9"], PAIR, ["b", "e"], {"timeout": 1_000})]
    assert done.orders == (
        live("a", phase=Phase.ENDED, filled=0.1),
        rung("b", phase=Phase.ENDED, filled=0.5, order_id="77"),
        live("c", reason="refused"),
        live("d", reason="not_found"),
        rung("e", reason="unknown"),
    )
    assert done.unresolved == {"c": "refused", "d": "not_found", "e": "unknown"}
    assert [found.id for found in done.foreign] == ["9"]
    assert done.report is report
    assert done.summary == report.summary()


def test_a_cancel_that_fails_keeps_what_its_report_proves() -> None:
    report = CancelReport((result("id-a", None, Outcome.CANCELED, structure("canceled", "id-a")),))
    error = CancelUnresolved("batch_cancel", report)
    done = client(batch_cancel=raising(error)).cancel(PAIR, [live("a"), live("b")], Budget(1_000))
    assert done.orders == (live("a", phase=Phase.ENDED), live("b", reason=str(error)))
    assert done.unresolved == {"b": str(error)}
    assert done.report is report


def test_a_cancel_without_an_answer_proves_nothing() -> None:
    done = client(batch_cancel=raising(ccxt.RequestTimeout("x"))).cancel(PAIR, [live("a")], Budget(1_000), ["9"])
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
    (placed,) = client(create_orders=create_orders).place(PAIR, [rung()], Budget(1_000))
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

    placed = client(create_orders=create_orders).place(PAIR, [rung("a"), rung("b", side="buy")], Budget(1_000))
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
    (placed,) = client(create_orders=create_orders).place(PAIR, [rung()], Budget(1_000))
    assert placed.reason == reason

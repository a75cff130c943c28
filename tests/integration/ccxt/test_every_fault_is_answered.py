"""Promise: every fault of a cancel and its lookups has the result of its row in docs/faults.md."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bitget_margin import CancelReport, CancelResult, Outcome, report_of
from bitget_margin.emulator import AccountKind, Emulator, Knobs
from bitget_margin.emulator.market.orders import Order, Status
from support.client import Client, rungs
from support.faults import (
    ANSWERS,
    CANCELS,
    KNOWN_ROLES,
    LOOKUPS,
    PLENTY_MS,
    PROVEN,
    QUICK,
    STRETCHES,
    Case,
    Meanwhile,
    Role,
    undisturbed,
)

pytestmark = pytest.mark.slow

BTC = "BTC/USDT"
UNKNOWN_ID = "1000000000000000001"
GRACE_MS = 5_000
"""Large, for slow machines; a call without a deadline takes even longer."""
WINDOW_S = 1.1
"""Time after which the rate windows are empty again."""
CANCEL_PATHS = ("batch-cancel-order", "cancel-batch")


@dataclass(frozen=True)
class PlacedOrders:
    """Order ids by role, and orders that the call does not name."""

    ids: dict[Role, list[str]]
    unnamed: list[str]

    def named(self, case: Case) -> list[tuple[Role, str]]:
        """Return the orders that a case names, with their roles."""
        return [(role, order_id) for role in case.roles for order_id in self.ids[role]]


_undisturbed = pytest.fixture(scope="module", autouse=True)(undisturbed)


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client with shorter pauses than the real venue needs."""
    client.exchange.verify = False  # loading certificates would take longer than the call
    return client


def place_orders(venue: Emulator, live: int) -> PlacedOrders:
    """Place one filled, one canceled and some live orders, one of them partly filled, and two unnamed ones."""
    filled, ended, *rest = rungs(venue, 2 + live, name="rung")
    venue.fill(filled)
    venue.cancel(ended)
    venue.fill(rest[0], "0.0004")
    fields = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"}
    theirs = venue.place(venue.accounts[1].uid, fields)
    ids = {Role.FILLED: [filled], Role.ENDED: [ended], Role.LIVE: rest, Role.ABSENT: [UNKNOWN_ID]}
    return PlacedOrders(ids, [*rungs(venue, 1, price=40_000), theirs])


def start_faults(venue: Emulator, case: Case, kind: AccountKind) -> None:
    """Start the faults and set the knobs of the case."""
    for fault in case.faults:
        path = fault.where.path(kind)
        if path is not None:
            venue.add_fault(fault.kind, path, count=fault.count, duration_ms=fault.duration_ms)
    venue.knobs(**case.knobs)
    if case.refused_ms:
        venue.refuse_connections(case.refused_ms)


def interfere(
    venue: Emulator, client: Client, case: Case, orders: PlacedOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Perform the event of the case just before one of the requests."""
    if case.meanwhile is None:
        return
    _, word, count = case.meanwhile.value
    request = client.exchange.request
    sent: list[str] = []

    def seen(path: str, *args: Any, **named: Any) -> Any:
        if word in path.rsplit("/", 1)[-1]:
            sent.append(path)
            if len(sent) == count:
                happen(venue, case.meanwhile, orders)
        return request(path, *args, **named)

    monkeypatch.setattr(client.exchange, "request", seen)


def happen(venue: Emulator, meanwhile: Meanwhile | None, orders: PlacedOrders) -> None:
    if meanwhile is Meanwhile.FILL:
        venue.fill(orders.ids[Role.LIVE][2], "0.0003")
        venue.fill(orders.ids[Role.LIVE][3])
    else:
        account = venue.accounts[0]
        venue.turn(account.uid, next(kind for kind in AccountKind if kind is not account.kind))


def call(client: Client, case: Case, orders: PlacedOrders) -> tuple[CancelReport, Exception | None]:
    """Cancel the orders of the case; return the report, and its exception if there is one."""
    params = {"timeout": case.timeout_ms} | ({"batchSize": 2} if case.meanwhile else {})
    ids = [order_id for _, order_id in orders.named(case)]
    client.exchange.options["batchCancel"] = {"pacing": case.pacing}
    names = [f"rung{i}" for i in range(len(ids))] if case.by_name else []
    started = time.monotonic()
    try:
        return client("batch_cancel", [] if names else ids, BTC, names, params), None
    except Exception as error:
        report = report_of(error)
        if report is None:
            raise
        return report, error
    finally:
        assert (time.monotonic() - started) * 1_000 <= case.timeout_ms + GRACE_MS


def is_true(result: CancelResult, order: Order | None, before: Order | None, *, lags: bool) -> bool:
    """Whether the result of an order agrees with the emulator."""
    outcome = result.outcome
    if order is None:
        return outcome in {Outcome.NOT_FOUND, Outcome.UNKNOWN, Outcome.NOT_SENT}
    if outcome.ended:
        ended = Status.CANCELLED if outcome is Outcome.CANCELED else Status.FILLED
        amounts = (result.order["filled"], result.order["cost"])
        return order.status is ended and amounts == (float(order.filled), float(order.quote_filled))
    if outcome is Outcome.OPEN:
        return order.live
    if outcome is Outcome.NOT_SENT:
        return order == before
    return outcome is Outcome.UNKNOWN or (outcome is Outcome.NOT_FOUND and lags and not order.live)


def expected(case: Case, orders: PlacedOrders) -> Iterator[Outcome]:
    for role in case.roles:
        outcome = case.ends[role]
        yield from outcome if isinstance(outcome, tuple) else [outcome] * len(orders.ids[role])


def cancels(venue: Emulator) -> int:
    """Return the number of cancels that arrived."""
    return sum(record.path.endswith(CANCEL_PATHS) for record in venue.requests)


class Unexpected(AssertionError):
    """The result is true but differs from the row: a slow machine resolves less."""


def check_row(venue: Emulator, client: Client, kind: AccountKind, row: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case = row.on(kind)
    for stretch in STRETCHES:
        try:
            attempt(venue, client, kind, case.stretched(stretch), monkeypatch)
        except Unexpected:
            if case.timeout_ms >= PLENTY_MS or stretch == STRETCHES[-1]:
                raise
            end_faults(venue, case.stretched(stretch))
            for order in venue.orders(live_only=True):
                venue.cancel(order.order_id)
            time.sleep(WINDOW_S)
            venue.reset_requests()
        else:
            return


def attempt(venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = place_orders(venue, case.live)
    named = orders.named(case)
    before = {order.order_id: order for order in venue.orders()}
    start_faults(venue, case, kind)
    interfere(venue, client, case, orders, monkeypatch)
    client.exchange.timeout = case.request_timeout_ms or 10_000
    if case.by_name:
        time.sleep(0.02)  # an order that ended in the same millisecond would count as ended by the call
    report, error = call(client, case, orders)

    truth = {order.order_id: order for order in venue.orders()}
    lags = "history_lag_ms" in case.knobs
    for (_, order_id), result in zip(named, report.results, strict=True):
        assert result.id == order_id or (case.by_name and result.id is None)
        assert is_true(result, truth.get(order_id), before.get(order_id), lags=lags), result
    assert all(truth[order_id] == before[order_id] for order_id in orders.unnamed)
    assert (error is None) == all(result.outcome.resolved for result in report.results)
    try:
        as_expected(venue, case, orders, report, error)
    except AssertionError as unexpected:
        raise Unexpected(str(unexpected)) from unexpected
    check_second_call(venue, client, case, orders, {result.id: result for result in report.results})


def as_expected(
    venue: Emulator, case: Case, orders: PlacedOrders, report: CancelReport, error: Exception | None
) -> None:
    named = orders.named(case)
    assert [(role, r.outcome) for (role, _), r in zip(named, report.results, strict=True)] == [
        (role, outcome) for (role, _), outcome in zip(named, expected(case, orders), strict=True)
    ]
    assert isinstance(error, case.raises or type(None)), error
    for (role, _), result in zip(named, report.results, strict=True):
        assert role is not Role.LIVE or case.reason in (result.reason or "")
    assert len(report.unasked) == case.unasked
    assert {record.fault for record in venue.requests} - {None} == {fault.kind for fault in case.faults}
    assert case.cancels is None or cancels(venue) == case.cancels


def end_faults(venue: Emulator, case: Case) -> None:
    """Clear the faults and reset the knobs."""
    venue.clear_faults()
    defaults = Knobs()
    venue.knobs(**{knob: getattr(defaults, knob) for knob in case.knobs})
    time.sleep(case.refused_ms / 1_000)


def check_second_call(
    venue: Emulator, client: Client, case: Case, orders: PlacedOrders, results: dict[str | None, CancelResult]
) -> None:
    """Check that the same call after the faults proves the final state of every order."""
    end_faults(venue, case)
    client.exchange.timeout = 10_000
    client.exchange.options["batchCancel"] = {"pacing": QUICK}
    # An unknown id has no final state; it is only queried if there are no other orders.
    roles = case.roles if case.roles == (Role.ABSENT,) else KNOWN_ROLES
    named = [(role, order_id) for role in roles for order_id in orders.ids[role]]
    report: CancelReport = client("batch_cancel", [order_id for _, order_id in named], BTC)
    truth = {order.order_id: order for order in venue.orders()}
    for (role, order_id), result in zip(named, report.results, strict=True):
        filled = order_id in truth and truth[order_id].status is Status.FILLED
        assert result.outcome is (Outcome.FILLED if filled else PROVEN[role])
        assert is_true(result, truth.get(order_id), None, lags=False)
        known = results.get(order_id)
        assert known is None or not known.outcome.ended or known.outcome is result.outcome
    live = {order.order_id for order in venue.orders(live_only=True)}
    assert live - set(orders.unnamed) == ({*orders.ids[Role.LIVE]} if roles == (Role.ABSENT,) else set())


def rows(table: tuple[Case, ...]) -> Callable[[Any], Any]:
    """Run a test for each row of a table."""
    marks = {True: [pytest.mark.classic], False: []}
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.name, marks=marks[case.classic]) for case in table]
    )


@rows(CANCELS)
def test_a_fault_of_the_cancel_costs_no_truth_and_no_order(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_row(venue, client, kind, case, monkeypatch)


@rows(LOOKUPS)
def test_a_fault_of_the_look_ups_costs_no_truth_and_no_order(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_row(venue, client, kind, case, monkeypatch)


@rows(ANSWERS)
def test_whatever_the_answer_says_the_outcome_is_the_venues_own(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_row(venue, client, kind, case, monkeypatch)

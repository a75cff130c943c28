"""Promise: every fault of a cancel and of its look-ups has its answer in docs/faults.md, the same in all flavours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bitget_margin import CancelReport, CancelResult, Outcome, report_of
from bitget_margin.emulator import AccountKind, Emulator, Knobs
from bitget_margin.emulator.market.order import Order, Status
from support.client import Client, rungs
from support.faults import (
    ANSWERS,
    CANCELS,
    LOOK_UPS,
    NO_GHOST,
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
GHOST = "1000000000000000001"
GRACE_MS = 5_000
"""Much, since a machine can be slow; a call that forgets its deadline takes longer all the same."""
WINDOW_S = 1.1
"""After this time, the rate windows have room for everything again."""
CANCEL_PATHS = ("batch-cancel-order", "cancel-batch")


@dataclass(frozen=True)
class Story:
    """Orders of every role, and others that are not named."""

    ids: dict[Role, list[str]]
    strangers: list[str]

    def named(self, case: Case) -> list[tuple[Role, str]]:
        """Return the orders that a case names, in their order."""
        return [(role, order_id) for role in case.roles for order_id in self.ids[role]]


_undisturbed = pytest.fixture(scope="module", autouse=True)(undisturbed)


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client that does not wait as long as it would for the real venue."""
    client.exchange.verify = False  # over plain HTTP; the certificates take longer to load than the call does
    return client


def told(venue: Emulator, live: int) -> Story:
    """Place the orders: one filled, one cancelled, some live, of which one is partly filled, and two of strangers."""
    filled, ended, *rest = rungs(venue, 2 + live, name="rung")
    venue.fill(filled)
    venue.cancel(ended)
    venue.fill(rest[0], "0.0004")
    fields = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"}
    theirs = venue.place(venue.accounts[1].uid, fields)
    ids = {Role.FILLED: [filled], Role.ENDED: [ended], Role.LIVE: rest, Role.GHOST: [GHOST]}
    return Story(ids, [*rungs(venue, 1, price=40_000), theirs])


def spoil(venue: Emulator, case: Case, kind: AccountKind) -> None:
    """Let everything go wrong that the case says."""
    for fault in case.faults:
        path = fault.where.path(kind)
        if path is not None:
            venue.add_fault(fault.kind, path, count=fault.count, duration_ms=fault.duration_ms)
    venue.knobs(**case.knobs)
    if case.deaf_ms:
        venue.refuse_connections(case.deaf_ms)


def interfere(venue: Emulator, client: Client, case: Case, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have something happen just before one of the requests is sent."""
    if case.meanwhile is None:
        return
    _, word, count = case.meanwhile.value
    request = client.exchange.request
    sent: list[str] = []

    def seen(path: str, *args: Any, **named: Any) -> Any:
        if word in path.rsplit("/", 1)[-1]:
            sent.append(path)
            if len(sent) == count:
                happen(venue, case.meanwhile, story)
        return request(path, *args, **named)

    monkeypatch.setattr(client.exchange, "request", seen)


def happen(venue: Emulator, meanwhile: Meanwhile | None, story: Story) -> None:
    if meanwhile is Meanwhile.FILL:
        venue.fill(story.ids[Role.LIVE][2], "0.0003")
        venue.fill(story.ids[Role.LIVE][3])
    else:
        account = venue.accounts[0]
        venue.turn(account.uid, next(kind for kind in AccountKind if kind is not account.kind))


def call(client: Client, case: Case, story: Story) -> tuple[CancelReport, Exception | None]:
    """Cancel what the case names; return the report, and the exception in which it came."""
    params = {"timeout": case.timeout_ms} | ({"batchSize": 2} if case.meanwhile else {})
    ids = [order_id for _, order_id in story.named(case)]
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
    """Whether nothing is said of an order that the venue itself does not say."""
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


def expected(case: Case, story: Story) -> Iterator[Outcome]:
    for role in case.roles:
        outcome = case.ends[role]
        yield from outcome if isinstance(outcome, tuple) else [outcome] * len(story.ids[role])


def cancels(venue: Emulator) -> int:
    """Return how many cancels arrived, whatever became of them."""
    return sum(record.path.endswith(CANCEL_PATHS) for record in venue.requests)


class Unexpected(AssertionError):
    """What was said is true, and not what the row says: a machine that is too slow finds out less."""


def answered(venue: Emulator, client: Client, kind: AccountKind, row: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case = row.on(kind)
    for stretch in STRETCHES:
        try:
            attempt(venue, client, kind, case.stretched(stretch), monkeypatch)
        except Unexpected:
            if case.timeout_ms >= PLENTY_MS or stretch == STRETCHES[-1]:
                raise
            mend(venue, case.stretched(stretch))
            for order in venue.orders(live_only=True):
                venue.cancel(order.order_id)
            time.sleep(WINDOW_S)
            venue.reset_requests()
        else:
            return


def attempt(venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    story = told(venue, case.live)
    named = story.named(case)
    before = {order.order_id: order for order in venue.orders()}
    spoil(venue, case, kind)
    interfere(venue, client, case, story, monkeypatch)
    client.exchange.timeout = case.patience_ms or 10_000
    if case.by_name:
        time.sleep(0.02)  # what ended within the venue's last millisecond is taken for ended by the call
    report, error = call(client, case, story)

    truth = {order.order_id: order for order in venue.orders()}
    lags = "history_lag_ms" in case.knobs
    for (_, order_id), result in zip(named, report.results, strict=True):
        assert result.id == order_id or (case.by_name and result.id is None)
        assert is_true(result, truth.get(order_id), before.get(order_id), lags=lags), result
    assert all(truth[order_id] == before[order_id] for order_id in story.strangers)
    assert (error is None) == all(result.outcome.resolved for result in report.results)
    try:
        as_expected(venue, case, story, report, error)
    except AssertionError as unexpected:
        raise Unexpected(str(unexpected)) from unexpected
    asked_again(venue, client, case, story, {result.id: result for result in report.results})


def as_expected(venue: Emulator, case: Case, story: Story, report: CancelReport, error: Exception | None) -> None:
    named = story.named(case)
    assert [(role, r.outcome) for (role, _), r in zip(named, report.results, strict=True)] == [
        (role, outcome) for (role, _), outcome in zip(named, expected(case, story), strict=True)
    ]
    assert isinstance(error, case.raises or type(None)), error
    for (role, _), result in zip(named, report.results, strict=True):
        assert role is not Role.LIVE or case.reason in (result.reason or "")
    assert len(report.unasked) == case.unasked
    assert {record.fault for record in venue.requests} - {None} == {fault.kind for fault in case.faults}
    assert case.cancels is None or cancels(venue) == case.cancels


def mend(venue: Emulator, case: Case) -> None:
    """Let nothing go wrong any more."""
    venue.clear_faults()
    defaults = Knobs()
    venue.knobs(**{knob: getattr(defaults, knob) for knob in case.knobs})
    time.sleep(case.deaf_ms / 1_000)


def asked_again(
    venue: Emulator, client: Client, case: Case, story: Story, results: dict[str | None, CancelResult]
) -> None:
    """Once nothing goes wrong any more, the same question has the proven end of every order for an answer."""
    mend(venue, case)
    client.exchange.timeout = 10_000
    client.exchange.options["batchCancel"] = {"pacing": QUICK}
    # An id that nobody placed has no end; without orders beside it, it is asked for all the same.
    roles = case.roles if case.roles == (Role.GHOST,) else NO_GHOST
    named = [(role, order_id) for role in roles for order_id in story.ids[role]]
    report: CancelReport = client("batch_cancel", [order_id for _, order_id in named], BTC)
    truth = {order.order_id: order for order in venue.orders()}
    for (role, order_id), result in zip(named, report.results, strict=True):
        filled = order_id in truth and truth[order_id].status is Status.FILLED
        assert result.outcome is (Outcome.FILLED if filled else PROVEN[role])
        assert is_true(result, truth.get(order_id), None, lags=False)
        known = results.get(order_id)
        assert known is None or not known.outcome.ended or known.outcome is result.outcome
    live = {order.order_id for order in venue.orders(live_only=True)}
    assert live - set(story.strangers) == ({*story.ids[Role.LIVE]} if roles == (Role.GHOST,) else set())


def rows(table: tuple[Case, ...]) -> Callable[[Any], Any]:
    """Run a test for each row."""
    marks = {True: [pytest.mark.classic], False: []}
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.name, marks=marks[case.classic]) for case in table]
    )


@rows(CANCELS)
def test_a_fault_of_the_cancel_costs_no_truth_and_no_order(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(venue, client, kind, case, monkeypatch)


@rows(LOOK_UPS)
def test_a_fault_of_the_look_ups_costs_no_truth_and_no_order(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(venue, client, kind, case, monkeypatch)


@rows(ANSWERS)
def test_whatever_the_answer_says_the_outcome_is_the_venues_own(
    venue: Emulator, client: Client, kind: AccountKind, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(venue, client, kind, case, monkeypatch)

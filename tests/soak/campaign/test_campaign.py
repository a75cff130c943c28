"""Test the campaign: it passes without errors, and its judge finds every kind of error."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import ccxt
import pytest

from bitget_margin import CancelReport, CancelUnresolved, PlaceUnresolved
from bitget_margin.core.error_codes import Verdict
from bitget_margin.emulator import AccountKind, FaultKind, Order
from bitget_margin.emulator.market.orders import Side, Status
from bitget_margin.emulator.market.strategies import StrategyStatus
from campaign.code_responses import EVERY, UNKNOWN, code_response_of
from campaign.draw import draw_scenario
from campaign.evidence import Answer, Evidence, Settled, Statement
from campaign.judge import judge
from campaign.scenario import (
    PAIRS,
    By,
    Faults,
    Flavour,
    InitialState,
    Method,
    NewOrder,
    OrderReference,
    Plan,
    Scenario,
    SpotPlan,
    StopPlan,
)
from campaign.tally import Tally
from campaign.venues import SharedVenue
from campaign.verdict import Flaw, Orders
from campaign.verdict import Verdict as RoundVerdict
from campaign.workers import opened, play

pytestmark = pytest.mark.slow

RUN = Path(__file__).with_name("run.py")
SYMBOL = PAIRS[0].symbol


def test_forty_rounds_pass() -> None:
    command = [sys.executable, str(RUN), "--rounds", "40", "--seed", "1", "--processes", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "40 rounds of seed 1" in ended.stdout


def test_a_round_is_drawn_from_its_seed_and_number_alone() -> None:
    assert draw_scenario(7, 42) == draw_scenario(7, 42)
    assert draw_scenario(7, 42) != draw_scenario(8, 42)


DRAWN = 4_000
EXECUTED = {FaultKind.CODE_AFTER, FaultKind.ITEM_CODE_AFTER, FaultKind.LATE}
NOT_EXECUTED = {FaultKind.CODE_BEFORE, FaultKind.ITEM_CODE_BEFORE}


def test_as_much_is_placed_as_canceled_and_every_code_proves_what_it_says() -> None:
    """A code that proves "not executed" comes only with such requests; every other code with both kinds."""
    scenarios = [draw_scenario(1, number) for number in range(DRAWN)]
    places = sum(scenario.method.places for scenario in scenarios)
    assert 0.45 < places / DRAWN < 0.55
    coded = [
        (rule.kind, response)
        for scenario in scenarios
        for rule in scenario.faults.rules
        if rule.kind in EXECUTED | NOT_EXECUTED and (response := code_response_of(rule)) is not None
    ]
    assert all(response.may_be_executed for kind, response in coded if kind in EXECUTED)
    after = {response.verdict for kind, response in coded if kind in EXECUTED}
    before = {response.verdict for kind, response in coded if kind in NOT_EXECUTED}
    assert before == {None, *Verdict} - {Verdict.UNSENT}
    assert after == before - {Verdict.DEFINITIVE, Verdict.REFUSED, Verdict.CLOCK}
    codes = {response.code for _, response in coded}
    assert codes >= {None, *UNKNOWN}
    assert len(codes & set(EVERY)) > 0.4 * len(EVERY)


def test_unified_accounts_have_orders_of_their_owner() -> None:
    """They are drawn apart: the other parts of a round are the same without them."""
    scenarios = [draw_scenario(1, number) for number in range(400)]
    unified = [scenario for scenario in scenarios if scenario.account is AccountKind.UNIFIED]
    assert 0.2 < len(unified) / len(scenarios) < 0.3
    assert not any(scenario.spot_orders or scenario.stops for scenario in scenarios if scenario not in unified)
    assert sum(bool(scenario.spot_orders) for scenario in unified) > 0.7 * len(unified)
    assert sum(bool(scenario.stops) for scenario in unified) > 0.6 * len(unified)
    assert any(reference.spot is not None for scenario in unified for reference in scenario.references)
    assert any(reference.stop is not None for scenario in unified for reference in scenario.references)
    assert {draw_scenario(1, number, AccountKind.UNIFIED).account for number in range(20)} == {AccountKind.UNIFIED}


def test_a_share_below_the_required_one_is_reported() -> None:
    tally = Tally()
    tally.add(RoundVerdict(1, 1, "none", "create_order", placing=Orders(20_000, 19_000, 12_000, 10_000)))
    assert list(tally.shortfalls()) == []
    tally.add(RoundVerdict(1, 2, "none", "create_order", placing=Orders(100)))
    assert len(list(tally.shortfalls())) == 2


# -- a round without flaws, and what is made of it -----------------------------------------------------------------


def quiet(method: Method, **more: object) -> Scenario:
    """Return a round without faults: a live, a partly filled, a filled and an unnamed live order."""
    states = (InitialState.LIVE, InitialState.PARTLY, InitialState.FILLED, InitialState.LIVE)
    plans = tuple(Plan(PAIRS[0], "buy", "50000", "0.002", "0.001", f"n{i}", state) for i, state in enumerate(states))
    return Scenario(1, 1, AccountKind.CLASSIC, Flavour.ASYNC, method, PAIRS[0], plans, Faults("none"), 2_000, **more)


async def played(*scenarios: Scenario) -> list[Evidence]:
    async with opened() as player:
        return [await play(player, scenario, SharedVenue.start([scenario])) for scenario in scenarios]


@pytest.fixture(scope="module")
def rounds() -> list[Evidence]:
    references = (
        OrderReference(SYMBOL, By.ID, 0),
        OrderReference(SYMBOL, By.CLIENT_ID, 1),
        OrderReference(SYMBOL, By.ID, 2),
    )
    new_orders = tuple(NewOrder("buy", "50000", "0.001", f"w{i}") for i in range(2))
    cancel = quiet(Method.BATCH_CANCEL, references=references, cancels_again=True)
    beside = replace(
        quiet(Method.CANCEL_ALL),
        account=AccountKind.UNIFIED,
        spot_orders=(SpotPlan(PAIRS[0], "buy", "40000", "0.01", "0.002", "s0"),),
        stops=(StopPlan(PAIRS[0], "40000", "0.01", "t0"),),
    )
    return asyncio.run(played(cancel, quiet(Method.CREATE_ORDERS, new_orders=new_orders), beside))


def changed(e: Evidence, order: Order, **changes: object) -> Evidence:
    """Return the evidence with another state of an order."""
    books = {order.order_id: replace(order, **changes)}
    return replace(e, after={**e.after, **books}, final={**e.final, **books})


def answered(e: Evidence, change: Callable[[tuple[Statement, ...]], tuple[Statement, ...]]) -> Evidence:
    """Return the evidence with other statements."""
    assert e.answer.statements is not None
    return replace(e, answer=replace(e.answer, statements=change(e.answer.statements)))


def unnamed(e: Evidence) -> Order:
    return next(order for order in e.final.values() if order.client_oid == "n3")


def one(e: Evidence) -> Order:
    return next(order for order in e.final.values() if order.client_oid == "n0")


def about_first(statements: tuple[Statement, ...], **changes: object) -> tuple[Statement, ...]:
    return (replace(statements[0], **changes), *statements[1:])


def with_filled(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return about_first(statements, order={**statements[0].order, "filled": 0.001})


def unresolved(e: Evidence) -> Evidence:
    error = CancelUnresolved("batch_cancel", CancelReport(()))
    return replace(e, answer=replace(e.answer, error=error))


FALSE_ANSWERS: dict[str, tuple[Flaw, Callable[[Evidence], Evidence]]] = {
    "a canceled order that lives": (Flaw.FALSE, lambda e: changed(e, one(e), status=Status.LIVE)),
    "a canceled order that filled": (Flaw.FALSE, lambda e: changed(e, one(e), status=Status.FILLED)),
    "another amount": (Flaw.FALSE, lambda e: answered(e, with_filled)),
    "an acknowledgement for a proof": (
        Flaw.FALSE,
        lambda e: answered(e, lambda s: about_first(s, outcome="accepted")),
    ),
    "an open order that we ended": (Flaw.FALSE, lambda e: answered(e, lambda s: about_first(s, outcome="open"))),
    "an order that was there": (
        Flaw.FALSE,
        lambda e: answered(e, lambda s: about_first(s, outcome="not_found")),
    ),
    "not sent, and carried out": (
        Flaw.FALSE,
        lambda e: answered(e, lambda s: about_first(s, outcome="not_sent")),
    ),
    "another answer, asked again": (
        Flaw.FALSE,
        lambda e: replace(e, again=Answer(about_first(e.again.statements, outcome="filled"))),
    ),
    "a missing id": (Flaw.LOST, lambda e: answered(e, lambda s: s[1:])),
    "another order of the answers": (Flaw.LOST, lambda e: answered(e, lambda s: (s[2], s[1], s[0]))),
    "no report": (Flaw.LOST, lambda e: replace(e, answer=Answer(error=KeyError("x")))),
    "an undocumented exception": (
        Flaw.UNDOCUMENTED,
        lambda e: replace(e, answer=replace(e.answer, error=KeyError("x"))),
    ),
    "an unnamed order that was canceled": (Flaw.FOREIGN, lambda e: changed(e, unnamed(e), status=Status.CANCELLED)),
    "an unnamed order that traded": (Flaw.FOREIGN, lambda e: changed(e, unnamed(e), filled=Decimal("0.001"))),
    "an order that was not requested": (Flaw.DOUBLED, lambda e: changed(e, replace(one(e), order_id="7"))),
    "nothing in the way, and unresolved": (
        Flaw.UNEXPLAINED,
        lambda e: answered(unresolved(e), lambda s: about_first(s, outcome="unknown")),
    ),
    "too late": (Flaw.LATE, lambda e: replace(e, lag_ms=0.0, answer=replace(e.answer, elapsed_ms=2_300.0))),
    "too many requests": (Flaw.EXCESS, lambda e: replace(e, requests=e.requests * 50)),
}


def placed(e: Evidence, number: int = 0, **changes: object) -> Evidence:
    """Return the evidence with a changed structure of one of the placed orders."""
    assert e.answer.placed is not None
    orders = list(e.answer.placed)
    orders[number] = {**orders[number], **changes}
    return replace(e, answer=replace(e.answer, placed=tuple(orders)))


def in_doubt(e: Evidence, *settled: Settled) -> Evidence:
    """Return the evidence with the first order left open, and the later lookups of it."""
    open_ = placed(e, id=None, status=None)
    error = PlaceUnresolved("create_orders", list(open_.answer.placed or ()))
    return replace(open_, answer=replace(open_.answer, error=error), settled=settled)


def nothing_placed(e: Evidence) -> Evidence:
    return replace(e, after=e.before, final=e.before)


def raised(e: Evidence, error: Exception) -> Evidence:
    return replace(e, answer=Answer(error=error))


def older(e: Evidence) -> Evidence:
    """Return the evidence with the first new order there before the call, but for another amount."""
    order = replace(e.new()[0], base_size=Decimal("0.002"))
    return changed(replace(e, before={**e.before, order.order_id: order}), order)


NAME_IN_USE = ccxt.DuplicateOrderId("another order has the client order id 'w0'; nothing was placed: give a new one")
FOUND = {"id": "7"}
PLACING_FALSE_ANSWERS: dict[str, tuple[Flaw, Callable[[Evidence], Evidence]]] = {
    "an order placed twice": (Flaw.DOUBLED, lambda e: changed(e, replace(e.new()[0], order_id="7"))),
    "two orders for one": (Flaw.DOUBLED, lambda e: changed(e, replace(e.new()[0], order_id="7", client_oid="w7"))),
    "a request sent twice": (Flaw.DOUBLED, lambda e: replace(e, requests=e.requests * 2)),
    "an order that does not exist": (Flaw.INVENTED, nothing_placed),
    "an id that does not exist": (Flaw.INVENTED, lambda e: placed(e, id="7")),
    "an order of another account": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], uid="999")),
    "an order of another name": (Flaw.INVENTED, lambda e: placed(e, id=one(e).order_id)),
    "an order that is older": (Flaw.INVENTED, older),
    "an order of another amount": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], base_size=Decimal("0.002"))),
    "an order of another side": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], side=Side.SELL)),
    "one id for two orders": (Flaw.INVENTED, lambda e: placed(e, id=e.new()[1].order_id)),
    "a refusal of what was placed": (Flaw.LOST, lambda e: raised(e, ccxt.InvalidOrder("refused"))),
    "a rejection of what was placed": (Flaw.LOST, lambda e: placed(e, id=None, status="rejected")),
    "a name that no order has": (Flaw.FALSE, lambda e: raised(nothing_placed(e), NAME_IN_USE)),
    "an answer too few": (Flaw.LOST, lambda e: replace(e, answer=replace(e.answer, placed=e.answer.placed[1:]))),
    "an answer about another order": (Flaw.LOST, lambda e: placed(e, clientOrderId="w7")),
    "filled, and alive": (Flaw.FALSE, lambda e: placed(e, status="closed")),
    "filled by another amount": (Flaw.FALSE, lambda e: placed(e, filled=0.0005)),
    "a status without an id": (Flaw.FALSE, lambda e: placed(e, id=None, status="open")),
    "no status, and no exception": (Flaw.FALSE, lambda e: placed(e, id=None, status=None)),
    "an undocumented exception": (Flaw.UNDOCUMENTED, lambda e: raised(nothing_placed(e), KeyError("x"))),
    "an unnamed order that was canceled": (Flaw.FOREIGN, lambda e: changed(e, one(e), status=Status.CANCELLED)),
    "nothing in the way, and in doubt": (Flaw.UNEXPLAINED, in_doubt),
    "asked for again, and not found": (Flaw.LOST, lambda e: in_doubt(e, Settled("w0", is_missed=True))),
    "asked for again, and another one": (Flaw.INVENTED, lambda e: in_doubt(e, Settled("w0", FOUND))),
    "asked for again, and not known": (Flaw.UNEXPLAINED, lambda e: in_doubt(e, Settled("w0", error=NAME_IN_USE))),
    "asked for again, and known too late": (
        Flaw.UNEXPLAINED,
        lambda e: in_doubt(e, Settled("w0", {"id": e.new()[0].order_id}, elapsed_ms=30_001.0)),
    ),
}


def spot(e: Evidence) -> Order:
    return next(order for order in e.final.values() if order.is_spot)


def with_stop(e: Evidence, **changes: object) -> Evidence:
    """Return the evidence with another state of the owner's strategy order, or with another one."""
    stop = replace(next(iter(e.stops.values())), **changes)
    return replace(e, stops={**e.stops, stop.order_id: stop})


def with_request(e: Evidence, **changes: object) -> Evidence:
    """Return the evidence with one more request, which is the last cancel but for these changes."""
    cancel = next(record for record in reversed(e.requests) if record.method == "POST")
    return replace(e, requests=(*e.requests, replace(cancel, **changes)))


def of_spot(statements: tuple[Statement, ...], e: Evidence) -> tuple[Statement, ...]:
    return (*statements, replace(statements[0], id=spot(e).order_id, client_id="s0"))


BESIDE_FALSE_ANSWERS: dict[str, tuple[Flaw, Callable[[Evidence], Evidence]]] = {
    "a spot order that was canceled": (Flaw.FOREIGN, lambda e: changed(e, spot(e), status=Status.CANCELLED)),
    "a strategy order that was canceled": (Flaw.FOREIGN, lambda e: with_stop(e, status=StrategyStatus.CANCELLED)),
    "a strategy order of another amount": (Flaw.FOREIGN, lambda e: with_stop(e, size=Decimal("0.005"))),
    "a strategy order that was not requested": (Flaw.DOUBLED, lambda e: with_stop(e, order_id="7")),
    "a request to the spot account": (Flaw.FOREIGN, lambda e: with_request(e, path="/api/v2/spot/trade/cancel-order")),
    "a request about spot orders": (Flaw.FOREIGN, lambda e: with_request(e, body='[{"category":"SPOT"}]')),
    "a request about strategy orders": (
        Flaw.FOREIGN,
        lambda e: with_request(e, path="/api/v3/trade/cancel-strategy-order"),
    ),
    "a spot order reported as canceled": (Flaw.FALSE, lambda e: answered(e, lambda s: of_spot(s, e))),
}


def flaws(e: Evidence) -> set[Flaw]:
    return {finding.flaw for finding in judge(e).findings}


def test_a_quiet_round_has_no_flaws(rounds: list[Evidence]) -> None:
    assert [judge(e).findings for e in rounds] == [(), (), ()]
    assert judge(rounds[0]).outcomes == {"canceled": 2, "filled": 1}
    assert judge(rounds[1]).outcomes == {"placed": 2}
    assert sum(judge(rounds[2]).outcomes.values()) == 3
    assert spot(rounds[2]).live


@pytest.mark.parametrize("lie", FALSE_ANSWERS)
def test_the_judge_sees_a_lie_about_cancels(rounds: list[Evidence], lie: str) -> None:
    flaw, falsify = FALSE_ANSWERS[lie]
    assert flaw in flaws(falsify(rounds[0]))


@pytest.mark.parametrize("lie", PLACING_FALSE_ANSWERS)
def test_the_judge_sees_a_lie_about_placing(rounds: list[Evidence], lie: str) -> None:
    flaw, falsify = PLACING_FALSE_ANSWERS[lie]
    assert flaw in flaws(falsify(rounds[1]))


def test_one_request_cancels_all_orders_of_its_symbol(rounds: list[Evidence]) -> None:
    record = next(record for record in rounds[0].requests if record.executed)
    done = replace(record, path="/api/v3/trade/cancel-symbol-order", body='{"category": "MARGIN", "symbol": "BTCUSDT"}')
    assert replace(rounds[0], requests=(done,)).cancels_all("BTCUSDT")
    assert not replace(rounds[0], requests=(done,)).cancels_all("ETHUSDT")
    assert not replace(rounds[0], requests=(replace(done, executed=False),)).cancels_all("BTCUSDT")


@pytest.mark.parametrize("lie", BESIDE_FALSE_ANSWERS)
def test_the_judge_sees_what_happened_to_orders_of_the_owner(rounds: list[Evidence], lie: str) -> None:
    flaw, falsify = BESIDE_FALSE_ANSWERS[lie]
    assert flaw in flaws(falsify(rounds[2]))

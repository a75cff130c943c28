"""The campaign passes where nothing is false, and its judge says so where something is."""

from __future__ import annotations

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
from campaign.codes import EVERY, UNKNOWN, said_by
from campaign.drawing import draw_scenario
from campaign.evidence import Answer, Evidence, Settled, Statement
from campaign.judge import judge
from campaign.running import opened, play
from campaign.scenario import PAIRS, By, Fate, Flavour, Method, Naming, Plan, Scenario, Trouble, Wish
from campaign.stages import Stage
from campaign.tally import Tally
from campaign.verdict import Flaw, Orders
from campaign.verdict import Verdict as RoundVerdict

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


def test_as_much_is_placed_as_cancelled_and_every_code_proves_what_it_says() -> None:
    """A code that is known to mean "not executed" comes only where that is so; every other one both ways."""
    scenarios = [draw_scenario(1, number) for number in range(DRAWN)]
    places = sum(scenario.method.places for scenario in scenarios)
    assert 0.45 < places / DRAWN < 0.55
    coded = [
        (rule.kind, said)
        for scenario in scenarios
        for rule in scenario.trouble.rules
        if rule.kind in EXECUTED | NOT_EXECUTED and (said := said_by(rule)) is not None
    ]
    assert all(said.may_be_executed for kind, said in coded if kind in EXECUTED)
    after = {said.verdict for kind, said in coded if kind in EXECUTED}
    before = {said.verdict for kind, said in coded if kind in NOT_EXECUTED}
    assert before == {None, *Verdict} - {Verdict.UNSENT}
    assert after == before - {Verdict.DEFINITIVE, Verdict.REFUSED, Verdict.CLOCK}
    codes = {said.code for _, said in coded}
    assert codes >= {None, *UNKNOWN}
    assert len(codes & set(EVERY)) > 0.4 * len(EVERY)


def test_too_little_that_is_placed_is_told() -> None:
    tally = Tally()
    tally.add(RoundVerdict(1, 1, "none", "create_order", placing=Orders(20_000, 19_000, 12_000, 10_000)))
    assert list(tally.shortfalls()) == []
    tally.add(RoundVerdict(1, 2, "none", "create_order", placing=Orders(100)))
    assert len(list(tally.shortfalls())) == 2


# -- a round without flaws, and what is made of it -----------------------------------------------------------------


def quiet(method: Method, **more: object) -> Scenario:
    """Return a round in which nothing goes wrong: a live, a partly filled and a filled order, and a stranger."""
    fates = (Fate.LIVE, Fate.PARTLY, Fate.FILLED, Fate.LIVE)
    plans = tuple(Plan(PAIRS[0], "buy", "50000", "0.002", "0.001", f"n{i}", fate) for i, fate in enumerate(fates))
    return Scenario(1, 1, AccountKind.CLASSIC, Flavour.ASYNC, method, PAIRS[0], plans, Trouble("none"), 2_000, **more)


async def played(*scenarios: Scenario) -> list[Evidence]:
    async with opened() as player:
        return [await play(player, scenario, Stage.of([scenario])) for scenario in scenarios]


@pytest.fixture(scope="module")
def rounds() -> list[Evidence]:
    namings = (Naming(SYMBOL, By.ID, 0), Naming(SYMBOL, By.CLIENT_ID, 1), Naming(SYMBOL, By.ID, 2))
    wishes = tuple(Wish("buy", "50000", "0.001", f"w{i}") for i in range(2))
    cancel = quiet(Method.BATCH_CANCEL, namings=namings, asks_again=True)
    return asyncio.run(played(cancel, quiet(Method.CREATE_ORDERS, wishes=wishes)))


def changed(e: Evidence, order: Order, **changes: object) -> Evidence:
    """Return the evidence with another truth about an order."""
    books = {order.order_id: replace(order, **changes)}
    return replace(e, after={**e.after, **books}, final={**e.final, **books})


def said(e: Evidence, change: Callable[[tuple[Statement, ...]], tuple[Statement, ...]]) -> Evidence:
    """Return the evidence with other statements."""
    assert e.answer.statements is not None
    return replace(e, answer=replace(e.answer, statements=change(e.answer.statements)))


def stranger(e: Evidence) -> Order:
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


LIES: dict[str, tuple[Flaw, Callable[[Evidence], Evidence]]] = {
    "a cancelled order that lives": (Flaw.FALSE, lambda e: changed(e, one(e), status=Status.LIVE)),
    "a cancelled order that filled": (Flaw.FALSE, lambda e: changed(e, one(e), status=Status.FILLED)),
    "another amount": (Flaw.FALSE, lambda e: said(e, with_filled)),
    "an acknowledgement for a proof": (Flaw.FALSE, lambda e: said(e, lambda s: about_first(s, outcome="accepted"))),
    "an open order that we ended": (Flaw.FALSE, lambda e: said(e, lambda s: about_first(s, outcome="open"))),
    "an order that was there": (Flaw.FALSE, lambda e: said(e, lambda s: about_first(s, outcome="not_found"))),
    "not sent, and carried out": (Flaw.FALSE, lambda e: said(e, lambda s: about_first(s, outcome="not_sent"))),
    "another answer, asked again": (
        Flaw.FALSE,
        lambda e: replace(e, again=Answer(about_first(e.again.statements, outcome="filled"))),
    ),
    "a missing id": (Flaw.LOST, lambda e: said(e, lambda s: s[1:])),
    "another order of the answers": (Flaw.LOST, lambda e: said(e, lambda s: (s[2], s[1], s[0]))),
    "no report": (Flaw.LOST, lambda e: replace(e, answer=Answer(error=KeyError("x")))),
    "an exception that nobody documented": (
        Flaw.UNDOCUMENTED,
        lambda e: replace(e, answer=replace(e.answer, error=KeyError("x"))),
    ),
    "a stranger that was cancelled": (Flaw.STRANGER, lambda e: changed(e, stranger(e), status=Status.CANCELLED)),
    "a stranger that traded": (Flaw.STRANGER, lambda e: changed(e, stranger(e), filled=Decimal("0.001"))),
    "an order that nobody wanted": (Flaw.DOUBLED, lambda e: changed(e, replace(one(e), order_id="7"))),
    "nothing in the way, and unresolved": (
        Flaw.UNEXPLAINED,
        lambda e: said(unresolved(e), lambda s: about_first(s, outcome="unknown")),
    ),
    "too late": (Flaw.LATE, lambda e: replace(e, lag_ms=0.0, answer=replace(e.answer, elapsed_ms=2_300.0))),
    "too many requests": (Flaw.EXCESS, lambda e: replace(e, requests=e.requests * 50)),
}


def placed(e: Evidence, number: int = 0, **changes: object) -> Evidence:
    """Return the evidence with other words about one of the orders that were placed."""
    assert e.answer.placed is not None
    orders = list(e.answer.placed)
    orders[number] = {**orders[number], **changes}
    return replace(e, answer=replace(e.answer, placed=tuple(orders)))


def in_doubt(e: Evidence, *settled: Settled) -> Evidence:
    """Return the evidence with the first order left open by the call, and what was seen of it afterwards."""
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


TAKEN = ccxt.DuplicateOrderId("another order has the client order id 'w0'; nothing was placed: give a new one")
FOUND = {"id": "7"}
PLACING_LIES: dict[str, tuple[Flaw, Callable[[Evidence], Evidence]]] = {
    "an order placed twice": (Flaw.DOUBLED, lambda e: changed(e, replace(e.new()[0], order_id="7"))),
    "two orders for one": (Flaw.DOUBLED, lambda e: changed(e, replace(e.new()[0], order_id="7", client_oid="w7"))),
    "a request sent twice": (Flaw.DOUBLED, lambda e: replace(e, requests=e.requests * 2)),
    "an order that does not exist": (Flaw.INVENTED, nothing_placed),
    "an id that is nobody's": (Flaw.INVENTED, lambda e: placed(e, id="7")),
    "an order of somebody else": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], uid="999")),
    "an order of another name": (Flaw.INVENTED, lambda e: placed(e, id=one(e).order_id)),
    "an order that is older": (Flaw.INVENTED, older),
    "an order of another amount": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], base_size=Decimal("0.002"))),
    "an order of another side": (Flaw.INVENTED, lambda e: changed(e, e.new()[0], side=Side.SELL)),
    "one id for two orders": (Flaw.INVENTED, lambda e: placed(e, id=e.new()[1].order_id)),
    "a refusal of what was placed": (Flaw.LOST, lambda e: raised(e, ccxt.InvalidOrder("refused"))),
    "a rejection of what was placed": (Flaw.LOST, lambda e: placed(e, id=None, status="rejected")),
    "a name that is taken by nobody": (Flaw.FALSE, lambda e: raised(nothing_placed(e), TAKEN)),
    "an answer too few": (Flaw.LOST, lambda e: replace(e, answer=replace(e.answer, placed=e.answer.placed[1:]))),
    "an answer about another order": (Flaw.LOST, lambda e: placed(e, clientOrderId="w7")),
    "filled, and alive": (Flaw.FALSE, lambda e: placed(e, status="closed")),
    "filled by another amount": (Flaw.FALSE, lambda e: placed(e, filled=0.0005)),
    "a status without an id": (Flaw.FALSE, lambda e: placed(e, id=None, status="open")),
    "nothing said, and no exception": (Flaw.FALSE, lambda e: placed(e, id=None, status=None)),
    "an exception that nobody documented": (Flaw.UNDOCUMENTED, lambda e: raised(nothing_placed(e), KeyError("x"))),
    "a stranger that was cancelled": (Flaw.STRANGER, lambda e: changed(e, one(e), status=Status.CANCELLED)),
    "nothing in the way, and in doubt": (Flaw.UNEXPLAINED, in_doubt),
    "asked for again, and not found": (Flaw.LOST, lambda e: in_doubt(e, Settled("w0", is_missed=True))),
    "asked for again, and another one": (Flaw.INVENTED, lambda e: in_doubt(e, Settled("w0", FOUND))),
    "asked for again, and not known": (Flaw.UNEXPLAINED, lambda e: in_doubt(e, Settled("w0", error=TAKEN))),
    "asked for again, and known too late": (
        Flaw.UNEXPLAINED,
        lambda e: in_doubt(e, Settled("w0", {"id": e.new()[0].order_id}, elapsed_ms=30_001.0)),
    ),
}


def flaws(e: Evidence) -> set[Flaw]:
    return {finding.flaw for finding in judge(e).findings}


def test_a_quiet_round_has_no_flaws(rounds: list[Evidence]) -> None:
    assert [judge(e).findings for e in rounds] == [(), ()]
    assert judge(rounds[0]).outcomes == {"canceled": 2, "filled": 1}
    assert judge(rounds[1]).outcomes == {"placed": 2}


@pytest.mark.parametrize("lie", LIES)
def test_the_judge_sees_a_lie_about_cancels(rounds: list[Evidence], lie: str) -> None:
    flaw, tell = LIES[lie]
    assert flaw in flaws(tell(rounds[0]))


@pytest.mark.parametrize("lie", PLACING_LIES)
def test_the_judge_sees_a_lie_about_placing(rounds: list[Evidence], lie: str) -> None:
    flaw, tell = PLACING_LIES[lie]
    assert flaw in flaws(tell(rounds[1]))

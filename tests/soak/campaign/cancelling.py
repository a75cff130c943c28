"""The rules for calls that cancel: one answer per name, all of them true, and nothing left where nothing should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bitget_margin.emulator import FaultKind
from bitget_margin.emulator.api.fault_responses import UNASKED_ORDER_ID

from .calls import in_order_of_answer
from .evidence import Evidence, Name, Statement
from .outcomes import is_lagged, judge_outcome
from .scenario import By, Method
from .verdict import Finding, Flaw


def judge_cancelling(e: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with what was said of the orders."""
    if e.answer.statements is None:
        if e.requests:
            yield Finding(Flaw.LOST, f"{e.answer.error!r} leaves without a report after {len(e.requests)} requests")
        return
    if e.scenario.method is Method.CANCEL_ALL:
        yield from _judge_sweep(e, e.answer.statements)
        return
    for name, said in answers(e, e.answer.statements).items():
        if said is None:
            yield Finding(Flaw.LOST, f"nothing is said of {name.value} ({name.by}, {name.symbol})")
        else:
            yield from judge_outcome(e, name, said)
    yield from _judge_accounting(e, e.answer.statements)


def answers(e: Evidence, statements: tuple[Statement, ...]) -> dict[Name, Statement | None]:
    """Return what is said of each name; of everything open, by the ids that are said."""
    if not e.names:
        market = e.scenario.pair.market
        return {Name(said.symbol, market, By.ID, said.id or ""): said for said in statements}
    expected = in_order_of_answer(e.scenario.method, e.distinct)
    if len(expected) == len(statements):
        return dict(zip(expected, statements, strict=True))
    # Some are missing, or too many: each name gets one that is about it, and those without are lost.
    left = list(statements)
    said: dict[Name, Statement | None] = {}
    for name in expected:
        said[name] = next((one for one in left if _key(one, name.by) == name.value and one.symbol == name.symbol), None)
        left = [one for one in left if one is not said[name]]
    return said


def lagged(e: Evidence) -> int:
    """Return how many statements are what a lagging history shows, as documented."""
    said = answers(e, e.answer.statements or ())
    return sum(
        is_lagged(e, name, statement)
        for name, statement in said.items()
        if statement is not None and _differs(e, name, statement)
    )


def _differs(e: Evidence, name: Name, said: Statement) -> bool:
    meant = e.meant(name)
    return meant is not None and (said.outcome == "not_found" or said.id not in (None, meant.order_id))


def _judge_accounting(e: Evidence, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    """Yield what is wrong with the number and the order of the answers."""
    expected = in_order_of_answer(e.scenario.method, e.distinct)
    if len(statements) != len(expected):
        yield Finding(Flaw.LOST, f"{len(statements)} answers for {len(expected)} names")
        return
    for i, (name, said) in enumerate(zip(expected, statements, strict=True)):
        if _key(said, name.by) != name.value or said.symbol != name.symbol:
            yield Finding(Flaw.LOST, f"answer {i} is about {said.id or said.client_id}, not about {name.value}")
            return


def _judge_sweep(e: Evidence, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    market = e.scenario.pair.market
    for name, said in answers(e, statements).items():
        order = e.final.get(name.value)
        if order is None and name.value == UNASKED_ORDER_ID and e.scenario.trouble.has(FaultKind.UNASKED_IDS):
            continue  # the venue itself has listed it: whatever is said of it, nobody can know better
        if order is None or order.symbol != market or not e.owns(order):
            yield Finding(Flaw.FALSE, f"{name.value} is no order of {market} of this account")
        else:
            yield from judge_outcome(e, name, said or statements[0])
    twice = [order_id for order_id, count in Counter(said.id for said in statements).items() if count > 1]
    for order_id in twice:
        yield Finding(Flaw.LOST, f"{order_id} is answered twice")
    if e.answer.error is not None:
        return
    disturbed = {done.order_id for done in e.done}
    for order_id in sorted(e.touchable() - {said.id or "" for said in statements} - disturbed):
        yield Finding(Flaw.LOST, f"nothing is said of {order_id}, which was open")
    for order in e.after.values():
        if e.owns(order) and order.symbol == market and order.live:
            yield Finding(Flaw.FALSE, f"everything is said to be cancelled, and {order.order_id} is {order.status}")


def _key(said: Statement, by: By) -> str | None:
    return said.id if by is By.ID else said.client_id

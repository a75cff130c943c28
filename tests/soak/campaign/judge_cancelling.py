"""Rules for calls that cancel: one true statement per name, and no named order left open."""

from collections import Counter
from collections.abc import Iterator

from bitget_margin.emulator import FaultKind
from bitget_margin.emulator.api.fault_responses import UNASKED_ORDER_ID
from campaign.calls import in_order_of_answer
from campaign.evidence import Evidence, Name, Statement
from campaign.judge_outcomes import is_lagged, judge_outcome
from campaign.scenario import By, Method
from campaign.verdict import Finding, Flaw


def judge_cancelling(e: Evidence) -> Iterator[Finding]:
    """Yield what is wrong with the answer to a call that cancels."""
    if e.answer.statements is None:
        if e.requests:
            yield Finding(Flaw.LOST, f"{e.answer.error!r} leaves without a report after {len(e.requests)} requests")
        return
    if e.scenario.method is Method.CANCEL_ALL:
        yield from _judge_cancel_all(e, e.answer.statements)
        return
    for name, statement in answers(e, e.answer.statements).items():
        if statement is None:
            yield Finding(Flaw.LOST, f"no statement about {name.value} ({name.by}, {name.symbol})")
        else:
            yield from judge_outcome(e, name, statement)
    yield from _judge_accounting(e, e.answer.statements)


def answers(e: Evidence, statements: tuple[Statement, ...]) -> dict[Name, Statement | None]:
    """Map each name to its statement; without names, map the ids that the statements have."""
    if not e.names:
        market = e.scenario.pair.market
        return {Name(statement.symbol, market, By.ID, statement.id or ""): statement for statement in statements}
    expected = in_order_of_answer(e.scenario.method, e.distinct)
    if len(expected) == len(statements):
        return dict(zip(expected, statements, strict=True))
    # Some are missing, or too many: each name gets one that is about it, and those without are lost.
    left = list(statements)
    result: dict[Name, Statement | None] = {}
    for name in expected:
        matching = (one for one in left if _key(one, name.by) == name.value and one.symbol == name.symbol)
        result[name] = next(matching, None)
        left = [one for one in left if one is not result[name]]
    return result


def lagged(e: Evidence) -> int:
    """Count the statements that show a lagging history, as documented."""
    by_name = answers(e, e.answer.statements or ())
    return sum(
        is_lagged(e, name, statement)
        for name, statement in by_name.items()
        if statement is not None and _differs(e, name, statement)
    )


def _differs(e: Evidence, name: Name, statement: Statement) -> bool:
    meant = e.meant(name)
    return meant is not None and (statement.outcome == "not_found" or statement.id not in (None, meant.order_id))


def _judge_accounting(e: Evidence, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    """Yield what is wrong with the number and the order of the answers."""
    expected = in_order_of_answer(e.scenario.method, e.distinct)
    if len(statements) != len(expected):
        yield Finding(Flaw.LOST, f"{len(statements)} answers for {len(expected)} names")
        return
    for i, (name, statement) in enumerate(zip(expected, statements, strict=True)):
        if _key(statement, name.by) != name.value or statement.symbol != name.symbol:
            yield Finding(
                Flaw.LOST, f"answer {i} is about {statement.id or statement.client_id}, not about {name.value}"
            )
            return


def _judge_cancel_all(e: Evidence, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    market = e.scenario.pair.market
    for name, statement in answers(e, statements).items():
        order = e.final.get(name.value)
        if order is None and name.value == UNASKED_ORDER_ID and e.scenario.faults.has(FaultKind.UNASKED_IDS):
            continue  # the venue itself listed it: no statement about it can be wrong
        if order is None or order.symbol != market or not e.owns(order):
            yield Finding(Flaw.FALSE, f"{name.value} is no order of {market} of this account")
        else:
            yield from judge_outcome(e, name, statement or statements[0])
    twice = [order_id for order_id, count in Counter(statement.id for statement in statements).items() if count > 1]
    for order_id in twice:
        yield Finding(Flaw.LOST, f"{order_id} is answered twice")
    if e.answer.error is not None:
        return
    disturbed = {done.order_id for done in e.done}
    for order_id in sorted(e.touchable() - {statement.id or "" for statement in statements} - disturbed):
        yield Finding(Flaw.LOST, f"no statement about {order_id}, which was open")
    for order in e.after.values():
        if e.owns(order) and order.symbol == market and order.live:
            yield Finding(Flaw.FALSE, f"everything is reported as canceled, and {order.order_id} is {order.status}")


def _key(statement: Statement, by: By) -> str | None:
    return statement.id if by is By.ID else statement.client_id

"""Text of one round in full: scenario, requests and events by time, answer, and verdict."""

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal

from bitget_margin.emulator import Order
from campaign.calls import call_of
from campaign.evidence import Evidence
from campaign.scenario import Scenario
from campaign.verdict import Verdict

_LONGEST = 400


def trace(e: Evidence, verdict: Verdict) -> Iterator[str]:
    """Yield the lines of the text."""
    yield from _drawn(e.scenario)
    call = call_of(e.scenario, e.names)
    yield f"call      {call.method}{call.arguments}"
    yield ""
    yield from (line for _, line in sorted(_happened(e), key=lambda moment: moment[0]))
    yield ""
    yield f"answer    after {e.answer.elapsed_ms:.0f} ms of {e.scenario.timeout_ms}, {e.answer.error!r}"
    for statement in e.answer.statements or ():
        ids = f"{statement.id or '-':>19} {statement.client_id or '-':>10}"
        yield f"  {ids} {statement.symbol} {statement.outcome:10} {_of(e.final.get(statement.id or ''))}"
    for order in (e.answer.placed or ()) if e.scenario.method.places else ():
        yield f"  {order['clientOrderId']} placed as {order['id']}, status {order['status']}"
    for settled in e.settled:
        known = settled.order and settled.order["id"]
        yield f"  {settled.name} looked up later: {known}, missed: {settled.is_missed}, {settled.elapsed_ms:.0f} ms"
    yield from (f"  new {order.order_id} {order.client_oid} {_of(order)}" for order in e.new())
    yield ""
    yield f"verdict   {dict(verdict.outcomes)}, {verdict.requests} requests, this process was {e.lag_ms:.0f} ms late"
    yield from (f"  {count:3} unresolved: {reason}" for reason, count in verdict.reasons.items())
    yield from (f"  {finding.flaw.upper()}: {finding.text}" for finding in verdict.findings)


def _drawn(scenario: Scenario) -> Iterator[str]:
    for field in fields(scenario):
        value = getattr(scenario, field.name)
        if isinstance(value, tuple) and field.name in {"plans", "references", "events", "new_orders"}:
            yield f"{field.name}"
            yield from (f"  {i:3} {item}" for i, item in enumerate(value))
        else:
            yield f"{field.name:9} {value}"


def _happened(e: Evidence) -> Iterator[tuple[float, str]]:
    for record in e.requests:
        met = f" [{record.fault}]" if record.fault else ""
        carried = "" if record.executed else " not executed"
        path = record.path.rsplit("/", 1)[-1]
        text = f"{record.method} {path} -> {record.status}{carried}{met} {record.query}{record.body}"
        yield record.at_ms, f"{record.at_ms - e.began_ms:6.0f} ms {text[:_LONGEST]}"
    for done in e.done:
        successor = f", successor {done.successor}" if done.successor else ""
        yield done.at_ms, f"{done.at_ms - e.began_ms:6.0f} ms owner: {done.action} {done.order_id}{successor}"
    for order_id, order in e.after.items():
        if order_id not in e.before or order != e.before[order_id]:
            yield order.updated_ms, f"{order.updated_ms - e.began_ms:6.0f} ms {order_id} is {order.status}"


def _of(order: Order | None) -> str:
    if order is None:
        return "is no order of this account"
    filled = f", filled {order.filled.normalize():f}" if order.filled != Decimal(0) else ""
    return f"is {order.status}{filled}"

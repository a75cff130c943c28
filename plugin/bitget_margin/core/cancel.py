"""The flow of a cancel: send, look, send again what lives, until every order has its proof or the time is up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bitget_margin.core.api import dialect_of
from bitget_margin.core.cancel_state import Entry
from bitget_margin.core.effects import Answer, Fault, Flow, Reply, Send, Wait
from bitget_margin.core.order_ref import Target, batches
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import look_up
from bitget_margin.core.requests import Desk, deliver
from bitget_margin.core.verdicts import Verdict, hint_gone

_LAST_LOOK_MS: Final = 250.0
"""How long before the deadline, at most, an order that is not proven is looked up for the last time."""
_GRAIN_MS: Final = 1.0
"""A sleep may end this much early."""
_REFUSALS: Final = frozenset(
    {Verdict.REFUSED, Verdict.STATE, Verdict.DUPLICATE, Verdict.NOT_CANCELED, Verdict.ENDED, Verdict.GONE},
)
"""What is a known refusal of a cancel."""


def cancel(desk: Desk) -> Flow[None]:
    """Cancel every entry of the desk's ledger that has no outcome, and give each the one that is proven."""
    yield from pursue(desk)
    desk.ledger.close()


def interrupt(desk: Desk) -> None:
    """Close the ledger of a flow that ended early, with the replies that had come in by then."""
    flying, desk.ledger.in_flight = desk.ledger.in_flight, []
    for send, batch in flying:
        desk.ledger.requests += send.started
        if send.reply is not None:
            _book(desk, send, batch, send.reply)
        elif send.started:
            for entry in batch:
                entry.attempted(desk.deadline.now_ms())
    desk.ledger.close()


def pursue(desk: Desk) -> Flow[None]:
    """Do the same, but leave open what is not proven, for a caller that has more to ask."""
    while True:
        now_ms = desk.deadline.now_ms() + _GRAIN_MS
        due = [entry for entry in desk.ledger.unresolved() if _cancel_ms(desk, entry) <= now_ms]
        if due:
            yield from _attempt(desk, due)
        now_ms = desk.deadline.now_ms() + _GRAIN_MS
        looks = [entry for entry in desk.ledger.unresolved() if _look_ms(desk, entry) <= now_ms]
        if looks:
            yield from look_up(desk, looks)
        pause_ms = _pause_ms(desk)
        if pause_ms is None:
            return
        yield Wait(desk.deadline.now_ms() + pause_ms)


def _cancel_ms(desk: Desk, entry: Entry) -> float:
    at_ms = entry.due_cancel_ms(desk.settings.pacing) if desk.ledger.error is None else None
    return float("inf") if at_ms is None else at_ms


def _look_ms(desk: Desk, entry: Entry) -> float:
    if entry.attempted_ms is None or entry.unreadable:
        return float("inf")
    # It lives, and no cancel will be sent any more: nothing is left to find out.
    settled = desk.ledger.error is not None and entry.row is not None and not entry.acknowledged
    return float("inf") if settled else entry.look_at_ms


def _pause_ms(desk: Desk) -> float | None:
    """Return how long to wait for the next thing to do; None if there is none, or no time for it."""
    now_ms, left_ms = desk.deadline.now_ms(), desk.deadline.left_ms()
    next_ms = min(
        (min(_cancel_ms(desk, entry), _look_ms(desk, entry)) for entry in desk.ledger.unresolved()),
        default=float("inf"),
    )
    if next_ms == float("inf") or left_ms <= _GRAIN_MS:
        return None
    pause_ms = max(0.0, next_ms - now_ms)
    if pause_ms < left_ms:
        return pause_ms
    # Nothing is due any more in this call: one last look, shortly before the deadline.
    pause_ms = left_ms - min(_LAST_LOOK_MS, desk.settings.timeout_ms / 10)
    looks = [entry for entry in desk.ledger.unresolved() if _look_ms(desk, entry) < float("inf")]
    if pause_ms <= _GRAIN_MS or not looks:
        return None
    for entry in looks:
        entry.look_at_ms = now_ms + pause_ms
    return pause_ms


def _attempt(desk: Desk, due: Sequence[Entry]) -> Flow[None]:
    """Send one cancel for each of these entries, and book what the venue says."""
    ledger = desk.ledger
    by_target: dict[Target, list[Entry]] = {}
    for entry in due:
        # Named by both of its ids, it is sent once: its name may have gone to a younger order by now.
        entry.sent_as = entry.address
        by_target.setdefault(entry.address, []).append(entry)
    dialect = desk.dialect
    size = 1 if desk.single else min(desk.settings.batch_size, dialect.batch_max)
    groups: list[tuple[Target, ...]] = list(batches(by_target, size))
    calls = [dialect.single_cancel(group[0]) if desk.single else dialect.batch_cancel(group) for group in groups]
    sends = [desk.send(call) for call in calls]
    named = [tuple(entry for target in group for entry in by_target[target]) for group in groups]
    ledger.in_flight = list(zip(sends, named, strict=True))
    replies = yield from deliver(desk, sends)
    ledger.in_flight = []
    for send, batch, reply in zip(sends, named, replies, strict=True):
        _book(desk, send, batch, reply)


def _book(desk: Desk, send: Send, batch: Sequence[Entry], reply: Reply) -> None:
    now_ms = desk.deadline.now_ms()
    if isinstance(reply, Answer):
        dialect = dialect_of(send.call.endpoint.kind)
        answer = (dialect.read_single if desk.single else dialect.read_batch)(reply.body)
        if answer is not None:
            desk.ledger.record_answer(answer, batch, now_ms, desk.settings.pacing)
        else:
            for entry in batch:
                entry.attempted(now_ms)
                entry.doubted("the venue's answer has no list that can be read")
    else:
        _book_fault(desk, batch, reply)
    for entry in batch:
        entry.look_at_ms = now_ms
        if entry.acknowledged and not desk.settings.confirm:
            entry.outcome = Outcome.ACCEPTED


def _book_fault(desk: Desk, batch: Sequence[Entry], fault: Fault) -> None:
    why, now_ms = desk.verdict(fault), desk.deadline.now_ms()
    if why in {Verdict.DEFINITIVE, Verdict.CLOCK} and desk.ledger.error is None:
        desk.ledger.error = fault.error
    for entry in batch:
        if why in _REFUSALS or (why is Verdict.UNSETTLED and hint_gone(fault.code, fault.text)):
            entry.attempted(now_ms)
            entry.refused(now_ms, fault.code, fault.text)
            entry.info, entry.error = _info(fault.body), fault.error
        elif why in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}:
            entry.attempted(now_ms)
            entry.doubted(fault.text or str(fault.error), fault.code)
        else:
            entry.resend_ms = now_ms + (0 if desk.is_other_kind(fault) else desk.settings.pacing.limited_ms)
            entry.code, entry.reason = fault.code, fault.text or str(fault.error)


def _info(body: object) -> dict[str, object] | None:
    return body if isinstance(body, dict) else None

"""The evidence: what is known of every requested order, kept so that an interrupted call can still tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.core.effects import Fault, Send
from bitget_margin.core.order_ref import IdKind, OrderRef, number
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchAnswer, Item
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict, hint_gone, verdict_of_code, verdict_of_item


@dataclass(slots=True)
class OrderState:
    """What is known of one requested order. Times are of the caller's clock, in milliseconds."""

    ref: OrderRef
    outcome: Outcome | None = None

    sent_ref: OrderRef | None = None
    """How it was named in the last cancel: by its order id once that is known."""
    resend_ms: float = 0.0
    """Not before this is a cancel that never got through sent again."""
    attempted_ms: float | None = None
    """When the last cancel that may have been executed was answered, or given up."""
    acknowledged: bool = False
    maybe_executed: bool = False
    """A cancel may have been executed without an answer that can be read."""
    refusals_ms: tuple[float, ...] = ()
    """When it was refused, or left out of both lists."""
    refused_as_gone: bool = False
    """Whether the last refusal suggests that the venue does not know the order."""
    refused_as_ended: bool = False
    """Whether the last refusal says that the order has ended: a row that lives beside it is older."""
    reason: str | None = None
    code: str | None = None
    info: Mapping[str, Any] | None = None
    """The venue's own entry for this order in the last answer to a cancel."""
    error: Exception | None = None
    """The exception that came with a refusal of the whole request, or with a definitive error."""

    bound_id: str | None = None
    """The order id that a client order id stands for, once the venue has said so."""
    row: OrderRow | None = None
    row_ms: float | None = None
    absent_since_ms: float | None = None
    """When both look-ups by this id first did not know it, with no cancel and no row since."""
    possible_namesake: OrderRow | None = None
    """An ended row under our client order id, which may be an older order of the same name."""
    namesake_since_ms: float | None = None
    namesake_number: int | None = None
    """The order id beside our client order id in a failure: it binds nothing, but no older order is meant."""
    lookups: int = 0
    lookups_by_id: int = 0
    next_lookup_ms: float = 0.0
    unreadable: bool = False
    """The venue refuses the look-ups themselves, definitively."""

    @property
    def cancel_ref(self) -> OrderRef:
        """How to name it in a cancel: at first as it was asked for, again by its order id."""
        if self.attempted_ms is None or self.bound_id is None:
            return self.ref
        return OrderRef(self.ref.symbol, IdKind.ORDER, self.bound_id)

    @property
    def order_id(self) -> str | None:
        """The order id, if it is known for certain."""
        return self.ref.value if self.ref.kind is IdKind.ORDER else self.bound_id

    @property
    def number(self) -> int | None:
        """The order id as a number, if it is known and is one."""
        return number(self.order_id)

    # -- evidence that comes in -------------------------------------------------------------------------------------

    def record_attempt(self, now_ms: float) -> None:
        """Note a cancel that may have been executed: absences from before it prove nothing any more."""
        self.attempted_ms = now_ms
        self.absent_since_ms = None

    def record_refusal(self, now_ms: float, code: str | None, reason: str | None) -> None:
        """Note that the cancel was refused, or answered in neither list."""
        self.refusals_ms = (*self.refusals_ms, now_ms)
        self.code, self.reason = code, reason
        self.refused_as_gone = hint_gone(code, reason)
        self.refused_as_ended = self.refused_as_gone or (code is not None and verdict_of_code(code) is Verdict.ENDED)

    def record_ambiguous(self, reason: str | None, code: str | None = None) -> None:
        """Note that a cancel may have been executed: it may be on its way, so refusals from before it say nothing."""
        self.maybe_executed = True
        self.refusals_ms = ()
        self.code, self.reason = code, reason

    def record_item(
        self, taken: Item | None, failed: Item | None, now_ms: float, pacing: Pacing, *, complete: bool
    ) -> None:
        """Record what an answer says of this order: as taken, as failed, as both, or nothing.

        :param complete: the answer is to this request, and not to another: it names no order that nobody asked for
        """
        item = failed or taken
        self.info = self.info if item is None else item.raw
        if failed is not None and taken is None:
            self.record_failure(failed, now_ms, pacing)
            return
        self.record_attempt(now_ms)
        if failed is not None:
            self.record_ambiguous(failed.reason, failed.code)
        elif taken is not None:
            self.acknowledged = True
        elif complete:
            self.maybe_executed = True
            self.record_refusal(now_ms, None, "the venue named this order in neither list")
        else:
            self.record_ambiguous("the venue's answer names other orders, and not this one")

    def record_failure(self, item: Item, now_ms: float, pacing: Pacing) -> None:
        """Record a failure entry. An order id in it binds nothing: it may be of an older order of this name."""
        why = verdict_of_item(item.code, item.reason)
        if why is Verdict.LIMITED:
            # Not executed, and no refusal either: an earlier cancel may be what came too soon before it.
            self.resend_ms = now_ms + pacing.limited_ms
            self.code, self.reason = item.code, item.reason
            return
        self.record_attempt(now_ms)
        if self.ref.kind is IdKind.CLIENT:
            self.namesake_number = number(item.order_id)
        if why is Verdict.AMBIGUOUS or why is Verdict.UNSETTLED:
            self.record_ambiguous(item.reason, item.code)
        else:
            self.record_refusal(now_ms, item.code, item.reason)

    def record_row(self, row: OrderRow, now_ms: float) -> None:
        """Take a row that is certainly about this order: it is final if it says so."""
        if self.row is not None and self.row.state.ended:
            return
        self.row, self.row_ms, self.absent_since_ms = row, now_ms, None
        if self.ref.kind is IdKind.CLIENT and self.bound_id is None:
            self.bound_id = row.order_id
        if row.state is RowState.CANCELED:
            self.outcome = Outcome.CANCELED
        elif row.state is RowState.FILLED:
            self.outcome = Outcome.FILLED

    def record_possible_namesake(self, row: OrderRow, now_ms: float, began_ms: float | None, pacing: Pacing) -> None:
        """Take the newest ended row under our client order id, with no live one beside it.

        The venue lets a client order id be used again once its order has ended, and history lags: the row may be an
        older namesake's. It is ours if it ended after this call began, which is `began_ms` on the venue's own clock.
        If it ended before, our cancel cannot have been what ended it; without a cancel that may have been executed,
        it counts when it still is the newest at a second look, and no failure has named a younger order.
        """
        if (
            began_ms is not None
            and row.updated_ms is not None
            and row.updated_ms >= began_ms - VENUE_CLOCK_RESOLUTION_MS
        ):
            self.record_row(row, now_ms)
        elif self.acknowledged or self.maybe_executed or (self.namesake_number or 0) > (row.number or 0):
            return
        elif self.possible_namesake is None or self.possible_namesake.order_id != row.order_id:
            self.possible_namesake, self.namesake_since_ms = row, now_ms
        elif self.namesake_since_ms is not None and now_ms - self.namesake_since_ms >= pacing.recheck_ms:
            self.record_row(row, now_ms)

    def decide_open(self, pacing: Pacing) -> None:
        """Call it OPEN where the evidence says so: an end needs a row, and is seen by `saw` alone."""
        if self.outcome is not None or self.row is None or self.acknowledged or not self.refusals_ms:
            return
        if self.refused_as_ended:
            return
        if self.refusals_ms[-1] != self.attempted_ms:
            return
        spaced = self.refusals_ms[-1] - self.refusals_ms[0] >= pacing.refusals_ms
        read_after = self.row_ms is not None and self.row_ms >= self.refusals_ms[-1]
        if spaced and read_after and self.row.state is RowState.LIVE:
            self.outcome = Outcome.OPEN

    def record_absence(self, now_ms: float, pacing: Pacing) -> None:
        """Both look-ups by this id did not know it: NOT_FOUND the second time, if the venue said so itself."""
        if self.absent_since_ms is None:
            self.absent_since_ms = now_ms
        never_seen = self.row is None and not self.acknowledged and not self.maybe_executed
        spaced = now_ms - self.absent_since_ms >= pacing.recheck_ms
        if spaced and never_seen and self.refusals_ms and self.refused_as_gone:
            self.outcome = Outcome.NOT_FOUND

    # -- what to do next --------------------------------------------------------------------------------------------

    def next_cancel_ms(self, pacing: Pacing) -> float | None:
        """Return when to cancel (again): as soon as possible if never tried, None if there is nothing to repeat."""
        if self.outcome is not None:
            return None
        if self.attempted_ms is None:
            return self.resend_ms
        lives = self.row is not None
        # By name only what was seen alive: the name may have gone to a younger order by now.
        unanswered = not self.acknowledged and not self.refused_as_gone and self.order_id is not None
        # One that did not get out sets when to try again, too.
        return max(self.resend_ms, self.attempted_ms + pacing.recancel_ms) if lives or unanswered else None

    def schedule_lookup(self, now_ms: float, pacing: Pacing) -> None:
        """Set when to look this order up next: when a second look becomes proof, else with growing pauses."""
        self.lookups += 1
        if self.row is not None and not self.acknowledged:
            # It lives: only another cancel can tell more, and the look after that one is the proof.
            self.next_lookup_ms = max(self.next_cancel_ms(pacing) or 0.0, now_ms + pacing.poll_ms(self.lookups - 1))
            return
        since = self.namesake_since_ms if self.possible_namesake is not None else self.absent_since_ms
        waiting_for_proof = self.possible_namesake is not None or (self.refused_as_gone and not self.maybe_executed)
        if since is not None and waiting_for_proof and now_ms < since + pacing.recheck_ms:
            self.next_lookup_ms = since + pacing.recheck_ms
        else:
            self.next_lookup_ms = now_ms + pacing.poll_ms(self.lookups - 1)


@dataclass(slots=True)
class CancelState:
    """Every requested order of one call, in the order in which they were named."""

    orders: dict[OrderRef, OrderState]
    unasked: list[Mapping[str, Any]] = field(default_factory=list)
    in_flight: list[tuple[Send, tuple[OrderState, ...]]] = field(default_factory=list)
    """Cancels that were handed out and whose reply has not come back."""
    error: Exception | None = None
    """The first definitive error of a cancel."""
    last_fault: Fault | None = None
    requests: int = 0

    @classmethod
    def of(cls, targets: Iterable[OrderRef]) -> CancelState:
        """Return a ledger without evidence."""
        return cls({target: OrderState(target) for target in targets})

    def add(self, target: OrderRef) -> OrderState:
        """Return the entry of this order, new if it was not named before."""
        return self.orders.setdefault(target, OrderState(target))

    def unresolved(self) -> Iterator[OrderState]:
        """Return the entries that have no outcome yet."""
        return (entry for entry in self.orders.values() if entry.outcome is None)

    def record_answer(self, answer: BatchAnswer, batch: Iterable[OrderState], now_ms: float, pacing: Pacing) -> None:
        """Record one readable answer to a cancel of these entries.

        An id in both lists is neither taken nor refused: it is looked up. One in neither list counts as refused, but
        not where the answer names orders that nobody asked for: it may be the answer to another request.
        """
        entries = tuple(batch)
        names = [entry.sent_ref or entry.ref for entry in entries]
        kind = names[0].kind
        successes = {item.key(kind): item for item in answer.successes}
        failures = {item.key(kind): item for item in answer.failures}
        asked = {name.value for name in names}
        listed = (*answer.successes, *answer.failures)
        unasked = [item.raw for item in listed if item.key(kind) not in asked]
        for entry, name in zip(entries, names, strict=True):
            entry.record_item(successes.get(name.value), failures.get(name.value), now_ms, pacing, complete=not unasked)
        for item in answer.successes:
            if item.key(kind) in asked:
                self._bind_client_id(names[0].symbol, item)
        self.unasked.extend(unasked)
        self.unasked.extend(answer.unreadable)

    def _bind_client_id(self, symbol: str, item: Item) -> None:
        """Let a client order id stand for the order that had it while this call ran: what was acknowledged was live."""
        namesake = self.orders.get(OrderRef(symbol, IdKind.CLIENT, item.client_id or ""))
        if namesake is not None and namesake.bound_id is None and number(item.order_id):
            namesake.bound_id = item.order_id

    def resolve_remaining(self) -> None:
        """Give every entry without an outcome the one that is certain: UNKNOWN if it may have been executed."""
        for entry in self.unresolved():
            if entry.acknowledged and entry.reason is None:
                shown = "its row still lives" if entry.row is not None else "no look-up shows its end yet"
                entry.reason = f"acknowledged, and {shown}"
            entry.outcome = Outcome.NOT_SENT if entry.attempted_ms is None else Outcome.UNKNOWN

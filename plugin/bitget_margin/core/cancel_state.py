"""State of the orders of one cancel: evidence about each of them, and its next requests.

Theory of operation. An order has one of three states:

    new        no cancel of it may have been executed: `attempted_ms` is None
    canceling  a cancel was answered, or may have been executed; evidence is collected
    resolved   `outcome` is set, and does not change any more

Each event adds evidence:

    event                                       evidence            outcome, once it is proven
    ------------------------------------------  ------------------  -------------------------------------------------
    request not executed (429, never sent, ...) code, reason        none: the cancel is sent again at `resend_ms`
    listed as success                           acknowledged        ACCEPTED, if the caller wants no confirmation
    listed as failure, by a code or text that   refusals_ms         OPEN: two of them, `Pacing.refusals_ms` apart, then
      does not leave its execution open                             a live row; never acknowledged, nor refused as ended
    listed as failure, by any other code;       maybe_executed,     none: refusals from before do not count any more
      as both; reply lost or unreadable         no refusals
    listed as neither                           both of the above   as for a refusal
    ended row                                   row                 CANCELED or FILLED
    live row                                    row                 OPEN, see above
    ended row under the client order id, which  possible_namesake   CANCELED or FILLED: ended during this call, or the
      may be of an older order of that id                           newest one at two lookups `recheck_ms` apart while
                                                                    no cancel of this call may have been executed
    both lists do not know the id               absent_since_ms     NOT_FOUND: at two lookups `recheck_ms` apart, after
                                                                    a refusal as unknown; never seen, never
                                                                    acknowledged, no cancel that may have been executed
    end of the call                             -                   UNKNOWN; NOT_SENT of a new order

The schedule follows from the evidence:

    new                                         cancel at `resend_ms`
    live row seen, not acknowledged             cancel again `recancel_ms` after the last cancel, then look it up
    live row seen, acknowledged                 the same, and lookups at growing pauses
    no row, order id known, neither             the same, and lookups at growing pauses
      acknowledged nor refused as unknown
    otherwise                                   lookups alone, at growing pauses

A second lookup that completes a proof is scheduled for the moment when it does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.core.effects import Send
from bitget_margin.core.order_ref import IdKind, OrderRef, order_number
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchItem, BatchResponse
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict, hint_gone, verdict_of_code, verdict_of_item

NEVER: Final = math.inf
"""Time of a request that is not scheduled."""
_OUTCOMES: Final = {RowState.CANCELED: Outcome.CANCELED, RowState.FILLED: Outcome.FILLED}


@dataclass(slots=True)
class OrderEvidence:
    """Evidence about one order, and the outcome that it proves. Times are of the caller's clock, in milliseconds."""

    ref: OrderRef
    outcome: Outcome | None = None

    attempted_ms: float | None = None
    """Time of the reply to the last cancel that may have been executed, or of its timeout."""
    acknowledged: bool = False
    maybe_executed: bool = False
    """Whether a cancel may have been executed without a reply that proves it."""
    refusals_ms: tuple[float, ...] = ()
    """Times at which cancels were refused, or listed as neither success nor failure."""
    refused_as_gone: bool = False
    """Whether the last refusal suggests that the venue does not know the order."""
    refused_as_ended: bool = False
    """Whether the last refusal says that the order has ended: a live row beside it is outdated."""
    reason: str | None = None
    code: str | None = None
    info: Mapping[str, Any] | None = None
    """The raw item of this order in the last response to a cancel."""
    error: Exception | None = None
    """The exception that came with the refusal of a whole request."""

    bound_id: str | None = None
    """The order id that belongs to the client order id, once a response has shown it."""
    row: OrderRow | None = None
    row_ms: float | None = None
    absent_since_ms: float | None = None
    """Time at which both lists first did not know this id, with no cancel and no row since."""
    possible_namesake: OrderRow | None = None
    """An ended row under the client order id, which may be of an older order of that id."""
    namesake_since_ms: float | None = None
    namesake_number: int | None = None
    """The order id beside the client order id in a failure: it binds nothing, but no older order is meant."""

    @property
    def order_id(self) -> str | None:
        """The order id, if it is known for certain."""
        return self.ref.value if self.ref.kind is IdKind.ORDER else self.bound_id

    def record_attempt(self, now_ms: float) -> None:
        """Record a cancel that may have been executed: absences from before it prove nothing any more."""
        self.attempted_ms = now_ms
        self.absent_since_ms = None

    def record_refusal(self, now_ms: float, code: str | None, reason: str | None) -> None:
        """Record a cancel that was refused, or listed as neither success nor failure."""
        self.record_attempt(now_ms)
        self.refusals_ms = (*self.refusals_ms, now_ms)
        self.code, self.reason = code, reason
        self.refused_as_gone = hint_gone(code, reason)
        self.refused_as_ended = self.refused_as_gone or (code is not None and verdict_of_code(code) is Verdict.ENDED)

    def record_ambiguous(self, now_ms: float, code: str | None, reason: str | None) -> None:
        """Record a cancel that may still be executed: refusals from before it prove nothing any more."""
        self.record_attempt(now_ms)
        self.maybe_executed = True
        self.refusals_ms = ()
        self.code, self.reason = code, reason

    def record_failure(self, item: BatchItem, now_ms: float) -> None:
        """Record a failure item. The order id in it binds nothing: it may be of an older order of this name."""
        if self.ref.kind is IdKind.CLIENT:
            self.namesake_number = order_number(item.order_id)
        why = verdict_of_item(item.code, item.reason)
        record = self.record_ambiguous if why in {Verdict.AMBIGUOUS, Verdict.UNSETTLED} else self.record_refusal
        record(now_ms, item.code, item.reason)

    def record_row(self, row: OrderRow, now_ms: float) -> None:
        """Record a row that is certainly of this order; one that has ended is final."""
        if self.row is not None and self.row.state.ended:
            return
        self.row, self.row_ms, self.absent_since_ms = row, now_ms, None
        if self.ref.kind is IdKind.CLIENT and self.bound_id is None:
            self.bound_id = row.order_id
        self.outcome = _OUTCOMES.get(row.state, self.outcome)

    def record_possible_namesake(self, row: OrderRow, now_ms: float, began_ms: float | None, pacing: Pacing) -> None:
        """Record the newest ended row under the client order id, where no live one is listed.

        A client order id can be used again once its order has ended, and history lags: the row may be of an older
        order. It is of this one if it ended after the call began, at `began_ms` of the venue's clock. One that ended
        before counts only if no cancel may have been executed, no failure has named a younger order, and the row still
        is the newest one at a second lookup.
        """
        ended_ms = row.updated_ms
        if began_ms is not None and ended_ms is not None and ended_ms >= began_ms - VENUE_CLOCK_RESOLUTION_MS:
            self.record_row(row, now_ms)
        elif self.acknowledged or self.maybe_executed or (self.namesake_number or 0) > (row.number or 0):
            return
        elif self.possible_namesake is None or self.possible_namesake.order_id != row.order_id:
            self.possible_namesake, self.namesake_since_ms = row, now_ms
        elif self.namesake_since_ms is not None and now_ms - self.namesake_since_ms >= pacing.recheck_ms:
            self.record_row(row, now_ms)

    def record_absence(self, now_ms: float, pacing: Pacing) -> None:
        """Record that neither list has this id: NOT_FOUND at the second time, if refused as unknown."""
        if self.absent_since_ms is None:
            self.absent_since_ms = now_ms
        never_seen = self.row is None and not self.acknowledged and not self.maybe_executed
        spaced = now_ms - self.absent_since_ms >= pacing.recheck_ms
        if spaced and never_seen and self.refusals_ms and self.refused_as_gone:
            self.outcome = Outcome.NOT_FOUND

    def decide_open(self, pacing: Pacing) -> None:
        """Set OPEN if refusals and a live row prove it; an end is set by `record_row` alone."""
        if self.outcome is not None or self.row is None or self.acknowledged or self.refused_as_ended:
            return
        if not self.refusals_ms or self.refusals_ms[-1] != self.attempted_ms:
            return
        spaced = self.refusals_ms[-1] - self.refusals_ms[0] >= pacing.refusals_ms
        read_after = self.row_ms is not None and self.row_ms >= self.refusals_ms[-1]
        if spaced and read_after and self.row.state is RowState.LIVE:
            self.outcome = Outcome.OPEN

    def resolve(self) -> None:
        """Set the outcome that is certain without proof: UNKNOWN if a cancel may have been executed."""
        if self.acknowledged and self.reason is None:
            shown = "its row still lives" if self.row is not None else "no lookup shows its end yet"
            self.reason = f"acknowledged, and {shown}"
        self.outcome = Outcome.NOT_SENT if self.attempted_ms is None else Outcome.UNKNOWN


@dataclass(slots=True)
class OrderSchedule:
    """The next cancel and the next lookup of one order. Times are of the caller's clock, in milliseconds."""

    evidence: OrderEvidence
    resend_ms: float = 0.0
    """Earliest time to send a cancel again that was not executed."""
    sent_ref: OrderRef | None = None
    """The id that the last cancel was sent with."""
    lookup_ms: float = 0.0
    lookups: int = 0
    lookups_by_id: int = 0
    lookups_refused: bool = False
    """Whether the lookups of this order were refused by a definitive error: they are not repeated."""

    @property
    def cancel_ref(self) -> OrderRef:
        """The id to cancel with: the caller's own for the first cancel, then the order id, if it is known."""
        known = self.evidence
        if known.attempted_ms is None or known.bound_id is None:
            return known.ref
        return OrderRef(known.ref.symbol, IdKind.ORDER, known.bound_id)

    def next_cancel_ms(self, pacing: Pacing) -> float:
        """Return when to cancel (again): at once if never tried, NEVER if a cancel has nothing to change."""
        known = self.evidence
        if known.outcome is not None:
            return NEVER
        if known.attempted_ms is None:
            return self.resend_ms
        unanswered = not known.acknowledged and not known.refused_as_gone
        # By client order id only after its live row was seen: a younger order may have the id by now.
        if known.row is None and not (unanswered and known.order_id is not None):
            return NEVER
        return max(self.resend_ms, known.attempted_ms + pacing.recancel_ms)

    def next_lookup_ms(self, *, is_last: bool) -> float:
        """Return when to look the order up; NEVER if that adds no evidence. `is_last`: no cancel is sent any more."""
        known = self.evidence
        settled = is_last and known.row is not None and not known.acknowledged
        return NEVER if known.attempted_ms is None or self.lookups_refused or settled else self.lookup_ms

    def schedule_lookup(self, now_ms: float, pacing: Pacing) -> None:
        """Set when to look the order up next: when a second lookup becomes proof, else at growing pauses."""
        known = self.evidence
        self.lookup_ms = now_ms + pacing.poll_ms(self.lookups)
        self.lookups += 1
        if known.row is not None and not known.acknowledged:
            # It lives: the lookup after the next cancel is the proof.
            self.lookup_ms = max(self.next_cancel_ms(pacing), self.lookup_ms)
            return
        since = known.namesake_since_ms if known.possible_namesake is not None else known.absent_since_ms
        awaits_proof = known.possible_namesake is not None or (known.refused_as_gone and not known.maybe_executed)
        if since is not None and awaits_proof and now_ms < since + pacing.recheck_ms:
            self.lookup_ms = since + pacing.recheck_ms


@dataclass(slots=True)
class OrderState:
    """One order of a cancel: its evidence, and the schedule that follows from it."""

    ref: OrderRef
    evidence: OrderEvidence = field(init=False)
    schedule: OrderSchedule = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = OrderEvidence(self.ref)
        self.schedule = OrderSchedule(self.evidence)

    @property
    def outcome(self) -> Outcome | None:
        """The outcome, once the evidence proves one."""
        return self.evidence.outcome

    def record_not_executed(self, code: str | None, reason: str | None, resend_ms: float) -> None:
        """Record a cancel that was not executed. No refusal: an earlier cancel may have come too shortly before it."""
        self.evidence.code, self.evidence.reason = code, reason
        self.schedule.resend_ms = resend_ms

    def record_item(
        self, success: BatchItem | None, failure: BatchItem | None, now_ms: float, pacing: Pacing, *, complete: bool
    ) -> None:
        """Record how a response lists this order: as success, as failure, as both, or not at all.

        :param complete: the response is to this request: it lists no order that was not requested
        """
        evidence, item = self.evidence, failure or success
        evidence.info = evidence.info if item is None else item.raw
        if failure is not None and success is None:
            if verdict_of_item(failure.code, failure.reason) is Verdict.LIMITED:
                self.record_not_executed(failure.code, failure.reason, now_ms + pacing.limited_ms)
            else:
                evidence.record_failure(failure, now_ms)
        elif failure is not None:
            evidence.record_ambiguous(now_ms, failure.code, failure.reason)
        elif success is not None:
            evidence.record_attempt(now_ms)
            evidence.acknowledged = True
        elif complete:
            evidence.maybe_executed = True
            evidence.record_refusal(now_ms, None, "the response lists this order neither as success nor as failure")
        else:
            evidence.record_ambiguous(now_ms, None, "the response lists other orders, and not this one")


@dataclass(slots=True)
class CancelState:
    """Every requested order of one cancel, in the order in which they were named."""

    orders: dict[OrderRef, OrderState] = field(default_factory=dict)
    use_single_endpoint: bool = False
    """Whether cancels go to the endpoint for one order instead of the batch endpoint."""
    unasked: list[Mapping[str, Any]] = field(default_factory=list)
    """Raw items of responses that belong to no requested order."""
    in_flight: list[tuple[Send, tuple[OrderState, ...]]] = field(default_factory=list)
    """Cancels that were handed out and whose reply has not come back."""
    error: Exception | None = None
    """The first definitive error of a cancel."""

    @classmethod
    def of(cls, targets: Iterable[OrderRef]) -> CancelState:
        """Return the state of these orders before the first request."""
        return cls({target: OrderState(target) for target in targets})

    def add(self, target: OrderRef) -> OrderState:
        """Return the state of this order, new if it was not named before."""
        return self.orders.setdefault(target, OrderState(target))

    def unresolved(self) -> Iterator[OrderState]:
        """Return the orders that have no outcome yet."""
        return (order for order in self.orders.values() if order.outcome is None)

    def record_response(
        self, response: BatchResponse, orders: Sequence[OrderState], now_ms: float, pacing: Pacing
    ) -> None:
        """Record a readable response to a cancel of these orders.

        An order in both lists is neither acknowledged nor refused: it is looked up. One in neither list counts as
        refused, unless the response lists orders that were not requested: it may be the response to another request.
        """
        refs = [order.schedule.sent_ref or order.ref for order in orders]
        kind = refs[0].kind
        successes = {item.key(kind): item for item in response.successes}
        failures = {item.key(kind): item for item in response.failures}
        requested = {ref.value for ref in refs}
        unasked = [item.raw for item in (*response.successes, *response.failures) if item.key(kind) not in requested]
        for order, ref in zip(orders, refs, strict=True):
            order.record_item(successes.get(ref.value), failures.get(ref.value), now_ms, pacing, complete=not unasked)
        for item in response.successes:
            if item.key(kind) in requested:
                self._bind_client_id(refs[0].symbol, item)
        self.unasked += [*unasked, *response.unreadable]

    def _bind_client_id(self, symbol: str, item: BatchItem) -> None:
        """Bind a client order id to the order id of an acknowledgement: that order was live during this call."""
        namesake = self.orders.get(OrderRef(symbol, IdKind.CLIENT, item.client_id or ""))
        if namesake is not None and namesake.evidence.bound_id is None and order_number(item.order_id):
            namesake.evidence.bound_id = item.order_id

    def resolve_remaining(self) -> None:
        """Give every order without an outcome the one that is certain without proof."""
        for order in self.unresolved():
            order.evidence.resolve()

"""Compare one statement with the venue's own row of the order that was meant."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bitget_margin import Outcome
from bitget_margin.emulator import Order
from bitget_margin.emulator.api.v2.rows import average_price
from campaign.evidence import Evidence, Name, Statement
from campaign.scenario import PACING, By
from campaign.verdict import Finding, Flaw

_ENDS: Final = {Outcome.CANCELED.value: "cancelled", Outcome.FILLED.value: "filled"}
_STATUSES: Final = {"canceled": "cancelled", "closed": "filled"}
UNRESOLVED: Final = frozenset({Outcome.UNKNOWN.value, Outcome.NOT_SENT.value})


def judge_outcome(e: Evidence, name: Name, statement: Statement) -> Iterator[Finding]:
    """Yield what is false about a statement."""
    rule = _RULES.get(statement.outcome)
    meant = meant_by(e, name, statement)
    what = f"{name.value} ({name.by}, {name.symbol}) is reported as {statement.outcome}"
    if rule is None:
        yield Finding(Flaw.FALSE, f"{what}, which is no outcome")
    else:
        yield from rule(_Claim(e, name, statement, meant, what))


def meant_by(e: Evidence, name: Name, statement: Statement) -> Order | None:
    """Return the order that was meant; a younger one of that name, if the two could not be distinguished."""
    successor = e.successor(name)
    if successor is not None and statement.id == successor.order_id and e.is_indistinguishable(successor):
        return successor
    return e.meant(name)


def is_lagged(e: Evidence, name: Name, statement: Statement) -> bool:
    """Whether the contract allows this statement, because history lags longer than `recheck_ms`."""
    meant = e.meant(name)
    if meant is None or e.scenario.faults.knob("history_lag_ms") <= PACING.recheck_ms:
        return False
    if e.final[meant.order_id].live:
        return False
    if statement.outcome == Outcome.NOT_FOUND.value:
        return True
    older = e.before.get(statement.id or "")
    return name.by is By.CLIENT_ID and older is not None and older is not meant and older.client_oid == name.value


@dataclass(frozen=True, slots=True)
class _Claim:
    """A statement, the order that was meant, and the beginning of the text of a finding."""

    e: Evidence
    name: Name
    statement: Statement
    meant: Order | None
    what: str

    @property
    def truth(self) -> Order | None:
        """The order as it is now."""
        return None if self.meant is None else self.e.final[self.meant.order_id]

    @property
    def otherwise(self) -> bool:
        """Whether the order was named in another way too."""
        return any(other != self.name and self.e.meant(other) == self.meant for other in self.e.names)


def _judge_end(claim: _Claim) -> Iterator[Finding]:
    truth, statement = claim.truth, claim.statement
    if claim.e.is_moved(claim.name):
        return
    if truth is None or truth.order_id != statement.id:
        if not is_lagged(claim.e, claim.name, statement):
            yield Finding(Flaw.FALSE, f"{claim.what} as order {statement.id}, and it is {_of(truth)}")
    elif truth.status != _ENDS[statement.outcome]:
        yield Finding(Flaw.FALSE, f"{claim.what}, and is {_of(truth)}")
    else:
        yield from judge_numbers(claim.what, statement, truth)


def _judge_accepted(claim: _Claim) -> Iterator[Finding]:
    if claim.e.scenario.confirms:
        yield Finding(Flaw.FALSE, f"{claim.what}, although the call confirms")
    elif claim.meant is None or not (
        claim.e.cancels(claim.name.value, claim.meant.order_id) or claim.e.cancels_all(claim.meant.symbol)
    ):
        yield Finding(Flaw.FALSE, f"{claim.what}, and no cancel of it reached the venue")


def _judge_not_found(claim: _Claim) -> Iterator[Finding]:
    if claim.meant is not None and not is_lagged(claim.e, claim.name, claim.statement):
        yield Finding(Flaw.FALSE, f"{claim.what}, and it is {_of(claim.truth)}")


def _judge_not_sent(claim: _Claim) -> Iterator[Finding]:
    alone = set() if claim.meant is None or claim.otherwise else {claim.meant.order_id}
    # The same name may have been canceled on another symbol; a request is about one.
    market = claim.name.symbol.replace("/", "")
    if claim.otherwise and claim.e.scenario.faults.has_knob("cancel_once_per_second"):
        return  # its cancel by the other name came first, and this one was refused for that
    if any(record.executed and f'"{market}"' in record.body for record in claim.e.cancels(claim.name.value, *alone)):
        yield Finding(Flaw.FALSE, f"{claim.what}, and the venue has carried a cancel of it out")


def _judge_unknown(claim: _Claim) -> Iterator[Finding]:
    """Yield a false status of an unknown outcome, which otherwise claims nothing."""
    status, truth = claim.statement.order.get("status"), claim.truth
    claimed = _STATUSES.get(str(status))
    if claimed is not None and (truth is None or truth.status != claimed):
        yield Finding(Flaw.FALSE, f"{claim.what} with status {status}, and is {_of(truth)}")


def _judge_open(claim: _Claim) -> Iterator[Finding]:
    """OPEN means that the order was live at a moment after two cancels."""
    e, meant = claim.e, claim.meant
    if meant is None:
        yield Finding(Flaw.FALSE, f"{claim.what}, and there is no such order")
        return
    truth = e.after.get(meant.order_id, meant)
    cancels = [record for record in e.cancels(meant.order_id, meant.client_oid) if record.executed or record.status]
    if len(cancels) < 2:
        yield Finding(Flaw.FALSE, f"{claim.what} after {len(cancels)} cancels")
    elif not truth.live:
        by_event = any(done.order_id == meant.order_id for done in e.done)
        # An earlier cancel of it was taken, without an answer, and has come into effect since.
        delayed = e.scenario.faults.has_knob("ack_delay_ms") and truth.updated_ms >= cancels[-1].at_ms
        if not (by_event or claim.otherwise or delayed):
            yield Finding(Flaw.FALSE, f"{claim.what}, and is {_of(truth)}")


_RULES: Final[Mapping[str, Callable[[_Claim], Iterator[Finding]]]] = {
    Outcome.CANCELED.value: _judge_end,
    Outcome.FILLED.value: _judge_end,
    Outcome.OPEN.value: _judge_open,
    Outcome.ACCEPTED.value: _judge_accepted,
    Outcome.NOT_FOUND.value: _judge_not_found,
    Outcome.NOT_SENT.value: _judge_not_sent,
    Outcome.UNKNOWN.value: _judge_unknown,
}


def judge_numbers(what: str, statement: Statement, truth: Order) -> Iterator[Finding]:
    """Yield which numbers of an order structure are not those of the venue's row."""
    average = float(average_price(truth)) or None
    expected = {"filled": float(truth.filled), "cost": float(truth.quote_filled), "average": average}
    for field, number in expected.items():
        if (statement.order.get(field) or None) != (number or None):
            yield Finding(Flaw.FALSE, f"{what} with {field} {statement.order.get(field)}, and it is {number}")


def _of(truth: Order | None) -> str:
    return (
        "no order of this account"
        if truth is None
        else f"{truth.status} (order {truth.order_id}, filled {truth.filled})"
    )

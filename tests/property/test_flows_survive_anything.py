"""Flows of the core end in time, raise nothing and claim no final state without a row, for any response."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.core import cancel
from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_all import SymbolStages, cancel_account, cancel_symbol
from bitget_margin.core.cancel_proof import CancelAllResult, CancelAllScope
from bitget_margin.core.cancel_state import CancelState, OrderEvidence
from bitget_margin.core.effects import Fault, Flow, Reply, ReplyOrFault, Send
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef, order_number
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.orders_by_id import OrdersFound, fetch_orders_by_id
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.queries import find_order, query_open_orders
from bitget_margin.core.requests import CallContext
from bitget_margin.core.settings import Pacing, Settings
from support.fuzzing import Choices, fuzzed
from support.hostile import Hostile, Served
from support.model import ModelVenue
from support.served_rows import ENDS, LIVES, has_state

SYMBOL: Final = "BTCUSDT"
COINS: Final = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
PACING: Final = Pacing(recancel_ms=210, refusals_ms=200, recheck_ms=250, limited_ms=100, polls_ms=(50, 100, 200))
TIMEOUT_MS: Final = 1_000
REQUESTS_MAX: Final = 2_000


@dataclass(slots=True)
class HostileModel(ModelVenue):
    """Venue of the model with hostile responses."""

    hostile: Hostile = field(default_factory=lambda: Hostile(Choices(b"")))

    def _send(self, send: Send) -> ReplyOrFault:
        if self.now_ms >= send.deadline_ms:
            return Fault(TimeoutError("no time"), sent=False)
        send.started = True
        self.calls.append(send.call)
        assert len(self.calls) < REQUESTS_MAX
        choices = self.hostile.choices
        self.now_ms += choices.pick((5, 5, 5, 20, 100, 400))
        path, params = send.call.endpoint.path, send.call.params
        if choices.once_in(12):
            return Fault(TimeoutError("no answer"), sent=choices.below(2) == 0)
        body = self.hostile.answer(path, params)
        self.hostile.served.append(Served(path, params, 200, body))
        code = body.get("code") if isinstance(body, Mapping) else None
        if code == "00000" or not isinstance(body, Mapping):
            return Reply(body)
        known = (code if isinstance(code, str) else None), body.get("msg")
        text = known[1] if isinstance(known[1], str) else None
        return Fault(OSError("refused"), known[0], text, choices.pick((400, 200, 429, 500)), body=body)


def targets(choices: Choices) -> tuple[OrderRef, ...]:
    """Return references to orders by both kinds of id."""
    named = [OrderRef(SYMBOL, IdKind.ORDER, value) for value in ("11", "12", "13", "x9")[: 1 + choices.below(4)]]
    named += [OrderRef(SYMBOL, IdKind.CLIENT, value) for value in ("a", "b", "11")[: choices.below(4)]]
    return tuple(named[choices.below(2) :]) or tuple(named)


@fuzzed("flows", size=120)
def test_whatever_is_answered_a_flow_ends_in_time_and_claims_no_end_without_a_row(choices: Choices) -> None:
    """Cancels of one, of many, of a symbol and of the account, and queries."""
    refs = targets(choices)
    ids = [target.value for target in refs if target.kind is IdKind.ORDER]
    client_ids = [target.value for target in refs if target.kind is IdKind.CLIENT]
    venue = HostileModel([], hostile=Hostile(choices, SYMBOL, ids, client_ids))
    run = choices.pick(
        (cancels, cancels, cancels_one, cancels_symbol, cancels_account, fetches_orders, finds_order, lists_orders)
    )
    run(venue, context(venue, choices), refs, choices)


def context(venue: HostileModel, choices: Choices) -> CallContext:
    """Return the context of a call."""
    size = choices.pick((50, 1, 2))
    bounds = Settings(confirm=choices.below(2) == 0, timeout_ms=TIMEOUT_MS, batch_size=size, pacing=PACING)
    ctx = venue.ctx(bounds)
    ctx.api = api_of(choices.pick(tuple(AccountKind)))
    return ctx


def cancels(
    venue: HostileModel, ctx: CallContext, refs: tuple[OrderRef, ...], _: Choices, *, single: bool = False
) -> None:
    state = CancelState.of(refs)
    state.use_single_endpoint = single
    ended(venue, cancel.cancel(ctx, state))
    assert list(state.orders) == list(refs)
    proven(venue, ctx, state)


def cancels_one(venue: HostileModel, ctx: CallContext, refs: tuple[OrderRef, ...], choices: Choices) -> None:
    cancels(venue, ctx, refs[-1:], choices, single=True)


def cancels_symbol(venue: HostileModel, ctx: CallContext, *_: object) -> None:
    state = CancelState()
    result = ended(venue, cancel_symbol(ctx, state, CancelAllScope(COINS, SYMBOL, ("ETHUSDT",))))
    assert {target.symbol for target in state.orders} <= {SYMBOL}
    proven_by_balance(venue, ctx, state, result)


def cancels_account(venue: HostileModel, ctx: CallContext, *_: object) -> None:
    state = CancelState()
    # Each symbol that the venue names has the time of a call.
    result = ended(
        venue, cancel_account(ctx, state, CancelAllScope(COINS), SymbolStages(tuple(COINS))), allowed_ms=60 * TIMEOUT_MS
    )
    proven_by_balance(venue, ctx, state, result)


def fetches_orders(venue: HostileModel, ctx: CallContext, refs: tuple[OrderRef, ...], choices: Choices) -> None:
    found = ended(venue, fetch_orders_by_id(ctx, SYMBOL, refs, whole_open=choices.below(2) == 0))
    assert isinstance(found, Fault | OrdersFound)
    for target, row in found.rows.items() if isinstance(found, OrdersFound) else ():
        assert target in refs
        assert target not in found.unanswered
        assert row.symbol == SYMBOL
        assert target.value in {row.order_id, row.client_id}


def finds_order(venue: HostileModel, ctx: CallContext, refs: tuple[OrderRef, ...], _: Choices) -> None:
    row = ended(venue, find_order(ctx, refs[0]))
    if isinstance(row, OrderRow):
        assert row.symbol == SYMBOL
        assert row.key(refs[0].kind) == refs[0].value
    else:
        assert row is None or isinstance(row, Fault)


def lists_orders(venue: HostileModel, ctx: CallContext, _: object, choices: Choices) -> None:
    listed = ended(venue, query_open_orders(ctx, choices.pick((SYMBOL, None))))
    assert isinstance(listed, Fault | tuple)


def ended(venue: HostileModel, running: Flow[Any], allowed_ms: float = TIMEOUT_MS) -> Any:
    """Run a flow and return what it returns, in time."""
    result = venue.run(running)
    assert venue.now_ms <= allowed_ms + 2 * 400
    return result


def proven(venue: HostileModel, ctx: CallContext, state: CancelState) -> None:
    """Compare every outcome with the responses."""
    for target, order in state.orders.items():
        assert isinstance(order.outcome, Outcome)
        check(venue, target, order.evidence, ctx.settings.confirm)


def check(venue: HostileModel, target: OrderRef, evidence: OrderEvidence, confirm: bool) -> None:
    served, outcome = venue.hostile.served, evidence.outcome
    about = (target.symbol, target.kind.value, target.value)
    if outcome in ENDS:
        assert has_state(served, *about, ENDS[outcome])
    elif outcome is Outcome.OPEN:
        assert has_state(served, *about, LIVES)
        assert len(evidence.refusals_ms) >= 2
    elif outcome is Outcome.ACCEPTED:
        assert not confirm
    elif outcome is Outcome.NOT_FOUND:
        assert evidence.refusals_ms
        assert evidence.row is None
    if evidence.bound_id is not None and evidence.row is None:
        assert order_number(evidence.bound_id)


def proven_by_balance(venue: HostileModel, ctx: CallContext, state: CancelState, result: CancelAllResult) -> None:
    """Check that a cancel of everything reports a problem, unless a balance could be read."""
    proven(venue, ctx, state)
    unresolved = any(order.outcome is None or not order.outcome.resolved for order in state.orders.values())
    if result.problem is None and not result.unexamined and result.fault is None and not unresolved:
        answers = [answer for answer in venue.hostile.served if answer.path.endswith("assets")]
        assert any(isinstance(answer.body, dict) and answer.body.get("code") == "00000" for answer in answers)

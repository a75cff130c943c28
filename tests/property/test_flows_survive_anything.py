"""Whatever the venue answers, a flow of the core ends in time, raises nothing, and claims no end without a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.core import cancel
from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_all import cancel_account, cancel_symbol
from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.effects import Fault, Flow, Reply, ReplyOrFault, Send
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef, number
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.queries import fetch_orders_by_id, find_order, query_open_orders
from bitget_margin.core.requests import CallContext
from bitget_margin.core.settings import Pacing, Settings
from support.fuzzing import Choices, fuzzed
from support.hostile import Hostile, Served
from support.model import ModelVenue
from support.witness import ENDS, LIVES, says

SYMBOL: Final = "BTCUSDT"
COINS: Final = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
PACING: Final = Pacing(recancel_ms=210, refusals_ms=200, recheck_ms=250, limited_ms=100, polls_ms=(50, 100, 200))
TIMEOUT_MS: Final = 1_000
REQUESTS_MAX: Final = 2_000


@dataclass(slots=True)
class HostileModel(ModelVenue):
    """The venue of the model, with answers of no use."""

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
    """Return what to cancel: orders by their ids and by their names."""
    named = [OrderRef(SYMBOL, IdKind.ORDER, value) for value in ("11", "12", "13", "x9")[: 1 + choices.below(4)]]
    named += [OrderRef(SYMBOL, IdKind.CLIENT, value) for value in ("a", "b", "11")[: choices.below(4)]]
    return tuple(named[choices.below(2) :]) or tuple(named)


@fuzzed("flows", size=120)
def test_whatever_is_answered_a_flow_ends_in_time_and_claims_no_end_without_a_row(choices: Choices) -> None:
    """Cancels of one and of many, sweeps of a symbol and of the account, and look-ups."""
    named = targets(choices)
    ids = [target.value for target in named if target.kind is IdKind.ORDER]
    names = [target.value for target in named if target.kind is IdKind.CLIENT]
    venue = HostileModel([], hostile=Hostile(choices, SYMBOL, ids, names))
    run = choices.pick((cancels, cancels, cancels_one, sweeps_symbol, sweeps_account, views, finds, lists))
    run(venue, named, choices)


def desk_of(venue: HostileModel, named: tuple[OrderRef, ...], choices: Choices) -> CallContext:
    """Return the desk of a call."""
    size = choices.pick((50, 1, 2))
    bounds = Settings(confirm=choices.below(2) == 0, timeout_ms=TIMEOUT_MS, batch_size=size, pacing=PACING)
    ctx = venue.ctx(named, bounds)
    ctx.api = api_of(choices.pick(tuple(AccountKind)))
    return ctx


def cancels(venue: HostileModel, named: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, named, choices)
    ended(venue, cancel.cancel(ctx))
    assert list(ctx.cancel_state.orders) == list(named)
    proven(venue, ctx)


def cancels_one(venue: HostileModel, named: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, named[-1:], choices)
    ctx.use_single_endpoint = True
    ended(venue, cancel.cancel(ctx))
    assert list(ctx.cancel_state.orders) == list(named[-1:])
    proven(venue, ctx)


def sweeps_symbol(venue: HostileModel, _: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, (), choices)
    swept = ended(venue, cancel_symbol(ctx, SYMBOL, COINS, ("ETHUSDT",)))
    proven(venue, ctx)
    assert {target.symbol for target in ctx.cancel_state.orders} <= {SYMBOL}
    if swept.problem is None and not swept.unexamined and swept.fault is None and not open_ends(ctx):
        assert balance_served(venue)


def sweeps_account(venue: HostileModel, _: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, (), choices)
    # Each symbol that the venue names has the time of a call.
    swept = ended(venue, cancel_account(ctx, COINS, tuple(COINS)), allowed_ms=60 * TIMEOUT_MS)
    proven(venue, ctx)
    if swept.problem is None and not swept.unexamined and swept.fault is None and not open_ends(ctx):
        assert balance_served(venue)


def views(venue: HostileModel, named: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, (), choices)
    shown = ended(venue, fetch_orders_by_id(ctx, SYMBOL, named))
    assert isinstance(shown, Fault | Mapping)
    for target, row in shown.items() if isinstance(shown, Mapping) else ():
        assert target in named
        assert row.symbol == SYMBOL
        assert target.value in {row.order_id, row.client_id}


def finds(venue: HostileModel, named: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, (), choices)
    row = ended(venue, find_order(ctx, named[0]))
    if isinstance(row, OrderRow):
        assert row.symbol == SYMBOL
        assert row.key(named[0].kind) == named[0].value
    else:
        assert row is None or isinstance(row, Fault)


def lists(venue: HostileModel, _: tuple[OrderRef, ...], choices: Choices) -> None:
    ctx = desk_of(venue, (), choices)
    listed = ended(venue, query_open_orders(ctx, choices.pick((SYMBOL, None))))
    assert isinstance(listed, Fault | tuple)


def ended(venue: HostileModel, running: Flow[Any], allowed_ms: float = TIMEOUT_MS) -> Any:
    """Run a flow and return what it returns, in time."""
    result = venue.run(running)
    assert venue.now_ms <= allowed_ms + 2 * 400
    return result


def proven(venue: HostileModel, ctx: CallContext) -> None:
    """Hold every outcome against the answers."""
    for target, entry in ctx.cancel_state.orders.items():
        assert isinstance(entry.outcome, Outcome)
        check(venue, target, entry, ctx.settings.confirm)


def check(venue: HostileModel, target: OrderRef, entry: OrderState, confirm: bool) -> None:
    served, outcome = venue.hostile.served, entry.outcome
    about = (target.symbol, target.kind.value, target.value)
    if outcome in ENDS:
        assert says(served, *about, ENDS[outcome])
    elif outcome is Outcome.OPEN:
        assert says(served, *about, LIVES)
        assert len(entry.refusals_ms) >= 2
    elif outcome is Outcome.ACCEPTED:
        assert not confirm
    elif outcome is Outcome.NOT_FOUND:
        assert entry.refusals_ms
        assert entry.row is None
    if entry.bound_id is not None and entry.row is None:
        assert number(entry.bound_id)


def open_ends(ctx: CallContext) -> bool:
    """Whether something is not resolved, which a caller is told in any case."""
    return any(entry.outcome is None or not entry.outcome.resolved for entry in ctx.cancel_state.orders.values())


def balance_served(venue: HostileModel) -> bool:
    """Whether there was an answer from which a balance can be read."""
    answers = [answer for answer in venue.hostile.served if answer.path.endswith("assets")]
    return any(isinstance(answer.body, dict) and answer.body.get("code") == "00000" for answer in answers)

"""Cancel all open orders of one symbol or of the account, and prove that none is left.

What is listed is canceled until a list shows no further order: many orders by one request where the account kind has
it, the others by batches. `cancel_proof` then decides whether that is proven. The orders of the account are listed with
one query. Where it is refused, or coins stay frozen that no listed order accounts for, symbols are listed one by one:
first those that orders are placed on, then further ones that trade a frozen coin.
A pair may be halted, removed, or closed for cross margin while an order of it is open.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bitget_margin.core.cancel import run_until_resolved
from bitget_margin.core.cancel_at_once import cancel_at_once
from bitget_margin.core.cancel_proof import (
    SYMBOLS_PER_GROUP,
    CancelAllResult,
    CancelAllScope,
    is_unresolved,
    prove,
    register_rows,
)
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.requests import CallContext, pause
from bitget_margin.core.settings import Deadline
from bitget_margin.core.verdicts import refuses_parameters, refuses_symbol

_ACCOUNT_PASSES: Final = 3
"""Maximum number of passes over the account while queries keep showing further orders."""

Progress: TypeAlias = Callable[[int, int, str], object]
"""Called with the number of finished symbols, the number of all symbols, and the last finished one."""


@dataclass(frozen=True, slots=True)
class SymbolStages:
    """Symbols that are listed one by one, stage by stage, until nothing unexplained is frozen."""

    likely: Sequence[str]
    """Symbols that orders are placed on."""
    further: Sequence[str] = ()
    """Other symbols: those that trade a frozen coin are listed."""
    guess: Callable[[Iterable[str]], Sequence[str]] = lambda _: ()
    """Returns symbols of these coins that no list names; the venue may not know them."""


def cancel_symbol(ctx: CallContext, state: CancelState, scope: CancelAllScope) -> Flow[CancelAllResult]:
    """Cancel every open order of the symbol of the scope."""
    symbol = scope.symbol
    while True:
        faults = yield from _cancel_listed(ctx, state, [symbol])
        if symbol in faults:
            return CancelAllResult(unexamined=(str(symbol),), fault=faults[symbol])
        result = yield from prove(ctx, state, scope, [symbol])
        if not result.more_orders_found or not (yield from pause(ctx, ctx.settings.pacing.poll_ms(0))):
            state.resolve_remaining()
            return result


def cancel_account(
    ctx: CallContext,
    state: CancelState,
    scope: CancelAllScope,
    symbols: SymbolStages,
    progress: Progress = lambda *_: None,
) -> Flow[CancelAllResult]:
    """Cancel every open order of the account; a symbol that is listed by itself has the time of a call of its own.

    Orders that are registered before the call are canceled first, without a list.
    """
    if state.orders:
        yield from _cancel_registered(ctx, state, [None])
        state.resolve_remaining()
    result = CancelAllResult(more_orders_found=True)
    for _ in range(_ACCOUNT_PASSES):
        if result.more_orders_found:
            result = yield from _cancel_account_once(ctx, state, scope, symbols, progress)
    state.resolve_remaining()
    return result


def _cancel_account_once(
    ctx: CallContext, state: CancelState, scope: CancelAllScope, symbols: SymbolStages, progress: Progress
) -> Flow[CancelAllResult]:
    fault = (yield from _cancel_listed(ctx, state, [None])).get(None)
    if fault is not None and not refuses_parameters(fault):
        return CancelAllResult(unexamined=tuple(symbols.likely), fault=fault)
    if fault is None:
        result = yield from prove(ctx, state, scope, [None])
        if _is_final(ctx, result, state):
            return result
        return (yield from _cancel_by_frozen_coins(ctx, state, scope, symbols, progress, result))
    if ctx.api.FREEZES:
        return (yield from _cancel_by_frozen_coins(ctx, state, scope, symbols, progress, None))
    # Without a list of all symbols, nothing shows where orders of a unified account may be.
    listed: list[str | None] = []
    for stage in (symbols.likely, symbols.further):
        failed = yield from _cancel_one_by_one(ctx, state, stage, progress, may_be_unknown=stage is symbols.further)
        if failed is not None:
            return failed
        listed += stage
    ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms)
    return (yield from prove(ctx, state, scope, listed))


def _cancel_by_frozen_coins(
    ctx: CallContext,
    state: CancelState,
    scope: CancelAllScope,
    symbols: SymbolStages,
    progress: Progress,
    result: CancelAllResult | None,
) -> Flow[CancelAllResult]:
    """List symbols one by one while coins are frozen that nothing accounts for.

    :param result: what a list of all symbols has left unproven; None without such a list
    """
    # The list of all symbols of a unified account is documented to be complete.
    stages = (symbols.likely, symbols.further, None) if ctx.api.FREEZES else (symbols.likely,)
    found = result or CancelAllResult()
    for stage in stages:
        held, is_first = found.held, stage is symbols.likely
        candidates = symbols.guess(held) if stage is None else stage
        chosen = [symbol for symbol in candidates if not held or _trades(scope, symbol, held)]
        if not is_first and not (held and chosen):
            continue
        failed = yield from _cancel_one_by_one(ctx, state, chosen, progress, may_be_unknown=not is_first)
        if failed is not None:
            return failed
        ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms)
        found = yield from prove(ctx, state, scope, [None])
        if _is_final(ctx, found, state):
            break
    return found


def _is_final(ctx: CallContext, result: CancelAllResult, state: CancelState) -> bool:
    """Whether lists of single symbols could not change the result.

    On a unified account they are only worth their time where coins are locked that nothing accounts for.
    """
    decided = result.problem is None if ctx.api.FREEZES else not result.held
    return decided or result.more_orders_found or is_unresolved(state)


def _trades(scope: CancelAllScope, symbol: str, held: Mapping[str, object]) -> bool:
    """Whether an order of this symbol can hold one of these coins; true if its coins are not known."""
    pair = scope.coins.get(symbol)
    return pair is None or not held.keys().isdisjoint(pair)


def _cancel_one_by_one(
    ctx: CallContext, state: CancelState, symbols: Sequence[str], progress: Progress, *, may_be_unknown: bool
) -> Flow[CancelAllResult | None]:
    """List and cancel the orders of these symbols in groups; return a result if some could not be examined.

    :param may_be_unknown: the venue may not know a symbol: then it has no orders
    """
    unexamined: list[str] = []
    fault: Fault | None = None
    for start in range(0, len(symbols), SYMBOLS_PER_GROUP):
        group = symbols[start : start + SYMBOLS_PER_GROUP]
        ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms * len(group))
        faults = yield from _cancel_listed(ctx, state, group)
        failed = {s: f for s, f in faults.items() if not (may_be_unknown and refuses_symbol(f))}
        unexamined += [symbol for symbol in group if symbol in failed]
        fault = fault or next(iter(failed.values()), None)
        progress(start + len(group), len(symbols), group[-1])
        if state.error is not None:
            unexamined += symbols[start + len(group) :]
            break
    return CancelAllResult(unexamined=tuple(unexamined), fault=fault) if unexamined else None


def _cancel_registered(ctx: CallContext, state: CancelState, symbols: Sequence[str | None]) -> Flow[None]:
    """Cancel the orders without an outcome; where those of one of these symbols are many, by one request."""
    if symbols == [None]:
        # Every symbol has the time that a call for it alone would have.
        ctx.deadline = ctx.deadline.extended(ctx.settings.timeout_ms * len({ref.symbol for ref in state.orders}))
    yield from cancel_at_once(ctx, state, symbols)
    yield from run_until_resolved(ctx, state)


def _cancel_listed(
    ctx: CallContext, state: CancelState, symbols: Sequence[str | None]
) -> Flow[Mapping[str | None, Fault]]:
    """List and cancel until a cancel can change nothing of the lists; return the faults by symbol."""
    faults: dict[str | None, Fault] = {}
    remaining = list(symbols)
    while remaining:
        listings = yield from run_concurrently(query_open_orders(ctx, symbol) for symbol in remaining)
        faults.update((s, rows) for s, rows in zip(remaining, listings, strict=True) if isinstance(rows, Fault))
        listed = [(s, rows) for s, rows in zip(remaining, listings, strict=True) if not isinstance(rows, Fault)]
        remaining = [symbol for symbol, rows in listed if register_rows(ctx, state, rows)]
        # Orders that a list of the proof has shown may be missing in this one.
        if remaining or any(order.outcome is None for order in state.orders.values()):
            yield from _cancel_registered(ctx, state, remaining)
        if any(state.unresolved()):
            break
    state.resolve_remaining()
    return faults

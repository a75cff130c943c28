"""Cancel all open orders of one symbol or of the account, and prove by the balance that none is left.

open-orders requires a start time, and it is not documented whether it leaves out older orders that are still open. The
coins that open orders hold are `frozen` in the balance, whatever the age of the orders: if nothing is frozen, no order
is left. A balance without the account's coins proves nothing, unless a second query of orders and balance, some time
later, confirms it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from bitget_margin.core.cancel import run_until_resolved
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.frozen_amounts import Coins, unexplained
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.requests import CallContext, pause, query
from bitget_margin.core.settings import Deadline
from bitget_margin.core.verdicts import refuses_parameters

SYMBOLS_PER_GROUP: Final = 10
"""Number of symbols that are listed at once: the requests that one rate limit window allows."""
_BALANCE_QUERIES: Final = 4
_ACCOUNT_PASSES: Final = 3
"""Maximum number of passes over the account while queries keep showing further orders."""

Progress: TypeAlias = Callable[[int, int, str], object]
"""Called with the number of finished symbols, the number of all symbols, and the last finished one."""


@dataclass(frozen=True, slots=True)
class CancelAllResult:
    """Result of a cancel of all orders, beyond the outcome of each order."""

    problem: str | None = None
    """A message on what stays unproven."""
    more_orders_found: bool = False
    """Whether further orders were found, which are still to be canceled."""
    unexamined: tuple[str, ...] = ()
    """Symbols whose orders could not be listed."""
    fault: Fault | None = None


class _BalanceGap(Enum):
    """Reasons why a balance does not show the account, as messages."""

    ORDERS = "the balance names none of the coins of these orders"
    VANISHED = "the balance names no coin, though it did before: it proves nothing beside an empty list of orders"
    ABSENT = "open-orders shows no order and the balance none of the coins, and nothing has confirmed it a moment later"


def cancel_symbol(
    ctx: CallContext,
    state: CancelState,
    symbol: str,
    coins: Coins,
    others: Sequence[str],
    known_coins: set[str] | None = None,
) -> Flow[CancelAllResult]:
    """Cancel every open order of one symbol.

    :param others: symbols whose orders may hold the same coins
    :param known_coins: coins that earlier balances of the account have shown; those of new balances are added
    """
    known_coins = set() if known_coins is None else known_coins
    while True:
        faults = yield from _cancel_listed(ctx, state, [symbol])
        if symbol in faults:
            return CancelAllResult(unexamined=(symbol,), fault=faults[symbol])
        result = yield from _prove_by_balance(ctx, state, symbol, coins, others, known_coins)
        if not result.more_orders_found or not (yield from pause(ctx, ctx.settings.pacing.poll_ms(0))):
            return result


def cancel_account(
    ctx: CallContext,
    state: CancelState,
    coins: Coins,
    symbols: Sequence[str],
    known_coins: set[str] | None = None,
    progress: Progress = lambda *_: None,
) -> Flow[CancelAllResult]:
    """Cancel every open order of the account.

    All symbols are listed with one query first. Where that is refused, or something stays frozen although the list is
    empty, each of `symbols` is listed by itself, within the time of a call of its own.

    :param known_coins: as for one symbol
    """
    known_coins = set() if known_coins is None else known_coins
    result = CancelAllResult(more_orders_found=True)
    for _ in range(_ACCOUNT_PASSES):
        if result.more_orders_found:
            result = yield from _cancel_account_once(ctx, state, coins, symbols, known_coins, progress)
    return result


def _cancel_account_once(
    ctx: CallContext,
    state: CancelState,
    coins: Coins,
    symbols: Sequence[str],
    known_coins: set[str],
    progress: Progress,
) -> Flow[CancelAllResult]:
    fault = (yield from _cancel_listed(ctx, state, [None])).get(None)
    if fault is None:
        result = yield from _prove_by_balance(ctx, state, None, coins, (), known_coins)
        if result.problem is None or result.more_orders_found or _is_unresolved(state):
            return result
    elif not refuses_parameters(fault):
        return CancelAllResult(unexamined=tuple(symbols), fault=fault)
    unexamined: list[str] = []
    for start in range(0, len(symbols), SYMBOLS_PER_GROUP):
        group = symbols[start : start + SYMBOLS_PER_GROUP]
        ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms * len(group))
        faults = yield from _cancel_listed(ctx, state, group)
        unexamined += [symbol for symbol in group if symbol in faults]
        fault = next(iter(faults.values()), None)
        progress(start + len(group), len(symbols), group[-1])
        if state.error is not None:
            unexamined += symbols[start + len(group) :]
            break
    if unexamined:
        return CancelAllResult(unexamined=tuple(unexamined), fault=fault)
    ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms)
    return (yield from _prove_by_balance(ctx, state, None, coins, (), known_coins))


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
        remaining = [symbol for symbol, rows in listed if _register_rows(ctx, state, rows)]
        if remaining == [None]:
            # Every symbol has the time that a call for it alone would have.
            ctx.deadline = ctx.deadline.extended(ctx.settings.timeout_ms * len({ref.symbol for ref in state.orders}))
        if remaining:
            yield from run_until_resolved(ctx, state)
        if any(state.unresolved()):
            break
    state.resolve_remaining()
    return faults


def _register_rows(ctx: CallContext, state: CancelState, rows: Iterable[OrderRow]) -> bool:
    """Register listed orders; return whether one is new, unresolved, or acknowledged and still listed."""
    found = False
    now_ms = ctx.deadline.clock()
    for row in rows:
        order = state.add(OrderRef(row.symbol, IdKind.ORDER, row.order_id))
        if order.outcome is Outcome.ACCEPTED:
            order.evidence.outcome = None
            order.schedule.lookup_ms = now_ms + ctx.settings.pacing.poll_ms(0)
        if order.outcome is None:
            order.evidence.record_row(row, now_ms)
            found = True
    return found


def _is_unresolved(state: CancelState) -> bool:
    return any(order.outcome is None or not order.outcome.resolved for order in state.orders.values())


def _prove_by_balance(
    ctx: CallContext,
    state: CancelState,
    symbol: str | None,
    coins: Coins,
    others: Sequence[str],
    known_coins: set[str],
) -> Flow[CancelAllResult]:
    """Query the balance until it shows nothing frozen: of the two coins of this symbol, or of all coins."""
    still_open = sum(order.outcome is Outcome.OPEN for order in state.orders.values())
    if still_open:
        return CancelAllResult(problem=f"the cancels of {still_open} open orders were refused")
    if _is_unresolved(state):
        return CancelAllResult()
    own_coins = None if symbol is None else coins[symbol]
    held: Mapping[str, Decimal] = {}
    gap: _BalanceGap | None = None
    for count in range(_BALANCE_QUERIES):
        frozen = (yield from query(ctx, lambda api: api.assets_request(None), lambda api: api.read_frozen)).result
        if isinstance(frozen, Fault):
            return CancelAllResult(problem=f"the balance could not be read ({frozen.error})", fault=frozen)
        held = {coin: n for coin, n in frozen.items() if n > 0 and (own_coins is None or coin in own_coins)}
        previous_gap, gap = gap, _balance_gap(state, frozen, own_coins, coins, known_coins)
        known_coins.update(frozen)
        if not held and (gap is None or (gap is previous_gap and gap is _BalanceGap.ABSENT)):
            return CancelAllResult()
        result, held = yield from _subtract_other_symbols(ctx, symbol, held, coins, others)
        pause_ms = ctx.settings.pacing.recheck_ms if gap else ctx.settings.pacing.poll_ms(count)
        if result is None and not (yield from pause(ctx, pause_ms)):
            break
        if result is None and gap is _BalanceGap.ABSENT:
            result = yield from _list_again(ctx, symbol)
        if result is not None:
            return result
    if gap is not None:
        return CancelAllResult(problem=gap.value)
    amounts = ", ".join(f"{amount.normalize():f} {coin}" for coin, amount in held.items())
    hint = (
        "an order older than the 90 days that open-orders shows may hold it"
        if symbol is None
        else "orders of other symbols (name them in params['symbols'], to be counted) or older than 90 days may hold it"
    )
    return CancelAllResult(problem=f"open-orders shows nothing more, but {amounts} is still frozen: {hint}")


def _subtract_other_symbols(
    ctx: CallContext, symbol: str | None, held: Mapping[str, Decimal], coins: Coins, others: Sequence[str]
) -> Flow[tuple[CancelAllResult | None, Mapping[str, Decimal]]]:
    """Subtract what orders of other symbols hold; return the result, if that decides it, and what is left."""
    if symbol is None or not held:
        return None, held
    rows = yield from _open_orders_of_others(ctx, symbol, others)
    if any(row.symbol == symbol for row in rows):
        return CancelAllResult("more orders of this symbol are listed than before", more_orders_found=True), held
    left = unexplained(rows, held, coins)
    return None if left else CancelAllResult(), left


def _list_again(ctx: CallContext, symbol: str | None) -> Flow[CancelAllResult | None]:
    """List the open orders again; return the result, or None if there still are none.

    Where the query requires a symbol, all symbols have been listed: then the second query is of the balance alone.
    """
    rows = yield from query_open_orders(ctx, symbol)
    if isinstance(rows, Fault):
        return None if refuses_parameters(rows) else CancelAllResult(_BalanceGap.ABSENT.value, fault=rows)
    return CancelAllResult("more orders are listed than before", more_orders_found=True) if rows else None


def _balance_gap(
    state: CancelState,
    frozen: Mapping[str, Decimal],
    own_coins: tuple[str, str] | None,
    coins: Coins,
    known_coins: set[str],
) -> _BalanceGap | None:
    """Return why a balance does not show the account; None if it does.

    Each order held one of the coins of its symbol. The balance of a unified account leaves out coins with no amount.
    """
    symbols = {target.symbol for target in state.orders}
    if symbols:
        shown = bool(frozen) and all(not frozen.keys().isdisjoint(coins.get(symbol, frozen)) for symbol in symbols)
        return None if shown else _BalanceGap.ORDERS
    if frozen and (own_coins is None or not frozen.keys().isdisjoint(own_coins)):
        return None
    return _BalanceGap.ABSENT if frozen or not known_coins else _BalanceGap.VANISHED


def _open_orders_of_others(ctx: CallContext, symbol: str, others: Sequence[str]) -> Flow[Sequence[OrderRow]]:
    """Return the open orders of all symbols; where the query requires a symbol, of this one and `others`."""
    listed = yield from query_open_orders(ctx, None)
    if not isinstance(listed, Fault) and listed:
        return listed
    listings = yield from run_concurrently(query_open_orders(ctx, other) for other in (symbol, *others))
    return [row for listing in listings if not isinstance(listing, Fault) for row in listing]

"""Proof that a cancel of all orders has left none: by the balance or by the lists, whichever the account kind allows.

Classic account: open-orders requires a start time, and it is not documented whether it leaves out older orders that are
still open. The coins that open orders hold are `frozen` in the balance, whatever the age of the orders: if nothing is
frozen, no order is left. A balance without the account's coins proves nothing, unless a second query of orders and
balance, some time later, confirms it.

Unified account: `locked` is documented for spot orders only, and the list of open orders has no time limit. No order is
left if the whole list is empty at two queries some time apart, the balance shows the account's coins, and no lookup by
id shows an acknowledged order as live. Locked coins are explained by spot orders and strategy orders; what nothing
explains is reported, and refutes the proof only where it is as much as an acknowledged order held that is in no list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Final

from bitget_margin.core.cancel import run_until_resolved
from bitget_margin.core.cancel_state import CancelState, OrderState
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.frozen_amounts import Coins, frozen_by, unexplained
from bitget_margin.core.locked_coins import LockedCoins, explain_locked
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.reconcile import reconcile
from bitget_margin.core.requests import CallContext, pause, query
from bitget_margin.core.settings import Deadline
from bitget_margin.core.verdicts import refuses_parameters

SYMBOLS_PER_GROUP: Final = 10
"""Number of symbols that are listed at once: the requests that one rate limit window allows."""
_BALANCE_QUERIES: Final = 4
_MORE_ORDERS: Final = "more orders are listed than before"
_UNCONFIRMED: Final = "the list of open orders is empty, and the timeout left no time to confirm it by a second one"


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
    held: Mapping[str, Decimal] = field(default_factory=dict, compare=False)
    """Frozen coins that no listed order accounts for."""
    locked: LockedCoins | None = field(default=None, compare=False)
    """Locked coins of a unified account without open orders, and what holds them; None if nothing is locked."""


@dataclass(frozen=True, slots=True)
class CancelAllScope:
    """Orders that a cancel of all covers: those of one symbol, or of the account."""

    coins: Coins
    symbol: str | None = None
    others: Sequence[str] = ()
    """Symbols whose orders may hold the coins of this one."""
    known_coins: set[str] = field(default_factory=set)
    """Coins that balances of the account have shown; those of new balances are added."""

    @property
    def own_coins(self) -> tuple[str, str] | None:
        """Both coins of the symbol; None for the account."""
        return None if self.symbol is None else self.coins[self.symbol]

    def concerns(self, coin: str) -> bool:
        """Whether an order in this scope can hold the coin."""
        return self.own_coins is None or coin in self.own_coins


class _BalanceGap(Enum):
    """Reasons why a balance does not show the account, as messages."""

    ORDERS = "the balance names none of the coins of these orders"
    VANISHED = "the balance names no coin, though it did before: it proves nothing beside an empty list of orders"
    ABSENT = "open-orders shows no order and the balance none of the coins, and nothing has confirmed it a moment later"


def prove(
    ctx: CallContext, state: CancelState, scope: CancelAllScope, symbols: Sequence[str | None]
) -> Flow[CancelAllResult]:
    """Prove that no order in the scope is left, once the lists of these symbols are empty.

    :param symbols: None stands for the list of all symbols
    """
    still_open = sum(order.outcome is Outcome.OPEN for order in state.orders.values())
    if still_open:
        return CancelAllResult(problem=f"the cancels of {still_open} open orders were refused")
    if is_unresolved(state):
        return CancelAllResult()
    if ctx.api.FREEZES:
        return (yield from _prove_by_balance(ctx, state, scope))
    return (yield from _prove_by_lists(ctx, state, scope, symbols))


def is_unresolved(state: CancelState) -> bool:
    """Whether an order has no outcome, or one that is not known."""
    return any(order.outcome is None or not order.outcome.resolved for order in state.orders.values())


def register_rows(ctx: CallContext, state: CancelState, rows: Iterable[OrderRow]) -> bool:
    """Register listed orders; return whether one is new, unresolved, or acknowledged and still listed.

    Whatever a list has shown is canceled and proven by itself: a later list may leave it out.
    """
    found = False
    for row in rows:
        order = state.add(OrderRef(row.symbol, IdKind.ORDER, row.order_id))
        if order.outcome is Outcome.ACCEPTED:
            reopen(ctx, order)
        if order.outcome is None:
            order.evidence.record_row(row, ctx.deadline.clock())
            found = True
    return found


def reopen(ctx: CallContext, order: OrderState) -> None:
    """Let an acknowledged order that is still live be looked up and canceled again."""
    order.evidence.outcome = None
    order.schedule.lookup_ms = ctx.deadline.clock() + ctx.settings.pacing.poll_ms(0)


# -- classic accounts ----------------------------------------------------------------------------------------------


def _prove_by_balance(ctx: CallContext, state: CancelState, scope: CancelAllScope) -> Flow[CancelAllResult]:
    """Query the balance until it shows nothing frozen: of the two coins of the symbol, or of all coins."""
    held: Mapping[str, Decimal] = {}
    gap: _BalanceGap | None = None
    for count in range(_BALANCE_QUERIES):
        frozen = (yield from query(ctx, lambda api: api.assets_request(None), lambda api: api.read_frozen)).result
        if isinstance(frozen, Fault):
            return CancelAllResult(problem=f"the balance could not be read ({frozen.error})", fault=frozen)
        if not ctx.api.FREEZES:
            return (yield from _prove_by_lists(ctx, state, scope, [scope.symbol]))
        held = {coin: n for coin, n in frozen.items() if n > 0 and scope.concerns(coin)}
        previous_gap, gap = gap, _balance_gap(state, frozen, scope)
        scope.known_coins.update(frozen)
        if not held and (gap is None or (gap is previous_gap and gap is _BalanceGap.ABSENT)):
            return CancelAllResult()
        result, held = yield from _subtract_other_symbols(ctx, state, scope, held)
        pause_ms = ctx.settings.pacing.recheck_ms if gap else ctx.settings.pacing.poll_ms(count)
        if result is None and not (yield from pause(ctx, pause_ms)):
            break
        if result is None and gap is _BalanceGap.ABSENT:
            result = yield from _list_again(ctx, state, [scope.symbol])
        if result is not None:
            return result
    if gap is not None:
        return CancelAllResult(problem=gap.value)
    amounts = ", ".join(f"{amount.normalize():f} {coin}" for coin, amount in held.items())
    hint = (
        "an order older than the 90 days that open-orders shows may hold it"
        if scope.symbol is None
        else "orders of other symbols (name them in params['symbols'], to be counted) or older than 90 days may hold it"
    )
    problem = f"open-orders shows nothing more, but {amounts} is still frozen: {hint}"
    return CancelAllResult(problem=problem, held=held)


def _subtract_other_symbols(
    ctx: CallContext, state: CancelState, scope: CancelAllScope, held: Mapping[str, Decimal]
) -> Flow[tuple[CancelAllResult | None, Mapping[str, Decimal]]]:
    """Subtract what orders of other symbols hold; return the result, if that decides it, and what is left."""
    if scope.symbol is None or not held:
        return None, held
    rows = yield from _open_orders_of_others(ctx, scope.symbol, scope.others)
    own = [row for row in rows if row.symbol == scope.symbol]
    if own:
        register_rows(ctx, state, own)
        return CancelAllResult("more orders of this symbol are listed than before", more_orders_found=True), held
    left = unexplained(rows, held, scope.coins)
    return None if left else CancelAllResult(), left


def _open_orders_of_others(ctx: CallContext, symbol: str, others: Sequence[str]) -> Flow[Sequence[OrderRow]]:
    """Return the open orders of all symbols; where the query requires a symbol, of this one and `others`."""
    listed = yield from query_open_orders(ctx, None)
    if not isinstance(listed, Fault) and listed:
        return listed
    listings = yield from run_concurrently(query_open_orders(ctx, other) for other in (symbol, *others))
    return [row for listing in listings if not isinstance(listing, Fault) for row in listing]


def _balance_gap(state: CancelState, frozen: Mapping[str, Decimal], scope: CancelAllScope) -> _BalanceGap | None:
    """Return why a balance does not show the account; None if it does.

    Each order held one of the coins of its symbol.
    """
    symbols = {target.symbol for target in state.orders}
    if symbols:
        shown = bool(frozen) and all(not frozen.keys().isdisjoint(scope.coins.get(s, frozen)) for s in symbols)
        return None if shown else _BalanceGap.ORDERS
    if any(scope.concerns(coin) for coin in frozen):
        return None
    return _BalanceGap.ABSENT if frozen or not scope.known_coins else _BalanceGap.VANISHED


# -- unified accounts ----------------------------------------------------------------------------------------------


def _prove_by_lists(
    ctx: CallContext, state: CancelState, scope: CancelAllScope, symbols: Sequence[str | None]
) -> Flow[CancelAllResult]:
    """List again some time later, show the account by its balance, and look up what was only acknowledged."""
    problem = _UNCONFIRMED
    gap: _BalanceGap | None = None
    held: Mapping[str, Decimal] = {}
    recheck_ms = ctx.settings.pacing.recheck_ms
    for _ in range(_BALANCE_QUERIES):
        if scope.symbol is None:
            # The timeout is of the orders of one symbol.
            ctx.deadline = ctx.deadline.extended(ctx.deadline.span_ms + recheck_ms)
        if not (yield from pause(ctx, recheck_ms)):
            break
        result = yield from _list_again(ctx, state, symbols)
        if result is not None:
            return result
        found = (yield from query(ctx, lambda api: api.assets_request(None), lambda api: api.read_frozen)).result
        if isinstance(found, Fault):
            return CancelAllResult(problem=f"the balance could not be read ({found.error})", fault=found)
        previous_gap, gap = gap, _missing_account(state, found, scope)
        scope.known_coins.update(found)
        if gap is not None and not (gap is previous_gap and gap is _BalanceGap.ABSENT):
            problem = gap.value
            continue
        result = yield from _look_up_acknowledged(ctx, state)
        if result is not None:
            return result
        locked = yield from _explain(ctx, state, scope, found)
        if locked is None:
            return CancelAllResult(_MORE_ORDERS, more_orders_found=True)
        contradiction = _contradiction(state, scope, locked)
        if contradiction is None:
            return CancelAllResult(held=locked.unexplained, locked=locked if locked.amounts else None)
        problem, held = contradiction, locked.unexplained
    return CancelAllResult(problem=problem, held=held)


def _missing_account(state: CancelState, balance: Mapping[str, Decimal], scope: CancelAllScope) -> _BalanceGap | None:
    """Return why a balance does not show the account; None if it names a coin.

    It leaves out coins with no amount, among them the coins that a canceled order had borrowed.
    """
    if balance:
        return None
    return _BalanceGap.ORDERS if state.orders else _BalanceGap.VANISHED if scope.known_coins else _BalanceGap.ABSENT


def _look_up_acknowledged(ctx: CallContext, state: CancelState) -> Flow[CancelAllResult | None]:
    """Look up the acknowledged orders without a row of their end; one that lives is canceled again.

    Returns the result, if that decides it. An order that no query shows any more has left the lists.
    """
    pending = _acknowledged(state)
    began_ms, tries = ctx.deadline.clock(), 0
    while pending:
        yield from reconcile(ctx, pending)
        live = [order for order in _acknowledged(state) if _was_shown_live(order, began_ms)]
        if live:
            for order in live:
                reopen(ctx, order)
            yield from run_until_resolved(ctx, state)
            state.resolve_remaining()
            return CancelAllResult("acknowledged orders are still live", more_orders_found=True)
        pending = [order for order in _acknowledged(state) if order.evidence.absent_since_ms is None]
        refused = any(order.schedule.lookups_refused for order in pending)
        if pending and (refused or not (yield from pause(ctx, ctx.settings.pacing.poll_ms(tries)))):
            return CancelAllResult(
                f"the lookups of {len(pending)} acknowledged orders were not answered", fault=ctx.last_fault
            )
        tries += 1
    return None


def _acknowledged(state: CancelState) -> list[OrderState]:
    return [order for order in state.orders.values() if order.outcome is Outcome.ACCEPTED]


def _was_shown_live(order: OrderState, since_ms: float) -> bool:
    row, row_ms = order.evidence.row, order.evidence.row_ms
    return row is not None and row.state is RowState.LIVE and row_ms is not None and row_ms >= since_ms


def _explain(
    ctx: CallContext, state: CancelState, scope: CancelAllScope, balance: Mapping[str, Decimal]
) -> Flow[LockedCoins | None]:
    """Explain the locked coins of the scope; those of one symbol may be held by margin orders of other symbols.

    Returns None where that query lists orders of the symbol itself, which its own lists have left out.
    """
    amounts = {coin: amount for coin, amount in balance.items() if amount > 0 and scope.concerns(coin)}
    if not amounts:
        return LockedCoins()
    rows = () if scope.symbol is None else (yield from _open_orders_of_others(ctx, scope.symbol, scope.others))
    own = [row for row in rows if row.symbol == scope.symbol]
    if own:
        register_rows(ctx, state, own)
        return None
    return (yield from explain_locked(ctx, amounts, scope.coins, rows))


def _contradiction(state: CancelState, scope: CancelAllScope, locked: LockedCoins) -> str | None:
    """Return why locked coins refute the proof: as much as an acknowledged order held that no query shows."""
    for order in _acknowledged(state):
        lock = None if order.evidence.row is None else frozen_by(order.evidence.row, scope.coins)
        if lock is not None and 0 < lock[1] <= locked.unexplained.get(lock[0], 0):
            coin, amount = lock
            return (
                f"order {order.evidence.order_id} is in no list, but the {amount.normalize():f} {coin} that it held "
                f"may still be locked: {locked.describe()}"
            )
    return None


# -- lists -----------------------------------------------------------------------------------------------------------


def _list_again(ctx: CallContext, state: CancelState, symbols: Sequence[str | None]) -> Flow[CancelAllResult | None]:
    """List the open orders of these symbols again; return the result, or None if there still are none.

    Where the query requires a symbol, all symbols have been listed: then the second query is of the balance alone.
    """
    for start in range(0, len(symbols), SYMBOLS_PER_GROUP):
        group = symbols[start : start + SYMBOLS_PER_GROUP]
        if start:
            ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms * len(group))
        queries = (query_open_orders(ctx, symbol, as_proof=not ctx.api.FREEZES) for symbol in group)
        for rows in (yield from run_concurrently(queries)):
            if isinstance(rows, Fault) and not refuses_parameters(rows):
                return CancelAllResult("open orders could not be listed a second time", fault=rows)
            if not isinstance(rows, Fault) and rows:
                register_rows(ctx, state, rows)
                return CancelAllResult(_MORE_ORDERS, more_orders_found=True)
    return None

"""Cancel everything, of one symbol or of the account, and prove it by the balance.

open-orders wants a start time, and nobody documents whether it hides older orders that still live. What open orders
hold is `frozen` in the balance, whatever their age: nothing is left when nothing is frozen. That goes for a balance
that shows the account: one without its coins proves nothing, unless a second look at both, some time later, agrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from bitget_margin.core.cancel import run_until_resolved
from bitget_margin.core.effects import Fault, Flow, Wait, run_concurrently
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.queries import query_open_orders
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import decimal
from bitget_margin.core.settings import Deadline
from bitget_margin.core.verdicts import refuses_parameters

GROUP: Final = 10
"""How many symbols are asked for at once: what one window of the venue lets through."""
_BALANCE_LOOKS: Final = 4
_ROUNDS: Final = 3
"""How often the account is gone through where listings show orders that they did not show before."""
_ROUNDING: Final = Decimal("0.00000001")

Coins = Mapping[str, tuple[str, str]]
"""Base and quote coin of each symbol of the venue, under the venue's own names."""


@dataclass(frozen=True, slots=True)
class CancelAllResult:
    """How a sweep went beyond its orders: `problem` is what stays unproven, in words."""

    problem: str | None = None
    more_orders_found: bool = False
    """Whether orders have shown that the listing did not: they are to be cancelled too."""
    unexamined: tuple[str, ...] = ()
    fault: Fault | None = None


class _BalanceGap(Enum):
    """Why a balance does not show the account, in words."""

    ORDERS = "the balance names none of the coins of these orders"
    VANISHED = "the balance names no coin, though it did before: it proves nothing beside an empty list of orders"
    ABSENT = "open-orders shows no order and the balance none of the coins, and nothing has confirmed it a moment later"


def cancel_symbol(
    ctx: CallContext, symbol: str, coins: Coins, others: Sequence[str], known: set[str] | None = None
) -> Flow[CancelAllResult]:
    """Cancel every open order of one symbol.

    :param others: symbols whose orders may hold the same coins
    :param known: coins that balances of the account have shown before; those that are shown now are added
    """
    known = set() if known is None else known
    while True:
        faults = yield from _cancel_listed(ctx, [symbol])
        ctx.cancel_state.resolve_remaining()
        if symbol in faults:
            return CancelAllResult(unexamined=(symbol,), fault=faults[symbol])
        swept = yield from _prove_by_balance(ctx, symbol, coins, others, known)
        if not swept.more_orders_found or ctx.deadline.left_ms() <= ctx.settings.pacing.poll_ms(0):
            return swept
        yield Wait(ctx.deadline.now_ms() + ctx.settings.pacing.poll_ms(0))


def cancel_account(
    ctx: CallContext, coins: Coins, symbols: Sequence[str], known: set[str] | None = None
) -> Flow[CancelAllResult]:
    """Cancel every open order of the account.

    The venue is asked for all symbols at once first. Where it refuses that, or something stays frozen although its
    answer shows no order, each of `symbols` is asked for, with a deadline of its own.

    :param known: as for one symbol
    """
    known = set() if known is None else known
    swept = yield from _cancel_account_once(ctx, coins, symbols, known)
    for _ in range(_ROUNDS - 1):
        if not swept.more_orders_found:
            break
        swept = yield from _cancel_account_once(ctx, coins, symbols, known)
    return swept


def _cancel_account_once(
    ctx: CallContext, coins: Coins, symbols: Sequence[str], known: set[str]
) -> Flow[CancelAllResult]:
    faults = yield from _cancel_listed(ctx, [None])
    ctx.cancel_state.resolve_remaining()
    fault = faults.get(None)
    if fault is None:
        swept = yield from _prove_by_balance(ctx, None, coins, (), known)
        if swept.problem is None or swept.more_orders_found or _unresolved(ctx):
            return swept
    elif not refuses_parameters(fault):
        return CancelAllResult(unexamined=tuple(symbols), fault=fault)
    unexamined: list[str] = []
    for start in range(0, len(symbols), GROUP):
        group = symbols[start : start + GROUP]
        ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms * len(group))
        failed = yield from _cancel_listed(ctx, group)
        ctx.cancel_state.resolve_remaining()
        unexamined += [symbol for symbol in group if symbol in failed]
        fault = next(iter(failed.values()), None)
        ctx.progress(start + len(group), len(symbols), group[-1])
        if ctx.cancel_state.error is not None:
            unexamined += symbols[start + len(group) :]
            break
    if unexamined:
        return CancelAllResult(unexamined=tuple(unexamined), fault=fault)
    ctx.deadline = Deadline.after(ctx.deadline.clock, ctx.settings.timeout_ms)
    return (yield from _prove_by_balance(ctx, None, coins, (), known))


def _cancel_listed(ctx: CallContext, symbols: Sequence[str | None]) -> Flow[Mapping[str | None, Fault]]:
    """List and cancel, until the listings show nothing that a cancel could still change."""
    faults: dict[str | None, Fault] = {}
    todo = list(symbols)
    while True:
        listings = yield from run_concurrently(query_open_orders(ctx, symbol) for symbol in todo)
        again: list[str | None] = []
        for symbol, rows in zip(todo, listings, strict=True):
            if isinstance(rows, Fault):
                faults[symbol] = rows
            elif _register_rows(ctx, rows):
                again.append(symbol)
        if not again:
            return faults
        if symbols == [None]:
            _extend_deadline(ctx)
        yield from run_until_resolved(ctx)
        if any(True for _ in ctx.cancel_state.unresolved()):
            return faults
        todo = again


def _register_rows(ctx: CallContext, rows: Iterable[OrderRow]) -> bool:
    """Enter what is listed; an order that was acknowledged and still is listed, is taken up again."""
    found = False
    now_ms = ctx.deadline.now_ms()
    for row in rows:
        entry = ctx.cancel_state.add(OrderRef(row.symbol, IdKind.ORDER, row.order_id))
        if entry.outcome is Outcome.ACCEPTED:
            entry.outcome = None
            entry.next_lookup_ms = now_ms + ctx.settings.pacing.poll_ms(0)
        if entry.outcome is None:
            entry.record_row(row, now_ms)
            found = True
    return found


def _extend_deadline(ctx: CallContext) -> None:
    """Give every symbol the time that a call for it alone would have."""
    symbols = {target.symbol for target in ctx.cancel_state.orders}
    ctx.deadline = ctx.deadline.extended(ctx.settings.timeout_ms * len(symbols))


def _unresolved(ctx: CallContext) -> bool:
    return any(entry.outcome is None or not entry.outcome.resolved for entry in ctx.cancel_state.orders.values())


def _prove_by_balance(
    ctx: CallContext, symbol: str | None, coins: Coins, others: Sequence[str], known: set[str]
) -> Flow[CancelAllResult]:
    """Ask the balance whether anything is still held: of the two coins of this symbol, or of any."""
    lives = sum(entry.outcome is Outcome.OPEN for entry in ctx.cancel_state.orders.values())
    if lives or _unresolved(ctx):
        return CancelAllResult(problem=f"the venue refuses to cancel {lives} of the open orders" if lives else None)
    own = None if symbol is None else coins[symbol]
    held: Mapping[str, Decimal] = {}
    unshown: _BalanceGap | None = None
    for look in range(_BALANCE_LOOKS):
        asked = yield from query(ctx, lambda dialect: dialect.assets(None), lambda dialect: dialect.read_frozen)
        frozen = asked.result
        if isinstance(frozen, Fault):
            return CancelAllResult(problem=f"the balance could not be read ({frozen.error})", fault=frozen)
        held = {coin: amount for coin, amount in frozen.items() if amount > 0 and (own is None or coin in own)}
        before, unshown = unshown, _balance_gap(ctx, frozen, own, coins, known)
        known.update(frozen)
        if not held and (unshown is None or (unshown is before and unshown is _BalanceGap.ABSENT)):
            return CancelAllResult()
        ended, held = yield from _subtract_other_symbols(ctx, symbol, held, coins, others)
        if ended is not None:
            return ended
        pause_ms = ctx.settings.pacing.recheck_ms if unshown else ctx.settings.pacing.poll_ms(look)
        if ctx.deadline.left_ms() <= pause_ms:
            break
        yield Wait(ctx.deadline.now_ms() + pause_ms)
        ended = (yield from _list_again(ctx, symbol)) if unshown is _BalanceGap.ABSENT else None
        if ended is not None:
            return ended
    if unshown is not None:
        return CancelAllResult(problem=unshown.value)
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
    """Return how the sweep of one symbol ends by what other symbols' orders hold, if it does, and what stays held."""
    if symbol is None or not held:
        return None, held
    rows = yield from _open_orders_of_others(ctx, symbol, others)
    if any(row.symbol == symbol for row in rows):
        return CancelAllResult("more orders of this symbol are listed than before", more_orders_found=True), held
    left = unexplained(rows, held, coins)
    return None if left else CancelAllResult(), left


def _list_again(ctx: CallContext, symbol: str | None) -> Flow[CancelAllResult | None]:
    """Return how the sweep ends by a second look at the open orders; None where there still are none.

    Where the venue wants a symbol, all of them have been gone through: the second look is at the balance alone.
    """
    rows = yield from query_open_orders(ctx, symbol)
    if isinstance(rows, Fault):
        return None if refuses_parameters(rows) else CancelAllResult(_BalanceGap.ABSENT.value, fault=rows)
    return CancelAllResult("more orders are listed than before", more_orders_found=True) if rows else None


def _balance_gap(
    ctx: CallContext, frozen: Mapping[str, Decimal], own: tuple[str, str] | None, coins: Coins, known: set[str]
) -> _BalanceGap | None:
    """Return why a balance does not show the account; None if it does.

    What was open, was so by one of the coins of its symbol. A unified account leaves out the coins that it has none of.
    """
    symbols = {target.symbol for target in ctx.cancel_state.orders}
    if symbols:
        shown = bool(frozen) and all(not frozen.keys().isdisjoint(coins.get(symbol, frozen)) for symbol in symbols)
        return None if shown else _BalanceGap.ORDERS
    if frozen and (own is None or not frozen.keys().isdisjoint(own)):
        return None
    return _BalanceGap.ABSENT if frozen or not known else _BalanceGap.VANISHED


def _open_orders_of_others(ctx: CallContext, symbol: str, others: Sequence[str]) -> Flow[Sequence[OrderRow]]:
    """Return the open orders of all symbols, or where the venue wants one named, of this one and these."""
    listed = yield from query_open_orders(ctx, None)
    if not isinstance(listed, Fault) and listed:
        return listed
    listings = yield from run_concurrently(query_open_orders(ctx, other) for other in (symbol, *others))
    return [row for listing in listings if not isinstance(listing, Fault) for row in listing]


def unexplained(rows: Iterable[OrderRow], held: Mapping[str, Decimal], coins: Coins) -> Mapping[str, Decimal]:
    """Return what of `held` is not accounted for by these open orders of other symbols."""
    left = dict(held)
    for row in rows:
        # What has ended holds nothing, in whichever list it stands.
        lock = None if row.state.ended else _held_by(row, coins)
        if lock is not None and lock[0] in left:
            left[lock[0]] -= lock[1] + _ROUNDING
    return {coin: amount for coin, amount in left.items() if amount > 0}


def _held_by(row: OrderRow, coins: Coins) -> tuple[str, Decimal] | None:
    """Return the coin and the amount of it that an open limit order holds."""
    base_quote = coins.get(row.symbol)
    ordered, filled = decimal(row.raw.get(row.fields.ordered)), decimal(row.raw.get(row.fields.filled))
    price = decimal(row.raw.get("price"))
    if base_quote is None or ordered is None or filled is None:
        return None
    if str(row.raw.get("side")).endswith("sell"):
        return base_quote[0], ordered - filled
    return None if price is None else (base_quote[1], (ordered - filled) * price)

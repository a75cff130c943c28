"""Locked coins of a unified account, and the orders that hold them.

`locked` is documented for spot orders, which share the wallet with margin orders. What it shows of margin and strategy
orders is not documented, so it neither proves nor refutes that a margin order is open: it is explained, as far as
listed orders do so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core import api_v3, strategy_api
from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.frozen_amounts import Coins, frozen_by, unexplained
from bitget_margin.core.order_row import OrderRow, text
from bitget_margin.core.queries import from_try
from bitget_margin.core.requests import CallContext, query

_TRIES: Final = 2
"""Maximum number of tries of a query: it explains, and proves nothing."""
_PAGES_MAX: Final = 6
"""Maximum number of pages: an account can have 400 open orders, of spot and margin together."""
_NAMED: Final = 5
"""Number of orders of a coin that a text names."""


@dataclass(frozen=True, slots=True)
class LockingOrder:
    """Open order and what it holds; `amount` is None where its row does not show it."""

    order_id: str
    symbol: str
    side: str
    coin: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LockedCoins:
    """Locked amount of each coin, and the orders that hold it beside margin orders."""

    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    spot: tuple[LockingOrder, ...] = ()
    strategy: tuple[LockingOrder, ...] = ()
    """Strategy orders that may hold a locked coin: whether they do is not documented."""
    unexplained: Mapping[str, Decimal] = field(default_factory=dict)
    """The part of each amount that neither listed margin orders nor spot orders account for."""
    unread: tuple[str, ...] = ()
    """Lists that could not be read."""

    @property
    def is_by_margin_orders(self) -> bool:
        """Whether listed margin orders account for all of it."""
        return not self.spot and not self.unexplained

    def describe(self) -> str:
        """Return a text that names each locked coin and the orders that hold it."""
        parts = [self._describe_coin(coin, amount) for coin, amount in self.amounts.items()]
        if self.unexplained and self.unread:
            parts.append(f"not listed: {', '.join(self.unread)}")
        return "; ".join(parts)

    def _describe_coin(self, coin: str, amount: Decimal) -> str:
        spot, strategy = ([each for each in orders if each.coin == coin] for orders in (self.spot, self.strategy))
        parts = []
        if spot:
            parts.append(f"spot {_names(spot)}")
        rest = self.unexplained.get(coin)
        if rest is not None:
            parts.append(f"no listed order accounts for {rest.normalize():f} {coin}")
            if strategy:
                parts.append(f"strategy {_names(strategy)} may")
        elif not spot:
            parts.append("open margin orders")
        return f"{amount.normalize():f} {coin} locked: {', '.join(parts)}"


def explain_locked(
    ctx: CallContext, locked: Mapping[str, Decimal], coins: Coins, margin_rows: Iterable[OrderRow] = ()
) -> Flow[LockedCoins]:
    """Query the spot orders and the strategy orders that may hold these coins.

    :param margin_rows: open margin orders, which may hold them, too
    """
    unread: list[str] = []
    spot = yield from _spot_orders(ctx)
    if isinstance(spot, Fault):
        unread.append(f"spot orders ({spot.text or spot.error})")
        spot = ()
    rest = unexplained([*margin_rows, *spot], locked, coins)
    strategy: list[LockingOrder] = []
    # One more look: whether strategy orders lock coins is not documented, and the list may not exist.
    for category in (api_v3.CATEGORY, api_v3.SPOT_CATEGORY) if rest else ():
        rows = yield from _strategy_orders(ctx, category)
        if isinstance(rows, Fault):
            unread.append(f"strategy orders ({rows.text or rows.error})")
            break
        strategy += _strategy_orders_of(rows, coins, rest)
    held = [_locking(row, coins) for row in spot]
    shown = tuple(each for each in held if each is not None and each.coin in locked)
    return LockedCoins(locked, shown, tuple(strategy), rest, tuple(unread))


def _spot_orders(ctx: CallContext) -> Flow[tuple[OrderRow, ...] | Fault]:
    """Return the open spot orders of all symbols, over all pages."""
    rows: dict[str, OrderRow] = {}
    cursor: str | None = None

    def request(_: Api) -> Call:
        return api_v3.spot_page_request(cursor)

    for _ in range(_PAGES_MAX):
        found = (yield from query(ctx, request, lambda _: api_v3.read_spot_page, from_try(_TRIES))).result
        if isinstance(found, Fault):
            return found
        fresh = {row.order_id: row for row in found.rows if row.order_id not in rows}
        rows |= fresh
        cursor = found.cursor
        if not fresh or cursor is None:
            break
    return tuple(rows.values())


def _strategy_orders(ctx: CallContext, category: str) -> Flow[Sequence[Mapping[str, Any]] | Fault]:
    found = yield from query(
        ctx,
        lambda _: strategy_api.category_request(category),
        lambda _: strategy_api.read_raw,
        lambda _: True,
    )
    return found.result


def _locking(row: OrderRow, coins: Coins) -> LockingOrder | None:
    """Return what an open order holds; None of an order that has ended, or where its symbol is not known."""
    lock = None if row.state.ended else frozen_by(row, coins)
    return None if lock is None else LockingOrder(row.order_id, row.symbol, str(row.raw.get("side")), *lock)


def _strategy_orders_of(
    rows: Iterable[Mapping[str, Any]], coins: Coins, rest: Mapping[str, Decimal]
) -> list[LockingOrder]:
    """Return the strategy orders that spend one of these coins, or may do so."""
    found = []
    for row in rows:
        order_id, symbol, side = (text(row.get(name)) for name in ("orderId", "symbol", "side"))
        pair = coins.get(symbol or "")
        if order_id is None or symbol is None or pair is None:
            continue
        spent = pair if side is None else (pair[0],) if side.lower() == "sell" else (pair[1],)
        found += [LockingOrder(order_id, symbol, side or "", coin) for coin in spent if coin in rest]
    return found


def _names(orders: Sequence[LockingOrder]) -> str:
    """Return the first of these orders as text: `order 12 (BTCUSDT buy)`."""
    named = ", ".join(f"{each.order_id} ({f'{each.symbol} {each.side}'.strip()})" for each in orders[:_NAMED])
    more = f" and {len(orders) - _NAMED} more" if len(orders) > _NAMED else ""
    return f"{'order' if len(orders) == 1 else 'orders'} {named}{more}"

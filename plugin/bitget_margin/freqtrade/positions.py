"""The cross margin account as a futures account: one margin, the positions, and their liquidation prices.

All of it is computed from two things: the balances and debts that the venue shows, and freqtrade's open trades. Amounts
are in coins, values in the stake currency; `net` of a coin is what is there less what is owed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin.core.order_row import text
from bitget_margin.core.responses import decimal
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade, lot_amount

WHOLE_RATIO: Final = 0.98
"""Part of a position from which on it counts as all of it; freqtrade itself tolerates as much in spot mode."""
EQUITY_TOLERANCE: Final = 0.05
"""Relative difference of the own equity and the venue's up to which liquidation prices are published."""
_UNREACHABLE: Final = 0.0
"""Liquidation price that no price reaches: freqtrade ignores it, and forgets an earlier one."""


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Amounts of an account by coin: what is there, what of it is free, and what is owed with its interest.

    What orders freeze is part of `total`. A coin that the venue has not listed is in none of them.
    """

    total: Mapping[str, float]
    free: Mapping[str, float]
    debt: Mapping[str, float]

    def net(self, coin: str) -> float:
        """Return what is left of a coin once its debt is paid; below zero where more is owed than is there."""
        return self.total.get(coin, 0.0) - self.debt.get(coin, 0.0)


def read_snapshot(balance: Mapping[str, Any], *, unified: bool) -> AccountSnapshot:
    """Return the amounts of ccxt's balance structure, as this package's own `fetch_balance` returns it.

    Its `total` is what is there on a classic account, and what is there less the debt on a unified one; `free` is what
    orders may use, and `debt` has the interest, on both. A coin without a total is left out.
    """
    rows = {code: row for code, row in balance.items() if isinstance(row, Mapping) and row.get("total") is not None}
    debt = {code: float(row.get("debt") or 0.0) for code, row in rows.items()}
    total = {code: float(row["total"]) + (debt[code] if unified else 0.0) for code, row in rows.items()}
    return AccountSnapshot(total, {code: float(row.get("free") or 0.0) for code, row in rows.items()}, debt)


def venue_equity(
    balance: Mapping[str, Any],
    *,
    unified: bool,
    stake_coin: str,
    price: Callable[[str], float | None],
    code_of: Callable[[str], str] = str,
) -> float | None:
    """Return the equity by the venue's own net amounts, in the stake currency; None where they cannot be read.

    They are in the rows that ccxt's structure has as `info`, and nothing of its sums is used.

    :param code_of: returns ccxt's code of a coin of the venue
    """
    rows = balance.get("info")
    if not isinstance(rows, list) or not rows:
        return None
    name = "equity" if unified else "net"
    nets: dict[str, float] = {}
    for row in rows:
        fields = row if isinstance(row, Mapping) else {}
        coin, amount = text(fields.get("coin")), decimal(fields.get(name))
        if coin is None or amount is None:
            return None
        if nets.setdefault(code_of(coin), float(amount)) != float(amount):
            return None  # a coin that is listed twice, as an answer that was repeated has it, counts once
    return sum(net * (1.0 if code == stake_coin else price(code) or 0.0) for code, net in nets.items())


@dataclass(frozen=True, slots=True)
class TradePosition:
    """An open trade, as far as freqtrade has booked it.

    A trade without a booked fill has its whole stake, and no amount.

    :param amount: coins of booked fills
    :param stake: freqtrade's stake of these fills, or of the first entry before it has one
    :param pending: stake of further entry orders that are open
    :param is_entering: whether an entry order is open
    :param coming: coins of the open entry orders: freqtrade books them when the order has ended
    :param besides: net coins of the base that are the owner's own
    :param crumb: coins of booked fills beyond `amount`, which freqtrade cuts to a lot
    """

    pair: str
    base: str
    is_short: bool
    amount: float
    open_rate: float
    stake: float
    leverage: float
    pending: float = 0.0
    is_entering: bool = False
    coming: float = 0.0
    besides: float = 0.0
    crumb: float = 0.0

    @property
    def signed(self) -> float:
        """Net coins of the trade: below zero for a short."""
        return -self.amount if self.is_short else self.amount

    @property
    def value(self) -> float:
        """Value of its coins at the rates of the entries, open ones included."""
        coming = self.pending * self.leverage if self.pending else self.coming * self.open_rate
        return self.amount * self.open_rate + coming


def position_of(trade: Trade, besides: float = 0.0) -> TradePosition:
    """Return one of freqtrade's trades as a position.

    :param besides: net coins of the base before its first entry
    """
    entries = [order for order in trade.open_orders if order.ft_order_side == trade.entry_side]
    leverage = trade.leverage or 1.0
    # Before its first fill, a trade of freqtrade has its whole stake, and may have the amount that is asked for.
    is_filled = trade.nr_of_successful_entries > 0
    pending = sum(order.safe_amount * order.safe_price for order in entries) / leverage
    return TradePosition(
        pair=trade.pair,
        base=trade.safe_base_currency,
        is_short=bool(trade.is_short),
        amount=trade.amount if is_filled else 0.0,
        open_rate=trade.open_rate,
        stake=trade.stake_amount,
        leverage=leverage,
        pending=pending if is_filled else 0.0,
        is_entering=bool(entries),
        coming=sum(order.safe_amount for order in entries),
        besides=besides,
        crumb=_crumb(trade),
    )


def _crumb(trade: Trade) -> float:
    left = trade_rows.remaining_amount(trade)
    return left - trade.amount if 0 < trade.amount == lot_amount(trade, left) else 0.0


@dataclass(frozen=True, slots=True)
class MarginBooks:
    """An account and the open trades that explain it.

    :param price: returns the price of a coin in the stake currency; None where it is not known
    """

    account: AccountSnapshot
    trades: tuple[TradePosition, ...]
    stake_coin: str
    price: Callable[[str], float | None]

    def is_whole(self) -> bool:
        """Whether the answer with the balances may be all of them.

        One without coins never is, nor one without the stake coin and the coins of each trade: an account that has
        nothing would look like one that was liquidated.
        """
        bases = {trade.base for trade in self.trades if trade.amount > 0}
        listed = self.account.total.keys()
        return bool(listed) and (not bases or not listed.isdisjoint({self.stake_coin, *bases}))

    def wallet(self) -> float:
        """Return the margin: the worth of the account without the unrealized profit of the open trades."""
        worth = self.account.net(self.stake_coin)
        for trade in self.trades:
            worth += trade.signed * trade.open_rate + self._unbooked(trade) * self._price_of(trade)
        bases = {self.stake_coin, *(trade.base for trade in self.trades)}
        owed = {coin: self.account.net(coin) for coin in self.account.total if coin not in bases}
        return worth + sum(net * (self.price(coin) or 0.0) for coin, net in owed.items() if net < 0)

    def _unbooked(self, trade: TradePosition) -> float:
        """Return the net coins of a trade that freqtrade has not booked: interest, and fills of orders.

        Coins beyond those of its entries, or of its whole cover, are not the bot's.
        """
        most = trade.amount if trade.is_short else trade.coming + trade.crumb
        return min(self.account.net(trade.base) - trade.signed - trade.besides, most)

    def balances(self) -> dict[str, dict[str, float]]:
        """Return the balances for freqtrade: the margin as those of the stake coin, and coins of no trade.

        Coins of open trades are left out: freqtrade has them as positions, and would count them twice.
        """
        wallet, bound = self.wallet(), sum(trade.stake + trade.pending for trade in self.trades)
        bases = {self.stake_coin, *(trade.base for trade in self.trades)}
        found = {}
        for coin in self.account.total:
            net = self.account.net(coin)
            if coin not in bases and net > 0:
                free = min(net, self.account.free.get(coin, 0.0))
                found[coin] = {"free": free, "used": net - free, "total": net}
        return {**found, self.stake_coin: {"free": wallet - bound, "used": bound, "total": wallet}}

    def equity(self) -> float:
        """Return the net worth of the account; a coin without a price counts nothing."""
        return sum(self.account.net(coin) * (self._worth(coin) or 0.0) for coin in self.account.total)

    def spare(self, coin: str) -> float:
        """Return the free coins of the account that belong to no open long."""
        held = sum(trade.amount + trade.coming for trade in self.trades if trade.base == coin and not trade.is_short)
        return max(0.0, min(self.account.free.get(coin, 0.0), self.account.total.get(coin, 0.0) - held))

    def owed(self) -> float:
        """Return the value of all debts; one without a price counts nothing."""
        return sum(debt * (self._worth(coin) or 0.0) for coin, debt in self.account.debt.items())

    def is_priced(self, equity: float | None) -> bool:
        """Whether liquidation prices can be computed: all amounts and prices are there, and agree with the venue's.

        :param equity: the equity by the venue's own amounts, see `venue_equity`
        """
        own = self.equity()
        needed = {self.stake_coin, *(trade.base for trade in self.trades if trade.amount > 0)}
        owed = {coin for coin, debt in self.account.debt.items() if debt > 0}
        return (
            equity is not None
            and abs(own - equity) <= EQUITY_TOLERANCE * max(abs(own), abs(equity))
            and needed <= self.account.total.keys()
            and all(self._worth(coin) for coin in needed | owed)
        )

    def positions(self, maintenance_rate: float, equity: float | None) -> list[dict[str, Any]]:
        """Return the trades with booked fills as ccxt's position structures.

        Their size is what is really there, or owed. The liquidation price is None where it cannot be computed, on
        which freqtrade keeps the one before, and 0 where no price of this pair liquidates the account.

        :param equity: the equity by the venue's own amounts, see `venue_equity`
        """
        room = self.equity() - maintenance_rate * self.owed() if self.is_priced(equity) else None
        return [self._position(trade, maintenance_rate, room) for trade in self.trades if trade.amount > 0]

    def gone(self) -> frozenset[str]:
        """Return the pairs of leveraged and short trades with booked fills of which nearly nothing is left."""
        lent = [trade for trade in self.trades if trade.amount > 0 and (trade.is_short or trade.leverage > 1)]
        return frozenset(trade.pair for trade in lent if self._there(trade) <= trade.amount * (1 - WHOLE_RATIO))

    def _there(self, trade: TradePosition) -> float:
        """Return the coins of a trade that are really there, or owed."""
        own = self.account.net(trade.base) - trade.besides
        return -own if trade.is_short else own

    def _position(self, trade: TradePosition, maintenance_rate: float, room: float | None) -> dict[str, Any]:
        net, price, there = self.account.net(trade.base), self._price_of(trade), self._there(trade)
        liquidation = None
        if room is not None:
            liquidation = liquidation_price(
                price,
                net=net,
                debt=self.account.debt.get(trade.base, 0.0),
                room=room,
                maintenance_rate=maintenance_rate,
                is_short=trade.is_short,
            )
        return {
            "symbol": trade.pair,
            "side": "short" if trade.is_short else "long",
            "contracts": trade.amount if there >= trade.amount * WHOLE_RATIO else max(0.0, there),
            "entryPrice": trade.open_rate,
            # Versions of freqtrade read one or the other, and take a position without it for none.
            "initialMargin": trade.stake,
            "collateral": trade.stake,
            "leverage": trade.leverage,
            "unrealizedPnl": (price - trade.open_rate) * trade.signed,
            "liquidationPrice": liquidation,
        }

    def _price_of(self, trade: TradePosition) -> float:
        return self.price(trade.base) or trade.open_rate

    def _worth(self, coin: str) -> float | None:
        return 1.0 if coin == self.stake_coin else self.price(coin)


def liquidation_price(
    price: float, *, net: float, debt: float, room: float, maintenance_rate: float, is_short: bool
) -> float:
    """Return the price of a coin, all others unchanged, at which the equity is the maintenance margin of the debts.

    0 where none is: the account does not lose by a move of this price against the trade.

    :param net: net coins of the account, and `debt` the owed ones
    :param room: equity above the maintenance margin at `price`; below zero if it is reached already
    """
    slope = net - maintenance_rate * debt
    if slope >= 0 if is_short else slope <= 0:
        return _UNREACHABLE
    return max(price - room / slope, _UNREACHABLE)


def planned_liquidation_price(
    trades: Iterable[TradePosition], trade: TradePosition, wallet: float, maintenance_rate: float
) -> float:
    """Return the liquidation price from freqtrade's books alone, other pairs at their open rates.

    For backtesting and dry runs, where no account is.

    :param trades: all open trades; `trade` is added if it is not among them
    :param wallet: margin of the account, profits of closed trades included
    """
    held = list(trades)
    if not any(_is_same(known, trade) for known in held):
        held.append(trade)
    bought = sum(known.amount * known.open_rate for known in held if not known.is_short)
    sold = sum(known.amount * known.open_rate for known in held if known.is_short)
    quote_debt = max(0.0, bought - sold - wallet)
    own = [known for known in held if known.pair == trade.pair]
    # At the open rate of this trade, others on its pair may have won or lost.
    profit = sum((trade.open_rate - known.open_rate) * known.signed for known in own)
    loss = sum((trade.open_rate - known.open_rate) * known.amount for known in own if known.is_short)
    return liquidation_price(
        trade.open_rate,
        net=sum(known.signed for known in own),
        debt=sum(known.amount for known in own if known.is_short),
        room=wallet + profit - maintenance_rate * (quote_debt + sold + loss),
        maintenance_rate=maintenance_rate,
        is_short=trade.is_short,
    )


def _is_same(one: TradePosition, other: TradePosition) -> bool:
    names = ("pair", "is_short", "amount", "open_rate")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def planned_debt(trades: Iterable[TradePosition]) -> float:
    """Return how much of the stake currency leveraged longs may owe, open entries included."""
    return sum(trade.value * (1 - 1 / trade.leverage) for trade in trades if not trade.is_short)


def planned_coins(trades: Iterable[TradePosition], base: str) -> float:
    """Return how many coins of a base shorts may owe, open entries included."""
    return sum(trade.amount + trade.coming for trade in trades if trade.is_short and trade.base == base)

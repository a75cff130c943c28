"""A little margin account that borrows and repays by itself, and books like freqtrade's beside it.

It shares no code with the plugin: what a test computes by both has to agree.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, TradePosition

STAKE = "USDT"


@dataclass
class MarginAccount:
    """Coins that are there and owed; prices are those of the moment."""

    coins: defaultdict[str, float]
    prices: dict[str, float]
    fee: float = 0.0
    debts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def swap(self, given: str, amount: float, received: str, proceeds: float) -> None:
        """Give coins, borrowed ones where there are too few, and repay with those received, less the fee."""
        lacking = max(0.0, amount - self.coins[given])
        self.coins[given] += lacking - amount
        self.debts[given] += lacking
        self.coins[received] += proceeds * (1 - self.fee)
        repaid = min(self.coins[received], self.debts[received])
        self.coins[received] -= repaid
        self.debts[received] -= repaid

    def charge(self, coin: str, rate: float) -> None:
        """Add interest to a debt."""
        self.debts[coin] *= 1 + rate

    def net(self, coin: str) -> float:
        """Return what is left of a coin."""
        return self.coins[coin] - self.debts[coin]

    def worth(self, prices: Mapping[str, float] | None = None) -> float:
        """Return the net worth of all coins."""
        return sum(self.net(coin) * self._price(coin, prices) for coin in self._known())

    def risk(self, maintenance_rate: float, prices: Mapping[str, float]) -> float:
        """Return the maintenance margin of the debts as a part of the net worth, which liquidates at 1."""
        owed = sum(self.debts[coin] * self._price(coin, prices) for coin in self._known())
        worth = self.worth(prices)
        return owed * maintenance_rate / worth if worth > 0 else float("inf")

    def _known(self) -> set[str]:
        return {*self.coins, *self.debts}

    def _price(self, coin: str, prices: Mapping[str, float] | None) -> float:
        return 1.0 if coin == STAKE else (prices or self.prices)[coin]


@dataclass
class TradingAccount:
    """An account and the trades of a bot that trades on it; `open` has them by base coin."""

    account: MarginAccount
    open: dict[str, TradePosition] = field(default_factory=dict)

    def enter(self, base: str, value: float, leverage: float, *, is_short: bool) -> None:
        """Open a trade, or add to the open one, by an order that has filled and is booked."""
        known = self.open.get(base)
        if known is None:
            besides = self.account.net(base)
            known = TradePosition(f"{base}/{STAKE}", base, is_short, 0.0, 0.0, 0.0, leverage, besides=besides)
        price = self.account.prices[base]
        self._fill(base, value / price, sells=known.is_short)
        # The fee of a buy is taken from its coins, that of a sell from its proceeds.
        added = value / price if known.is_short else value / price * (1 - self.account.fee)
        amount = known.amount + added
        rate = (known.amount * known.open_rate + added * price) / amount
        stake = amount * rate / known.leverage
        self.open[base] = replace(known, amount=amount, open_rate=rate, stake=stake)

    def enter_unbooked(self, base: str, value: float, part: float) -> None:
        """Place an entry order for an open trade, which has filled in part, and is not booked."""
        trade, price = self.open[base], self.account.prices[base]
        coins = value / price
        self._fill(base, coins * part, sells=trade.is_short)
        pending = value / trade.leverage
        self.open[base] = replace(trade, pending=pending, is_entering=True, coming=coins)

    def exit(self, base: str, part: float, *, booked: bool = True) -> None:
        """Sell or cover a part of a trade; all of it ends the trade."""
        trade = self.open[base]
        coins = trade.amount * part
        self._fill(base, coins if not trade.is_short else coins / (1 - self.account.fee), sells=not trade.is_short)
        if not booked:
            return
        if part == 1.0:
            del self.open[base]
            return
        amount = trade.amount - coins
        self.open[base] = replace(trade, amount=amount, stake=amount * trade.open_rate / trade.leverage)

    def _fill(self, base: str, coins: float, *, sells: bool) -> None:
        value = coins * self.account.prices[base]
        if sells:
            self.account.swap(base, coins, STAKE, value)
        else:
            self.account.swap(STAKE, value, base, coins)

    def books(self) -> MarginBooks:
        """Return what the plugin makes of it."""
        known = {*self.account.coins, *self.account.debts}
        total = {coin: self.account.coins[coin] for coin in known}
        snapshot = AccountSnapshot(total, total, {coin: self.account.debts[coin] for coin in known})
        return MarginBooks(snapshot, tuple(self.open.values()), STAKE, self.account.prices.get)

    def unrealized(self) -> float:
        """Return the profit of the open trades as freqtrade computes it, without the fee of their exits."""
        prices = self.account.prices
        return sum(trade.signed * (prices[trade.base] - trade.open_rate) for trade in self.open.values())

    def owners(self) -> float:
        """Return the worth of the owner's own coins beside the open trades."""
        return sum(trade.besides * self.account.prices[trade.base] for trade in self.open.values())


def trading_account(
    quote: float, prices: Mapping[str, float], *, own: Mapping[str, float] | None = None, fee: float = 0.0
) -> TradingAccount:
    """Return an account with so much of the stake currency, and coins of the owner's own."""
    coins = defaultdict(float, {STAKE: quote, **dict.fromkeys(prices, 0.0), **(own or {})})
    return TradingAccount(MarginAccount(coins, dict(prices), fee))

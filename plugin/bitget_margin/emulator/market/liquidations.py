"""Liquidation of accounts whose risk ratio reaches 1: all is sold, bought back and repaid at the last prices."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.market.balance_changes import BalanceChanges, ChangeKind
from bitget_margin.emulator.market.decimals import ZERO
from bitget_margin.emulator.market.loan_records import LiquidationRecord, RepayKind
from bitget_margin.emulator.market.loans import Loans
from bitget_margin.emulator.market.orders import Fill, Force, LoanType, Order, Orders, OrderType, Scope, Side, Status
from bitget_margin.emulator.market.prices import Market
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import NO_DEBT, NOTHING, Wallet

_DOLLAR = "USDT"
_LIQUIDATION_RISK = 1


class Liquidations:
    """Liquidations of all accounts, each executed at once.

    Where the coins of an account do not cover its debts, the venue adds the missing US dollars. Coins without a pair
    in US dollars are left alone.

    :param next_id: returns a new id; ids grow with time
    :param cancel_all: cancels the orders of an account
    :param knobs_of: returns the knobs of an account
    """

    def __init__(
        self,
        market: Market,
        orders: Orders,
        wallets: Mapping[str, Wallet],
        loans: Loans,
        changes: BalanceChanges,
        next_id: Callable[[], str],
        cancel_all: Callable[[str, int], None],
        knobs_of: Callable[[str], Knobs],
    ) -> None:
        self._market = market
        self._orders = orders
        self._wallets = wallets
        self._loans = loans
        self._changes = changes
        self._next_id = next_id
        self._cancel_all = cancel_all
        self._knobs_of = knobs_of
        self._records: dict[str, list[LiquidationRecord]] = defaultdict(list)

    def of(self, uid: str) -> list[LiquidationRecord]:
        """Return the liquidations of an account, newest first."""
        return self._records[uid][::-1]

    def check_all(self, now_ms: int) -> None:
        """Liquidate each account whose risk ratio has reached 1."""
        for uid in self._wallets:
            self.check(uid, now_ms)

    def check(self, uid: str, now_ms: int) -> None:
        """Liquidate an account if its risk ratio has reached 1; one without debts never has."""
        may = self._wallets[uid].debts() and self._knobs_of(uid).liquidates
        if may and self._loans.risk(uid) >= _LIQUIDATION_RISK:
            self.liquidate(uid, now_ms)

    def liquidate(self, uid: str, now_ms: int) -> LiquidationRecord:
        """Cancel an account's orders, sell its coins, buy back what it owes, repay, and take the fee."""
        risk, assets, debts = self._loans.risk(uid), self._loans.assets(uid), self._loans.owed(uid)
        self._cancel_all(uid, now_ms)
        nets = {symbol: self._net(uid, symbol.base) for symbol in self._dollar_pairs()}
        traded = sum((abs(net) * self._market.price(symbol.symbol) for symbol, net in nets.items()), ZERO)
        for symbol, net in nets.items():
            if net > ZERO:
                self._trade(uid, symbol, Side.SELL, net, now_ms)
        self._compensate(uid, nets, now_ms)
        for symbol, net in nets.items():
            if net < ZERO:
                self._trade(uid, symbol, Side.BUY, -net, now_ms)
        for coin, debt in self._wallets[uid].debts().items():
            self._loans.pay(uid, coin, debt.total, RepayKind.BY_LIQUIDATION, now_ms)
        fee = self._take_fee(uid, traded * self._loans.terms.liquidation_fee, now_ms)
        self._wallets[uid].keep_state(now_ms)
        record = LiquidationRecord(self._next_id(), risk, assets, debts, fee, now_ms)
        self._records[uid].append(record)
        return record

    def _dollar_pairs(self) -> list[Symbol]:
        return [symbol for symbol in self._market.symbols.values() if symbol.quote == _DOLLAR]

    def _net(self, uid: str, coin: str) -> Decimal:
        """Return the free amount of a coin less what is owed of it."""
        wallet = self._wallets[uid]
        return wallet.balances().get(coin, NOTHING).available - wallet.debts().get(coin, NO_DEBT).total

    def _compensate(self, uid: str, nets: Mapping[Symbol, Decimal], now_ms: int) -> None:
        """Add the US dollars that an account lacks to buy back and repay all that it owes."""
        costs = (-net * self._market.price(symbol.symbol) for symbol, net in nets.items() if net < ZERO)
        missing = sum(costs, ZERO) - self._net(uid, _DOLLAR)
        if missing > ZERO:
            self._wallets[uid].add(_DOLLAR, missing)
            self._changes.add(uid, self._wallets[uid], ChangeKind.COMPENSATE, "", _DOLLAR, missing, now_ms)

    def _trade(self, uid: str, symbol: Symbol, side: Side, size: Decimal, now_ms: int) -> None:
        """Execute an order of the venue at the last price, without a trading fee."""
        wallet, price = self._wallets[uid], self._market.price(symbol.symbol)
        amount = size * price
        sold, bought = ((symbol.base, size), (symbol.quote, amount))
        if side is Side.BUY:
            sold, bought = bought, sold
        wallet.freeze(*sold)
        wallet.spend(*sold)
        wallet.add(*bought)
        order_id = self._next_id()
        order = Order(
            client_oid=f"liquidation-{order_id}",
            symbol=symbol.symbol,
            side=side,
            order_type=OrderType.MARKET,
            force=Force.GTC,
            loan_type=LoanType.NORMAL,
            price=ZERO,
            base_size=size,
            quote_size=ZERO,
            order_id=order_id,
            uid=uid,
            created_ms=now_ms,
            updated_ms=now_ms,
            status=Status.FILLED,
            filled=size,
            quote_filled=amount,
            is_liquidation=True,
        )
        self._changes.add(uid, wallet, ChangeKind.DEAL_OUT, symbol.symbol, sold[0], -sold[1], now_ms)
        self._changes.add(uid, wallet, ChangeKind.DEAL_IN, symbol.symbol, *bought, now_ms)
        # The fill is added first, so that observers of the order find it.
        self._orders.add_fill(Fill(self._next_id(), order, price, size, amount, ZERO, bought[0], Scope.TAKER, now_ms))
        self._orders.add(order)

    def _take_fee(self, uid: str, fee: Decimal, now_ms: int) -> Decimal:
        """Take the fee as far as the US dollars that are left allow, and return what was taken."""
        wallet = self._wallets[uid]
        taken = min(fee, wallet.balances().get(_DOLLAR, NOTHING).available)
        if taken:
            wallet.freeze(_DOLLAR, taken)
            wallet.spend(_DOLLAR, taken)
            self._changes.add(uid, wallet, ChangeKind.LIQUIDATION_FEE, "", _DOLLAR, -taken, now_ms)
        return taken

"""Matching engine of the venue: places, fills and cancels orders, moves prices and coins."""

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from decimal import Decimal
from functools import partial

from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import BalanceChanges, ChangeKind
from bitget_margin.emulator.market.decimals import EXACT, ZERO, floor_to
from bitget_margin.emulator.market.flash_repayments import FlashRepayments
from bitget_margin.emulator.market.liquidations import Liquidations
from bitget_margin.emulator.market.loan_records import RepayKind
from bitget_margin.emulator.market.loan_terms import LoanTerms
from bitget_margin.emulator.market.loans import Loans
from bitget_margin.emulator.market.orders import BGB, Fill, Force, Order, Orders, OrderType, Scope, Side, Status, Ticket
from bitget_margin.emulator.market.prices import Market
from bitget_margin.emulator.market.strategies import StrategyOrders
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import NOTHING, Account, AccountKind, Wallet

BGB_SYMBOL = "BGBUSDT"
_BGB_DECIMALS = 16
_DOLLAR = "USDT"
CLIENT_ID_MEMORY_MS = 6 * 3_600_000
_FIRST_ID = 10**18
"""Makes ids 19 digits long; the start time, which is added, keeps the ids of later runs above those of earlier ones."""
_IDS_PER_MS = 100_000


class Engine:
    """Orders, prices and wallets; it has no clock, so every change takes the time in ms since the epoch.

    :param knobs_of: returns the knobs of an account
    :param kind_of: returns the kind of an account
    """

    def __init__(
        self,
        symbols: Iterable[Symbol],
        accounts: Iterable[Account],
        start_ms: int,
        loan_terms: LoanTerms,
        knobs_of: Callable[[str], Knobs],
        kind_of: Callable[[str], AccountKind],
    ) -> None:
        self.market = Market(symbols, start_ms)
        self.orders = Orders()
        self.wallets = {
            account.uid: Wallet({coin: Decimal(amount) for coin, amount in account.balances.items()}, start_ms)
            for account in accounts
        }
        self._knobs_of = knobs_of
        self._kind_of = kind_of
        self._ids = itertools.count(_FIRST_ID + start_ms * _IDS_PER_MS)
        self.changes = BalanceChanges(self._next_id)
        self._due: list[tuple[int, int, Callable[[int], object]]] = []
        self._due_number = itertools.count()
        self.strategies = StrategyOrders(
            self.market,
            self.wallets,
            self._place_triggered,
            self._next_id,
            lambda uid: knobs_of(uid).strategy_freezes,
        )
        self.loans = Loans(self.wallets, self.dollars, self._next_id, self.at, self.changes, loan_terms, knobs_of)
        self._lent: dict[str, Decimal] = {}
        """Coins that each live order of a classic account has borrowed."""
        self.liquidations = Liquidations(
            self.market, self.orders, self.wallets, self.loans, self.changes, self._next_id, self._cancel_all, knobs_of
        )
        self.loans.observe(self.liquidations.check)
        self.flash_repayments = FlashRepayments(
            self.wallets, self.loans, self.changes, self.dollars, self._next_id, self.at, knobs_of
        )
        self.leverages: dict[tuple[str, str], str] = {}
        """Leverage that an account has set, by account and coin."""
        self._countdowns: dict[str, int] = {}
        self.edits: dict[str, int] = {}
        """Due time of the last edit of an order that was acknowledged first."""

    def at(self, due_ms: int, action: Callable[[int], object]) -> None:
        """Schedule an action, which is called with its due time in ms since the epoch."""
        heapq.heappush(self._due, (due_ms, next(self._due_number), action))

    @property
    def due_ms(self) -> int | None:
        """Due time of the next scheduled action, ms since the epoch; None without one."""
        return self._due[0][0] if self._due else None

    def settle(self, now_ms: int) -> None:
        """Run all scheduled actions that are due, in order of time."""
        while self._due and self._due[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._due)
            action(due_ms)

    def place(self, uid: str, ticket: Ticket, now_ms: int, *, may_borrow: bool = True) -> Order:
        """Place an order, and fill it if it crosses the price."""
        twin = self.orders.live_with_client_id(uid, ticket.client_oid)
        if twin and now_ms - twin.created_ms < CLIENT_ID_MEMORY_MS:
            raise VenueError(Refusal.DUPLICATE_CLIENT_ID)
        order = Order(**asdict(ticket), order_id=self._next_id(), uid=uid, created_ms=now_ms, updated_ms=now_ms)
        if may_borrow and not ticket.is_spot:
            self._lend(order, now_ms)
        self.wallets[uid].freeze(self._coin(order), order.reserve)
        self.wallets[uid].keep_state(now_ms)
        self.orders.add(order)
        price = self.market.price(order.symbol)
        if order.order_type is OrderType.MARKET or (order.crosses(price) and order.force is not Force.POST_ONLY):
            size = order.base_size or floor_to(
                order.quote_size / price, self.market.symbols[order.symbol].quantity_precision
            )
            return self._trade(order, size, price, Scope.TAKER, now_ms)
        if order.crosses(price) or order.force in (Force.IOC, Force.FOK):
            return self.cancel(order.order_id, now_ms)
        return order

    def cancel(self, order_id: str, now_ms: int) -> Order:
        """Cancel an order, unless it has ended, and release the coins that it has frozen."""
        order = self.orders.get(order_id)
        if order.live:
            self.wallets[order.uid].release(self._coin(order), order.reserve)
            unspent = min(self._lent.pop(order_id, ZERO), order.reserve)
            if unspent and self._knobs_of(order.uid).repay_on_cancel:
                self.loans.pay(order.uid, self._coin(order), unspent, RepayKind.BY_ORDER, now_ms)
            self.wallets[order.uid].keep_state(now_ms)
            order = replace(order, status=Status.CANCELLED, updated_ms=now_ms)
            self.orders.update(order)
        return order

    def edit(self, order_id: str, base_size: Decimal, price: Decimal, now_ms: int) -> Order:
        """Change amount and limit price of a live order, and fill it if it crosses the market price now.

        :param base_size: new amount in base coins, of which more than is filled already
        """
        order = self.orders.get(order_id)
        if not order.live:
            raise VenueError(Refusal.NO_SUCH_ORDER)
        after = replace(order, base_size=base_size, price=price, quote_size=base_size * price, updated_ms=now_ms)
        market_price = self.market.price(order.symbol)
        if base_size <= order.filled or (after.crosses(market_price) and after.force is Force.POST_ONLY):
            raise VenueError(Refusal.UNIFIED_NOT_EDITABLE)
        wallet, coin = self.wallets[order.uid], self._coin(order)
        more = after.reserve - order.reserve
        if more > ZERO:
            if self._borrows_by_itself(order.uid):
                self.loans.lend(order.uid, coin, more, now_ms)
            wallet.freeze(coin, more)
        else:
            wallet.release(coin, -more)
        wallet.keep_state(now_ms)
        self.orders.update(after)
        if after.crosses(market_price):
            return self._trade(after, base_size - after.filled, market_price, Scope.TAKER, now_ms)
        return after

    def start_countdown(self, uid: str, seconds: int, strategies: Callable[[], bool], now_ms: int) -> None:
        """Cancel every order of an account so many seconds from now, unless this is called again; 0 ends the timer.

        :param strategies: returns whether strategy orders are canceled, too
        """
        self._countdowns.pop(uid, None)
        if seconds:
            due_ms = self._countdowns[uid] = now_ms + 1_000 * seconds
            self.at(due_ms, partial(self._end_countdown, uid, strategies))

    def _end_countdown(self, uid: str, strategies: Callable[[], bool], due_ms: int) -> None:
        if self._countdowns.get(uid) != due_ms:
            return  # it was started anew
        del self._countdowns[uid]
        self._cancel_all(uid, due_ms, strategies=strategies())

    def _cancel_all(self, uid: str, now_ms: int, *, strategies: bool = True) -> None:
        """Cancel every order of an account.

        :param strategies: whether strategy orders are canceled, too
        """
        for order in [order for order in self.orders.all() if order.uid == uid and order.live]:
            self.cancel(order.order_id, now_ms)
        for waiting in [order for order in self.strategies.of_account(uid) if order.live and strategies]:
            self.strategies.cancel(waiting.order_id, now_ms)

    def fill(self, order_id: str, amount: Decimal | None, now_ms: int) -> Order:
        """Fill a live order at its own price.

        :param amount: base coins, None for all that is left
        """
        order = self.orders.get_live(order_id)
        left = order.base_size - order.filled
        size = left if amount is None else amount
        if not ZERO < size <= left:
            raise ValueError(f"order {order_id} can be filled by more than 0 up to {left}, not by {size}")
        return self._trade(order, size, order.price, Scope.MAKER, now_ms)

    def set_price(self, symbol: str, price: Decimal, liquidity: Decimal | None, now_ms: int) -> None:
        """Move the price and fill the resting orders that it reaches, best price first, then oldest.

        :param liquidity: most base coins that trade at this move, None for no limit
        """
        self.market.move(symbol, price, now_ms)
        reached = [order for order in self.orders.live_of(symbol) if order.crosses(price)]
        # The sort is stable, so that orders of one price stay in order of time.
        for order in sorted(reached, key=lambda order: -order.price if order.side is Side.BUY else order.price):
            size = order.base_size - order.filled
            if liquidity is not None:
                size = min(size, liquidity)
                liquidity -= size
            if size:
                self._trade(order, size, order.price, Scope.MAKER, now_ms)
        self.strategies.watch(symbol, now_ms)
        self.liquidations.check_all(now_ms)

    def _place_triggered(self, uid: str, ticket: Ticket, now_ms: int) -> Order:
        return self.place(uid, ticket, now_ms, may_borrow=self._knobs_of(uid).strategy_borrows)

    def _lend(self, order: Order, now_ms: int) -> None:
        """Lend what an order lacks, if it borrows."""
        if self._kind_of(order.uid) is AccountKind.UNIFIED:
            if self._borrows_by_itself(order.uid):
                self.loans.lend(order.uid, self._coin(order), order.reserve, now_ms)
            return
        if order.loan_type.repays:
            self.loans.check_repayable(order.uid, self._received_coin(order))
        if order.loan_type.borrows:
            self._lent[order.order_id] = self.loans.lend_to_order(order.uid, self._coin(order), order.reserve, now_ms)

    def _borrows_by_itself(self, uid: str) -> bool:
        """Whether every order of an account borrows what it lacks, as orders of unified accounts do."""
        return self._kind_of(uid) is AccountKind.UNIFIED and self._knobs_of(uid).auto_borrow

    def _trade(self, order: Order, size: Decimal, price: Decimal, scope: Scope, now_ms: int) -> Order:
        symbol = self.market.symbols[order.symbol]
        amount = size * price
        buys = order.side is Side.BUY
        filled = order.filled + size
        # A market buy is done after its one trade, though its size in base coins is 0.
        done = filled >= order.base_size
        after = replace(
            order,
            status=Status.FILLED if done else Status.PARTIALLY_FILLED,
            filled=filled,
            quote_filled=order.quote_filled + amount,
            updated_ms=now_ms,
        )
        spent, received, coin = (amount, size, symbol.base) if buys else (size, amount, symbol.quote)
        fee = received * (symbol.maker_fee_rate if scope is Scope.MAKER else symbol.taker_fee_rate)
        wallet = self.wallets[order.uid]
        wallet.spend(self._coin(order), spent)
        wallet.release(self._coin(order), order.reserve - after.reserve - spent)
        in_bgb = self._take_bgb(order.uid, fee * price if buys else fee)
        wallet.receive(coin, received if in_bgb is not None else received - fee)
        self._record_trade(after, wallet, spent, (coin, received, fee if in_bgb is None else ZERO), now_ms)
        if order.loan_type.repays:
            self.loans.repay_by_order(order.uid, coin, received if in_bgb is not None else received - fee, now_ms)
        wallet.keep_state(now_ms)
        if not after.live:
            self._lent.pop(order.order_id, None)
        fee, coin = (fee, coin) if in_bgb is None else (in_bgb, BGB)
        # The fill is added first, so that observers of the changed order find it.
        self.orders.add_fill(Fill(self._next_id(), after, price, size, amount, fee, coin, scope, now_ms))
        self.orders.update(after)
        return after

    def _record_trade(
        self, order: Order, wallet: Wallet, spent: Decimal, received: tuple[str, Decimal, Decimal], now_ms: int
    ) -> None:
        """Add the records of a trade's two coins; `received` are coin, amount and the fee in it."""
        coin, amount, fee = received
        at = (order.uid, wallet)
        self.changes.add(*at, ChangeKind.DEAL_OUT, order.symbol, self._coin(order), -spent, now_ms)
        self.changes.add(*at, ChangeKind.DEAL_IN, order.symbol, coin, amount, now_ms, fee)

    def _take_bgb(self, uid: str, value: Decimal) -> Decimal | None:
        """Take a fee in BGB and return its amount; None where the account pays in the coin that it received.

        :param value: the fee's value in quote coins
        """
        if not self._knobs_of(uid).fees_in_bgb:
            return None
        price = self.market.price(BGB_SYMBOL) if BGB_SYMBOL in self.market.symbols else Decimal(1)
        fee = round(EXACT.divide(value, price), _BGB_DECIMALS)
        wallet = self.wallets[uid]
        if wallet.balances().get(BGB, NOTHING).available < fee:
            return None
        wallet.freeze(BGB, fee)
        wallet.spend(BGB, fee)
        return fee

    def dollars(self, coin: str) -> Decimal:
        """Return the price of a coin in USDT, 0 if unknown."""
        if coin == _DOLLAR:
            return Decimal(1)
        symbol = coin + _DOLLAR
        return self.market.price(symbol) if symbol in self.market.symbols else ZERO

    def _coin(self, order: Order) -> str:
        """Return the coin that an order spends, and freezes until then."""
        symbol = self.market.symbols[order.symbol]
        return symbol.quote if order.side is Side.BUY else symbol.base

    def _received_coin(self, order: Order) -> str:
        """Return the coin that an order receives."""
        symbol = self.market.symbols[order.symbol]
        return symbol.base if order.side is Side.BUY else symbol.quote

    def _next_id(self) -> str:
        return str(next(self._ids))

"""Leverage and shorts of a live bot: loans of its orders, the account as freqtrade sees it, interest, liquidations."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from bitget_margin.adapter.params import account_kind_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.freqtrade import covers, trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.compat import (
    FreqtradeException,
    TemporaryError,
    Trade,
    has_database,
    is_live,
    order_row,
)
from bitget_margin.freqtrade.covers import Covers
from bitget_margin.freqtrade.entry_loans import EntryLoans, EntryOrder, LoanType
from bitget_margin.freqtrade.leftover_debts import LeftoverDebts
from bitget_margin.freqtrade.leveraged_exchange import Leveraged
from bitget_margin.freqtrade.liquidations import liquidation_exits
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_entries import MarginEntries, MarginEntry
from bitget_margin.freqtrade.margin_level import MarginLevels
from bitget_margin.freqtrade.tracked_order import ENDED, TrackedOrder
from bitget_margin.freqtrade.trade_interest import TradeInterest, borrows

logger = logging.getLogger("bitget_margin")

_MARKET: Final = "market"
_IMMEDIATE: Final = frozenset({"IOC", "FOK"})
_READING_SECONDS: Final = 10.0
"""Age up to which a reading of the account decides on the loan of an exit: freqtrade reads it before each one."""


@dataclass(frozen=True, slots=True)
class Loan:
    """The loan of an order that is about to be sent.

    :ivar sent: amount to send, where it is more than the coins of the position
    :ivar loan_type: None on a unified account
    :ivar entry: what an entry stores; None for an exit
    """

    loan_type: LoanType | None
    sent: float | None = None
    entry: EntryOrder | None = None
    besides: float = 0.0


class LiveLeverage(Leveraged):
    """The calls of freqtrade that loans of real orders need; in spot mode it changes nothing."""

    def _build_leverage(self, alerts: Alerts, pace: Pace) -> None:
        """Build what decides on loans; used in futures mode alone."""
        is_unified = lambda: account_kind_of(self._api, {}) is AccountKind.UNIFIED  # noqa: E731
        self.entries = MarginEntries()
        self.account = account = MarginAccount(
            read=self._read_balances,
            is_unified=is_unified,
            stake_coin=self._config["stake_currency"],
            entries=self.entries,
            convert=lambda coin: self.get_conversion_rate(coin, self._config["stake_currency"]),
        )
        self.levels = MarginLevels(api=lambda: self._api, timeout_ms=pace.read_ms, alerts=alerts)
        self.loans = EntryLoans(account=account, levels=self.levels, settings=self.leverage_settings)
        self.covers = Covers(account=account, rules=self, rates=self.rates)
        self.interest = TradeInterest(
            account=account, markets=lambda: self.markets, api=lambda: self._api, timeout_ms=pace.read_ms
        )
        self.debts = LeftoverDebts(account=account, api=lambda: self._api, timeout_ms=pace.read_ms, alerts=alerts)
        self._alerts = alerts

    def _read_balances(self) -> Mapping[str, Any]:
        """Return the balance as ccxt has it."""
        raise NotImplementedError

    # -- orders -------------------------------------------------------------------------------------------------------

    def _is_entry(self, order: Mapping[str, Any]) -> bool:
        """Whether freqtrade's order opens a position or adds to one."""
        return not order.get("reduceOnly") if self.is_leveraged else order["side"] == "buy"

    def _loan_of_entry(self, order: Mapping[str, Any]) -> Loan:
        """Return the loan of an entry.

        :raises FreqtradeException: it may not borrow what it lacks; nothing is placed
        """
        pair, base = order["pair"], str(self.markets[order["pair"]]["base"])
        leverage = order.get("leverage") or 1.0
        entry = EntryOrder(pair, base, order["side"] == "sell", order["amount"], order["rate"], leverage)
        decided = self.loans.decide(entry)
        return Loan(None if self.account.is_unified() else decided.loan_type, None, entry, decided.besides)

    def _loan_of_exit(self, order: dict[str, Any]) -> Loan:
        """Return the loan of an exit; a cover is sent larger, and never at market.

        A market buy names the quote coins that it spends: it would leave a part of the debt, or coins. Nothing here holds
        an exit up: what is not known of the account is taken as owed.
        """
        pair = order["pair"]
        sent = None
        if order["side"] == "buy":
            is_market = order["ordertype"] == _MARKET
            is_taker = is_market or str(order.get("time_in_force", "")).upper() in _IMMEDIATE
            sent = self.covers.for_exit(pair, order["amount"], is_taker=is_taker)
            if is_market:
                worst = order["rate"] * (1 + self.leverage_settings.cover_price_ratio)
                order.update(ordertype="limit", time_in_force="IOC", rate=self.price_to_precision(pair, worst))
        return Loan(self._exit_loan_type(order, sent), sent)

    def _exit_loan_type(self, order: Mapping[str, Any], sent: float | None) -> LoanType | None:
        if self.account.is_unified():
            return None
        books, stake = self.account.known(_READING_SECONDS), self.account.stake_coin
        if sent is None:
            # Nobody says what becomes of an order that is to repay where nothing is owed.
            owes = books is None or books.account.debt.get(stake, 0.0) > 0
            return LoanType.AUTO_REPAY if owes else LoanType.NORMAL
        cost = sent * order["rate"]
        has_cash = books is not None and books.account.free.get(stake, 0.0) >= cost
        return LoanType.AUTO_REPAY if has_cash else LoanType.AUTO_LOAN_AND_REPAY

    def _store_entry(self, intent: TrackedOrder, loan: Loan) -> None:
        """Store what an entry is, before it is sent."""
        if loan.entry is not None:
            entry = loan.entry
            self.entries.add(
                MarginEntry(
                    intent.client_id, entry.pair, entry.is_short, entry.leverage, loan.besides, intent.intended_ms
                )
            )

    def loan_type(self, trade: Trade) -> str | None:
        """Return the loan type of the resting orders of a trade, which close it: they repay, and never borrow."""
        if not self.is_leveraged or not borrows(trade) or self.account.is_unified():
            return None
        books = self.account.known(_READING_SECONDS)
        coin = str(self.markets[trade.pair]["base"]) if trade.is_short else self.account.stake_coin
        owes = books is None or books.account.debt.get(coin, 0.0) > 0
        return (LoanType.AUTO_REPAY if owes else LoanType.NORMAL).value

    def cover_amount(self, pair: str, net: float) -> float:
        """Return the amount of a resting cover that leaves `net` coins after the fee."""
        return self.covers.sent(pair, net)

    # -- what freqtrade is shown --------------------------------------------------------------------------------------

    def _told(self, balances: Mapping[str, Any]) -> dict[str, Any]:
        """Return a balance as freqtrade counts it: the margin as one, and no coins of trades."""
        return dict(self.account.note(balances).balances())

    def fetch_positions(self, pair: str | None = None, params: Any = None) -> list[dict[str, Any]]:
        """Return the open trades as positions, with what the venue has of each."""
        if not self.is_leveraged or not is_live(self._config) or not has_database():
            return []
        found = self.account.books().positions(self.leverage_settings.maintenance_rate, agrees=self.levels.agrees)
        return [position for position in found if pair in {None, position["symbol"]}]

    def _shown(self, order: dict[str, Any], pair: str) -> dict[str, Any]:
        """Return an order as freqtrade books it; the end of an exit brings the interest of its trade."""
        if not self.is_leveraged:
            return order
        trade, row = trade_rows.open_trade(pair), order_row(order["id"], pair)
        self.account.forget()
        if trade is None or row is None or row.ft_order_side != trade.exit_side:
            return order
        if order["status"] in ENDED and order.get("filled"):
            self.settle_interest(trade, order.get("average"))
        if not covers.is_cover(trade, row):
            return order
        return self._shown_cover(order, pair, row.ft_amount)

    def _shown_cover(self, order: dict[str, Any], pair: str, net: float) -> dict[str, Any]:
        return covers.in_position_coins(
            order, net, str(self.markets[pair]["quote"]), lambda: self._fee_of_cover(order, pair)
        )

    def _fee_of_cover(self, order: Mapping[str, Any], pair: str) -> float:
        """Return the fee of a cover in the quote coin: that of its fills, or the usual one where they are not listed."""
        filled, price = order["filled"], order.get("average") or order["price"]
        base = str(self.markets[pair]["base"])
        fee = self.fee_of(order["id"], pair, order.get("timestamp") or 0, base, filled)
        if fee is None:
            fee = filled * self.covers.fee(pair, is_taker=True)
        return float(fee * price)

    def fee_of(self, order_id: str, pair: str, since_ms: int, currency: str, filled: float) -> float | None:
        """Return the fees of an order in a currency; None if the venue does not show all of its fills."""
        raise NotImplementedError

    def _with_liquidations(
        self, orders: Sequence[dict[str, Any]], adopted: Sequence[dict[str, Any]], pair: str
    ) -> list[dict[str, Any]]:
        """Return orders that freqtrade adopts, and those by which the venue has liquidated its trade."""
        trade = trade_rows.open_trade(pair)
        if not self.is_leveraged or trade is None:
            return list(adopted)
        exits = liquidation_exits(trade, orders, str(self.markets[pair]["quote"]))
        for order in exits:
            self.settle_interest(trade, order.get("average"))
            self._alerts.warn(
                f"LIQUIDATED: the venue has closed {order['filled']:.8g} of trade {trade.id} on {pair} at "
                f"{order['average']:.8g}. What it has charged for that is not in freqtrade's books: look at the account."
            )
        return [*(self._shown(order, pair) for order in adopted), *exits]

    # -- interest -----------------------------------------------------------------------------------------------------

    def interest_of(self, trade: Trade, price: float | None = None) -> float:
        """Return the interest of a trade that freqtrade has not booked; the last known one where there is no answer."""
        try:
            return self.interest.unbooked(trade, price)
        except Exception as error:  # noqa: BLE001 - an exception would end the bot, with the position open
            logger.warning("The interest of trade %s on %s is not known now: %r", trade.id, trade.pair, error)
            return float(trade.funding_fee_running or 0.0)

    def settle_interest(self, trade: Trade, price: float | None) -> None:
        """Let freqtrade book the interest up to now with the exit that it is about to book."""
        trade.set_funding_fees(self.interest_of(trade, price))

    # -- loops --------------------------------------------------------------------------------------------------------

    def _process_debts(self) -> None:
        """Pay leftover debts back, and look at the margin level; once a minute."""
        if not self.is_leveraged or not is_live(self._config) or not has_database():
            return
        try:
            self.debts.check()
            self.levels.check(self.account.books())
        except (FreqtradeException, ccxt.BaseError) as error:
            logger.warning("The debts of the account could not be looked at: %s", error)

    def _refuse_other_mode(self) -> None:
        """Refuse a database with open trades of the other trading mode: their coins and debts would mean another thing.

        :raises OperationalException: it has some
        """
        raise TemporaryError  # replaced by database_identity



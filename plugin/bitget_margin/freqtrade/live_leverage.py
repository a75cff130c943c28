"""Leverage and shorts of a live bot: loans of its orders, the account as freqtrade sees it, interest, liquidations."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import ccxt
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.adapter.params import HAS_ENDED, account_kind_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.freqtrade import covers, trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.compat import FreqtradeException, Trade, has_database, order_row
from bitget_margin.freqtrade.covers import Covers
from bitget_margin.freqtrade.entry_loans import EntryLoans, EntryOrder, LoanKind
from bitget_margin.freqtrade.exit_loans import ExitLoans
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.leftover_debts import LeftoverDebts
from bitget_margin.freqtrade.leveraged_exchange import Leveraged
from bitget_margin.freqtrade.liquidation_exits import liquidation_exits, liquidation_fee, liquidation_text
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_data import MarginData
from bitget_margin.freqtrade.margin_entries import MarginEntries, MarginEntry
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.margin_loop import MarginLoop
from bitget_margin.freqtrade.ports import EntryTerms
from bitget_margin.freqtrade.tracked_order import ENDED, TrackedOrder
from bitget_margin.freqtrade.trade_interest import TradeInterest
from bitget_margin.freqtrade.unfilled_entries import UnfilledEntries

logger = logging.getLogger("bitget_margin")

_LOAN_TYPE: Final = "loanType"


@dataclass(frozen=True, slots=True)
class OrderLoan:
    """The loan of an order that is about to be sent.

    :ivar sent: amount to send, where it is more than the coins of the position
    :ivar changes: arguments of freqtrade's order that become others
    :ivar entry: what an entry stores; None for an exit
    """

    loan_type: LoanKind | None = None
    sent: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    entry: EntryOrder | None = None
    besides: float = 0.0
    borrows: bool = False

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the request."""
        return {} if self.loan_type is None else {_LOAN_TYPE: self.loan_type.value}


_NO_LOAN: Final = OrderLoan()


class LiveLeverage(Leveraged):
    """The calls of freqtrade that loans of real orders need; in spot mode it changes nothing."""

    def _build_leverage(self, alerts: Alerts, pace: Pace) -> None:
        """Build what decides on loans; used in futures mode alone."""
        is_unified = lambda: account_kind_of(self._api, {}) is AccountKind.UNIFIED  # noqa: E731
        self.entries = MarginEntries()
        self.account = account = MarginAccount(
            read=self._read_balances_anew,
            is_unified=is_unified,
            stake_coin=self._config["stake_currency"],
            entries=self.entries,
            convert=lambda coin: self.get_conversion_rate(coin, self._config["stake_currency"]),
        )
        self.levels = MarginLevels(api=lambda: self._api, timeout_ms=pace.read_ms, alerts=alerts)
        self.loans = EntryLoans(account=account, levels=self.levels, settings=self.leverage_settings, alerts=alerts)
        self.exit_loans = ExitLoans(account)
        self.covers = Covers(rules=self, rates=self.interest_rates)
        self.interest = TradeInterest(
            account=account, markets=lambda: self.markets, api=lambda: self._api, timeout_ms=pace.read_ms
        )
        self.unfilled = UnfilledEntries(interest=self.interest, alerts=alerts)
        self.margin_loop = MarginLoop(
            api=lambda: self._api,
            read_positions=lambda: None if self._wallets is None else self._wallets.update(),
            pace=pace,
            account=account,
            debts=LeftoverDebts(account=account, api=lambda: self._api, timeout_ms=pace.read_ms, alerts=alerts),
            levels=self.levels,
            unfilled=self.unfilled,
            data=MarginData(level=lambda: self.levels.last),
        )
        self._alerts = alerts
        self._immediate: set[str] = set()
        """Order ids of orders that fill at once or are canceled, until one is shown as ended."""

    def _read_balances_anew(self) -> Mapping[str, Any]:
        """Return the balance as ccxt has it; the exchange reads it."""
        raise NotImplementedError

    def follow_wallets(self, wallets: Any) -> None:
        """Read freqtrade's wallets of a live bot anew where a position has gone."""
        self._wallets = wallets

    # -- orders -------------------------------------------------------------------------------------------------------

    def _entry_terms(self, client_id: str) -> EntryTerms | None:
        """Return the terms of an entry; None for an order that is none."""
        entry = self.entries.of_client_id(client_id)
        return None if entry is None else EntryTerms(entry.is_short, entry.leverage)

    def _besides(self, trade: Trade) -> float:
        """Return the coins of the base of a trade that are none of it."""
        return self.account.besides(trade) if self.live and self.is_leveraged else 0.0

    def _loan_of(self, order: Mapping[str, Any], *, is_exit: bool, owed: float | None) -> OrderLoan:
        """Return the loan of freqtrade's order.

        :param owed: coins that a short owes, with interest, where all of it is covered; None where not known
        :raises FreqtradeException: an entry may not borrow what it lacks; nothing is placed
        """
        if not self.is_leveraged:
            return _NO_LOAN
        if not is_exit:
            return self._loan_of_entry(order)
        try:
            return self._loan_of_exit(order, owed)
        except Exception:
            # An exit leaves, whatever is not known: what stays owed is paid back later.
            Trade.rollback()
            logger.exception("Exit on %s: its loan could not be computed; it is sent without one", order["pair"])
            return _NO_LOAN

    def _loan_of_entry(self, order: Mapping[str, Any]) -> OrderLoan:
        pair = order["pair"]
        entry = EntryOrder(
            pair=pair,
            base=str(self.markets[pair]["base"]),
            is_short=order["side"] == SELL,
            amount=order["amount"],
            price=order["rate"],
            leverage=order.get("leverage") or 1.0,
        )
        decided = self.loans.decide(entry)
        borrows = decided.loan_type is not LoanKind.NORMAL
        loan_type = None if self.account.is_unified() else decided.loan_type
        return OrderLoan(loan_type, entry=entry, besides=decided.besides, borrows=borrows)

    def _loan_of_exit(self, order: Mapping[str, Any], owed: float | None) -> OrderLoan:
        """Return the loan of an exit; a cover is sent larger, and never at market.

        A market buy names the quote coins that it spends: it would leave a part of the debt, or coins.
        """
        pair, rate = order["pair"], order["rate"]
        if order["side"] == SELL:
            return OrderLoan(self.exit_loans.of_sale(trade_rows.open_trade(pair)))
        changes: dict[str, Any] = {}
        if order["ordertype"] == covers.MARKET:
            rate = self.price_to_precision(pair, rate * (1 + self.leverage_settings.cover_price_ratio))
            changes = {"ordertype": "limit", "time_in_force": "IOC", "rate": rate}
        sent = self.covers.for_exit(pair, order["amount"], owed, is_taker=covers.is_immediate(order))
        loan_type = self.exit_loans.of_cover(sent * rate)
        if loan_type is LoanKind.AUTO_LOAN_AND_REPAY:
            self.margin_loop.debts.note_loan(self.account.stake_coin)
        return OrderLoan(loan_type, sent=sent, changes=changes)

    def _store_entry(self, intent: TrackedOrder, loan: OrderLoan) -> None:
        """Store what an entry is, before it is sent."""
        if loan.entry is not None:
            entry = loan.entry
            self.entries.add(
                MarginEntry(
                    intent.client_id, entry.pair, entry.is_short, entry.leverage, loan.besides, intent.intended_ms
                )
            )
            if loan.borrows:
                self.unfilled.note(entry.pair, self.loans.coin_of(entry), intent.intended_ms)

    def _note_refusal(self, loan: OrderLoan, error: BaseException) -> None:
        """Note that the venue has refused an entry that borrows; a request without an answer is no refusal."""
        if loan.entry is not None and loan.borrows and isinstance(error.__cause__, ccxt.ExchangeError):
            self.loans.note_refusal(loan.entry, error.__cause__)

    def _shown_placed(
        self, placed: dict[str, Any], intent: TrackedOrder, order: Mapping[str, Any], *, is_exit: bool
    ) -> dict[str, Any]:
        """Return the answer to freqtrade's order in coins of the position; an exit is not shown as ended yet."""
        if not self.is_leveraged:
            return placed
        if is_exit and placed.get("status") in ENDED:
            # freqtrade would book it now, without its fee and interest, which come with the lookup of the next loop.
            placed = {**placed, "status": "open"}
        if covers.is_immediate(order):
            self._immediate.add(placed["id"])
        (self.account.forget_after_exit if is_exit else self.account.forget)()
        if intent.sent is None:
            return placed
        return covers.in_position_coins({**placed, "amount": intent.sent}, intent.amount)

    def loan_type(self, trade: Trade) -> str | None:
        """Return the loan type of the resting orders of a trade, which close it: they repay, and never borrow."""
        if not (self.live and self.is_leveraged):
            return None
        return self.exit_loans.of_resting(trade, str(self.markets[trade.pair]["base"]))

    def cover_amount(self, pair: str, net: float) -> float:
        """Return the amount of a resting cover that leaves `net` coins after the fee; a dry run has it as a cost."""
        if self.live:
            return self.covers.sent(pair, net)
        return net * (1 + self.get_fee(symbol=pair, taker_or_maker="maker"))

    def free(self, currency: str) -> float:
        """Return the balance that no order holds, without what could be borrowed; the exchange reads it."""
        raise NotImplementedError

    def free_margin(self, currency: str) -> float:
        """Return the balance that no order holds, without what shorts have sold: that is to buy their coins back."""
        free = self.free(currency)
        if not self.is_leveraged or currency != self._config["stake_currency"]:
            return free
        if not self.live:
            return min(free, self._simulated_margin(currency))
        return min(free, self.account.latest().balances()[currency]["free"])

    # -- what freqtrade is shown --------------------------------------------------------------------------------------

    def _as_margin(self, balances: Mapping[str, Any]) -> dict[str, Any]:
        """Return a balance as freqtrade counts it: the margin as one, and no coins of trades."""
        return dict(self.account.latest(balances).balances())

    def fetch_positions(self, pair: str | None = None, *_: Any, **__: Any) -> list[dict[str, Any]]:
        """Return the open trades as positions, with what the venue has of each."""
        if not self.is_leveraged or not self.live or not has_database():
            return []
        books = self.account.before_exit() or self.account.latest()
        equity = books.equity() if self.levels.agrees else None
        found = books.positions(self.leverage_settings.maintenance_rate, equity)
        return [position for position in found if pair in {None, position["symbol"]}]

    def _shown(self, order: dict[str, Any], pair: str) -> dict[str, Any]:
        """Return an order as freqtrade books it; the end of an exit brings the interest of its trade."""
        if not self.is_leveraged:
            return order
        trade, row = trade_rows.open_trade(pair), order_row(order["id"], pair)
        self.account.forget()
        if order["status"] in ENDED:
            self._immediate.discard(order["id"])
        if trade is None or row is None or row.ft_order_side != trade.exit_side:
            return order
        if order["status"] in ENDED and order.get("filled"):
            self.settle_interest(trade, order.get("average"))
        if not covers.is_cover(trade, row):
            return order
        has_fills = order["status"] in ENDED and order.get("filled")
        quote = str(self.markets[pair]["quote"])
        fee = covers.QuoteFee(quote, self._fee_of_cover(order, pair)) if has_fills else None
        return covers.in_position_coins(order, covers.net_of(row), fee)

    def _shown_rung(self, rung: TrackedOrder) -> dict[str, Any]:
        """Return a filled order of a ladder as freqtrade books it, with the interest of its trade up to now."""
        shown = {**rung.to_ccxt(), "status": "closed"}
        trade = trade_rows.open_trade(rung.pair) if self.is_leveraged else None
        if trade is None or trade_rows.key_of(trade) != rung.trade:
            return shown
        known = self.interest_of if self.live else self._simulated_interest
        trade.set_funding_fees(known(trade, rung.average))
        if shown["fee"] is not None:
            # freqtrade takes the rate of the first exit for all of them: that of one order is rounded to its lots.
            kept = 1 - self.covers.fee(rung.pair, is_taker=False) if self.live else 1.0
            rate = 1 / kept - 1 if kept < 1 else shown["fee"]["rate"]
            shown["fee"] |= {"cost": shown["cost"] * rate, "rate": rate}
        return shown

    def _fee_of_cover(self, order: Mapping[str, Any], pair: str) -> float:
        """Return the fee of a cover in the quote coin; only where its row does not have it, its fills are read."""
        usual = self.covers.fee(pair, is_taker=True)
        fees = covers.fees_of_row(order) or covers.fees_of(self._fills_of(order, pair), order["filled"])
        return covers.fee_in_quote(order, self.markets[pair], fees, self.account.price, usual)

    def _fills_of(self, order: Mapping[str, Any], pair: str) -> Sequence[Mapping[str, Any]]:
        since = datetime.fromtimestamp((order.get("timestamp") or 0) / 1_000, UTC)
        try:
            return self.get_trades_for_order(order["id"], pair, since)
        except FreqtradeException as error:
            logger.warning("The fee of order %s on %s could not be read: %s", order["id"], pair, error)
            return []

    def _lookup_params(self, order_id: str) -> dict[str, Any]:
        """Return the parameters of a lookup: an order that ends at once is looked for among the ended ones first.

        Not where the venue is slow: no exit of another trade waits for two requests in turn.
        """
        is_first = self.is_leveraged and order_id in self._immediate and not self._pace.is_slow
        return {HAS_ENDED: True} if is_first else {}

    def _with_liquidations(
        self, orders: Sequence[dict[str, Any]], adopted: Sequence[dict[str, Any]], pair: str
    ) -> list[dict[str, Any]]:
        """Return orders that freqtrade adopts, and those by which the venue has liquidated its trade."""
        trade = trade_rows.open_trade(pair) if self.is_leveraged else None
        if trade is None:
            return list(adopted)
        exits = liquidation_exits(trade, orders, str(self.markets[pair]["quote"]))
        if exits:
            self.settle_interest(trade, exits[-1].get("average"))
            unified, coin, timeout_ms = self.account.is_unified(), self.account.stake_coin, self._pace.read_ms()
            fee = liquidation_fee(self._api, exits, coin, unified=unified, timeout_ms=timeout_ms)
            self._alerts.warn(liquidation_text(trade, exits, fee, coin))
        return [*(self._shown(order, pair) for order in adopted), *exits]

    # -- interest -----------------------------------------------------------------------------------------------------

    def interest_of(self, trade: Trade, price: float | None = None) -> float:
        """Return the interest of a trade that freqtrade has not booked; the last known one where there is no answer."""
        try:
            return self.interest.unbooked(trade, price)
        except Exception as error:  # noqa: BLE001 - an exception would end the bot, with the position open
            if isinstance(error, SQLAlchemyError):
                Trade.rollback()
            logger.warning("The interest of trade %s on %s is not known now: %r", trade.id, trade.pair, error)
            return float(trade.funding_fee_running or 0.0)

    def settle_interest(self, trade: Trade, price: float | None) -> None:
        """Let freqtrade book the interest up to now with the exit that it is about to book."""
        self.interest.forget()
        trade.set_funding_fees(self.interest_of(trade, price))

    def _begin_booking(self) -> None:
        """Read the interest anew for the orders of ladders that freqtrade books next: for all of them at once."""
        if self.live and self.is_leveraged:
            self.interest.forget()

    def _live_interest(self, pair: str, *, is_exit: bool) -> float:
        """Return the interest that freqtrade notes: the last known one for an exit, which waits for no answer."""
        trade = trade_rows.open_trade(pair)
        if trade is None:
            return 0.0
        return float(trade.funding_fee_running or 0.0) if is_exit else self.interest_of(trade)

    # -- loops --------------------------------------------------------------------------------------------------------

    def _process_margin(self) -> None:
        """Look at debts, margin level and interest of the account, at the end of the bot's steps of a loop."""
        if self.is_leveraged and self.live and has_database():
            self.account.end_exit()
            self.margin_loop.run()

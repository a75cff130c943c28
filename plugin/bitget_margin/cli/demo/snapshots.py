"""Snapshots of one trade: freqtrade's database on one side, the venue on the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bitget_margin.cli.demo.bot_process import BotProcess
from bitget_margin.cli.demo.request_log import RequestKind, kind_of
from bitget_margin.emulator import Emulator, Order, Symbol


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order in freqtrade's database; amounts in base coins, `average` None while nothing is filled."""

    name: str
    side: str
    filled: float
    average: float | None
    fee_base: float = 0.0


@dataclass(frozen=True, slots=True)
class TradeSnapshot:
    """A trade in freqtrade's database, with its orders by order id."""

    open: bool
    profit: float
    stake: float
    own: Mapping[str, OrderSnapshot]
    """freqtrade's table of orders: entry, exit, and every resting order that has filled."""
    resting: Mapping[str, OrderSnapshot]
    """Our table of resting orders."""
    pair: str = ""
    is_short: bool = False
    interest: float = 0.0
    """Interest that the profit is less by, in quote coins."""


@dataclass(frozen=True, slots=True)
class VenueSnapshot:
    """State of the venue after the trade, for an account that began without base coins."""

    orders: tuple[Order, ...]
    sent: tuple[RequestKind, ...]
    """The requests that placed or canceled orders, oldest first."""
    base: Decimal
    """Base coins in the wallet."""
    gained: Decimal
    """Quote coins in the wallet, less those at the start."""
    lot: Decimal
    """Smallest step of an amount."""


def trade_snapshot(bot: BotProcess) -> TradeSnapshot:
    """Read the only trade of a bot."""
    (trade,) = trade_snapshots(bot)
    return trade


def trade_snapshots(bot: BotProcess) -> list[TradeSnapshot]:
    """Read the trades of a bot, oldest first."""
    return [_trade(bot, row) for row in bot.rows("select * from trades order by id")]


def _trade(bot: BotProcess, trade: Mapping[str, Any]) -> TradeSnapshot:
    query = "select * from bitget_margin_orders where kind = 'rung' and trade_id = ? order by number"
    rungs = bot.rows(query, trade["id"])
    entry_side = "sell" if trade["is_short"] else "buy"
    names = {_id(rung): f"rung {rung['number'] + 1}" for rung in rungs}
    orders = bot.rows("select * from orders where ft_trade_id = ? order by id", trade["id"])
    return TradeSnapshot(
        open=bool(trade["is_open"]),
        profit=float(trade["close_profit_abs"] or 0.0),
        stake=float(trade["max_stake_amount"] or 0.0),
        own={
            row["order_id"]: _order(row, row["ft_order_side"], names.get(row["order_id"]), entry_side) for row in orders
        },
        resting={_id(row): _order(row, row["side"], names[_id(row)], entry_side) for row in rungs},
        pair=str(trade["pair"]),
        is_short=bool(trade["is_short"]),
        interest=-float(trade["funding_fees"] or 0.0),
    )


def venue_snapshot(venue: Emulator, market: Symbol, funds: str) -> VenueSnapshot:
    """Read the only account of a venue, which traded one market and began with these quote coins."""
    (account,) = venue.accounts
    wallet = {coin: balance.available + balance.frozen for coin, balance in venue.balances(account.uid).items()}
    kinds = (kind_of(record) for record in venue.requests if record.uid)
    return VenueSnapshot(
        orders=tuple(venue.orders(account.uid)),
        sent=tuple(kind for kind in kinds if kind is not None),
        base=wallet.get(market.base, Decimal(0)),
        gained=wallet[market.quote] - Decimal(funds),
        lot=Decimal(1).scaleb(-market.quantity_precision),
    )


def _id(rung: Mapping[str, Any]) -> str:
    """Return the order id of a resting order, or its client order id if it was refused."""
    return str(rung["order_id"] or rung["client_id"])


def _order(row: Mapping[str, Any], side: str, name: str | None, entry_side: str) -> OrderSnapshot:
    filled, average = float(row["filled"] or 0.0), row["average"]
    return OrderSnapshot(
        name=name or ("entry" if side == entry_side else "exit"),
        side=side,
        filled=filled,
        average=float(average) if filled and average is not None else None,
        fee_base=float(row.get("ft_fee_base") or 0.0),
    )

"""What freqtrade wrote down of its one trade: its own rows, and those of the resting orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bitget_margin.cli.bot import Bot


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as the books have it; amounts in base coins, `average` None while nothing is filled."""

    name: str
    side: str
    filled: float
    average: float | None
    fee_base: float = 0.0


@dataclass(frozen=True, slots=True)
class Books:
    """The books of one trade; orders by the venue's id."""

    open: bool
    profit: float
    stake: float
    own: Mapping[str, Entry]
    """freqtrade's table of orders: its entry and exit, and every resting order that has filled."""
    resting: Mapping[str, Entry]
    """Our table of resting orders, in freqtrade's database."""


def read(bot: Bot) -> Books:
    """Return the books of the bot's trade."""
    (trade,) = bot.rows("select * from trades")
    rungs = bot.rows("select * from bitget_margin_orders where kind = 'rung' order by number")
    names = {rung["order_id"]: f"rung {rung['number'] + 1}" for rung in rungs}
    orders = bot.rows("select * from orders where ft_trade_id = ? order by id", trade["id"])
    return Books(
        open=bool(trade["is_open"]),
        profit=float(trade["close_profit_abs"] or 0.0),
        stake=float(trade["max_stake_amount"] or 0.0),
        own={row["order_id"]: _entry(row, row["ft_order_side"], names.get(row["order_id"])) for row in orders},
        resting={row["order_id"]: _entry(row, row["side"], names[row["order_id"]]) for row in rungs},
    )


def _entry(row: Mapping[str, Any], side: str, name: str | None) -> Entry:
    filled = float(row["filled"] or 0.0)
    return Entry(
        name=name or ("entry" if side == "buy" else "exit"),
        side=side,
        filled=filled,
        average=float(row["average"]) if filled else None,
        fee_base=float(row.get("ft_fee_base") or 0.0),
    )

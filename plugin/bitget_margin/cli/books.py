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
    names = {_id(rung): f"rung {rung['number'] + 1}" for rung in rungs}
    orders = bot.rows("select * from orders where ft_trade_id = ? order by id", trade["id"])
    return Books(
        open=bool(trade["is_open"]),
        profit=float(trade["close_profit_abs"] or 0.0),
        stake=float(trade["max_stake_amount"] or 0.0),
        own={row["order_id"]: _entry(row, row["ft_order_side"], names.get(row["order_id"])) for row in orders},
        resting={_id(row): _entry(row, row["side"], names[_id(row)]) for row in rungs},
    )


def _id(rung: Mapping[str, Any]) -> str:
    """Return the venue's id of a resting order; one that was refused has none."""
    return str(rung["order_id"] or rung["client_id"])


def _entry(row: Mapping[str, Any], side: str, name: str | None) -> Entry:
    filled, average = float(row["filled"] or 0.0), row["average"]
    return Entry(
        name=name or ("entry" if side == "buy" else "exit"),
        side=side,
        filled=filled,
        average=float(average) if filled and average is not None else None,
        fee_base=float(row.get("ft_fee_base") or 0.0),
    )

"""Text output of the command `account`, and the line about debts of the command `orders`."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitget_margin.adapter.margin_level import LIQUIDATION_LEVEL, WARNING_LEVEL
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.account_state import AccountDebts, AccountState, CoinNumbers
from bitget_margin.core.account_level import describe_settings
from bitget_margin.core.endpoints import AccountKind

_UNKNOWN: Final = "unknown"
_COIN_WIDTH: Final = 8
_NUMBER_WIDTH: Final = 9
"""Width of a number: with that of the coins, the table fits 80 characters."""
_NUMBER_MIN_WIDTH: Final = 8
_DIGITS: Final = 10


def show_account(to: Console, connection: Connection, state: AccountState) -> None:
    """Print the state of an account."""
    unified = state.kind is AccountKind.UNIFIED
    kind = connection.redact(describe_settings(state.settings)) if unified else "a classic account"
    to.print(Text(f"{connection.label}, {kind}", "dim"))
    to.print(Text(f"UID: {_UNKNOWN if state.uid is None else connection.redact(state.uid)}"))
    to.print(level_text(state.margin_level))
    to.print(Text(f"worth: {_worth(state)}"))
    if unified:
        free = state.free_collateral_usd
        to.print(Text(f"free collateral: {_amounts({'USD': free})}"))
    else:
        to.print(Text(f"can still be borrowed: {_amounts(state.can_borrow)}"))
    charged = _UNKNOWN if state.interest_of_day is None else _amounts(state.interest_of_day) or "nothing"
    to.print(Text(f"interest of the last 24 h: {charged}"))
    if state.daily_rates:
        rates = ", ".join(f"{code} {_percent(rate)}" for code, rate in state.daily_rates.items())
        to.print(Text(f"interest rates per day: {rates}"))
    if state.coins is None:
        to.print(Text(f"coins: {_UNKNOWN}"))
    elif state.coins:
        to.print(_table(state.coins, state.worth_of))
    else:
        to.print("The account has no coins and no debts.")


def level_text(level: Decimal | None) -> Text:
    """Return a margin level beside those of the warning and of the liquidation."""
    limits = f"warning from {WARNING_LEVEL}, liquidation at {LIQUIDATION_LEVEL}"
    if level is None:
        return Text(f"margin level: {_UNKNOWN} ({limits})", "yellow")
    if level >= WARNING_LEVEL:
        return Text(f"margin level: {_short(level)}, AT RISK ({limits})", "bold red")
    return Text(f"margin level: {_short(level)} ({limits})")


def debts_text(debts: AccountDebts) -> Text:
    """Return the debts of an account with the margin level in one line."""
    if debts.coins is None:
        return Text(f"owed: {_UNKNOWN}", "yellow")
    parts = []
    for coin in debts.coins:
        part_of_it = f" (interest {_short(coin.interest)})" if coin.interest else ""
        parts.append(f"{_short(coin.debt)} {coin.code}{part_of_it}")
    return Text(f"owed: {', '.join(parts)}; ").append_text(level_text(debts.margin_level))


def _table(coins: Iterable[CoinNumbers], worth_of: Callable[[CoinNumbers], Decimal | None]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    table.add_column("coin", overflow="fold", max_width=_COIN_WIDTH)
    for name in ("total", "free", "used", "debt", "interest", "net", "in USDT"):
        table.add_column(name, justify="right", no_wrap=True, min_width=_NUMBER_MIN_WIDTH)
    for coin in coins:
        numbers = (coin.total, coin.free, coin.used, coin.debt, coin.interest, coin.net, worth_of(coin))
        table.add_row(Text(coin.code), *(_short(number) for number in numbers))
    return table


def _worth(state: AccountState) -> str:
    worth = state.worth_usdt
    if worth is not None:
        return f"{_short(worth)} USDT"
    missing = f" (no price of {', '.join(state.unpriced)})" if state.kind is AccountKind.CLASSIC and state.coins else ""
    return f"{_UNKNOWN}{missing}"


def _amounts(amounts: Mapping[str, Decimal | None]) -> str:
    return ", ".join(f"{_short(amount)} {code}" for code, amount in amounts.items())


def _percent(rate: Decimal | None) -> str:
    return _UNKNOWN if rate is None else f"{_short(rate * 100)} %"


def _short(value: Decimal | None) -> str:
    """Return a number with as many digits as the width of a column has room for; no other number looks like 0."""
    if value is None:
        return _UNKNOWN
    rounded = (f"{float(value):.{digits}g}" for digits in range(_DIGITS, 0, -1))
    return next(text for text in (f"{value.normalize():f}", *rounded) if len(text) <= _NUMBER_WIDTH)

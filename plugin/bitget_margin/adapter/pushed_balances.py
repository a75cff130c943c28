"""Pushed balances of the cross margin wallet, apart from ccxt's cache of the spot wallet."""

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import ccxt

from bitget_margin.adapter import watch
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.order_row import milliseconds, text
from bitget_margin.core.responses import decimal

_CLASSIC_FROZEN: Final = "frozen"
_UNIFIED_FROZEN: Final = "locked"


@dataclass(slots=True)
class PushedBalances:
    """Last balance of each coin that one connection has pushed."""

    client: Any = None
    """The connection; balances of an earlier one may be outdated."""
    coins: dict[str, dict[str, str]] = field(default_factory=dict)
    _times_ms: dict[str, int] = field(default_factory=dict)

    def record(self, exchange: MarginExchange, client: Any, message: Mapping[str, Any]) -> bool:
        """Record the balances of a push; return whether one is newer than what is known, or raise BadResponse."""
        if client is not self.client:
            self.client = client
            self.coins.clear()
            self._times_ms.clear()
        listed = list(_read(exchange, message))
        newer = False
        for code, time_ms, amounts in listed:
            if time_ms is not None and time_ms < self._times_ms.get(code, time_ms):
                continue
            self.coins[code] = amounts
            newer = True
            if time_ms is not None:
                self._times_ms[code] = time_ms
        return newer or not listed

    def structure(self, exchange: MarginExchange, message: Mapping[str, Any]) -> Any:
        """Return ccxt's balance structure of all coins; `info` is the last push."""
        coins = {code: dict(amounts) for code, amounts in self.coins.items()}
        return exchange.safe_balance({"info": message, "timestamp": milliseconds(message.get("ts")), **coins})


def _read(exchange: MarginExchange, message: Mapping[str, Any]) -> Iterator[tuple[str, int | None, dict[str, str]]]:
    """Yield code, time and amounts of each coin."""
    unified = watch.subscription_of(message) is not None
    sent_ms = milliseconds(message.get("ts"))
    for row in _coin_rows(exchange, message, unified=unified):
        coin = text(row.get("coin"))
        free, used = (
            _amount(exchange, row, "available"),
            _amount(exchange, row, _UNIFIED_FROZEN if unified else _CLASSIC_FROZEN),
        )
        if coin is None or free is None or used is None:
            raise watch.unreadable(exchange, row)
        borrowed = _amount(exchange, row, "borrow") or Decimal(0)
        if unified:
            # Whether the debt contains the loan is not documented: the larger one is owed in any case.
            debt = max(borrowed, _amount(exchange, row, "debts") or Decimal(0))
            total = _amount(exchange, row, "balance")
        else:
            debt, total = borrowed + (_amount(exchange, row, "interest") or Decimal(0)), free + used
        amounts = {"free": free, "used": used, "debt": debt} | ({} if total is None else {"total": total})
        changed_ms = milliseconds(row.get("uTime"))
        time_ms = sent_ms if changed_ms is None else changed_ms
        yield exchange.safe_currency_code(coin), time_ms, {name: format(value, "f") for name, value in amounts.items()}


def _coin_rows(exchange: MarginExchange, message: Mapping[str, Any], *, unified: bool) -> Iterator[Mapping[str, Any]]:
    for row in watch.rows_of(exchange, message):
        if not unified:
            yield row
            continue
        coins = row.get("coin")
        if not isinstance(coins, list) or not all(isinstance(coin, Mapping) for coin in coins):
            raise watch.unreadable(exchange, message)
        yield from coins


def _amount(exchange: MarginExchange, row: Mapping[str, Any], name: str) -> Decimal | None:
    """Return an amount, None where it is missing; raise BadResponse if it is no number."""
    value = row.get(name)
    if value is None or value == "":
        return None
    amount = decimal(value)
    if amount is None:
        raise ccxt.BadResponse(
            f"{exchange.id}: {name} of a pushed balance is {reprlib.repr(value)}, which is no amount"
        )
    return amount

"""Queries of the command `account`: coins, debts, margin level and interest. Nothing is changed here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Any, Final, TypeVar

import ccxt

from bitget_margin.adapter.account import fetch_settings, fetch_uid
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.margin_level import WARNING_LEVEL, amount_of, fetch_max_borrowable
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import text
from bitget_margin.core.records import DAY_MS

USDT: Final = "USDT"
_BALANCE: Final = "the balance"
_LEVEL: Final = "the margin level"

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class CoinNumbers:
    """Amounts of one coin in the account; None stands for a number that the venue does not give."""

    code: str
    total: Decimal | None
    free: Decimal | None
    used: Decimal | None
    """Frozen by open orders; on a unified account locked by spot orders."""
    debt: Decimal | None
    """All that is owed, with interest."""
    principal: Decimal | None
    """Part of the debt that was borrowed; a unified account does not show it."""
    interest: Decimal | None
    """Part of the debt that is interest; a unified account does not show it."""
    net: Decimal | None

    @property
    def is_owed(self) -> bool:
        """Whether there is a debt, or one that is not known."""
        return self.debt is None or self.debt != 0


@dataclass(frozen=True, slots=True)
class AccountFailure:
    """Query that failed, with the reason."""

    subject: str
    error: ccxt.BaseError
    is_essential: bool
    """Whether the state of the account is not known without it."""


@dataclass(slots=True)
class AccountState:
    """State of one cross margin account; None stands for what is not known."""

    kind: AccountKind | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of a unified account."""
    uid: str | None = None
    coins: tuple[CoinNumbers, ...] | None = None
    margin_level: Decimal | None = None
    equity_usdt: Decimal | None = None
    """Worth of a unified account, by the venue."""
    free_collateral_usd: Decimal | None = None
    """Effective equity of a unified account without its initial margin."""
    prices_usdt: Mapping[str, Decimal] = field(default_factory=dict)
    """Last price of each coin."""
    daily_rates: Mapping[str, Decimal | None] = field(default_factory=dict)
    """Interest rate of each coin that is owed, as a fraction of the principal."""
    can_borrow: Mapping[str, Decimal | None] = field(default_factory=dict)
    """Amount that a classic account can still borrow of USDT and of each coin that it owes."""
    interest_of_day: Mapping[str, Decimal] | None = None
    """Interest of each coin that was charged in the last 24 hours."""
    failures: list[AccountFailure] = field(default_factory=list)

    @property
    def is_at_risk(self) -> bool | None:
        """Whether the margin level is at or above the venue's warning level; None if it is unknown."""
        return None if self.margin_level is None else self.margin_level >= WARNING_LEVEL

    @property
    def exit_code(self) -> Exit:
        """Exit code of the command: a risk comes first, then what is not known, then what is refused."""
        if self.is_at_risk:
            return Exit.AT_RISK
        essential = [failure.error for failure in self.failures if failure.is_essential]
        if any(errors.is_unresolved(error) for error in essential):
            return Exit.UNRESOLVED
        if essential:
            return Exit.OPEN
        return Exit.UNRESOLVED if self.margin_level is None else Exit.DONE

    @property
    def worth_usdt(self) -> Decimal | None:
        """Worth of all coins without the debts, None if a price is missing; of a unified account by the venue."""
        if self.kind is AccountKind.UNIFIED or self.coins is None:
            return self.equity_usdt
        worths = [self.worth_of(coin) for coin in self.coins]
        known = [worth for worth in worths if worth is not None]
        return sum(known, Decimal(0)) if len(known) == len(worths) else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Coins whose worth is not known."""
        return tuple(coin.code for coin in self.coins or () if self.worth_of(coin) is None)

    def worth_of(self, coin: CoinNumbers) -> Decimal | None:
        """Return the worth of a coin without its debt, in USDT; None without a price."""
        if coin.net is None or coin.net == 0:
            return coin.net
        price = Decimal(1) if coin.code == USDT else self.prices_usdt.get(coin.code)
        return None if price is None else coin.net * price

    def attempt(self, subject: str, read: Callable[[], A], *, is_essential: bool = False) -> A | None:
        """Return the result of a query, or record why it failed."""
        try:
            return read()
        except ccxt.BaseError as error:
            self.failures.append(AccountFailure(subject, error, is_essential))
            return None


def read_account(connection: Connection) -> AccountState:
    """Query everything about the account; without the balance and the margin level, nothing else is queried."""
    state, exchange, params = AccountState(), connection.exchange, connection.params
    balance = state.attempt(_BALANCE, lambda: exchange.fetch_balance(params), is_essential=True)
    if balance is None and errors.refuses_keys(state.failures[0].error):
        return state
    level = state.attempt(_LEVEL, lambda: exchange.fetch_cross_margin_level(params), is_essential=True)
    if balance is None and level is None:
        return state

    unified = connection.is_unified
    state.kind = AccountKind.UNIFIED if unified else AccountKind.CLASSIC
    if balance is not None:
        state.coins = state.attempt(_BALANCE, lambda: coins_of_balance(connection, balance), is_essential=True)
    if level is not None:
        state.margin_level = None if level["marginLevel"] is None else Decimal(str(level["marginLevel"]))
        if unified:
            _take_equity(state, connection, level["info"])
    if unified:
        settings = exchange.perform(fetch_settings(exchange, params))
        state.settings = settings or {}
        state.uid = text(state.settings.get("uid"))
    else:
        state.uid = state.attempt("the UID", lambda: exchange.perform(fetch_uid(exchange, params)))
    _read_loans(state, connection)
    if state.coins is not None:
        state.prices_usdt = state.attempt("the prices", lambda: _prices(connection, state.coins or ())) or {}
    return state


def coins_of_balance(connection: Connection, balance: Mapping[str, Any]) -> tuple[CoinNumbers, ...]:
    """Return the coins of a balance that the account has or owes, by their codes.

    :raises ccxt.BadResponse: a row has no coin, or a number that is none
    """
    exchange, found = connection.exchange, []
    for row in balance["info"]:
        coin = text(row.get("coin")) if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or coin is None:
            raise ccxt.BadResponse(f"{exchange.id} fetch_balance(): a row of the balance has no coin")
        numbers = _coin_numbers(connection, exchange.safe_currency_code(coin), row)
        if any(amount != 0 for amount in (numbers.total, numbers.debt, numbers.net)):
            found.append(numbers)
    return tuple(sorted(found, key=lambda numbers: numbers.code))


@dataclass(frozen=True, slots=True)
class AccountDebts:
    """Coins that the account owes, and its margin level; None stands for what is not known."""

    coins: tuple[CoinNumbers, ...] | None
    margin_level: Decimal | None = None
    """Queried only where something is owed."""


def read_debts(connection: Connection, balance: Mapping[str, Any]) -> AccountDebts:
    """Return the debts of a balance, with the margin level; nothing that cannot be read raises."""
    try:
        owed = tuple(coin for coin in coins_of_balance(connection, balance) if coin.is_owed)
    except ccxt.BaseError:
        return AccountDebts(None)
    if not owed:
        return AccountDebts(owed)
    try:
        level = connection.exchange.fetch_cross_margin_level(connection.params)["marginLevel"]
    except ccxt.BaseError:
        level = None
    return AccountDebts(owed, None if level is None else Decimal(str(level)))


def owed_codes(coins: Iterable[CoinNumbers]) -> tuple[str, ...]:
    """Return the codes of the coins that are owed, or may be."""
    return tuple(dict.fromkeys(coin.code for coin in coins if coin.is_owed))


def _coin_numbers(connection: Connection, code: str, row: Mapping[str, Any]) -> CoinNumbers:
    def amount(name: str) -> Decimal | None:
        return amount_of(connection.exchange, "fetch_balance", row, name)

    if connection.is_unified:
        total, free, used, debt = (amount(name) for name in ("balance", "available", "locked", "debt"))
        return CoinNumbers(code, total, free, used, debt, None, None, amount("equity"))
    total, free, used, principal, interest = (
        amount(name) for name in ("totalAmount", "available", "frozen", "borrow", "interest")
    )
    debt = None if principal is None or interest is None else principal + interest
    return CoinNumbers(code, total, free, used, debt, principal, interest, amount("net"))


def _take_equity(state: AccountState, connection: Connection, info: Mapping[str, Any]) -> None:
    """Record the worth and the free collateral of a unified account."""

    def amount(name: str) -> Decimal | None:
        return state.attempt("the equity", lambda: amount_of(connection.exchange, "fetch_balance", info, name))

    state.equity_usdt = amount("usdtEquity")
    effective, initial_margin = amount("effEquity"), amount("imr")
    if effective is not None and initial_margin is not None:
        state.free_collateral_usd = effective - initial_margin


def _read_loans(state: AccountState, connection: Connection) -> None:
    """Query rates and limits of the coins that are owed, and the interest of the last 24 hours."""
    exchange, params = connection.exchange, connection.params
    owed = owed_codes(state.coins or ())

    def rate(code: str) -> Decimal | None:
        value = exchange.fetch_cross_borrow_rate(code, params)["rate"]
        return None if value is None else Decimal(str(value))

    def limit(code: str) -> Decimal | None:
        return exchange.perform(fetch_max_borrowable(exchange, code, params))

    state.daily_rates = {code: state.attempt(f"the interest rate of {code}", partial(rate, code)) for code in owed}
    if state.kind is AccountKind.CLASSIC:
        state.can_borrow = {
            code: state.attempt(f"the limit of loans of {code}", partial(limit, code))
            for code in dict.fromkeys((USDT, *owed))
        }
    state.interest_of_day = state.attempt("the interest of the last 24 hours", lambda: _interest_of_day(connection))


def _interest_of_day(connection: Connection) -> dict[str, Decimal]:
    exchange = connection.exchange
    since_ms = int(exchange.venue_milliseconds()) - DAY_MS
    charges = exchange.fetch_borrow_interest(None, None, since_ms, None, connection.params)
    sums: dict[str, Decimal] = {}
    for charge in charges:
        sums[charge["currency"]] = sums.get(charge["currency"], Decimal(0)) + Decimal(str(charge["interest"]))
    return dict(sorted(sums.items()))


def _prices(connection: Connection, coins: Iterable[CoinNumbers]) -> dict[str, Decimal]:
    """Return the last price of each coin that has a spot market in USDT."""
    markets = connection.exchange.markets or {}
    symbols = {f"{coin.code}/{USDT}": coin.code for coin in coins if coin.net}
    listed = [symbol for symbol in symbols if symbol in markets]
    try:
        tickers: Mapping[str, Any] = connection.exchange.fetch_tickers(listed) if listed else {}
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented("fetch_tickers()", error) from cause_of(error)
    prices = {symbols[symbol]: tickers[symbol]["last"] for symbol in listed if symbol in tickers}
    if listed and not prices:  # ccxt parses an HTML page as an empty list
        raise ccxt.BadResponse(f"its list of prices has none of {', '.join(listed)}")
    return {code: Decimal(str(price)) for code, price in prices.items() if price and isfinite(price)}

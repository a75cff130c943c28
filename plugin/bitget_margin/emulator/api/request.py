"""Requests as endpoints receive them: parsed, authenticated, and with access to the market."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.rate_limit import SlidingWindows
from bitget_margin.emulator.behaviour.knob_board import KnobBoard
from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.symbol import PairStatus, Symbol
from bitget_margin.emulator.market.wallet import NO_DEBT, NOTHING, Account, Balance, Debt

Row = dict[str, object]
"""JSON object of a response."""


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """Request that needs no account.

    :param now_ms: time of the venue, ms since the epoch
    """

    engine: Engine
    params: Params
    now_ms: int

    def symbol(self) -> Symbol:
        """Return the required symbol of the request."""
        return self.symbol_named(self.params.text("symbol"))

    def symbols(self) -> list[Symbol]:
        """Return the optional symbol of the request, or without one all that are listed."""
        name = self.params.optional_text("symbol")
        symbols = self.engine.market.symbols.values()
        found = symbols if name is None else [self.symbol_named(name)]
        return [symbol for symbol in found if symbol.status is not PairStatus.DELISTED]

    def coins(self) -> list[str]:
        """Return the coins of all symbols."""
        symbols = self.engine.market.symbols.values()
        return list(dict.fromkeys(coin for symbol in symbols for coin in (symbol.quote, symbol.base)))

    def borrowable_coins(self) -> list[str]:
        """Return the coins of all symbols that cross margin trades."""
        symbols = [symbol for symbol in self.engine.market.symbols.values() if symbol.cross_borrowable]
        return list(dict.fromkeys(coin for symbol in symbols for coin in (symbol.quote, symbol.base)))

    def symbol_named(self, name: str) -> Symbol:
        """Return a symbol by its name."""
        symbol = self.engine.market.symbols.get(name)
        if symbol is None:
            raise VenueError(Refusal.UNKNOWN_SYMBOL, name)
        return symbol


@dataclass(frozen=True, slots=True)
class PrivateRequest(PublicRequest):
    """Request of an account.

    :param board: knobs of all accounts
    :param cancels: time of the last cancel of each order
    """

    account: Account
    board: KnobBoard
    cancels: SlidingWindows

    @property
    def knobs(self) -> Knobs:
        """Knobs of the account."""
        return self.board.of(self.account.uid)

    def symbols(self) -> list[Symbol]:
        """Return the optional symbol of the request, or all symbols without one: orders outlive a listing."""
        name = self.params.optional_text("symbol")
        return list(self.engine.market.symbols.values()) if name is None else [self.symbol_named(name)]

    def tradable_symbol_named(self, name: str) -> Symbol:
        """Return the symbol of an order to be placed."""
        symbol = self.symbol_named(name)
        if symbol.status is not PairStatus.ONLINE:
            raise VenueError(Refusal.HALTED, symbol.symbol)
        return symbol

    def take(self, knob: str) -> bool:
        """Decrement a counting knob of the account, and return whether it was above 0."""
        return self.board.take(self.account.uid, knob)

    def holdings(self) -> Iterator[tuple[str, Balance, Debt]]:
        """Yield the balance and debt of each coin that the account has or owes."""
        wallet, debts = self.engine.wallets[self.account.uid], self.account.debts
        balances, owed = wallet.state_at(self.now_ms - self.knobs.balance_lag_ms)
        for coin in dict.fromkeys((*balances, *debts, *owed)):
            debt = owed.get(coin, NO_DEBT).plus(Decimal(debts.get(coin, "0")))
            yield coin, balances.get(coin, NOTHING), debt


def nothing(_request: PublicRequest) -> list[Row]:
    """List nothing: the emulator has no futures, spot orders or funding account."""
    return []


PublicEndpoint = Callable[[PublicRequest], Any]
PrivateEndpoint = Callable[[PrivateRequest], Any]

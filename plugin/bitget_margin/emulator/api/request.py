"""What an endpoint is given to do its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.sliding_window import SlidingWindows
from bitget_margin.emulator.behaviour.knobs import KnobBoard
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import Account


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """A request that needs no account.

    :param now_ms: the venue's time, ms since the epoch
    """

    engine: Engine
    knobs: KnobBoard
    params: Params
    now_ms: int

    def symbol(self) -> Symbol:
        """Return the required symbol of the request."""
        return self.symbol_named(self.params.text("symbol"))

    def symbol_named(self, name: str) -> Symbol:
        """Return a symbol by its name."""
        symbol = self.engine.market.symbols.get(name)
        if symbol is None:
            raise VenueError(Refusal.UNKNOWN_SYMBOL, name)
        return symbol


@dataclass(frozen=True, slots=True)
class PrivateRequest(PublicRequest):
    """A request of an account.

    :param cancels: when each order was last cancelled
    """

    account: Account
    cancels: SlidingWindows


PublicEndpoint = Callable[[PublicRequest], Any]
PrivateEndpoint = Callable[[PrivateRequest], Any]

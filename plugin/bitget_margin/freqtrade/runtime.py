"""State of the process: the running exchange, which freqtrade does not pass to strategies, and the warnings so far.

Apart from the mixin's module, which hyperopt pickles by value: a weak reference cannot be pickled.
"""

from __future__ import annotations

import logging
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from bitget_margin.freqtrade.alerts import Alerts
    from bitget_margin.freqtrade.dead_mans_switch import DeadMansSwitch
    from bitget_margin.freqtrade.exit_rests import ExitRests
    from bitget_margin.freqtrade.exits import Exits
    from bitget_margin.freqtrade.ladders import Ladders
    from bitget_margin.freqtrade.maintenance import Maintenance
    from bitget_margin.freqtrade.order_store import OrderStore
    from bitget_margin.freqtrade.pushes import OrderPushes
    from bitget_margin.freqtrade.unproven_cancels import UnprovenCancels


class StrategyExchange(Protocol):
    """The part of `Bitgetcross` that the strategy mixin uses."""

    alerts: Alerts
    exits: Exits
    rests: ExitRests
    ladders: Ladders
    maintenance: Maintenance
    store: OrderStore
    unproven: UnprovenCancels
    switch: DeadMansSwitch
    pushes: OrderPushes
    is_database_checked: bool

    def simulate_balances(self, wallets: Any) -> None:
        """Answer from freqtrade's wallets of a dry run."""

    def follow_wallets(self, wallets: Any) -> None:
        """Let a live bot read its positions anew where one has gone."""

    def check_database(self) -> None:
        """Refuse a database of another account, exchange or run mode."""

    def get_min_pair_stake_amount(self, pair: str, price: float, stoploss: float) -> float | None:
        """Return the least value of an order on a pair, with room for a stop-loss."""

    def get_max_leverage(self, pair: str, stake_amount: float | None) -> float:
        """Return the highest leverage of a long on a pair."""

    def process_loop(self) -> None:
        """Look up the resting orders, and record and cancel what is due."""

    def hand_over_ended(self) -> None:
        """Hand the resting orders that have ended to freqtrade."""


_logger: Final = logging.getLogger("bitget_margin")
_exchanges: Final[dict[str, weakref.ref[StrategyExchange]]] = {}
_RUNNING: Final = "running"
_warned: Final[set[str]] = set()
_strategies: Final[set[str]] = set()

ACTIVE_HOOKS: Final[ContextVar[frozenset[str]]] = ContextVar("ACTIVE_HOOKS", default=frozenset())
"""Names of the strategy callbacks that are running inside a wrapper."""


def warn_once(text: str) -> None:
    """Log a warning, unless this process has logged the same text before."""
    if text not in _warned:
        _warned.add(text)
        _logger.warning(text)


def note_mixin() -> None:
    """Note that a strategy with the mixin was made in this process."""
    _strategies.add(_RUNNING)


def has_mixin() -> bool:
    """Whether a strategy with the mixin was made in this process."""
    return _RUNNING in _strategies


def set_exchange(exchange: StrategyExchange) -> None:
    """Register the exchange that this process trades on; a reload replaces it."""
    _exchanges[_RUNNING] = weakref.ref(exchange)


def current_exchange() -> StrategyExchange | None:
    """Return the `Bitgetcross` of this process; None where it trades on another exchange, or not at all."""
    reference = _exchanges.get(_RUNNING)
    return None if reference is None else reference()

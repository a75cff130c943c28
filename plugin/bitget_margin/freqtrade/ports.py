"""Protocols of what the managers use of others: they never import the exchange itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bitget_margin.freqtrade.compat import Trade


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """Terms of an entry order, which its side does not tell where trades may be short."""

    is_short: bool
    leverage: float


class MarketRules(Protocol):
    """Rules of the pairs, free balances, and fees that were paid."""

    @property
    def markets(self) -> Mapping[str, Any]:
        """Markets as in ccxt, by pair."""

    @property
    def batch_max(self) -> int:
        """Number of orders that one request may place, on this kind of account."""

    def amount_to_precision(self, pair: str, amount: float) -> float:
        """Cut an amount to the precision of the venue."""

    def price_to_precision(self, pair: str, price: float) -> float:
        """Round a price to the precision of the venue."""

    def cover_amount(self, pair: str, net: float) -> float:
        """Return the amount of a resting buy that leaves these coins, at least, once the venue has taken its fee."""

    def loan_type(self, trade: Trade) -> str | None:
        """Return the venue's `loanType` of the resting orders of a trade; None for its default, without a loan."""

    def free(self, currency: str) -> float:
        """Return the balance that no order holds, without what could be borrowed."""

    def free_margin(self, currency: str) -> float:
        """Return the balance that no order holds, without what shorts have sold."""

    def fee_of(self, order_id: str, pair: str, since_ms: int, currency: str, filled: float) -> float | None:
        """Return the fees of an order in a currency; None if the venue does not show all of its fills."""


class Pushes(Protocol):
    """Pushes of changed orders."""

    def follow(self, pairs: Iterable[str]) -> None:
        """Ask for the pushes of these pairs, from now on."""

    def quiet_since(self, pair: str) -> float | None:
        """Return the time since which every change on a pair would have been pushed, and none was; None if unknown."""


class NoPushes:
    """A bot without pushes."""

    def follow(self, pairs: Iterable[str]) -> None:
        """Do nothing."""

    def quiet_since(self, pair: str) -> float | None:
        """Return None."""

"""Trading pairs of the emulator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn


class PairStatus(StrEnum):
    """Whether a pair trades; its open orders stay open in any case, and can be canceled."""

    ONLINE = "online"
    HALTED = "halted"
    """Listed, and new orders are refused."""
    DELISTED = "delisted"
    """In no public list, and new orders are refused."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"the status of a pair is {', '.join(cls)}, not {value!r}")


@dataclass(frozen=True, slots=True)
class SpotNumbers:
    """Numbers of spot orders of a pair, which may be finer than those of its margin orders."""

    price_precision: int
    quantity_precision: int
    min_amount: Decimal
    min_quote_value: Decimal


@dataclass(frozen=True, slots=True)
class Symbol:
    """A trading pair with its limits and fees.

    :param symbol: the venue's name, e.g. ``BTCUSDT``
    :param start_price: price at the start of the run, in quote coins
    :param price_precision: decimals of a price
    :param quantity_precision: decimals of an amount of base coins
    :param min_amount: smallest order, in base coins
    :param min_quote_value: smallest order, in quote coins
    :param maker_fee_rate: fee of a resting order, as a fraction of what is received
    :param taker_fee_rate: fee of a crossing order, as a fraction of what is received
    :param cross_borrowable: whether the pair can be traded in the cross margin account
    :param status: whether the pair trades
    :param spot: numbers of the pair on the spot market; by default those of margin orders, which are above
    """

    symbol: str
    base: str
    quote: str
    start_price: Decimal
    price_precision: int = 2
    quantity_precision: int = 6
    min_amount: Decimal = Decimal("0.000001")
    min_quote_value: Decimal = Decimal(5)
    maker_fee_rate: Decimal = Decimal("0.001")
    taker_fee_rate: Decimal = Decimal("0.001")
    cross_borrowable: bool = True
    status: PairStatus = PairStatus.ONLINE
    spot: SpotNumbers | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", PairStatus(self.status))  # the value of a status is taken for it

    @property
    def on_spot(self) -> Symbol:
        """The same pair with the numbers of spot orders."""
        if self.spot is None:
            return self
        return replace(self, **{name: getattr(self.spot, name) for name in SpotNumbers.__slots__}, spot=None)

    @property
    def tick(self) -> Decimal:
        """The smallest step of the price."""
        return Decimal(1).scaleb(-self.price_precision)


DEFAULT_SYMBOLS: tuple[Symbol, ...] = (
    Symbol("BTCUSDT", "BTC", "USDT", Decimal(60000)),
    Symbol("ETHUSDT", "ETH", "USDT", Decimal(3000), quantity_precision=4, min_amount=Decimal("0.0001")),
    Symbol("SOLUSDT", "SOL", "USDT", Decimal(150), quantity_precision=4, min_amount=Decimal("0.0001")),
    Symbol(
        "XRPUSDT",
        "XRP",
        "USDT",
        Decimal("0.5"),
        price_precision=4,
        quantity_precision=2,
        min_amount=Decimal("0.01"),
        cross_borrowable=False,
    ),
)


def synthetic_symbols(count: int, *, quote: str = "USDT", start_price: Decimal = Decimal(100)) -> tuple[Symbol, ...]:
    """Return that many made-up pairs, ``C001USDT`` and on, all at the same start price (in quote coins)."""
    return tuple(
        Symbol(
            f"C{number:03}{quote}",
            f"C{number:03}",
            quote,
            start_price,
            quantity_precision=4,
            min_amount=Decimal("0.0001"),
        )
        for number in range(1, count + 1)
    )

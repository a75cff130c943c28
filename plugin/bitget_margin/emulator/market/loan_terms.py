"""Numbers by which the venue lends: rates, leverage, margins and fees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from bitget_margin.emulator.market.decimals import EXACT

HOUR_MS = 3_600_000
COIN_DECIMALS = 8
"""Decimals of a loan, a repayment and interest."""
_HOURS = 24
_STEP = Decimal(1).scaleb(-COIN_DECIMALS)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """Terms on which all accounts borrow; the defaults are those of the venue's pages, where these have any.

    :param leverage: value of an account's coins, as a multiple of its equity, up to which it can borrow
    :param daily_rate: interest of a day, as a fraction of the principal, of coins that are not in `daily_rates`
    :param daily_rates: the same by coin
    :param period_ms: time between two charges, each of which is the interest of one hour
    :param maintenance_rate: margin that a debt needs, as a fraction of its value
    :param collateral_rates: part of a coin's value that counts as margin, by coin; all of it by default
    :param liquidation_fee: fee of a liquidation, as a fraction of the value that it sells and buys
    :param flash_repay_fee: loss of a flash repayment, as a fraction of the value of the coins that it sells
    """

    leverage: Decimal = Decimal(3)
    daily_rate: Decimal = Decimal("0.00024")
    daily_rates: Mapping[str, Decimal] = field(default_factory=dict)
    period_ms: int = HOUR_MS
    maintenance_rate: Decimal = Decimal("0.05")
    collateral_rates: Mapping[str, Decimal] = field(default_factory=dict)
    liquidation_fee: Decimal = Decimal("0.02")
    flash_repay_fee: Decimal = Decimal("0.001")

    def __post_init__(self) -> None:
        _check("leverage", self.leverage, 1, 100)
        if self.leverage == 1:
            raise ValueError("leverage must be above 1: at 1 nothing can be borrowed")
        _check("daily_rate", self.daily_rate, 0, 1)
        _check("maintenance_rate", self.maintenance_rate, 0, 1)
        _check("liquidation_fee", self.liquidation_fee, 0, 1)
        _check("flash_repay_fee", self.flash_repay_fee, 0, 1)
        for name, rates in (("daily_rates", self.daily_rates), ("collateral_rates", self.collateral_rates)):
            for coin, rate in rates.items():
                _check(f"{name}[{coin!r}]", rate, 0, 1)
        if type(self.period_ms) is not int or self.period_ms <= 0:
            raise ValueError(f"period_ms must be a whole number above 0, not {self.period_ms!r}")

    def rate(self, coin: str) -> Decimal:
        """Return the daily interest rate of a coin."""
        return self.daily_rates.get(coin, self.daily_rate)

    def collateral_rate(self, coin: str) -> Decimal:
        """Return the part of a coin's value that counts as margin."""
        return self.collateral_rates.get(coin, _ONE)

    def hourly_interest(self, coin: str, principal: Decimal) -> Decimal:
        """Return the interest of one hour, rounded up."""
        return round_up(EXACT.divide(principal * self.rate(coin), Decimal(_HOURS)))


def round_up(amount: Decimal) -> Decimal:
    """Return an amount of a coin with the decimals of loans, not less than it was."""
    return amount.quantize(_STEP, rounding=ROUND_UP, context=EXACT)


def _check(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, Decimal) or not least <= value <= most:
        raise ValueError(f"{name} must be a Decimal from {least} to {most}, not {value!r}")

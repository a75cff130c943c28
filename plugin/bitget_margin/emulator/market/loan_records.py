"""Records of loans, repayments, interest and liquidations."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class BorrowKind(StrEnum):
    """Cause of a loan."""

    BY_ORDER = "auto_loan"
    BY_HAND = "manual_loan"


class RepayKind(StrEnum):
    """Cause of a repayment."""

    BY_ORDER = "auto_repay"
    BY_HAND = "manual_repay"
    BY_LIQUIDATION = "liq_repay"


class InterestKind(StrEnum):
    """Occasion of interest."""

    FIRST = "first"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class Borrowing:
    """Coins that an account has borrowed."""

    loan_id: str
    coin: str
    amount: Decimal
    kind: BorrowKind
    at_ms: int


@dataclass(frozen=True, slots=True)
class Repayment:
    """Coins that an account has paid back; `amount` is the sum of both parts."""

    repay_id: str
    coin: str
    amount: Decimal
    principal: Decimal
    interest: Decimal
    kind: RepayKind
    at_ms: int


@dataclass(frozen=True, slots=True)
class Interest:
    """Interest that was charged, and the daily rate by which it was."""

    interest_id: str
    coin: str
    amount: Decimal
    daily_rate: Decimal
    kind: InterestKind
    at_ms: int


@dataclass(frozen=True, slots=True)
class LiquidationRecord:
    """Liquidation of an account; assets, debts and fee in US dollars, the first two as they were before.

    :param risk: ratio that caused it
    """

    liquidation_id: str
    risk: Decimal
    assets: Decimal
    debts: Decimal
    fee: Decimal
    at_ms: int

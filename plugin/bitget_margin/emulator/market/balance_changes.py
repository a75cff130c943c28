"""Records of the changes of balances, which the venue calls financial records."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bitget_margin.emulator.market.decimals import ZERO
from bitget_margin.emulator.market.wallet import NOTHING, Wallet


class ChangeKind(StrEnum):
    """Reason of a change, spelled as for a classic account."""

    DEAL_IN = "deal_in"
    DEAL_OUT = "deal_out"
    BORROW = "borrow"
    REPAY = "repay"
    LIQUIDATION_FEE = "liquidation_fee"
    COMPENSATE = "compensate"
    """Coins of the venue that cover debts which the account's own coins do not."""
    EXCHANGE_IN = "exchange_in"
    EXCHANGE_OUT = "exchange_out"
    INTEREST = "interest"
    """Only unified accounts list it: a classic one has records of interest."""


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """Change of a balance.

    :param amount: coins that came, below zero for coins that went; a fee comes on top of it
    :param fee: paid fee
    :param balance: coins after the change, free and frozen
    :param at_ms: time, ms since the epoch
    """

    change_id: str
    kind: ChangeKind
    symbol: str
    coin: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    at_ms: int


class BalanceChanges:
    """Changes of all accounts.

    :param next_id: returns a new id; ids grow with time
    """

    def __init__(self, next_id: Callable[[], str]) -> None:
        self._next_id = next_id
        self._of_account: dict[str, list[BalanceChange]] = defaultdict(list)

    def add(
        self,
        uid: str,
        wallet: Wallet,
        kind: ChangeKind,
        symbol: str,
        coin: str,
        amount: Decimal,
        now_ms: int,
        fee: Decimal = ZERO,
    ) -> None:
        """Add a change that the wallet shows already."""
        balance = sum(wallet.balances().get(coin, NOTHING), ZERO)
        change = BalanceChange(self._next_id(), kind, symbol, coin, amount, fee, balance, now_ms)
        self._of_account[uid].append(change)

    def of(self, uid: str) -> list[BalanceChange]:
        """Return the changes of an account, newest first."""
        return self._of_account[uid][::-1]

"""Promise: what a trade has left is counted as the venue counts it, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.freqtrade.trade_rows import remaining_amount

LOT = Decimal("0.0001")
LOTS = st.integers(1, 30_000).map(lambda lots: lots * LOT)


def row(side: str, filled: Decimal, fee: Decimal = Decimal(0), *, is_open: bool = False) -> SimpleNamespace:
    """Return what we read of one of freqtrade's order rows."""
    return SimpleNamespace(ft_order_side=side, filled=float(filled), ft_fee_base=float(fee), ft_is_open=is_open)


@given(LOTS, st.lists(LOTS, max_size=12))
def test_what_is_left_is_exact(bought: Decimal, sold: list[Decimal]) -> None:
    """A float a hair too small would lose a lot when it is cut to the venue's precision."""
    fee = bought / 1_000
    # An exit that is still open has sold what it has filled; an entry that is, counts once it has its fee.
    rows = [row("buy", bought, fee), *(row("sell", amount, is_open=amount > LOT) for amount in sold)]
    rows.append(SimpleNamespace(ft_order_side="buy", filled=1.0, ft_fee_base=None, ft_is_open=True))
    trade = SimpleNamespace(orders=rows, entry_side="buy", exit_side="sell")
    assert remaining_amount(trade) == float(max(Decimal(0), bought - fee - sum(sold)))


def test_a_fill_that_left_a_float_a_hair_too_small_is_sold_whole() -> None:
    rows = [
        row("buy", Decimal(2), Decimal("0.002")),
        *[row("sell", Decimal("0.0999"))] * 3,
        row("sell", Decimal("0.0503")),
    ]
    assert remaining_amount(SimpleNamespace(orders=rows, entry_side="buy", exit_side="sell")) == 1.648

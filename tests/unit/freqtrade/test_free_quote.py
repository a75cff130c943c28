"""Promise: a simulated ladder has the quote coins that a live one has on either kind of account, or fewer."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.free_quote import free_quote


def trade(*, short: bool = False, amount: float, rate: float = 100.0, filled: bool = True) -> Any:
    """Return an open trade as freqtrade has it."""
    return SimpleNamespace(
        pair="BTC/USDT",
        safe_base_currency="BTC",
        is_short=short,
        entry_side="sell" if short else "buy",
        exit_side="buy" if short else "sell",
        amount=amount,
        open_rate=rate,
        stake_amount=amount * rate,
        leverage=1.0,
        fee_open=0.001,
        nr_of_successful_entries=int(filled),
        open_orders=[],
        orders=[],
        amount_precision=2,
        precision_mode=2,
        contract_size=1.0,
    )


@pytest.mark.parametrize(
    ("trades", "resting", "free"),
    [
        ([], 300.0, 9_700.0),
        ([trade(amount=30.0)], 0.0, 7_000.0),
        ([trade(amount=30.0, short=True)], 0.0, 13_000.0 - 3.0),
        # The long has borrowed 2,000, which the short's 8,000 would pay back first on a unified account.
        ([trade(amount=120.0), trade(amount=80.0, short=True)], 0.0, 6_000.0 - 8.0),
        ([trade(amount=120.0)], 0.0, 0.0),
    ],
)
def test_free_is_the_margin_with_what_was_sold_less_what_was_bought(
    trades: list[Any], resting: float, free: float
) -> None:
    assert free_quote(10_000.0, trades, resting) == pytest.approx(free)


def test_an_entry_that_has_not_filled_holds_its_cost_and_has_sold_nothing() -> None:
    def order(side: str) -> Any:
        return SimpleNamespace(
            ft_order_side=side, safe_remaining=20.0, safe_price=100.0, safe_amount=20.0, safe_filled=0.0
        )

    long, short = trade(amount=20.0, filled=False), trade(amount=20.0, short=True, filled=False)
    long.open_orders, short.open_orders = [order("buy")], [order("sell")]
    assert free_quote(10_000.0, [long, short], 0.0) == pytest.approx(8_000.0)

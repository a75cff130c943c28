"""Promise: an order stays where it is what is wanted, and what is new never sells more than is left."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.freqtrade.ladder_changes import LadderChange, compare, trim
from bitget_margin.freqtrade.ladder_spec import LadderStep, Limits
from support.botless import PAIR, live, live_cover

SELL = live("a", price=61_000.0, amount=0.3)
BUY = live("b", price=59_000.0, amount=0.2, side="buy")


def limits(sellable: float, exit_side: str = "sell") -> Limits:
    """Return limits of a trade with so many coins to sell or cover, in lots of 0.001."""
    return Limits(
        pair=PAIR,
        max_orders=50,
        has=sellable,
        sellable=sellable,
        spendable=lambda: 0.0,
        min_amount=0.01,
        min_cost=5.0,
        to_amount=lambda amount: float(Decimal(repr(amount)).quantize(Decimal("0.001"), ROUND_DOWN)),
        to_price=lambda price: price,
        exit_side=exit_side,
    )


def test_what_is_wanted_stays_and_each_order_fulfils_one_step() -> None:
    wanted = LadderStep("sell", 61_000.0, 0.3)
    twin = replace(SELL, client_id="c")
    assert compare([wanted], [SELL, BUY]) == LadderChange({0: SELL}, [BUY])
    assert compare([wanted, wanted], [SELL]) == LadderChange({0: SELL}, [])
    assert compare([wanted, wanted], [SELL, twin]) == LadderChange({0: SELL, 1: twin}, [])
    assert compare([], [SELL]) == LadderChange({}, [SELL])


@pytest.mark.parametrize(
    "step",
    [LadderStep("buy", 61_000.0, 0.3), LadderStep("sell", 61_000.1, 0.3), LadderStep("sell", 61_000.0, 0.301)],
    ids=["side", "price", "amount"],
)
def test_an_order_that_differs_goes(step: LadderStep) -> None:
    assert compare([step], [SELL]) == LadderChange({}, [SELL])


def test_what_is_left_of_an_order_counts() -> None:
    partly = replace(SELL, filled=0.1)
    assert compare([LadderStep("sell", 61_000.0, 0.2)], [partly]).kept == {0: partly}
    assert compare([LadderStep("sell", 61_000.0, 0.3)], [partly]).going == [partly]


def test_sells_beyond_what_is_left_are_cut_or_left_out() -> None:
    steps = [LadderStep("sell", 100.0, 0.3), LadderStep("buy", 90.0, 5.0), LadderStep("sell", 101.0, 0.3)]
    assert trim(steps, limits(0.6)) == steps
    assert trim(steps, limits(0.4)) == [steps[0], steps[1], LadderStep("sell", 101.0, 0.1)]
    assert trim(steps, limits(0.305)) == [steps[0], steps[1], None]
    assert trim(steps, limits(0.0)) == [None, steps[1], None]


@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 500)), max_size=8),
    st.integers(0, 2_000),
)
def test_no_more_is_sold_than_is_left(steps: list[tuple[str, int]], left: int) -> None:
    given_steps = [LadderStep(side, 1_000.0, lots / 1_000) for side, lots in steps]
    fitting = trim(given_steps, limits(left / 1_000))
    assert len(fitting) == len(given_steps)
    sold = sum(step.amount for step in fitting if step is not None and step.side == "sell")
    assert sold <= left / 1_000 + 1e-9
    for before, after in zip(given_steps, fitting, strict=True):
        assert after is None or (after.side == before.side and 0 < after.amount <= before.amount)


def test_covers_beyond_what_a_short_still_owes_are_cut_or_left_out() -> None:
    steps = [LadderStep("buy", 100.0, 0.3), LadderStep("buy", 99.0, 0.3)]
    assert trim(steps, limits(0.4, "buy")) == [steps[0], LadderStep("buy", 99.0, 0.1)]
    assert trim(steps, limits(0.3, "buy")) == [steps[0], None]
    assert trim(steps, limits(0.0)) == steps, "of a long, they close nothing"


def test_a_cover_stays_where_its_net_amount_is_wanted() -> None:
    resting = live_cover("a", price=59_000.0, amount=0.3, sent=0.301)
    assert compare([LadderStep("buy", 59_000.0, 0.3)], [resting]).kept == {0: resting}
    assert compare([LadderStep("buy", 59_000.0, 0.301)], [resting]).going == [resting]

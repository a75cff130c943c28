"""Promise: a ladder that cannot work is refused before anything is sent, with the value to change."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bitget_margin.freqtrade import LadderRefused
from bitget_margin.freqtrade.ladder_spec import KEY_MAX_LENGTH, LadderStep, Limits, check_key, parse_ladder

NO_MINIMUMS: dict[str, Any] = {"min_amount": None, "min_cost": None}


def limits(**changes: Any) -> Limits:
    """Return a pair with 4 decimals of amount and 2 of price, a trade that has one coin, and 1000 free quote coins."""
    usual: dict[str, Any] = {
        "pair": "BTC/USDT",
        "max_orders": 50,
        "has": 1.0,
        "sellable": 1.0,
        "spendable": lambda: 1_000.0,
        "min_amount": 0.001,
        "min_cost": 5.0,
        "to_amount": lambda amount: math.floor(amount * 10**4 + 1e-6) / 10**4,
        "to_price": lambda price: round(price, 2),
    }
    return Limits(**usual | changes)


def sell(amount: Any = 0.1, price: Any = 100.0) -> dict[str, Any]:
    return {"side": "sell", "price": price, "amount": amount}


def buy(amount: Any = 0.1, price: Any = 100.0) -> dict[str, Any]:
    return {"side": "buy", "price": price, "amount": amount}


def refusal(orders: object, **changes: Any) -> str:
    """Return the message of a refused ladder, which must be one line."""
    with pytest.raises(LadderRefused) as refused:
        parse_ladder(orders, limits(**changes))
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("orders", [None, 5, "sell", {}, sell(), True], ids=repr)
def test_what_is_no_list_is_refused(orders: object) -> None:
    assert refusal(orders) == f"orders is {orders!r}: give a list of dicts with side, price, and amount or share"


@pytest.mark.parametrize("order", [None, 5, "sell", ["sell", 100, 0.1], []], ids=repr)
def test_what_is_no_order_is_refused_by_its_place(order: object) -> None:
    assert refusal([sell(), order]) == f"orders[1] is {order!r}: give a dict with side, price, and amount or share"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"symbol": "BTC/USDT"}, "has unknown symbol"),
        ({"type": "limit", "params": {}}, "has unknown params, type"),
        ({5: 5}, "has unknown 5"),
        ({"side": None}, "has no side"),
        ({"price": None}, "has no price"),
        ({"price": None, "amount": None}, "has no price, amount"),
    ],
    ids=str,
)
def test_unknown_and_missing_fields_are_named(change: dict[Any, Any], problem: str) -> None:
    order = sell() | change
    for given in (order, {name: value for name, value in order.items() if value is not None}):
        assert refusal([sell(), given]) == f"orders[1] {problem}: give side, price, and amount or share"


def share(part: Any, side: str = "sell") -> dict[str, Any]:
    return {"side": side, "price": 100.0, "share": part}


def test_a_share_is_of_the_coins_that_the_trade_has() -> None:
    """Of all of them, also where other orders sell a part; of a buy, too."""
    placed = parse_ladder([share(0.25), share(np.float64(0.125)), share(0.5, "buy")], limits(has=4.0, sellable=2.0))
    assert [(step.side, step.amount) for step in placed] == [("sell", 1.0), ("sell", 0.5), ("buy", 2.0)]
    assert parse_ladder([share(0.3), sell(0.2)], limits())[0].amount == 0.3


@pytest.mark.parametrize("parts", [3, 7, 10, 20])
def test_shares_that_add_up_to_one_sell_everything(parts: int) -> None:
    placed = parse_ladder([share(1 / parts)] * parts, limits(has=1.2345, sellable=1.2345))
    assert sum(step.amount for step in placed) == pytest.approx(1.2345)


def test_shares_of_more_than_there_is_are_refused() -> None:
    assert refusal([share(0.6)] * 2).startswith("the sells add up to 1.2, and the trade on BTC/USDT has 1 that")
    assert refusal([share(0.5)], sellable=0.4).startswith("the sells add up to 0.5, and the trade on BTC/USDT has 0.4")


@pytest.mark.parametrize("part", [0, -0.5, 1.01, 50, float("nan"), float("inf"), 10**400, "0.5", True, [0.5]], ids=repr)
def test_what_is_no_share_is_refused(part: object) -> None:
    expected = f"orders[0] share is {part!r}: give a number above 0, up to 1 for all coins of the trade"
    assert refusal([share(part)]) == expected


def test_amount_and_share_together_are_refused() -> None:
    assert refusal([sell(0.1) | {"share": 0.5}]) == "orders[0] has amount 0.1 and share 0.5: give one of them"
    assert len(parse_ladder([sell(0.1) | {"share": None}], limits())) == 1


@pytest.mark.parametrize("side", ["long", "SELL", "", 5, ["sell"], True], ids=repr)
def test_an_unknown_side_is_refused(side: object) -> None:
    assert refusal([sell() | {"side": side}]) == f"orders[0] side is {side!r}: give 'buy' or 'sell'"


@pytest.mark.parametrize("field", ["price", "amount"])
@pytest.mark.parametrize(
    "value",
    [0, -1, -0.1, math.nan, math.inf, -math.inf, True, "0.1", [0.1], 10**400],
    ids=lambda value: repr(value)[:9],
)
def test_what_is_no_positive_number_is_refused(field: str, value: object) -> None:
    assert refusal([sell() | {field: value}]) == f"orders[0] {field} is {value!r}: give a number above 0"


@pytest.mark.parametrize(
    "number", [np.float64(1), np.float32(1), np.int64(1), 1], ids=lambda number: type(number).__name__
)
def test_the_numbers_of_a_dataframe_are_numbers(number: Any) -> None:
    (step,) = parse_ladder([sell(amount=number, price=number * 100)], limits())
    assert step == LadderStep("sell", 100.0, 1.0)
    assert (type(step.price), type(step.amount)) == (float, float)


@pytest.mark.parametrize(
    ("order", "changes", "message"),
    [
        (sell(0.0009, 50_000), {}, "amount 0.0009 is under the 0.001 that the venue takes"),
        (
            sell(0.049),
            {},
            "is worth 4.9, and the venue takes orders from 5 on BTC/USDT: use fewer, larger orders",
        ),
        (sell(0.00009, 10**6), NO_MINIMUMS, "amount 9e-05 is nothing in the venue's precision: give more"),
        (buy(1.0, 0.004), NO_MINIMUMS, "price 0.004 is nothing in the venue's precision: give more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_that_is_too_small_names_its_size_and_the_minimum(
    order: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    assert refusal([sell(), order], **changes) == f"orders[1] {message}"


def test_a_pair_without_minimums_takes_any_order() -> None:
    assert parse_ladder([sell(0.0001)], limits(**NO_MINIMUMS)) == [LadderStep("sell", 100.0, 0.0001)]


@pytest.mark.parametrize(
    ("orders", "sellable", "message"),
    [
        (
            [sell(0.6), buy(1.0), sell(0.5)],
            1.0,
            "the sells add up to 1.1, and the trade on BTC/USDT has 1 that no other resting order sells: sell less",
        ),
        (
            [sell()],
            0.0,
            "the sells add up to 0.1, and the trade on BTC/USDT has 0 that no other resting order sells: sell less",
        ),
        ([buy(6.0), sell(0.1), buy(5.0)], 1.0, "the buys cost 1100, and 1000 are free: buy less"),
    ],
)
def test_a_ladder_above_what_there_is_names_both_amounts(orders: object, sellable: float, message: str) -> None:
    assert refusal(orders, sellable=sellable) == message


def test_the_free_balance_is_asked_for_only_where_a_ladder_buys() -> None:
    def asked() -> float:
        raise AssertionError("asked for")

    assert len(parse_ladder([sell()], limits(spendable=asked))) == 1
    with pytest.raises(AssertionError, match="asked for"):
        parse_ladder([buy()], limits(spendable=asked))


def test_precision_comes_before_the_sums() -> None:
    """What is sent is what is added up: a hair too much may fit, and a price that is rounded up may not."""
    third = 1.00008 / 3
    assert sum(step.amount for step in parse_ladder([sell(third)] * 3, limits())) <= 1.0
    assert refusal([buy(10.0, 100.006)], to_price=lambda price: round(price, 1) + 0.1).startswith("the buys cost 1001")
    assert len(parse_ladder([buy(10.00009, 100.004)], limits())) == 1


def test_float_sums_are_no_reason_to_refuse() -> None:
    assert len(parse_ladder([sell(0.1)] * 3, limits(sellable=0.3))) == 3
    assert sum([0.1] * 3) > 0.3


def test_a_ladder_that_sells_everything_leaves_no_rounded_remainder() -> None:
    amounts = [step.amount for step in parse_ladder([sell(1.0001 / 3)] * 3, limits(sellable=1.0001))]
    assert amounts == [0.3333, 0.3333, 0.3335]
    amounts = [
        step.amount for step in parse_ladder([sell(1.0001 / 3), buy(), sell(1.0001 / 3)], limits(sellable=1.0001))
    ]
    assert amounts == [0.3333, 0.1, 0.3333]


def amounts_of(*orders: dict[str, Any], **changes: Any) -> list[float]:
    return [step.amount for step in parse_ladder(list(orders), limits(**changes))]


@pytest.mark.parametrize(
    ("orders", "changes", "amounts"),
    [
        ([sell(0.5), sell(0.4995)], {}, [0.5, 0.5]),  # 0.0005 is below the least amount
        ([sell(0.5), sell(0.499)], {"min_cost": None}, [0.5, 0.499]),  # 0.001 is not
        ([sell(0.5), sell(0.46)], {}, [0.5, 0.5]),  # 0.04 is worth 4
        ([sell(0.5), sell(0.44)], {}, [0.5, 0.44]),  # 0.06 is worth 6
        ([sell(0.5), sell(0.25)], {"min_cost": 25.0}, [0.5, 0.25]),  # exactly the least value
        ([sell(0.5), sell(0.46, 200.0)], {}, [0.5, 0.46]),  # 0.04 is worth 8
        ([sell(0.46), buy(0.1)], {"sellable": 0.5}, [0.5, 0.1]),
        ([buy(0.1)], {"sellable": 0.0005}, [0.1]),
        ([sell(0.5), sell(0.4999)], NO_MINIMUMS, [0.5, 0.4999]),
        ([sell(0.5), sell(0.49995)], {}, [0.5, 0.5]),  # cut to the lot, and folded
    ],
)
def test_a_remainder_that_could_not_be_sold_by_itself_is_added_to_the_last_sell(
    orders: list[dict[str, Any]], changes: dict[str, Any], amounts: list[float]
) -> None:
    assert amounts_of(*orders, **changes) == amounts


def test_a_remainder_of_floats_is_folded_to_the_last_lot() -> None:
    assert amounts_of(sell(0.1), sell(0.2), sell(0.0999), sellable=0.4) == [0.1, 0.2, 0.1]


@pytest.mark.parametrize("count", [0, 1, 50])
def test_up_to_fifty_orders_are_taken_in_their_order(count: int) -> None:
    asked = [sell(0.01, 1_000 + i) for i in range(count)]
    assert list(parse_ladder(iter(asked), limits())) == [LadderStep("sell", 1_000 + i, 0.01) for i in range(count)]


def test_more_than_fifty_orders_are_refused() -> None:
    assert refusal([sell(0.01, 1_000)] * 51) == "there are 51 orders: one ladder takes 50; use a second key"


def test_a_generator_is_read_once() -> None:
    def orders() -> Iterator[dict[str, Any]]:
        yield sell(0.4)
        yield sell(0.6, 110)

    assert [step.amount for step in parse_ladder(orders(), limits())] == [0.4, 0.6]


@pytest.mark.parametrize("key", ["e", "entry", "Ä name, with spaces", "x" * KEY_MAX_LENGTH])
def test_a_key_is_any_short_text(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "x" * (KEY_MAX_LENGTH + 1), None, 5, b"entry", ["entry"]], ids=lambda key: repr(key)[:9]
)
def test_any_other_key_is_refused(key: object) -> None:
    with pytest.raises(LadderRefused) as refused:
        check_key(key)
    assert str(refused.value) == f"key is {key!r}: give a text of 1 to 64 characters that names the ladder"


def test_a_refusal_is_a_value_error() -> None:
    """A ValueError of a strategy is logged by freqtrade as one line, and anything else with its traceback."""
    assert issubclass(LadderRefused, ValueError)


# -- ladders of shorts, and of leveraged trades -----------------------------------------------------------------------

SHORT: dict[str, Any] = {"exit_side": "buy", "may_add": False, "to_sent": lambda amount: amount * 1.25}
"""Limits of a short, whose covers are sent a quarter larger."""


def test_covers_of_a_short_keep_their_net_amounts_and_leave_no_remainder() -> None:
    made = limits(has=1.0001, sellable=1.0001, **SHORT)
    steps = parse_ladder([buy(1.0001 / 3), share(0.5, "buy")], made)
    assert [step.amount for step in steps] == [0.3333, 0.5]
    sell = LadderStep("sell", 100.0, 0.5)
    assert made.sent_of([*steps, sell]) == pytest.approx([0.4166, 0.625, None])
    assert sum(sent or 0.0 for sent in made.sent_of(steps)) == pytest.approx(made.to_amount(0.8333 * 1.25))
    assert limits().sent_of([sell]) == [None]
    amounts = [step.amount for step in parse_ladder([buy(1.0001 / 3)] * 3, made)]
    assert amounts == [0.3333, 0.3333, 0.3335]


def test_a_short_is_covered_for_no_more_than_it_owes() -> None:
    expected = "the buys add up to 1.1, and the trade on BTC/USDT owes 1 that no other resting order buys: buy less"
    assert refusal([buy(0.6), buy(0.5)], **SHORT) == expected


def test_covers_need_free_quote_coins_for_all_that_is_sent() -> None:
    assert len(parse_ladder([buy(1.0)], limits(spendable=lambda: 125.0, **SHORT))) == 1
    expected = "the buys cost 125, and 124 are free: buy less"
    assert refusal([buy(1.0)], spendable=lambda: 124.0, **SHORT) == expected


@pytest.mark.parametrize(
    ("orders", "changes", "where"),
    [
        ([sell()], SHORT, "orders[0] side is 'sell', which enlarges the trade on BTC/USDT: "),
        ([sell(), buy()], {"may_add": False}, "orders[1] side is 'buy', which enlarges the trade on BTC/USDT: "),
    ],
    ids=["short", "leveraged long"],
)
def test_an_order_that_would_borrow_while_it_rests_is_refused(
    orders: list[Any], changes: dict[str, Any], where: str
) -> None:
    text = refusal(orders, **changes)
    assert text.startswith(where)
    assert text.endswith(f"place only {changes.get('exit_side', 'sell')}s")


def test_a_leveraged_long_sells_as_any_long() -> None:
    assert parse_ladder([sell(0.5)], limits(may_add=False)) == [LadderStep("sell", 100.0, 0.5)]

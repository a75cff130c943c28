"""Promise: a backtest fills resting orders as a candle proves it, and freqtrade's books of it add up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.backtest import PAIR, Backtest, Bar, backtest, flat

ETH = "ETH/USDT"
STEP = 0.01
"""Step of the prices of both pairs."""
FEE = 0.001
ENTER = {PAIR: [1]}
START = [flat(100.0), flat(100.0)]
"""The candle before the entry, and that of the entry at 100."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtest]:
    """Prepare backtests of two pairs."""
    with backtest(tmp_path_factory.mktemp("backtest"), (PAIR, ETH)) as prepared:
        yield prepared


def sells(*prices: float, share: float | None = None) -> Any:
    """Return a ladder of sells with equal shares, of all coins unless a share is given."""

    def ladder(trade: Any) -> list[dict[str, Any]]:
        return [{"side": "sell", "price": price, "share": share or 1 / len(prices)} for price in prices]

    return ladder


def buys(*prices: float, amount: float = 10.0) -> Any:
    """Return a ladder of buys."""
    return lambda trade: [{"side": "buy", "price": price, "amount": amount} for price in prices]


def both(*ladders: Any) -> Any:
    """Return a ladder with the orders of several."""
    return lambda trade: [order for ladder in ladders for order in ladder(trade)]


def fills(trade: Any, side: str = "sell") -> list[tuple[float, int]]:
    """Return price and candle of each fill of a ladder."""
    return [
        (order.safe_price, order.order_filled_date.minute)
        for order in trade.orders
        if order.ft_order_tag == "steps" and order.ft_order_side == side
    ]


def profit(trade: Any) -> float:
    """Return the profit of a trade by its orders alone."""
    return sum(
        order.filled * order.safe_price * (-1 - FEE if order.ft_order_side == "buy" else 1 - FEE)
        for order in trade.orders
        if order.filled
    )


# -- which orders are filled ------------------------------------------------------------------------------------------


def test_orders_are_filled_in_the_order_of_their_prices_and_end_the_trade(stand: Backtest) -> None:
    bars = [*START, Bar(100, 101, 99, 100), Bar(100, 104, 100, 104), flat(104)]
    (trade,) = stand.run(bars, enter=ENTER, ladder=sells(103.0, 101.5, 102.0))
    assert fills(trade) == [(101.5, 3), (102.0, 3), (103.0, 3)]
    assert (trade.exit_reason, trade.close_rate, trade.close_date.minute) == ("ladder", 103.0, 3)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)
    assert stand.free == pytest.approx(10_000 + profit(trade), abs=1e-6)


def test_an_order_is_not_filled_in_the_candle_in_which_it_was_placed(stand: Backtest) -> None:
    (trade,) = stand.run([flat(100), Bar(100, 105, 95, 100), flat(100)], enter=ENTER, ladder=sells(102.0))
    assert fills(trade) == []
    assert trade.exit_reason == "force_exit"


@pytest.mark.parametrize("beyond", [0.0, STEP], ids=["touched", "through"])
def test_an_order_that_is_touched_is_not_filled(stand: Backtest, beyond: float) -> None:
    high, low = 102.0 + beyond, 97.0 - beyond
    ladder = both(sells(102.0, share=0.5), buys(97.0))
    (trade,) = stand.run([*START, Bar(100, high, low, 100), flat(100)], enter=ENTER, ladder=ladder)
    assert (fills(trade), fills(trade, "buy")) == (([(102.0, 2)], [(97.0, 2)]) if beyond else ([], []))


def test_an_order_that_is_touched_is_filled_where_the_configuration_says_so(tmp_path: Path) -> None:
    with backtest(tmp_path, bitget_margin={"simulated_fills": "touch"}) as optimist:
        (trade,) = optimist.run([*START, Bar(100, 102, 100, 100), flat(100)], enter=ENTER, ladder=sells(102.0))
    assert fills(trade) == [(102.0, 2)]


def test_an_order_that_the_price_jumps_over_is_filled_at_its_own_price(stand: Backtest) -> None:
    (trade,) = stand.run([*START, flat(110), flat(110)], enter=ENTER, ladder=sells(102.0, 104.0))
    assert fills(trade) == [(102.0, 2), (104.0, 2)]
    # freqtrade itself fills no order outside of a candle.
    assert (trade.exit_reason, trade.close_rate) == ("ladder", 104.0)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)
    assert trade.orders[-1].ft_price == 104.0


def test_orders_on_both_sides_of_a_candle_are_filled_against_the_trade_first(stand: Backtest) -> None:
    ladder = both(sells(102.0), buys(98.0))
    (trade,) = stand.run([*START, Bar(100, 103, 97, 100), flat(100)], enter=ENTER, ladder=ladder)
    assert (fills(trade), fills(trade, "buy")) == ([(102.0, 2)], [(98.0, 2)])
    # The trade goes on with what the buy has added.
    assert (trade.exit_reason, trade.open_rate) == ("force_exit", 99.0)


# -- orders and exits in one candle -----------------------------------------------------------------------------------


def test_an_exit_signal_leaves_at_the_open_before_any_order(stand: Backtest) -> None:
    ladder = both(sells(102.0), buys(98.0))
    (trade,) = stand.run([*START, Bar(100, 103, 97, 100), flat(100)], enter=ENTER, leave={PAIR: [2]}, ladder=ladder)
    assert (fills(trade), fills(trade, "buy")) == ([], [])
    assert (trade.exit_reason, trade.close_rate) == ("exit_signal", 100.0)


def test_orders_that_the_open_has_jumped_over_are_filled_before_an_exit_signal(stand: Backtest) -> None:
    ladder = sells(102.0, 105.0)
    (trade,) = stand.run([*START, Bar(103, 106, 103, 106), flat(106)], enter=ENTER, leave={PAIR: [2]}, ladder=ladder)
    assert fills(trade) == [(102.0, 2)]
    assert (trade.exit_reason, trade.close_rate) == ("exit_signal", 103.0)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_stop_comes_before_the_sells_of_its_candle_and_after_the_buys_above_it(stand: Backtest) -> None:
    ladder = both(sells(102.0), buys(97.0, 94.0))
    (trade,) = stand.run(
        [*START, Bar(100, 103, 93, 94), flat(94)], enter=ENTER, ladder=ladder, attributes={"stoploss": -0.05}
    )
    assert (fills(trade), fills(trade, "buy")) == ([], [(97.0, 2)])
    assert (trade.exit_reason, trade.close_rate) == ("stop_loss", 95.0)
    assert sum(order.filled for order in trade.orders if order.ft_order_side == "sell") == 20.0
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_trailing_stop_above_the_open_comes_after_the_sells_below_it(stand: Backtest) -> None:
    trailing = {"stoploss": -0.02, "trailing_stop": True}
    (trade,) = stand.run(
        [*START, Bar(100, 110, 100, 107), flat(107)], enter=ENTER, ladder=sells(105.0, 109.0), attributes=trailing
    )
    assert fills(trade) == [(105.0, 2)]
    assert trade.exit_reason == "trailing_stop_loss"
    assert trade.close_rate == pytest.approx(107.8)


def test_a_profit_target_comes_after_the_sells_below_it_and_before_all_other_orders(stand: Backtest) -> None:
    ladder = both(sells(102.0, 110.0, share=0.2), buys(98.0))
    (trade,) = stand.run(
        [*START, Bar(100, 112, 97, 100), flat(100)], enter=ENTER, ladder=ladder, attributes={"minimal_roi": {0: 0.05}}
    )
    assert (fills(trade), fills(trade, "buy")) == ([(102.0, 2)], [])
    assert trade.exit_reason == "roi"
    assert 105.0 < trade.close_rate < 105.5


def test_a_buy_on_the_way_that_moves_the_stop_below_the_candle_keeps_the_trade(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 100, 94, 94), flat(94)],
        enter=ENTER,
        ladder=both(buys(97.0), sells(120.0)),
        stop=lambda trade, _after_fill: -0.2 if trade.amount > 10 else -0.05,
        attributes={"stoploss": -0.05, "use_custom_stoploss": True},
    )
    assert fills(trade, "buy") == [(97.0, 2)]
    assert trade.close_date.minute == 3


def test_an_exit_cancels_the_orders_that_are_left(stand: Backtest) -> None:
    # The limit exit rests at 105 until the timeout, which this backtest does not reach.
    bars = [*START, flat(100), Bar(100, 103, 100, 100), flat(100)]
    seen: list[Any] = []
    (trade,) = stand.run(
        bars,
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=sells(102.0),
        attributes={"custom_exit_price": lambda **_: 105.0},
        filled=lambda strategy, trade, order: seen.extend(strategy.resting_orders(trade)),
    )
    assert fills(trade) == []
    assert [order["status"] for order in seen] == ["open", "canceled"]


def test_a_refused_exit_leaves_the_candle_to_the_orders(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 103, 97, 100), flat(100)],
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=both(sells(102.0, share=0.5), buys(98.0)),
        refuse=lambda reason: reason == "exit_signal",
    )
    assert (fills(trade), fills(trade, "buy")) == ([(102.0, 2)], [(98.0, 2)])


def test_a_refused_exit_leaves_the_candle_to_the_next_exit(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 103, 93, 94), flat(94)],
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=both(sells(102.0), buys(97.0, 94.0)),
        refuse=lambda reason: reason == "exit_signal",
        attributes={"stoploss": -0.05},
    )
    assert (fills(trade), fills(trade, "buy")) == ([], [(97.0, 2)])
    assert trade.exit_reason == "stop_loss"


def test_a_refused_exit_of_a_candle_that_ends_the_ladder_sells_nothing_twice(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 103, 99, 100), flat(100)],
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=sells(102.0),
        refuse=lambda reason: reason == "exit_signal",
    )
    assert trade.exit_reason == "ladder"
    assert [order.filled for order in trade.orders] == [10.0, 10.0]


# -- stops that fills move --------------------------------------------------------------------------------------------


def test_a_buy_that_moves_a_stop_that_is_still_reached_leaves_the_orders_on_the_way_to_it(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 100, 90, 91), flat(91)],
        enter=ENTER,
        ladder=buys(97.0, 94.0),
        stop=lambda trade, _after_fill: -0.045 if trade.amount > 10 else -0.05,
        attributes={"stoploss": -0.05, "use_custom_stoploss": True},
    )
    assert fills(trade, "buy") == [(97.0, 2), (94.0, 2)]
    assert trade.close_date.minute == 2


def test_a_stop_that_a_buy_has_raised_is_reached_in_the_same_candle_before_lower_buys(stand: Backtest) -> None:
    """The low comes after the buy: the price had to pass it."""
    (trade,) = stand.run(
        [*START, Bar(100, 100, 90, 91), Bar(120, 121, 120, 120), flat(120)],
        enter=ENTER,
        ladder=buys(97.0, 92.0),
        stop=lambda trade, after_fill: -0.02 if after_fill and trade.amount > 10 else None,
        attributes={"stoploss": -0.5, "use_custom_stoploss": True},
    )
    assert fills(trade, "buy") == [(97.0, 2)]
    assert trade.close_date.minute == 2
    assert 94.0 < trade.close_rate < 97.0


def test_a_stop_that_a_sell_has_raised_counts_from_the_next_candle_on(stand: Backtest) -> None:
    """Whether the low came before or after the sell is not known, and the open was below the stop."""
    (trade,) = stand.run(
        [*START, Bar(99, 103, 98, 102), Bar(102, 102, 99, 99), flat(99)],
        enter=ENTER,
        ladder=sells(101.0, share=0.5),
        stop=lambda trade, after_fill: (
            -0.01 if after_fill and trade.amount <= 10 and trade.nr_of_successful_exits else None
        ),
        attributes={"stoploss": -0.5, "use_custom_stoploss": True},
    )
    assert fills(trade) == [(101.0, 2)]
    assert trade.close_date.minute == 3


def test_a_stop_that_a_fill_after_a_refusal_has_moved_out_of_reach_does_not_leave(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 100, 94, 94), flat(94), Bar(94, 125, 94, 125), flat(125)],
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=both(buys(97.0), sells(120.0)),
        refuse=lambda reason: reason == "exit_signal",
        stop=lambda trade, after_fill: -0.05 if trade.amount == 10 else -0.2 if after_fill else None,
        attributes={"stoploss": -0.05, "use_custom_stoploss": True},
    )
    assert fills(trade, "buy") == [(97.0, 2)]
    assert fills(trade) == [(120.0, 4)]


# -- callbacks that raise ---------------------------------------------------------------------------------------------


def raising_for(reason: str) -> Any:
    """Return a confirmation that raises for an exit reason; freqtrade takes that for a yes."""

    def refuse(asked: str) -> bool:
        if asked == reason:
            raise RuntimeError("broken")
        return False

    return refuse


def sold_of(trade: Any) -> float:
    return float(sum(order.filled for order in trade.orders if order.ft_order_side == "sell"))


def test_a_confirmation_that_raises_lets_the_exit_leave_and_cancels_the_ladder(stand: Backtest) -> None:
    bars = [*START, flat(100), Bar(100, 103, 100, 103), Bar(103, 106, 103, 104), flat(104), flat(104)]
    (trade,) = stand.run(
        bars,
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=sells(102.0, share=0.5),
        refuse=raising_for("exit_signal"),
        attributes={"custom_exit_price": lambda **_: 105.0},
    )
    assert (fills(trade), sold_of(trade)) == ([], 10.0)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_confirmation_that_raises_for_a_trade_that_its_ladder_ends_sells_nothing_twice(stand: Backtest) -> None:
    def refuse(reason: str) -> bool:
        if reason == "roi":
            raise RuntimeError("broken")
        return True

    (trade,) = stand.run(
        [*START, Bar(100, 105, 99, 100), flat(100)],
        enter=ENTER,
        leave={PAIR: [2]},
        ladder=sells(102.0),
        refuse=refuse,
        attributes={"minimal_roi": {0: 0.03}},
    )
    assert (fills(trade), sold_of(trade), trade.exit_reason) == ([(102.0, 2)], 10.0, "ladder")


def test_a_ladder_that_ends_a_trade_takes_its_open_entry_with_it(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, flat(100), Bar(100, 103, 100, 103), flat(103)],
        enter=ENTER,
        ladder=sells(102.0),
        adjust=lambda trade, candle: 500.0 if candle == 2 else None,
        attributes={
            "position_adjustment_enable": True,
            "custom_entry_price": lambda trade, proposed_rate, **_: 90.0 if trade else proposed_rate,
        },
    )
    assert trade.exit_reason == "ladder"
    assert [order.ft_is_open for order in trade.orders] == [False, False]


# -- what the strategy sees -------------------------------------------------------------------------------------------


def test_the_strategy_is_told_of_each_fill_once(stand: Backtest) -> None:
    told: list[Any] = []
    stand.run(
        [*START, Bar(100, 104, 97, 104), flat(104)],
        enter=ENTER,
        ladder=both(sells(101.0, 102.0, share=0.5), buys(98.0)),
        filled=lambda _strategy, trade, order: told.append((order.ft_order_side, order.safe_price, trade.amount)),
    )
    assert told == [("buy", 100.0, 10.0), ("buy", 98.0, 20.0), ("sell", 101.0, 15.0), ("sell", 102.0, 10.0), *told[4:]]


def test_a_ladder_that_a_fill_places_rests_from_the_next_candle_on(stand: Backtest) -> None:
    def place(strategy: Any, trade: Any, order: Any) -> None:
        if order.ft_order_tag == "steps":
            sell = {"side": "sell", "price": order.safe_price + 1, "share": 0.5}
            strategy.place_resting_orders(trade, [sell], key=f"after {order.safe_price}")

    (trade,) = stand.run(
        [*START, Bar(100, 110, 100, 110), Bar(100, 102.5, 100, 100), flat(100)],
        enter=ENTER,
        ladder=sells(101.0, share=0.5),
        filled=place,
    )
    assert [(order.safe_price, order.order_filled_date.minute, order.ft_order_tag) for order in trade.orders[1:3]] == [
        (101.0, 2, "steps"),
        (102.0, 3, "after 101.0"),
    ]


def test_a_ladder_is_placed_once_under_its_key_and_refused_as_live(stand: Backtest) -> None:
    seen: list[Any] = []

    def again(strategy: Any, trade: Any, _order: Any) -> None:
        seen.append(strategy.place_resting_orders(trade, [{"side": "sell", "price": 1.0, "share": 1}], key="steps"))
        with pytest.raises(ValueError, match="the sells add up to 10, and the trade on BTC/USDT has 0"):
            strategy.place_resting_orders(trade, [{"side": "sell", "price": 105.0, "amount": 10}], key="more")

    stand.run([*START, flat(100)], enter=ENTER, ladder=sells(102.0, 103.0), filled=again)
    placed = [(order["price"], order["amount"], order["status"]) for order in seen[0]]
    assert placed == [(102.0, 5.0, "open"), (103.0, 5.0, "open")]


def test_a_changed_ladder_keeps_what_is_wanted_and_its_new_orders_rest_from_the_next_candle_on(stand: Backtest) -> None:
    def trail(strategy: Any, trade: Any, order: Any) -> None:
        if order.ft_order_tag == "steps" and order.safe_price == 101.0:
            kept, new = ({"side": "sell", "price": price, "amount": 2.5} for price in (104.0, 105.0))
            strategy.replace_resting_orders(trade, [kept, new], key="steps")

    bars = [*START, Bar(100, 106, 100, 100), Bar(100, 106, 100, 100), flat(100)]
    (trade,) = stand.run(bars, enter=ENTER, ladder=sells(101.0, 102.0, 103.0, 104.0), filled=trail)
    assert fills(trade) == [(101.0, 2), (104.0, 2), (105.0, 3)]
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_changed_ladder_releases_the_stake_of_its_buys(stand: Backtest) -> None:
    def cheaper(strategy: Any, trade: Any, _order: Any) -> None:
        before = strategy.wallets.get_free("USDT")
        strategy.replace_resting_orders(trade, [{"side": "buy", "price": 90.0, "amount": 10}], key="steps")
        seen.append(strategy.wallets.get_free("USDT") - before)

    seen: list[float] = []
    stand.run([*START, flat(100)], enter=ENTER, ladder=buys(95.0, 94.0), filled=cheaper)
    assert seen[0] == pytest.approx(950 + 940 - 900)


# -- money ------------------------------------------------------------------------------------------------------------


def test_resting_buys_hold_their_stake_until_they_end(stand: Backtest) -> None:
    def others(*, resting: bool) -> list[Any]:
        bars = [*START, flat(100), flat(100), flat(100)]
        ladder = buys(95.0, amount=90.0) if resting else None
        return (
            [
                trade.pair
                for trade in stand.run(
                    {PAIR: bars, ETH: bars},
                    enter={PAIR: [1], ETH: [2]},
                    ladder=lambda t: ladder(t) if t.pair == PAIR else [],
                )
            ]
            if ladder
            else [trade.pair for trade in stand.run({PAIR: bars, ETH: bars}, enter={PAIR: [1], ETH: [2]})]
        )

    assert others(resting=False) == [PAIR, ETH]
    assert others(resting=True) == [PAIR]


def test_buys_that_no_money_is_left_for_are_refused(stand: Backtest) -> None:
    refusals: list[str] = []

    def more(strategy: Any, trade: Any, _order: Any) -> None:
        try:
            strategy.place_resting_orders(trade, [{"side": "buy", "price": 95.0, "amount": 5}], key="more")
        except ValueError as error:
            refusals.append(str(error))

    stand.run([*START, flat(100)], enter=ENTER, ladder=buys(95.0, amount=90.0), filled=more)
    assert refusals[0] == "the buys cost 475, and 450 are free: buy less"
    # Once the trade has ended, its buys hold nothing.
    assert stand.free == pytest.approx(10_000 - 2 * 1_000 * FEE)


def test_the_entry_of_which_the_strategy_is_told_has_spent_its_stake(stand: Backtest) -> None:
    refusals: list[str] = []

    def more(strategy: Any, trade: Any, _order: Any) -> None:
        try:
            strategy.place_resting_orders(trade, [{"side": "buy", "price": 95.0, "amount": 104}], key="all")
        except ValueError as error:
            refusals.append(str(error))

    stand.run([*START, Bar(100, 100, 94, 94), flat(94)], enter=ENTER, filled=more)
    assert refusals[0] == "the buys cost 9880, and 9000 are free: buy less"


def test_an_exit_that_stays_open_releases_the_stake_of_the_buys_it_has_canceled(stand: Backtest) -> None:
    bars = [flat(100.0)] * 12
    trades = stand.run(
        {PAIR: bars, ETH: bars},
        enter={PAIR: [1], ETH: [5]},
        leave={PAIR: [3]},
        ladder=lambda trade: buys(95.0, amount=90.0)(trade) if trade.pair == PAIR else [],
        attributes={"custom_exit_price": lambda **_: 150.0},
    )
    assert {trade.pair for trade in trades} == {PAIR, ETH}


def test_a_partial_exit_of_all_free_coins_leaves_the_ladder_the_rest_to_the_lot(tmp_path: Path) -> None:
    with backtest(tmp_path) as prepared:
        for price in (97.13, 101.77, 103.31, 99.97, 88.83, 120.01):
            (trade,) = prepared.run(
                [flat(price), flat(price), flat(price), Bar(price, price * 1.05, price, price), flat(price)],
                enter=ENTER,
                ladder=sells(round(price * 1.01, 2), share=0.6),
                adjust=lambda trade, candle: -trade.stake_amount if candle == 2 else None,
                attributes={"position_adjustment_enable": True},
            )
            assert trade.exit_reason == "ladder", price


def test_a_partial_exit_that_sells_nothing_cancels_nothing(tmp_path: Path) -> None:
    with backtest(tmp_path, bitget_margin={"partial_exits": "cancel"}) as prepared:
        for stake in (-0.00001, -999.0):
            (trade,) = prepared.run(
                [*START, flat(100), Bar(100, 103, 100, 100), flat(100)],
                enter=ENTER,
                ladder=sells(102.0),
                adjust=lambda trade, candle, stake=stake: stake if candle == 2 else None,
                attributes={"position_adjustment_enable": True},
            )
            assert trade.exit_reason == "ladder", stake


@pytest.mark.parametrize(("setting", "sold", "left"), [("leave", 4.0, [(102.0, 3)]), ("cancel", 6.0, [])])
def test_a_partial_exit_sells_what_no_order_holds_or_cancels_the_ladder(
    tmp_path: Path, setting: str, sold: float, left: list[Any]
) -> None:
    with backtest(tmp_path, bitget_margin={"partial_exits": setting}) as prepared:
        (trade,) = prepared.run(
            [*START, flat(100), Bar(100, 103, 100, 100), flat(100)],
            enter=ENTER,
            ladder=sells(102.0, share=0.6),
            adjust=lambda trade, candle: (-600.0, "part") if candle == 2 else None,
            attributes={"position_adjustment_enable": True},
        )
    assert [order.filled for order in trade.orders if order.ft_order_tag == "part"] == [sold]
    assert fills(trade) == left
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_pair_is_locked_after_a_ladder_has_ended_its_trade(tmp_path: Path) -> None:
    bars = [*START, Bar(100, 103, 100, 100), *[flat(100)] * 8]
    enter = {PAIR: [1, 4, 8]}
    opened = {}
    for name, protections in (("with", [{"method": "CooldownPeriod", "stop_duration_candles": 4}]), ("without", [])):
        with backtest(tmp_path, enable_protections=True) as prepared:
            trades = prepared.run(bars, enter=enter, ladder=sells(102.0), attributes={"protections": protections})
        opened[name] = [trade.open_date.minute for trade in trades]
    assert opened["without"][:2] == [1, 4]
    assert opened["with"][:2] == [1, 8]


# -- kinds of backtests -----------------------------------------------------------------------------------------------


def test_stacked_trades_of_a_pair_have_ladders_of_their_own(tmp_path: Path) -> None:
    bars = [*START, flat(110), Bar(110, 116, 110, 110), flat(110)]
    with backtest(tmp_path, position_stacking=True) as prepared:
        trades = prepared.run(bars, enter={PAIR: [1, 2]}, ladder=lambda trade: sells(trade.open_rate * 1.05)(trade))
    assert [(trade.open_rate, fills(trade), trade.exit_reason) for trade in trades] == [
        (100.0, [(105.0, 2)], "ladder"),
        (110.0, [(115.5, 3)], "ladder"),
    ]


def test_candles_of_a_smaller_timeframe_decide_where_they_are_given(tmp_path: Path) -> None:
    # The price falls to the stop before it rises to the order, which the candle of five minutes does not show.
    rises_first = [Bar(100, 103, 100, 101), Bar(101, 101, 94, 94)]
    falls_first = [Bar(100, 100, 94, 94), Bar(94, 103, 94, 94)]
    for detail, reason in ((rises_first, "ladder"), (falls_first, "stop_loss")):
        with backtest(tmp_path, timeframe="5m", timeframe_detail="1m") as prepared:
            (trade,) = prepared.run(
                {PAIR: [flat(100), flat(100), Bar(100, 103, 94, 94), flat(94)]},
                detail={PAIR: [*[flat(100.0)] * 10, *detail, *[flat(94.0)] * 8]},
                enter=ENTER,
                ladder=sells(102.0),
                attributes={"stoploss": -0.05},
            )
        assert trade.exit_reason == reason


def test_an_order_that_is_placed_as_a_small_candle_begins_is_not_filled_in_it(tmp_path: Path) -> None:
    placed: list[Any] = []

    def timeout(strategy: Any, trade: Any, current_time: Any) -> bool:
        if current_time.minute == 12:
            placed.extend(
                strategy.place_resting_orders(trade, [{"side": "sell", "price": 101.0, "share": 0.5}], key="steps")
            )
        return False

    with backtest(tmp_path, timeframe="5m", timeframe_detail="1m") as prepared:
        strategy = prepared.backtesting.strategylist[0]
        (trade,) = prepared.run(
            {PAIR: [flat(100)] * 4},
            detail={PAIR: [*[flat(100.0)] * 12, Bar(100, 102, 100, 100), Bar(100, 102, 100, 100), *[flat(100.0)] * 6]},
            enter=ENTER,
            adjust=lambda trade, candle: 100.0 if candle == 11 else None,
            attributes={
                "position_adjustment_enable": True,
                "custom_entry_price": lambda trade, proposed_rate, **_: 90.0 if trade else proposed_rate,
                "check_entry_timeout": lambda trade, current_time, **_: timeout(strategy, trade, current_time),
            },
        )
    assert [order["status"] for order in placed] == ["open"]
    assert fills(trade) == [(101.0, 13)]


def test_a_backtest_begins_without_the_ladders_of_the_one_before(stand: Backtest) -> None:
    for _ in range(2):
        (trade,) = stand.run([*START, Bar(100, 103, 100, 100), flat(100)], enter=ENTER, ladder=sells(102.0))
        assert trade.exit_reason == "ladder"
        assert stand.free == pytest.approx(10_000 + profit(trade))

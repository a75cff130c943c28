"""Promise: a backtest in the futures mode borrows, pays interest and is liquidated, with ladders of shorts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.backtest import PAIR, Backtest, Bar, backtest, flat

ETH = "ETH/USDT"
FEE = 0.001
STEP = 0.01
DAILY = {"USDT": 0.0024, "BTC": 0.0048, "ETH": 0.0012}
"""An hour of what is borrowed costs 0.01 % of quote coins, 0.02 % of BTC and 0.005 % of ETH."""
LEVERAGE = {"max": 3, "daily_interest": DAILY}
START = [flat(100.0), flat(100.0)]
"""The candle before the entry, and that of the entry at 100."""
SHORT = {"enter_short": {PAIR: [1]}}
LONG = {"enter": {PAIR: [1]}}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtest]:
    """Prepare backtests of two pairs in the futures mode."""
    with backtest(tmp_path_factory.mktemp("backtest"), (PAIR, ETH), leverage=LEVERAGE) as prepared:
        yield prepared


def times(leverage: float) -> dict[str, Any]:
    """Return the plan of a strategy with this leverage."""
    return {"leverage": lambda _: leverage}


def covers(*prices: float, share: float | None = None) -> Any:
    """Return a ladder of buys with equal shares, of all coins unless a share is given."""

    def ladder(trade: Any) -> list[dict[str, Any]]:
        return [{"side": "buy", "price": price, "share": share or 1 / len(prices)} for price in prices]

    return ladder


def fills(trade: Any) -> list[tuple[str, float, int]]:
    """Return side, price and candle of each fill of a ladder."""
    return [
        (order.ft_order_side, order.safe_price, order.order_filled_date.minute)
        for order in trade.orders
        if order.ft_order_tag == "steps"
    ]


def profit(trade: Any) -> float:
    """Return the profit of a trade by its orders and its interest."""
    flows = (
        order.filled * order.safe_price * (-1 - FEE if order.ft_order_side == "buy" else 1 - FEE)
        for order in trade.orders
        if order.filled
    )
    return float(sum(flows) + trade.funding_fees)


# -- ladders of shorts ------------------------------------------------------------------------------------------------


def test_covers_are_filled_in_the_order_of_their_prices_and_end_the_trade(stand: Backtest) -> None:
    bars = [*START, Bar(100, 101, 99, 100), Bar(100, 100, 96, 96), flat(96)]
    (trade,) = stand.run(bars, **SHORT, ladder=covers(97.0, 98.5, 98.0))
    assert fills(trade) == [("buy", 98.5, 3), ("buy", 98.0, 3), ("buy", 97.0, 3)]
    assert (trade.exit_reason, trade.close_rate, trade.close_date.minute) == ("ladder", 97.0, 3)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)
    assert stand.free == pytest.approx(10_000 + profit(trade), abs=1e-6)


@pytest.mark.parametrize("beyond", [0.0, STEP], ids=["touched", "through"])
def test_a_cover_is_filled_once_the_price_is_below_it(stand: Backtest, beyond: float) -> None:
    bars = [*START, Bar(100, 100, 98.0 - beyond, 100), flat(100)]
    (trade,) = stand.run(bars, **SHORT, ladder=covers(98.0, share=0.5))
    assert fills(trade) == ([("buy", 98.0, 2)] if beyond else [])


def test_a_cover_that_the_price_jumps_over_is_filled_at_its_own_price(stand: Backtest) -> None:
    (trade,) = stand.run([*START, flat(90), flat(90)], **SHORT, ladder=covers(98.0, 96.0))
    assert fills(trade) == [("buy", 98.0, 2), ("buy", 96.0, 2)]
    assert (trade.exit_reason, trade.close_rate) == ("ladder", 96.0)


def test_a_stop_above_comes_before_the_covers_of_its_candle(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 106, 97, 106), flat(106)], **SHORT, ladder=covers(98.0), attributes={"stoploss": -0.05}
    )
    assert fills(trade) == []
    assert (trade.exit_reason, trade.close_rate) == ("stop_loss", 105.0)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_profit_target_comes_after_the_covers_above_it(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 101, 90, 95), flat(95)],
        **SHORT,
        ladder=covers(98.0, 91.0, share=0.2),
        attributes={"minimal_roi": {0: 0.05}},
    )
    assert fills(trade) == [("buy", 98.0, 2)]
    assert trade.exit_reason == "roi"
    assert 94.5 < trade.close_rate < 95.0


def test_a_stop_that_a_cover_has_lowered_counts_from_the_next_candle_on(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(101, 102, 97, 98), Bar(98, 101, 98, 101), flat(101)],
        **SHORT,
        ladder=covers(99.0, share=0.5),
        stop=lambda trade, after_fill: -0.01 if after_fill and trade.nr_of_successful_exits else None,
        attributes={"stoploss": -0.5, "use_custom_stoploss": True},
    )
    assert fills(trade) == [("buy", 99.0, 2)]
    assert trade.close_date.minute == 3


def test_a_changed_ladder_of_a_short_keeps_what_is_wanted(stand: Backtest) -> None:
    def trail(strategy: Any, trade: Any, order: Any) -> None:
        if order.ft_order_tag == "steps" and order.safe_price == 99.0:
            kept, new = ({"side": "buy", "price": price, "amount": 2.5} for price in (96.0, 95.0))
            strategy.replace_resting_orders(trade, [kept, new], key="steps")

    bars = [*START, Bar(100, 100, 94, 100), Bar(100, 100, 94, 100), flat(100)]
    (trade,) = stand.run(bars, **SHORT, ladder=covers(99.0, 98.0, 97.0, 96.0), filled=trail)
    assert fills(trade) == [("buy", 99.0, 2), ("buy", 96.0, 2), ("buy", 95.0, 3)]


def test_a_ladder_covers_no_more_than_is_owed(stand: Backtest) -> None:
    refusals: list[str] = []

    def more(strategy: Any, trade: Any, _order: Any) -> None:
        with pytest.raises(ValueError, match="the buys add up") as refused:
            strategy.place_resting_orders(trade, [{"side": "buy", "price": 95.0, "amount": 6}], key="more")
        refusals.append(str(refused.value))

    stand.run([*START, flat(100)], **SHORT, ladder=covers(98.0, share=0.5), filled=more)
    owed = "the trade on BTC/USDT owes 5 that no other resting order buys: buy less"
    assert refusals[0] == f"the buys add up to 6, and {owed}"


@pytest.mark.parametrize(
    ("plan", "leverage", "order", "refused"),
    [
        (SHORT, 1.0, {"side": "sell", "price": 102.0, "amount": 1}, True),
        (LONG, 3.0, {"side": "buy", "price": 98.0, "amount": 1}, True),
        (LONG, 1.0, {"side": "buy", "price": 98.0, "amount": 1}, False),
    ],
    ids=["short", "leveraged", "long without leverage"],
)
def test_what_would_borrow_while_it_rests_is_refused(
    stand: Backtest, plan: dict[str, Any], leverage: float, order: dict[str, Any], refused: bool
) -> None:
    refusals: list[str] = []

    def add(strategy: Any, trade: Any, filled: Any) -> None:
        if filled.ft_order_tag:
            return
        try:
            strategy.place_resting_orders(trade, [order], key="steps")
        except ValueError as error:
            refusals.append(str(error))

    (trade,) = stand.run([*START, Bar(100, 103, 97, 100), flat(100)], **plan, **times(leverage), filled=add)
    assert [("which enlarges the trade" in text) for text in refusals] == [True] * refused
    assert fills(trade) == ([] if refused else [("buy", 98.0, 2)])


def test_resting_buys_of_a_long_hold_their_stake_and_covers_hold_none(stand: Backtest) -> None:
    def pairs(**plan: Any) -> set[str]:
        """Return the pairs that are traded, where two trades need most of the money and a ladder nearly half."""
        return {
            trade.pair
            for trade in stand.run(
                {PAIR: [flat(100.0)] * 5, ETH: [flat(100.0)] * 5},
                ladder=lambda trade: covers(95.0)(trade) if trade.pair == PAIR else [],
                attributes={"custom_stake_amount": lambda **_: 4_900.0},
                **plan,
            )
        }

    assert pairs(enter={PAIR: [1], ETH: [2]}) == {PAIR}
    assert pairs(enter_short={PAIR: [1]}, enter={ETH: [2]}) == {PAIR, ETH}


def test_covers_need_no_stake(stand: Backtest) -> None:
    (trade,) = stand.run(
        [*START, Bar(100, 100, 97, 97), flat(97)],
        **SHORT,
        ladder=covers(98.0),
        attributes={"custom_stake_amount": lambda **_: 9_900.0},
    )
    assert trade.exit_reason == "ladder"


def refusals_beside_a_leveraged_long(stand: Backtest, name: str, order: dict[str, Any], **plan: Any) -> list[str]:
    """Return how this order of a trade on BTC is refused, beside a long of ETH that has borrowed."""
    refused: list[str] = []

    def place(strategy: Any, trade: Any, filled: Any) -> None:
        if trade.pair != PAIR or filled.ft_order_side != trade.entry_side:
            return
        try:
            strategy.place_resting_orders(trade, [order], key=name)
        except ValueError as error:
            refused.append(str(error))

    stand.run(
        {PAIR: [flat(100.0)] * 5, ETH: [flat(100.0)] * 5},
        **{"enter": {ETH: [1]}, **plan},
        filled=place,
        attributes={"custom_stake_amount": lambda **_: 4_000.0},
    )
    return refused


@pytest.mark.parametrize(
    ("share", "refused"), [(1.0, ["the buys cost 7927.92, and 5992 are free: buy less"]), (0.75, [])]
)
def test_covers_are_not_paid_by_what_a_long_owes(stand: Backtest, share: float, refused: list[str]) -> None:
    """A unified account has paid the debt of the long back with what the short has sold."""
    cover = {"side": "buy", "price": 99.0, "share": share}
    plan = {"enter_short": {PAIR: [2]}, "leverage": lambda request: 3.0 if request["pair"] == ETH else 2.0}
    assert refusals_beside_a_leveraged_long(stand, "covers", cover, **plan) == refused


def test_covers_that_rest_hold_their_cost(stand: Backtest) -> None:
    refused: list[str] = []

    def place(strategy: Any, trade: Any, _order: Any) -> None:
        if trade.pair == PAIR:
            half = {"side": "buy", "price": 99.0, "share": 0.5}
            strategy.place_resting_orders(trade, [half], key="steps")
            with pytest.raises(ValueError, match="are free") as error:
                strategy.place_resting_orders(trade, [half], key="more")
            refused.append(str(error.value))

    stand.run(
        {PAIR: [flat(100.0)] * 5, ETH: [flat(100.0)] * 5},
        enter={ETH: [1]},
        enter_short={PAIR: [2]},
        leverage=lambda request: 3.0 if request["pair"] == ETH else 2.0,
        filled=place,
        attributes={"custom_stake_amount": lambda **_: 4_000.0},
    )
    assert refused[0] == f"the buys cost 3963.96, and {5_992 - 3_963.96:.8g} are free: buy less"


def test_buys_that_add_to_a_long_are_not_paid_by_what_another_has_borrowed(stand: Backtest) -> None:
    more = {"side": "buy", "price": 99.0, "amount": 1.0}
    plan = {"enter": {ETH: [1], PAIR: [2]}, "leverage": lambda request: 3.0 if request["pair"] == ETH else 1.0}
    refused = ["the buys cost 99, and 0 are free: buy less"]
    assert refusals_beside_a_leveraged_long(stand, "more", more, **plan) == refused


def test_a_changed_ladder_of_covers_may_use_its_own_money_again(stand: Backtest) -> None:
    """Both ladders cost most of what is free."""

    def change(strategy: Any, trade: Any, order: Any) -> None:
        if trade.pair == PAIR and order.ft_order_side == trade.entry_side:
            strategy.place_resting_orders(trade, [{"side": "buy", "price": 60.0, "share": 0.9}], key="steps")
            strategy.replace_resting_orders(trade, [{"side": "buy", "price": 65.0, "share": 0.9}], key="steps")

    trades = stand.run(
        {PAIR: [flat(100.0), flat(100.0), flat(100.0), flat(64.0), flat(64.0)], ETH: [flat(100.0)] * 5},
        enter={ETH: [1]},
        enter_short={PAIR: [2]},
        leverage=lambda request: 3.0 if request["pair"] == ETH else 2.0,
        filled=change,
        attributes={"custom_stake_amount": lambda **_: 4_000.0},
    )
    (short,) = (trade for trade in trades if trade.pair == PAIR)
    assert fills(short) == [("buy", 65.0, 3)]


# -- leverage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("plan", "most"), [(LONG, 3.0), (SHORT, 2.0)], ids=["long", "short"])
def test_the_leverage_is_that_of_the_settings_and_one_less_for_shorts(
    stand: Backtest, plan: dict[str, Any], most: float
) -> None:
    for wanted, given in ((9.0, most), (0.5, 1.0), (1.5, 1.5)):
        (trade,) = stand.run([*START, flat(100)], **plan, **times(wanted))
        assert (trade.leverage, trade.amount) == (given, 10 * given)


def test_a_strategy_without_the_mixin_trades_with_all_of_the_leverage(tmp_path: Path) -> None:
    fast = [Bar(price, price, price, price) for price in [100.0] * 25 + [102.0] * 3 + [97.0] * 5]
    with backtest(tmp_path, timeframe="5m", leverage=LEVERAGE, strategy="WithoutMixin") as prepared:
        (trade, *_) = prepared.run(fast)
    assert (trade.is_short, trade.leverage) == (True, 3.0)


# -- interest ---------------------------------------------------------------------------------------------------------

HOURS = [*START, *[flat(100.0)] * 200]
"""Minutes from midnight: the entry is a minute after it."""


@pytest.mark.parametrize(
    ("plan", "leverage", "interest"),
    [(LONG, 1.0, 0.0), (LONG, 3.0, 2_000 * 0.0001), (SHORT, 1.0, 1_000 * 0.0002), (SHORT, 2.0, 2_000 * 0.0002)],
)
@pytest.mark.parametrize(("leaves", "hours"), [(2, 1), (59, 1), (60, 2), (119, 2), (180, 4)])
def test_each_hour_that_has_begun_is_charged(
    stand: Backtest, plan: dict[str, Any], leverage: float, interest: float, leaves: int, hours: int
) -> None:
    leave = {"leave": {PAIR: [leaves]}, "leave_short": {PAIR: [leaves]}}
    (trade,) = stand.run(HOURS, **plan, **leave, **times(leverage))
    assert trade.funding_fees == pytest.approx(-interest * hours)
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_interest_falls_with_what_a_ladder_has_covered(stand: Backtest) -> None:
    bars = [*START, *[flat(100.0)] * 60, Bar(100, 100, 97, 100), *[flat(100.0)] * 100]
    (trade,) = stand.run(bars, **SHORT, ladder=covers(98.0, share=0.6), leave_short={PAIR: [130]})
    # Two hours of ten coins, and one of four.
    assert [order.funding_fee for order in trade.orders[1:]] == [pytest.approx(-0.4), pytest.approx(-0.08)]
    assert trade.close_profit_abs == pytest.approx(profit(trade), abs=1e-6)


def test_a_further_entry_is_charged_as_it_borrows(stand: Backtest) -> None:
    (trade,) = stand.run(
        HOURS,
        **LONG,
        **times(2.0),
        adjust=lambda trade, candle: 500.0 if candle == 30 and trade.nr_of_successful_entries == 1 else None,
        leave={PAIR: [70]},
        attributes={"position_adjustment_enable": True},
    )
    assert trade.amount == 30.0
    assert trade.funding_fees == pytest.approx(-(1_000 + 500 + 1_500) * 0.0001)


def test_interest_of_a_short_is_worth_what_its_coins_cost(stand: Backtest) -> None:
    bars = [*START, *[flat(100.0)] * 50, *[flat(120.0)] * 30]
    (trade,) = stand.run(bars, **SHORT, leave_short={PAIR: [70]}, attributes={"stoploss": -9})
    assert trade.funding_fees == pytest.approx(-2 * 10 * 0.0002 * 120)


def test_trades_that_look_alike_pay_their_own_interest(stand: Backtest) -> None:
    """They have the same amount, direction and time, and freqtrade asks for interest by nothing else."""
    bars = {PAIR: HOURS, ETH: HOURS}
    both = {PAIR: [1], ETH: [1]}
    trades = stand.run(bars, enter_short=both, leave_short={PAIR: [70], ETH: [70]})
    assert {trade.pair: round(trade.funding_fees, 6) for trade in trades} == {PAIR: -0.4, ETH: -0.1}


# -- liquidation ------------------------------------------------------------------------------------------------------


def buffered(price: float, open_rate: float = 100.0) -> float:
    """Return a price of liquidation with freqtrade's buffer of 5 % of the distance."""
    return price + (open_rate - price) * 0.05


@pytest.fixture(scope="module")
def all_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtest]:
    """Prepare backtests whose trades have all of the money as their stake."""
    with backtest(
        tmp_path_factory.mktemp("backtest"), leverage=LEVERAGE, stake_amount="unlimited", max_open_trades=1
    ) as prepared:
        yield prepared


@pytest.mark.parametrize(
    ("plan", "leverage", "way"),
    [(LONG, 3.0, 30.0), (LONG, 2.0, 30.0), (SHORT, 1.0, 250.0), (SHORT, 2.0, 250.0)],
)
def test_an_account_is_liquidated_where_its_equity_is_the_maintenance_margin(
    all_in: Backtest, plan: dict[str, Any], leverage: float, way: float
) -> None:
    bars = [*START, Bar(100, max(100, way), min(100, way), way), flat(way)]
    (trade,) = all_in.run(bars, **plan, **times(leverage), attributes={"stoploss": -9})
    stake, value = 9_900.0, 9_900.0 * leverage
    if plan is LONG:
        # 10,000 + amount * (price - 100) = 5 % of the debt
        price = 100 - (10_000 - 0.05 * (value - 10_000)) / (value / 100)
    else:
        # 10,000 - amount * (price - 100) = 5 % of amount * price
        price = 100 + (10_000 - 0.05 * value) / (value / 100 * 1.05)
    assert trade.stake_amount == pytest.approx(stake)
    assert trade.exit_reason == "liquidation"
    assert trade.close_rate == pytest.approx(buffered(price), abs=STEP)


def test_a_trade_without_leverage_is_not_liquidated(all_in: Backtest) -> None:
    bars = [*START, Bar(100, 100, 1, 1), flat(1)]
    (trade,) = all_in.run(bars, **LONG, attributes={"stoploss": -9})
    assert trade.exit_reason == "force_exit"


def test_a_liquidation_cancels_the_covers(all_in: Backtest) -> None:
    bars = [*START, Bar(100, 250, 90, 100), flat(100)]
    (trade,) = all_in.run(bars, **SHORT, **times(2.0), ladder=covers(95.0), attributes={"stoploss": -9})
    assert (trade.exit_reason, fills(trade)) == ("liquidation", [])


def test_a_cover_moves_the_price_of_liquidation(all_in: Backtest) -> None:
    """Half of it is covered at 98: what is left is liquidated at about twice the distance."""
    bars = [*START, Bar(100, 100, 97, 100), Bar(100, 180, 100, 180), flat(180)]
    (whole,) = all_in.run(bars, **SHORT, **times(2.0), attributes={"stoploss": -9})
    assert whole.exit_reason == "liquidation"
    (half,) = all_in.run(bars, **SHORT, **times(2.0), ladder=covers(98.0, share=0.5), attributes={"stoploss": -9})
    assert (half.exit_reason, fills(half)) == ("force_exit", [("buy", 98.0, 2)])


def test_what_buys_hold_stays_on_the_account(stand: Backtest) -> None:
    """It is not free, and still keeps the account from its liquidation."""
    bars = {PAIR: [flat(100.0)] * 6, ETH: [*START, flat(100), Bar(100, 100, 45, 45), flat(45), flat(45)]}
    trades = stand.run(
        bars,
        enter={PAIR: [1], ETH: [2]},
        leverage=lambda request: 3.0 if request["pair"] == ETH else 1.0,
        ladder=lambda trade: [{"side": "buy", "price": 60.0, "amount": 50}] if trade.pair == PAIR else [],
        attributes={
            "stoploss": -9,
            "custom_stake_amount": lambda pair, **_: 4_900.0 if pair == ETH else 2_000.0,
        },
    )
    assert {trade.pair: trade.exit_reason for trade in trades} == {PAIR: "force_exit", ETH: "force_exit"}

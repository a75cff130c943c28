"""Promise: given prices are the candles of their time, also those of the past, and a walk is repeatable."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Emulator
from bitget_margin.emulator.market.prices import Market
from bitget_margin.emulator.market.symbol import Symbol

START_MS = 1_767_571_200_000
SYMBOL = Symbol("BTCUSDT", "BTC", "USDT", Decimal(100))


class Clock:
    """A clock that the test moves."""

    ms = START_MS

    def __call__(self) -> int:
        return self.ms


def test_the_past_that_is_given_is_served_and_before_it_is_made_up_without_a_gap() -> None:
    market = Market([SYMBOL], START_MS)
    market.recall("BTCUSDT", [(START_MS - 120_000, Decimal(90)), (START_MS - 90_000, Decimal(95))])
    candle = market.candle("BTCUSDT", START_MS - 120_000, START_MS - 60_000)
    assert (candle.open, candle.high, candle.low, candle.close) == (90, 95, 90, 95)
    assert market.price_at("BTCUSDT", START_MS) == 100
    assert abs(market.price_at("BTCUSDT", START_MS - 120_001) - 90) < 1


@pytest.mark.parametrize(
    "past", [[(START_MS + 1, Decimal(1))], [(START_MS - 1, Decimal(1)), (START_MS - 2, Decimal(1))]]
)
def test_a_past_that_is_not_before_the_start_or_not_in_order_is_refused(past: list[tuple[int, Decimal]]) -> None:
    with pytest.raises(ValueError, match="the past of BTCUSDT must be in order"):
        Market([SYMBOL], START_MS).recall("BTCUSDT", past)


def test_a_past_comes_before_any_move() -> None:
    market = Market([SYMBOL], START_MS)
    market.move("BTCUSDT", Decimal(101), START_MS)
    with pytest.raises(ValueError, match="before any move"):
        market.recall("BTCUSDT", [(START_MS - 1, Decimal(1))])


def test_a_path_with_negative_seconds_has_a_past_and_fills_what_its_future_reaches() -> None:
    clock = Clock()
    path = [(-60.0, "BTCUSDT", "50000"), (10.0, "BTCUSDT", "61000")]
    with Emulator(clock=clock, path=path) as venue:
        assert venue._venue.engine.market.price_at("BTCUSDT", START_MS - 30_000) == 50_000
        assert venue._venue.engine.market.price("BTCUSDT") == 60_000
        clock.ms += 10_000
        with venue._opened():
            assert venue._venue.engine.market.price("BTCUSDT") == 61_000


def test_a_walk_moves_every_price_each_second_and_is_the_same_for_a_seed() -> None:
    def walked(seed: int) -> list[Decimal]:
        clock = Clock()
        with Emulator(clock=clock) as venue:
            venue.walk(seed)
            clock.ms += 3_600_000
            with venue._opened():
                market = venue._venue.engine.market
                prices = [market.price_at("BTCUSDT", START_MS + 1_000 * number) for number in range(3_601)]
                assert len(set(prices)) > 3_000
                assert all(30_000 < price < 120_000 for price in prices)
                return [market.price(name) for name in market.symbols]

    first = walked(1)
    assert walked(1) == first != walked(2)


def test_prices_of_one_moment_keep_their_order() -> None:
    path = [(-1.0, "BTCUSDT", price) for price in ("50000", "70000", "40000")]
    with Emulator(clock=Clock(), path=path) as venue:
        assert venue._venue.engine.market.price_at("BTCUSDT", START_MS - 500) == 40_000

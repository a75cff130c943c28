"""Promise: on a slow venue no trade waits for the prices of the others, and no exit is decided on an old price."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bitget_margin.freqtrade import exit_prices
from bitget_margin.freqtrade.budget import QUICK_MS, Pace
from bitget_margin.freqtrade.compat import DDosProtection, TemporaryError
from bitget_margin.freqtrade.exit_prices import AHEAD, PAUSE_SECONDS, PER_SECOND, PRICE_SECONDS, Ask, ExitPrices

PAIRS = [f"C{i:02}/USDT" for i in range(20)]
FIRST, SECOND, *_ = PAIRS
THREAD_SECONDS = 5.0


@dataclass
class Market:
    """A venue that counts the questions for a price, on a clock that a test moves."""

    now: float = 100.0
    round_trip_ms: float = 800.0
    open_pairs: Callable[[], list[str]] = lambda: list(PAIRS)
    errors: dict[str, Exception] = field(default_factory=dict)
    answers: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers.set()
        self.changed = threading.Condition()
        pace = Pace(1_000, lambda: self.round_trip_ms, lambda: self.now)
        self.prices = ExitPrices(pairs=self._open, pace=pace, clock=lambda: self.now)
        self.prices.begin_loop()

    def _open(self) -> list[str]:
        return self.open_pairs()

    def fetch(self, pair: str) -> Mapping[str, Any]:
        """Return the number of the question, once the venue answers."""
        with self.changed:
            self.asked.append(pair)
            number = len(self.asked)
            self.changed.notify_all()
        self.answers.wait(THREAD_SECONDS)
        if pair in self.errors:
            raise self.errors[pair]
        return {"pair": pair, "number": number}

    def pairs_asked(self, count: int) -> list[str]:
        """Return the pairs of the questions, sorted, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= count, THREAD_SECONDS), self.asked
            return sorted(self.asked)

    def price_of(self, pair: str, kind: str = "ticker") -> int | None:
        """Return the number of the question that the price of a pair answers; None where freqtrade asks itself."""
        found = self.prices.of(pair, Ask(kind, self.fetch))
        assert found is None or found["pair"] == pair
        return None if found is None else found["number"]


@pytest.fixture
def market() -> Iterator[Market]:
    made = Market()
    yield made
    made.answers.set()


def test_the_next_prices_are_asked_for_beside_the_first(market: Market) -> None:
    assert market.price_of(FIRST) is not None
    assert market.pairs_asked(AHEAD) == PAIRS[:AHEAD]


def test_each_price_is_asked_for_once_in_a_loop_and_again_in_the_next(market: Market) -> None:
    pairs = PAIRS[: PER_SECOND // 2]
    market.open_pairs = lambda: pairs
    for _ in range(2):
        market.asked.clear()
        assert None not in [market.price_of(pair) for pair in pairs]
        assert market.pairs_asked(len(pairs)) == pairs
        market.prices.begin_loop()


def test_a_quick_venue_is_asked_by_freqtrade_alone(market: Market) -> None:
    market.round_trip_ms = QUICK_MS - 1
    assert market.price_of(FIRST) is None
    market.prices.ask_anew()
    assert market.asked == []
    market.round_trip_ms = QUICK_MS
    assert market.price_of(FIRST) is not None


def test_a_venue_whose_prices_are_slow_is_slow(market: Market) -> None:
    market.round_trip_ms = 0.0
    market.prices.note_own((QUICK_MS - 1) / 1_000)
    assert market.price_of(FIRST) is None
    market.prices.note_own(QUICK_MS / 1_000)
    assert market.price_of(SECOND) is not None


def test_another_thread_asks_itself(market: Market) -> None:
    found = []
    other = threading.Thread(target=lambda: found.append(market.price_of(FIRST)))
    other.start()
    other.join(THREAD_SECONDS)
    assert (found, market.asked) == ([None], [])


def test_nothing_is_asked_ahead_before_a_first_loop(market: Market) -> None:
    made = ExitPrices(pairs=market.open_pairs, pace=market.prices.pace)
    assert made.of(FIRST, Ask("ticker", market.fetch)) is None
    made.ask_anew()
    assert market.asked == []


@pytest.mark.parametrize(("age_seconds", "is_used"), [(PRICE_SECONDS - 0.01, True), (PRICE_SECONDS + 0.01, False)])
def test_a_price_that_is_too_old_is_asked_for_again(market: Market, age_seconds: float, is_used: bool) -> None:
    market.open_pairs = lambda: [FIRST, SECOND]
    assert market.price_of(FIRST) is not None
    market.pairs_asked(2)
    assert market.prices._asked["ticker", SECOND].reading.ended(THREAD_SECONDS)
    market.now += age_seconds
    number = market.price_of(SECOND)
    assert number is not None
    assert (number <= 2) is is_used
    assert market.pairs_asked(2 if is_used else 3).count(SECOND) == (1 if is_used else 2)


def test_an_exit_order_has_the_next_prices_asked_for_anew(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:3]
    assert market.price_of(FIRST) is not None
    assert market.pairs_asked(3) == PAIRS[:3]
    for asked in market.prices._asked.values():
        assert asked.reading.ended(THREAD_SECONDS)
    market.prices.ask_anew()
    assert market.pairs_asked(5) == [FIRST, *sorted(PAIRS[1:3] * 2)]
    number = market.price_of(SECOND)
    assert number is not None
    assert number > 3


def test_an_exit_order_asks_for_no_price_that_is_on_its_way(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:2]
    assert market.price_of(FIRST) is not None
    market.prices._asked.clear()
    market.answers.clear()
    market.prices.ask_anew()
    market.prices.ask_anew()
    assert market.pairs_asked(3) == [FIRST, SECOND, SECOND]


def test_no_exit_order_is_held_back_where_no_price_can_be_asked_for(
    market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    assert market.price_of(FIRST) is not None
    for asked in market.prices._asked.values():
        assert asked.reading.ended(THREAD_SECONDS)
    monkeypatch.setattr(exit_prices, "Beside", fail)
    market.prices.ask_anew()
    assert "The next prices could not be asked for ahead; freqtrade asks for them" in caplog.text
    assert market.price_of(SECOND) is None


def test_an_exit_order_of_the_last_trade_asks_for_nothing(market: Market) -> None:
    market.open_pairs = lambda: [FIRST]
    market.price_of(FIRST)
    market.prices.ask_anew()
    assert market.asked == [FIRST]


def test_a_price_that_is_late_is_asked_for_by_freqtrade_and_does_not_delay_the_others(market: Market) -> None:
    market.answers.clear()
    market.open_pairs = lambda: [FIRST, SECOND]
    assert market.price_of(FIRST) is None  # after a real second
    market.answers.set()
    assert market.prices._asked["ticker", SECOND].reading.ended(THREAD_SECONDS)
    assert market.price_of(SECOND) is not None


class Silent:
    """A question without an answer."""

    def __init__(self) -> None:
        self.waited_seconds: list[float] = []

    def ended(self, seconds: float) -> bool:
        """Return at once that no answer has come."""
        self.waited_seconds.append(seconds)
        return False


@pytest.mark.parametrize(("took_seconds", "late_seconds"), [([], 1.0), ([0.4], 1.0), ([0.1, 2.0, 0.3], 4.0)])
def test_a_price_is_late_after_twice_the_time_that_prices_took_lately(
    market: Market, took_seconds: list[float], late_seconds: float
) -> None:
    market.open_pairs = lambda: [FIRST]
    for seconds in took_seconds:
        market.prices.note_own(seconds)
    silent: Any = Silent()
    market.prices._asked["ticker", FIRST] = exit_prices._Asked(market.now - 0.4, silent)
    assert market.price_of(FIRST) is None
    assert silent.waited_seconds == [0.0, pytest.approx(late_seconds - 0.4)]


def test_the_time_of_a_price_counts_where_it_comes(market: Market) -> None:
    market.answers.clear()
    market.open_pairs = lambda: [FIRST, SECOND]
    market.errors[SECOND] = TemporaryError("none")
    assert market.price_of(FIRST) is None
    market.now += 2.0
    asked = market.prices._asked["ticker", SECOND].reading
    market.answers.set()
    assert asked.ended(THREAD_SECONDS)
    for _ in range(500):
        if market.prices._took_seconds:
            break
        threading.Event().wait(0.01)
    assert list(market.prices._took_seconds) == [2.0]


def test_a_price_that_fails_is_asked_for_by_freqtrade(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:3]
    market.errors |= dict.fromkeys(PAIRS[:2], TemporaryError("no answer"))
    assert market.price_of(FIRST) is None
    assert market.pairs_asked(3) == PAIRS[:3]
    for asked in market.prices._asked.values():
        assert asked.reading.ended(THREAD_SECONDS)
    assert market.price_of(SECOND) is None
    assert len(market.asked) == 3
    market.errors.clear()
    assert market.price_of(FIRST) == 4


def test_a_venue_that_has_refused_one_too_many_is_not_asked_ahead_for_a_while(market: Market) -> None:
    market.errors[FIRST] = DDosProtection("429")
    assert market.price_of(FIRST) is None
    del market.errors[FIRST]
    market.pairs_asked(AHEAD)
    market.now += PAUSE_SECONDS - 1
    market.prices.begin_loop()
    assert market.price_of(FIRST) is None
    market.prices.ask_anew()
    assert len(market.asked) == AHEAD
    market.now += 1
    assert market.price_of(FIRST) is not None


def test_no_more_is_asked_ahead_than_an_address_may_ask(market: Market) -> None:
    found = [market.price_of(pair) for pair in PAIRS]
    assert len(market.asked) <= PER_SECOND
    assert found.count(None) >= len(PAIRS) - PER_SECOND


def test_the_own_questions_of_freqtrade_count(market: Market) -> None:
    market.open_pairs = list
    for pair in PAIRS[:PER_SECOND]:
        assert market.price_of(pair) is None
    market.open_pairs = lambda: list(PAIRS)
    market.prices.begin_loop()
    assert market.price_of(FIRST) is None
    assert market.asked == []


def test_trades_that_freqtrade_passes_over_are_not_waited_for(market: Market) -> None:
    assert market.price_of(PAIRS[3]) is not None
    assert market.pairs_asked(AHEAD) == PAIRS[3 : 3 + AHEAD]


def test_freqtrade_may_begin_with_the_first_trade_again(market: Market) -> None:
    """A custom stop-loss asks for the price of a trade whose order was just booked, before all are asked for."""
    pairs = PAIRS[:4]
    market.open_pairs = lambda: pairs
    assert market.price_of(pairs[2]) is not None
    assert None not in [market.price_of(pair) for pair in pairs]
    assert market.pairs_asked(4) == pairs


def test_a_price_that_has_just_come_answers_twice(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:2]
    first = [market.price_of(pair) for pair in PAIRS[:2]]
    assert [market.price_of(pair) for pair in PAIRS[:2]] == first
    market.now += PRICE_SECONDS + 0.01
    assert market.price_of(FIRST) == 3


def test_a_loop_begins_with_the_trades_that_are_open_now(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:3]
    assert market.price_of(FIRST) is not None
    assert market.pairs_asked(3) == PAIRS[:3]
    market.prices.begin_loop()
    market.asked.clear()
    market.open_pairs = lambda: [SECOND, PAIRS[5]]
    assert market.price_of(SECOND) is not None
    assert market.pairs_asked(2) == [SECOND, PAIRS[5]]


def test_prices_of_another_kind_are_others(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:2]
    assert market.price_of(FIRST) is not None
    assert market.pairs_asked(2) == PAIRS[:2]
    assert market.price_of(SECOND, "book") == 3


def test_freqtrade_asks_itself_where_the_open_trades_cannot_be_read(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> list[str]:
        raise OSError("the database is locked")

    market.open_pairs = fail
    assert market.price_of(FIRST) is None
    assert "could not be asked for ahead; freqtrade asks for it" in caplog.text

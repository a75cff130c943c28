"""Promise: on a slow venue no trade waits for the prices of the others, and no exit is decided on an old price."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import exit_prices
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.exit_prices import (
    AFTER_EXIT,
    PAUSE_SECONDS,
    PER_SECOND,
    PRICE_SECONDS,
    SLOW_SECONDS,
    Ask,
    ExitPrices,
)
from bitget_margin.rate_limit.window import Window

PAIRS = [f"C{i:02}/USDT" for i in range(20)]
FIRST, SECOND, *_ = PAIRS
THREAD_SECONDS = 5.0


class Steady(deque[float]):
    """Times of prices that stay as a test has set them: its clock stands still while one is fetched."""

    def append(self, _seconds: float) -> None:
        """Ignore the time of another price."""


@dataclass
class Market:
    """A venue that counts the questions for a price, on a clock that a test moves."""

    now: float = 100.0
    open_pairs: Callable[[], list[str]] = lambda: list(PAIRS)
    errors: dict[str, Exception] = field(default_factory=dict)
    answers: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers.set()
        self.changed = threading.Condition()
        self.prices = ExitPrices(pairs=self._open, clock=lambda: self.now)
        self.take(0.4)
        self.prices.begin_loop()

    def take(self, seconds: float) -> None:
        """Let each price take this long from now on."""
        self.prices._took_seconds = Steady([seconds] * 4)

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
    assert market.pairs_asked(PER_SECOND) == PAIRS[:PER_SECOND]


def test_no_more_prices_are_on_their_way_than_exits_leave_young(market: Market) -> None:
    market.price_of(FIRST)
    market.pairs_asked(PER_SECOND)
    market.prices._window = Window(PER_SECOND)
    market.price_of(SECOND)
    assert market.pairs_asked(PER_SECOND + 1) == PAIRS[: PER_SECOND + 1]


def test_each_price_is_asked_for_once_in_a_loop_and_again_in_the_next(market: Market) -> None:
    pairs = PAIRS[: PER_SECOND // 2]
    market.open_pairs = lambda: pairs
    for _ in range(2):
        market.asked.clear()
        assert None not in [market.price_of(pair) for pair in pairs]
        assert market.pairs_asked(len(pairs)) == pairs
        market.prices.begin_loop()


def test_a_quick_venue_is_asked_by_freqtrade_alone(market: Market) -> None:
    market.take(SLOW_SECONDS - 0.001)
    assert market.price_of(FIRST) is None
    market.prices.ask_anew()
    assert market.asked == []
    market.take(SLOW_SECONDS)
    assert market.price_of(FIRST) is not None


def test_a_venue_is_slow_where_each_of_the_last_four_prices_was(market: Market) -> None:
    """Where one was quick, freqtrade itself asks too often for others beside it."""
    made = ExitPrices(pairs=market._open)
    made.begin_loop()
    ask = Ask("ticker", lambda _pair: "price")
    for seconds in (3.0, SLOW_SECONDS, SLOW_SECONDS - 0.001, 3.0, 3.0, 3.0):
        made.note_own(seconds)
        assert made.of(FIRST, ask) is None
    made.note_own(SLOW_SECONDS)
    assert made.of(FIRST, ask) == "price"


def test_another_thread_asks_itself(market: Market) -> None:
    found = []
    other = threading.Thread(target=lambda: found.append(market.price_of(FIRST)))
    other.start()
    other.join(THREAD_SECONDS)
    assert (found, market.asked) == ([None], [])


def test_nothing_is_asked_ahead_before_a_first_loop(market: Market) -> None:
    made = ExitPrices(pairs=market.open_pairs)
    made._took_seconds = market.prices._took_seconds
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


def test_beside_an_exit_order_a_few_prices_are_asked_for(market: Market) -> None:
    assert market.price_of(FIRST) is not None
    market.pairs_asked(PER_SECOND)
    market.prices._asked.clear()
    market.prices._window = Window(PER_SECOND)
    market.prices.ask_anew()
    assert market.pairs_asked(PER_SECOND + AFTER_EXIT) == sorted(PAIRS[:PER_SECOND] + PAIRS[1 : 1 + AFTER_EXIT])


def test_a_price_that_is_too_old_decides_nothing_where_none_may_be_asked_for(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:2]
    assert market.price_of(FIRST) is not None
    assert market.prices._asked["ticker", SECOND].reading.ended(THREAD_SECONDS)
    for _ in range(PER_SECOND):
        market.prices._window.record_slot(monotonic_ms())
    market.now += PRICE_SECONDS + 0.01
    assert market.price_of(SECOND) is None


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

    market.open_pairs = lambda: PAIRS[:3]
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


class Silent:
    """A question without an answer."""

    def __init__(self) -> None:
        self.waited_seconds: list[float] = []

    def ended(self, seconds: float) -> bool:
        """Return at once that no answer has come."""
        self.waited_seconds.append(seconds)
        return False


@pytest.mark.parametrize(("took_seconds", "late_seconds"), [(0.2, 1.0), (2.0, 4.0)])
def test_a_price_is_late_after_twice_the_time_that_prices_usually_take(
    market: Market, took_seconds: float, late_seconds: float
) -> None:
    market.take(took_seconds)
    silent: Any = Silent()
    market.prices._asked["ticker", FIRST] = exit_prices._Asked(market.now - 0.4, silent)
    assert market.price_of(FIRST) is None
    assert silent.waited_seconds == [0.0, pytest.approx(late_seconds - 0.4)]


def test_nothing_is_asked_ahead_for_a_while_after_a_late_price(market: Market) -> None:
    market.open_pairs = lambda: PAIRS[:3]
    silent: Any = Silent()
    market.prices._asked["ticker", FIRST] = exit_prices._Asked(market.now, silent)
    assert market.price_of(FIRST) is None
    assert market.pairs_asked(2) == PAIRS[1:3]
    assert market.price_of(SECOND) is not None, "it is on its way"
    market.prices.begin_loop()
    assert market.price_of(FIRST) is None
    market.now += PAUSE_SECONDS
    assert market.price_of(FIRST) is not None


def test_a_price_that_was_late_decides_nothing_once_it_has_come(market: Market) -> None:
    """What it says was so when it was asked for."""
    market.open_pairs = lambda: PAIRS[:2]
    market.answers.clear()
    asked: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exit_prices, "Beside", lambda work: asked.append(Beside(work)) or asked[-1])
        patch.setattr(market.prices, "_price", lambda _: None)
        assert market.price_of(FIRST) is None
    assert market.pairs_asked(2) == PAIRS[:2]
    market.now += 1.01
    market.answers.set()
    assert asked[1].ended(THREAD_SECONDS)
    assert market.price_of(SECOND) == 3


def test_the_time_of_a_price_that_was_asked_for_ahead_counts(market: Market) -> None:
    for seconds in (0.4, 0.4, 0.4, 0.4):
        market.prices._took_seconds = deque([seconds] * 4, maxlen=4)
    market.open_pairs = lambda: [FIRST]
    assert market.price_of(FIRST) is not None
    assert list(market.prices._took_seconds) == [0.4, 0.4, 0.4, 0.0]
    assert market.price_of(FIRST) is None, "it was quick"


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


@pytest.mark.parametrize("refusal", [ccxt.DDoSProtection, ccxt.RateLimitExceeded])
def test_a_venue_that_has_refused_one_too_many_is_not_asked_ahead_for_a_while(
    market: Market, refusal: type[ccxt.BaseError]
) -> None:
    error = TemporaryError("Could not load ticker")
    error.__cause__ = refusal("429")
    market.open_pairs = lambda: PAIRS[:3]
    market.errors[FIRST] = error
    assert market.price_of(FIRST) is None
    del market.errors[FIRST]
    assert market.pairs_asked(3) == PAIRS[:3]
    assert market.price_of(SECOND) is not None, "it has come"
    market.now += PAUSE_SECONDS - 1
    market.prices.begin_loop()
    assert market.price_of(FIRST) is None
    market.prices.ask_anew()
    assert len(market.asked) == 3
    market.now += 1
    assert market.price_of(FIRST) is not None


def test_no_more_is_asked_ahead_than_an_address_may_ask(market: Market) -> None:
    found = [market.price_of(pair) for pair in PAIRS]
    assert len(market.asked) <= PER_SECOND
    assert found.count(None) >= len(PAIRS) - PER_SECOND


@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_the_own_questions_of_freqtrade_count(market: Market, seconds: float) -> None:
    """A venue that was quick may be slow a moment later."""
    market.open_pairs = list
    market.take(seconds)
    for pair in PAIRS[:PER_SECOND]:
        assert market.price_of(pair) is None
    market.open_pairs = lambda: list(PAIRS)
    market.take(0.4)
    market.prices.begin_loop()
    assert market.price_of(FIRST) is None
    assert market.asked == []


def test_trades_that_freqtrade_passes_over_are_not_waited_for(market: Market) -> None:
    assert market.price_of(PAIRS[3]) is not None
    assert market.pairs_asked(PER_SECOND) == PAIRS[3 : 3 + PER_SECOND]


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

"""The first of each warning is logged, further ones are counted; no other pair, order or reason is held back."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.repeated_warnings import LAST_SECONDS, QUIET_SECONDS, RepeatedWarnings, RepeatFilter

BEGIN = datetime(2026, 11, 29, 12, 3, 5, tzinfo=UTC)
LOGGERS = ("bitget_margin", "bitget_margin.windows")


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repeated(clock: Clock) -> RepeatedWarnings:
    return RepeatedWarnings(clock, clock.now)


@pytest.fixture
def folding(repeated: RepeatedWarnings) -> Iterator[RepeatFilter]:
    made = RepeatFilter(repeated)
    made.install()
    yield made
    made.remove()


def noted(repeated: RepeatedWarnings, clock: Clock, text: str, seconds: float, every: float) -> dict[float, str]:
    """Note a warning for a while; return the logged texts by their time."""
    logged = {}
    end = clock.seconds + seconds
    while clock.seconds < end:
        shown = repeated.note(text)
        if shown is not None:
            logged[clock.seconds] = shown
        clock.seconds += every
    return logged


def test_sixty_two_in_two_minutes_are_two(repeated: RepeatedWarnings, clock: Clock) -> None:
    assert noted(repeated, clock, "down", 124, 2) == {
        0: "down",
        60: "down (31 times since 2026-11-29 12:03:05 UTC)",
    }


def test_the_pauses_grow_to_an_hour(repeated: RepeatedWarnings, clock: Clock) -> None:
    times = list(noted(repeated, clock, "down", 6 * 3_600, 60))
    assert times[:5] == [0, 60, 180, 420, 900]
    assert times[-1] - times[-2] == LAST_SECONDS


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("order 1 on BTC/USDT", "order 2 on BTC/USDT"),
        ("order 1 on BTC/USDT", "order 1 on ETH/USDT"),
        ("refused: 43012", "refused: 43011"),
        ("0.5 is left", "0.4 is left"),
        ("order 1179542168995600000", "order 1179542168995600001"),
    ],
)
def test_another_pair_order_reason_or_amount_is_another_warning(
    repeated: RepeatedWarnings, first: str, second: str
) -> None:
    assert [repeated.note(text) for text in (first, second)] == [first, second]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("in no list for 61 s", "in no list for 63 s"),
        ("no response within 1000 ms", "no response within 250.5 ms"),
        ('{"code":"50031","requestTime":1764417785123}', '{"code":"50031","requestTime":1764417787456}'),
    ],
)
def test_times_make_no_other_warning_of_it(repeated: RepeatedWarnings, first: str, second: str) -> None:
    assert [repeated.note(text) for text in (first, second)] == [first, None]


def test_after_a_quiet_time_it_is_new_and_what_was_not_logged_still_counts(
    repeated: RepeatedWarnings, clock: Clock
) -> None:
    assert repeated.note("down") == "down"
    clock.seconds += QUIET_SECONDS
    assert repeated.note("down") == "down", "a new series"
    clock.seconds += 1
    assert repeated.note("down") is None
    clock.seconds += QUIET_SECONDS
    assert (repeated.note("down") or "").startswith("down (3 times since")


def test_the_end_of_a_subject_logs_once_what_was_not_logged(repeated: RepeatedWarnings, clock: Clock) -> None:
    assert repeated.end("look BTC/USDT") == []
    for seconds in range(3):
        clock.seconds = seconds
        repeated.note(f"no answer in {seconds} s", "look BTC/USDT")
        repeated.note("no answer", "look ETH/USDT")
    assert repeated.end("look BTC/USDT") == ["Over: no answer in 2 s (3 times since 2026-11-29 12:03:05 UTC)"]
    assert repeated.end("look BTC/USDT") == []
    assert repeated.note("no answer in 3 s", "look BTC/USDT") == "no answer in 3 s", "a new series"
    assert repeated.end("look BTC/USDT") == []
    assert repeated.note("no answer in 4 s", "look BTC/USDT") is None, "it comes and goes"


def test_the_end_of_a_subject_logs_nothing_that_was_logged(repeated: RepeatedWarnings, clock: Clock) -> None:
    for clock.seconds in (0, 1, 60):
        shown = repeated.note("no answer", "look BTC/USDT")
    assert (shown or "").startswith("no answer (3 times since")
    assert repeated.end("look BTC/USDT") == []


def test_the_number_of_series_is_bounded(repeated: RepeatedWarnings) -> None:
    for number in range(2_000):
        assert repeated.note(f"order {number}") == f"order {number}"
    assert repeated.note("order 1999") is None
    assert repeated.note("order 0") == "order 0"
    assert repeated.note("order 1001") is None
    for number in range(2_000, 2_998):
        repeated.note(f"order {number}")
    assert repeated.note("order 1001") is None, "the ones that are quiet for longest make room"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 2_000)), max_size=60), st.booleans())
def test_first_occurrences_are_all_logged_and_the_numbers_add_up(warnings: list[tuple[str, float]], ends: bool) -> None:
    clock = Clock()
    repeated = RepeatedWarnings(clock, clock.now)
    happened: Counter[str] = Counter()
    logged: Counter[str] = Counter()
    series: Counter[str] = Counter()

    def log(text: str) -> None:
        """Count what a line of the log stands for: those since the last line of its series."""
        name = text.removeprefix("Over: ")[0]
        number = re.search(r"\((\d+) times", text)
        total = int(number[1]) if number else 1
        if number is None:
            series[name] = 0
        logged[name] += total - series[name]
        series[name] = total

    for name, pause in warnings:
        clock.seconds += pause
        is_first = not happened[name]
        happened[name] += 1
        shown = repeated.note(name, name)
        assert shown == name or not is_first
        if shown is not None:
            log(shown)
            assert logged[name] == happened[name], "each line counts all until then"
        assert logged[name] <= happened[name]
    if ends:
        for name in happened:
            for text in repeated.end(name):
                log(text)
        assert logged == happened


# -- the log ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folding")
def test_the_loggers_of_the_plugin_are_folded(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for name in LOGGERS:
        for _ in range(2):
            logging.getLogger(name).warning("%s is down: 100 %%", name)
    assert caplog.messages == [f"{name} is down: 100 %" for name in LOGGERS]
    clock.seconds = 61
    logging.getLogger(LOGGERS[0]).warning("%s is down: 100 %%", LOGGERS[0])
    assert caplog.messages[-1] == "bitget_margin is down: 100 % (3 times since 2026-11-29 12:03:05 UTC)"


@pytest.mark.usefixtures("folding")
def test_an_error_repeats_only_with_the_same_cause(caplog: pytest.LogCaptureFixture) -> None:
    for cause in ("a", "a", "b"):
        try:
            raise ValueError(cause)
        except ValueError:
            logging.getLogger("bitget_margin").exception("a step failed")
    assert caplog.messages == ["a step failed"] * 2
    assert [str((record.exc_info or (None, "", None))[1]) for record in caplog.records] == ["a", "b"]


@pytest.mark.usefixtures("folding")
def test_what_is_no_warning_is_always_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for level in (logging.INFO, logging.CRITICAL):
        for _ in range(2):
            logging.getLogger("bitget_margin").log(level, "placed")
    assert len(caplog.messages) == 4


def test_a_subject_that_is_cleared_logs_how_often_it_was_warned_of(
    folding: RepeatFilter, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent: list[str] = []
    alerts = Alerts(clock, sent.append, folding.repeated)
    for _ in range(3):
        alerts.warn("no answer", "look BTC/USDT")
    alerts.clear("look BTC/USDT")
    over = "Over: no answer (3 times since 2026-11-29 12:03:05 UTC)"
    assert caplog.messages == ["no answer", over]
    assert sent == ["no answer"], "messages are as before"


def test_a_second_bot_of_the_process_begins_anew(
    folding: RepeatFilter, repeated: RepeatedWarnings, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("bitget_margin")
    logger.warning("down")
    second = RepeatFilter(RepeatedWarnings())
    second.install()
    logger.warning("down")
    folding.remove()
    logger.warning("down")
    second.remove()
    logger.warning("down")
    assert caplog.messages == ["down"] * 3
    assert repeated is not second.repeated
    assert logger.filters == []

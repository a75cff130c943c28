"""Promise: pushes spare lookups, and each pair is still looked up at a bounded age."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.lookups import Lookups
from bitget_margin.freqtrade.ports import NoPushes
from support.botless import PAIR

AGE = 60.0
LOOP = 5.0
LAG = 4.0
"""Time after a fill in which lists do not show it."""


@dataclass
class Socket:
    """Pushes, as a test sets them."""

    since: float | None = None

    def follow(self, pairs: Iterable[str]) -> None:
        """Do nothing."""

    def quiet_since(self, pair: str) -> float | None:
        """Return what the test has set."""
        assert pair == PAIR
        return self.since


@dataclass
class Bench:
    """Lookups on a clock that a test moves."""

    socket: Socket = field(default_factory=Socket)
    now: float = 1_000.0
    round_trip_ms: float = 0.0

    def __post_init__(self) -> None:
        pace = Pace(1_000, lambda: self.round_trip_ms, lambda: self.now)
        self.lookups = Lookups(pace=pace, pushes=self.socket, max_age_seconds=AGE, clock=lambda: self.now)

    def look_up(self) -> None:
        """Look the pair up, with an answer."""
        self.lookups.begin([PAIR])
        self.lookups.end(PAIR)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_without_pushes_every_loop_looks_up(bench: Bench) -> None:
    assert NoPushes().quiet_since(PAIR) is None
    for _ in range(3):
        assert bench.lookups.is_due(PAIR)
        bench.look_up()
        bench.now += LOOP


@pytest.mark.parametrize(("round_trip_ms", "pause"), [(100, 0.4), (1_000, 4.0), (9_000, 5.0)])
def test_a_slow_venue_has_a_pause_between_lookups(bench: Bench, round_trip_ms: float, pause: float) -> None:
    bench.round_trip_ms = round_trip_ms
    bench.look_up()
    bench.now += pause - 0.01
    assert not bench.lookups.is_due(PAIR)
    bench.now += 0.02
    assert bench.lookups.is_due(PAIR)


def test_a_quiet_pair_is_due_at_its_longest_age(bench: Bench) -> None:
    bench.socket.since = bench.now - 5
    bench.look_up()
    bench.now += AGE - 0.1
    assert bench.lookups.is_quiet(PAIR)
    assert not bench.lookups.is_due(PAIR)
    bench.now += 0.1
    assert bench.lookups.is_due(PAIR)


def test_a_lookup_soon_after_a_push_does_not_count(bench: Bench) -> None:
    """Lists may show the change later."""
    bench.socket.since = bench.now - 4.9
    bench.look_up()
    bench.now += LOOP
    assert bench.lookups.is_due(PAIR)


def test_a_push_or_the_end_of_the_connection_makes_a_pair_due(bench: Bench) -> None:
    bench.socket.since = bench.now - 100
    bench.look_up()
    bench.now += LOOP
    assert not bench.lookups.is_due(PAIR)
    for since in (bench.now - 1, None):
        bench.socket.since = since
        assert bench.lookups.is_due(PAIR)


def test_a_lookup_that_was_not_answered_does_not_count(bench: Bench) -> None:
    bench.socket.since = bench.now - 100
    bench.look_up()
    bench.now += AGE
    bench.lookups.begin([PAIR])
    bench.now += LOOP
    assert bench.lookups.is_due(PAIR)
    assert bench.lookups.age_seconds(PAIR) == AGE + LOOP


def test_a_pair_that_was_never_listed_is_due(bench: Bench) -> None:
    bench.lookups.begin([PAIR])
    assert bench.lookups.is_due(PAIR)
    assert bench.lookups.age_seconds(PAIR) == float("inf")


def test_a_list_that_shows_nothing_new_counts_from_its_request(bench: Bench) -> None:
    bench.socket.since = bench.now - 100
    bench.look_up()
    bench.now += 30
    bench.lookups.confirm(PAIR, bench.now - 2)
    assert bench.lookups.age_seconds(PAIR) == 2
    bench.lookups.confirm(PAIR, bench.now - 10)
    assert bench.lookups.age_seconds(PAIR) == 2
    bench.lookups.require(PAIR)
    assert bench.lookups.is_due(PAIR)


seconds = st.floats(0, 400)


@given(
    fills=st.lists(st.tuples(seconds, st.sampled_from(["pushed", "doubled", "late", "lost"])), max_size=8),
    down=st.lists(st.tuples(seconds, st.floats(0, 60)), max_size=3),
)
def test_no_fill_is_seen_late_whatever_becomes_of_pushes_and_connection(
    fills: list[tuple[float, str]], down: list[tuple[float, float]]
) -> None:
    """By the longest age, a loop, and the lag of the lists at most."""
    bench, begin = Bench(), 1_000.0
    delays = {"pushed": [0.1], "doubled": [0.1, 3.0], "late": [20.0], "lost": []}
    pushes = sorted(begin + at + delay for at, fate in fills for delay in delays[fate])
    outages = [(begin + at, begin + at + length) for at, length in down]
    unseen = {begin + at for at, _ in fills}
    while bench.now < begin + 400 + AGE + 2 * LOOP + LAG:
        is_up = not any(start <= bench.now < end for start, end in outages)
        restarts = [end for _, end in outages if end <= bench.now]
        heard = [at for at in pushes if at <= bench.now and not any(start <= at < end for start, end in outages)]
        bench.socket.since = max([begin, *restarts, *heard]) if is_up else None
        if bench.lookups.is_due(PAIR):
            bench.look_up()
            seen = {at for at in unseen if at + LAG <= bench.now}
            assert all(bench.now - at <= AGE + LOOP + LAG for at in seen)
            unseen -= seen
        bench.now += LOOP
    assert unseen == set()

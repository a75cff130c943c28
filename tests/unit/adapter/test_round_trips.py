"""Promise: those who wait for the venue know how long its answers took lately."""

import gc

import pytest

from bitget_margin.adapter import rate_limits, round_trips
from bitget_margin.core.effects import Call, Fault, Reply, Send
from bitget_margin.core.endpoints import Endpoint
from support.calling import exchange

CALL = Call(Endpoint.ASSETS, {})


def test_the_longest_of_the_last_requests_counts() -> None:
    api, other = exchange(), exchange()
    assert round_trips.longest_ms(api) == 0
    for taken_ms in (900.0, *[100.0] * 7):
        round_trips.record(api, taken_ms)
    assert (round_trips.longest_ms(api), round_trips.longest_ms(other)) == (900, 0)
    round_trips.record(api, 50.0)
    assert round_trips.longest_ms(api) == 100


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply({}), 400.0),
        (Fault(OSError(), sent=True), 400.0),
        (Fault(OSError(), sent=False), 0.0),
    ],
    ids=["answered", "waited for in vain", "never connected"],
)
def test_a_request_that_was_waited_for_shows_how_long(
    monkeypatch: pytest.MonkeyPatch, limited: bool, reply: Reply | Fault, expected: float
) -> None:
    api = exchange()
    api.enableRateLimit = limited
    send = Send(CALL, 1_000, 2_000)
    rate_limits.record_reply(api, send, reply)
    assert round_trips.longest_ms(api) == 0, "it has not left"
    send.left_ms = 1_000.0
    monkeypatch.setattr(rate_limits, "monotonic_ms", lambda: 1_400.0)
    rate_limits.record_reply(api, send, reply)
    assert round_trips.longest_ms(api) == expected


def test_nothing_is_kept_of_an_exchange_that_is_gone() -> None:
    api = exchange()
    round_trips.record(api, 1.0)
    known = len(round_trips._recent_ms)
    del api
    gc.collect()
    assert len(round_trips._recent_ms) < known


def test_a_reply_counts_from_the_time_at_which_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocking driver takes it later, once other requests have been sent."""
    api = exchange()
    send = Send(CALL, 1_000, 2_000)
    send.left_ms = 1_000.0
    monkeypatch.setattr(rate_limits, "monotonic_ms", lambda: 1_900.0)
    rate_limits.record_reply(api, send, Reply({}), 1_250.0)
    assert round_trips.longest_ms(api) == 250

"""A cancel goes on without the venue's public lists of markets, says why, and lets the next call load them again."""

import logging
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import call, cancel
from bitget_margin.core.effects import Flow, LoadMarkets, SendAll
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import START_MS, in_turn

UNLISTED = "Canceling without loaded markets, by the names of the pairs: "


def first_request(made: Any, outcome: Any) -> list[Endpoint]:
    """Cancel an order of an exchange whose markets have this outcome; return the endpoints of the first request."""
    with Caller(in_turn({})).clocked():
        flow: Flow[Any] = cancel.cancel_orders(made, ["11"], BTC, CROSS | {"timeout": 2_000})
        effect = next(flow)
        assert effect == LoadMarkets(START_MS + 570)
        sends = flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)
        flow.close()
    assert isinstance(sends, SendAll)
    return [send.call.endpoint for send in sends.sends]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [(None, "they list no spot market"), (OSError("down"), "down"), (OSError("x" * 300), "x" * 200)],
)
def test_a_cancel_without_markets_says_why_and_leaves_none(
    caplog: pytest.LogCaptureFixture, outcome: Any, why: str
) -> None:
    made = exchange()
    made.markets = {symbol: market for symbol, market in made.markets.items() if not market["spot"]}
    with caplog.at_level(logging.WARNING, "bitget_margin.markets"):
        assert first_request(made, outcome) == [Endpoint.BATCH_CANCEL]
    assert caplog.messages == [UNLISTED + why]
    assert (made.markets, made.markets_by_id) == (None, None)


def test_refused_keys_are_no_matter_of_the_markets(caplog: pytest.LogCaptureFixture) -> None:
    """The cancel itself raises, and no warning about markets comes before that."""
    with caplog.at_level(logging.WARNING, "bitget_margin.markets"):
        assert first_request(exchange(markets=False), ccxt.AuthenticationError("40009")) == [Endpoint.BATCH_CANCEL]
    assert caplog.messages == []


def test_a_cancel_whose_markets_load_uses_them_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    made = exchange(markets=False)
    flow: Flow[Any] = cancel.cancel_orders(made, ["11"], BTC, CROSS)
    next(flow)
    made.markets = loaded = exchange().markets
    flow.send(None)
    flow.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert made.markets is loaded


@pytest.mark.parametrize("is_over", [True, False])
def test_a_load_that_has_failed_is_not_waited_for_again_and_one_that_runs_goes_on(is_over: bool) -> None:
    made = exchange(markets=False)
    made.markets_loading = loading = mock.Mock(**{"done.return_value": is_over})
    first_request(made, OSError("down"))
    assert made.markets_loading is (None if is_over else loading)


def test_a_cancel_with_listed_markets_loads_none() -> None:
    venue = Caller(in_turn({}))
    made = exchange()
    with venue.clocked():
        ctx = call.open_call(made, call.Settings(), CROSS, urgent=True)
        assert venue.run(call.load_markets(made, ctx, is_cancel=True)) is None
    assert (venue.loads, venue.calls) == ([], [])

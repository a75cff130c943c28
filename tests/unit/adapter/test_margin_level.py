"""A margin level is the number that the venue shows, and nothing is taken for one that is none."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import margin_level
from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import CROSS, Caller, exchange
from support.script import EPOCH_MS, START_MS, fault, in_turn

FIELDS = {False: "riskRateRatio", True: "mgnRatio"}
either = pytest.mark.parametrize("unified", [False, True], ids=["classic", "unified"])


def level_of(unified: bool, *replies: object, params: Any = CROSS) -> tuple[dict[str, Any], Caller]:
    """Return the structure that follows from these replies, and the venue."""
    venue = Caller(in_turn(*replies))
    return venue.call(margin_level.fetch_cross_margin_level(exchange(uta=unified), params)), venue


@pytest.mark.parametrize(
    ("unified", "endpoint"), [(False, Endpoint.RISK_RATE), (True, Endpoint.UNIFIED_ASSETS)], ids=["classic", "unified"]
)
def test_a_level_is_read_by_one_request_without_markets(unified: bool, endpoint: Endpoint) -> None:
    data = {FIELDS[unified]: "0.4215", "usdtEquity": "1"}
    found, venue = level_of(unified, data)
    assert [(call.endpoint, call.params) for call in venue.calls] == [(endpoint, {})]
    assert venue.loads == []
    assert (found["marginLevel"], found["warningLevel"], found["liquidationLevel"]) == (0.4215, 0.8, 1)
    assert (found["marginMode"], found["info"]) == ("cross", data)
    assert found["timestamp"] == EPOCH_MS + int(venue.now_ms - START_MS)


@either
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_level_is_none_and_not_0(unified: bool, empty: object) -> None:
    assert level_of(unified, {FIELDS[unified]: empty})[0]["marginLevel"] is None


@either
@pytest.mark.parametrize("level", ["x", "NaN", "Infinity", "1e999999999", 0.5, True, [], {}, "-0.1", "-3"])
def test_a_level_that_is_none_is_refused(unified: bool, level: object) -> None:
    """One below zero, as of an account whose equity is gone, would look like the safest of all."""
    with pytest.raises(ccxt.BadResponse, match=rf"{FIELDS[unified]} is .*, which is no (number|level)"):
        level_of(unified, {FIELDS[unified]: level})


@either
@pytest.mark.parametrize("other", [None, {}, [], "x", {"orderId": "1"}])
def test_an_answer_to_something_else_is_asked_again(unified: bool, other: object) -> None:
    found, venue = level_of(unified, other, {FIELDS[unified]: "0.5"})
    assert (found["marginLevel"], len(venue.calls)) == (0.5, 2)
    with pytest.raises(ccxt.BaseError):
        level_of(unified, other, params=CROSS | {"timeout": 1_000})


def test_the_kind_of_an_unknown_account_is_learned() -> None:
    venue = Caller(in_turn(fault("40085", "unified account"), {"mgnRatio": "0.9"}))
    made = exchange(uta=None)
    found = venue.call(margin_level.fetch_cross_margin_level(made, CROSS))
    assert [call.endpoint for call in venue.calls] == [Endpoint.RISK_RATE, Endpoint.UNIFIED_ASSETS]
    assert (found["marginLevel"], made.options["uta"]) == (0.9, True)


def test_a_refusal_is_ccxt_s_exception() -> None:
    refusal = Fault(ccxt.PermissionDenied("bitget 40014"), "40014", "Incorrect permissions", 400)
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        level_of(False, refusal)


@pytest.mark.parametrize("params", [{"marginMode": "isolated"}, CROSS | {"symbol": "BTC/USDT"}, {"timeout": "x"}])
def test_bad_parameters_are_refused_before_anything_is_sent(params: Any) -> None:
    venue = Caller(lambda _: {"riskRateRatio": "0"})
    with pytest.raises(ccxt.BadRequest):
        venue.call(margin_level.fetch_cross_margin_level(exchange(), params))
    assert venue.calls == []


def test_a_limit_of_loans_is_that_of_a_coin_by_its_own_name() -> None:
    venue = Caller(lambda _: {"coin": "TONCOIN", "maxBorrowableAmount": "12.5"})
    assert venue.call(margin_level.fetch_max_borrowable(exchange(), "TON", CROSS)) == Decimal("12.5")
    assert [(call.endpoint, call.params) for call in venue.calls] == [(Endpoint.MAX_BORROWABLE, {"coin": "TONCOIN"})]
    venue = Caller(lambda _: {"coin": "BTC", "maxBorrowableAmount": ""})
    assert venue.call(margin_level.fetch_max_borrowable(exchange(), "BTC", CROSS)) is None


def test_a_unified_account_has_no_limit_by_coin() -> None:
    venue = Caller(lambda _: {})
    with pytest.raises(ccxt.NotSupported, match="a limit by order"):
        venue.call(margin_level.fetch_max_borrowable(exchange(uta=True), "BTC", CROSS))
    assert venue.calls == []

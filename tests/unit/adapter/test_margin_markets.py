"""Markets get the numbers of margin orders from the venue's list; a list that is down takes nothing away."""

import logging
from typing import Any

import pytest

from bitget_margin.adapter import margin_markets
from bitget_margin.adapter.margin_markets import NUMBERS, Loading, is_paused, with_margin_numbers
from bitget_margin.core.endpoints import AccountKind, Endpoint
from support.calling import Caller, exchange
from support.script import fault

SPOT: dict[str, Any] = {
    "id": "ETHUSDT",
    "symbol": "ETH/USDT",
    "spot": True,
    "margin": False,
    "marginModes": {"cross": False, "isolated": True},
    "precision": {"amount": 1e-6, "price": 0.01},
    "limits": {"amount": {"min": 0.0, "max": 0.0}, "cost": {"min": 1.0, "max": None}, "leverage": {}},
}
ROW: dict[str, Any] = {
    "symbol": "ETHUSDT",
    "quoteCoin": "USDT",
    "maxCrossedLeverage": "3",
    "minTradeAmount": "0.0001",
    "maxTradeAmount": "10000",
    "pricePrecision": "1",
    "quantityPrecision": "4",
    "minTradeUSDT": "5",
    "status": "1",
    "isCrossBorrowable": True,
}


def load(made: Any, respond: Any, *markets: dict[str, Any], **more: bool) -> tuple[Caller, list[Any]]:
    """Load markets with this response to the request for the list."""
    venue, current = Caller(lambda _: respond), Loading()
    venue.call(margin_markets.read(made, current, **more))
    return venue, margin_markets.add_numbers(made, list(markets or (SPOT,)), current)


def test_the_coarser_numbers_of_the_two_lists_hold_for_margin_orders() -> None:
    _, (market,) = load(exchange(), [ROW])
    assert (market["margin"], market["marginModes"]) == (True, {"cross": True, "isolated": True})
    assert {name: value for name, value in market[NUMBERS].items() if name != "info"} == {
        "active": True,
        "precision": {"amount": 0.0001, "price": 0.1, "cost": 0.1},
        "limits": {
            "amount": {"min": 0.0001, "max": 10000.0},
            "cost": {"min": 5.0, "max": None},
            "leverage": {"min": 1.0, "max": 3.0},
        },
    }
    assert (market["precision"], market["limits"]) == (SPOT["precision"], SPOT["limits"])
    _, (finer,) = load(exchange(), [{**ROW, "quantityPrecision": "8", "pricePrecision": "8", "minTradeUSDT": "0.5"}])
    assert finer[NUMBERS]["precision"] == {"amount": 1e-6, "price": 0.01, "cost": 0.01}
    assert finer[NUMBERS]["limits"]["cost"]["min"] == 1.0


def test_freqtrade_sees_these_numbers_alone() -> None:
    _, (market,) = load(exchange(), [ROW])
    seen = with_margin_numbers(market)
    assert seen["precision"] == {"amount": 0.0001, "price": 0.1, "cost": 0.1}
    assert seen["limits"]["amount"]["min"] == 0.0001
    assert with_margin_numbers(SPOT) is SPOT
    assert not is_paused(market)
    _, (paused,) = load(exchange(), [{**ROW, "status": "2"}])
    assert is_paused(paused)
    assert paused["marginModes"]["cross"] is True


@pytest.mark.parametrize("rows", [[{**ROW, "symbol": "BTCUSDT"}], [{**ROW, "maxCrossedLeverage": "0"}]])
def test_a_pair_without_cross_margin_is_marked_and_has_no_numbers(rows: list[Any]) -> None:
    _, (market,) = load(exchange(), rows)
    assert market["marginModes"]["cross"] is False
    assert market[NUMBERS] is None


def test_contracts_are_left_alone() -> None:
    contract = {**SPOT, "symbol": "ETH/USDT:USDT", "spot": False}
    _, markets = load(exchange(), [ROW], contract)
    assert markets == [contract]
    assert margin_markets.add_numbers(exchange(), [SPOT], Loading()) == [SPOT]


@pytest.mark.parametrize("broken", [fault(), [], None, [{}]], ids=["lost", "empty", "null", "nameless"])
def test_a_list_that_is_down_is_one_warning_and_nothing_is_known(
    broken: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "bitget_margin.markets"):
        _, (market,) = load(exchange(markets=False), broken)
    assert (market["margin"], market["marginModes"]) == (None, {"cross": None, "isolated": None})
    assert market[NUMBERS] is None
    assert len(caplog.records) == 1


def test_a_list_that_is_down_leaves_what_was_known() -> None:
    made = exchange()
    _, (known,) = load(made, [ROW])
    made.markets = {"ETH/USDT": known}
    _, (market,) = load(made, fault())
    assert {name: market[name] for name in ("margin", "marginModes", NUMBERS)} == {
        name: known[name] for name in ("margin", "marginModes", NUMBERS)
    }


@pytest.mark.parametrize(
    ("uta", "unified_markets", "endpoint"),
    [
        (True, False, Endpoint.UNIFIED_INSTRUMENTS),
        (False, True, Endpoint.MARGIN_PAIRS),
        (None, False, Endpoint.MARGIN_PAIRS),
        (None, True, Endpoint.UNIFIED_INSTRUMENTS),
    ],
)
def test_the_list_is_that_of_the_account_and_is_read_without_credentials(
    uta: bool | None, unified_markets: bool, endpoint: Endpoint
) -> None:
    venue, _ = load(exchange(uta=uta), [ROW], unified=unified_markets)
    assert [call.endpoint for call in venue.calls] == [endpoint]
    assert endpoint.is_public


def test_ccxt_is_given_the_classic_rows_and_never_a_failure() -> None:
    for uta, respond, rows in ((False, [ROW], [ROW]), (True, [ROW], []), (False, fault(), [])):
        current = Loading()
        Caller(lambda _, respond=respond: respond).call(margin_markets.read(exchange(uta=uta), current))
        assert margin_markets.list_for_ccxt(current) == {"code": "00000", "data": rows}
        assert current.kind is (AccountKind.UNIFIED if uta else AccountKind.CLASSIC)


def test_only_spot_markets_need_the_list_and_only_once() -> None:
    assert margin_markets.needs_list(Loading(), [{"spot": False}, {"spot": True}])
    assert not margin_markets.needs_list(Loading(), [{"spot": False}])
    assert not margin_markets.needs_list(Loading(kind=AccountKind.CLASSIC), [{"spot": True}])


def test_a_load_is_known_within_it_alone() -> None:
    assert margin_markets.current_load() is None
    with margin_markets.loading() as current:
        assert margin_markets.current_load() is current
    assert margin_markets.current_load() is None

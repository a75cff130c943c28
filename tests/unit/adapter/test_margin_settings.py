"""Leverage is that of the coins which a position borrows, and a margin mode is no setting."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import margin_settings
from bitget_margin.adapter.errors import ChangeUnresolved
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault

SET, SETTINGS = Endpoint.UNIFIED_LEVERAGE, Endpoint.UNIFIED_SETTINGS


def settings(**leverages: str) -> dict[str, Any]:
    """Return the settings of a unified account with these leverages by coin."""
    return {"uid": "1", "coinConfigList": [{"coin": coin, "leverage": value} for coin, value in leverages.items()]}


def test_leverage_of_a_classic_account_is_in_its_rates() -> None:
    """A long position borrows the quote coin, a short one the base coin."""

    def respond(call: Call) -> object:
        params: Any = call.params
        return [{"coin": params["coin"], "leverage": {"BTC": "3", "USDT": "5"}[params["coin"]]}]

    found = Caller(respond).call(margin_settings.fetch_leverage(exchange(), BTC, CROSS))
    assert (found["symbol"], found["marginMode"]) == (BTC, "cross")
    assert (found["longLeverage"], found["shortLeverage"]) == (5, 3)


@pytest.mark.parametrize("kind", [True, None], ids=["known", "unknown"])
def test_leverage_of_a_unified_account_is_in_its_settings(kind: Any) -> None:
    """That of a coin which they do not list is unknown."""

    def respond(call: Call) -> object:
        if call.endpoint is SETTINGS:
            return settings(USDT="4")
        return fault("40085") if call.endpoint is Endpoint.INTEREST_RATE else {"dailyInterest": "0.1"}

    found = Caller(respond).call(margin_settings.fetch_leverage(exchange(uta=kind), BTC, CROSS))
    assert (found["longLeverage"], found["shortLeverage"]) == (4, None)


def test_leverage_is_set_once_and_shown_by_the_settings() -> None:
    shown = [settings(USDT="3"), settings(USDT="5")]

    def respond(call: Call) -> object:
        return "success" if call.endpoint is SET else shown.pop(0)

    venue = Caller(respond)
    found = venue.call(margin_settings.set_leverage(exchange(uta=True), 5, CROSS | {"code": "USDT"}))
    first = venue.calls[0]
    assert (first.endpoint, first.params) == (SET, {"category": "MARGIN", "coin": "USDT", "leverage": "5"})
    assert (found["currency"], found["leverage"], len(venue.calls)) == ("USDT", 5, 3)


@pytest.mark.parametrize("reply", [fault(), fault("25000"), "success"])
def test_a_leverage_that_does_not_show_is_unresolved(reply: Any) -> None:
    venue = Caller(lambda call: reply if call.endpoint is SET else settings(USDT="3"))
    with pytest.raises(ChangeUnresolved, match="the change of the leverage of USDT may have been executed"):
        venue.call(margin_settings.set_leverage(exchange(uta=True), 5, CROSS | {"code": "USDT", "timeout": 3_000}))
    assert [call.endpoint for call in venue.calls].count(SET) == 1


@pytest.mark.parametrize(
    ("leverage", "params", "error"),
    [
        (5, {}, ccxt.ArgumentsRequired),
        (5, {"code": 7}, ccxt.BadRequest),
        (2.5, {"code": "USDT"}, ccxt.BadRequest),
        (0, {"code": "USDT"}, ccxt.BadRequest),
        (True, {"code": "USDT"}, ccxt.BadRequest),
        (5, {"code": "USDT", "coin": "USDT"}, ccxt.BadRequest),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(leverage: Any, params: Any, error: type[Exception]) -> None:
    venue = Caller(lambda _: {})
    with pytest.raises(error):
        venue.call(margin_settings.set_leverage(exchange(uta=True), leverage, CROSS | params))
    assert venue.calls == []


def test_a_classic_account_has_no_leverage_to_set() -> None:
    venue = Caller(lambda _: {})
    with pytest.raises(ccxt.NotSupported, match="no endpoint that sets the leverage of cross margin on a classic"):
        venue.call(margin_settings.set_leverage(exchange(), 5, CROSS | {"code": "USDT"}))
    assert venue.calls == []


def test_the_margin_mode_of_a_pair_is_cross_where_it_is_traded() -> None:
    made = exchange()
    found = Caller(lambda _: {}).call(margin_settings.fetch_margin_mode(made, BTC, CROSS))
    assert (found["symbol"], found["marginMode"]) == (BTC, "cross")
    with pytest.raises(ccxt.BadSymbol, match="XRP/USDT is not traded on cross margin"):
        Caller(lambda _: {}).call(margin_settings.fetch_margin_mode(made, "XRP/USDT", CROSS))


def test_a_margin_mode_of_spot_pairs_cannot_be_set() -> None:
    with pytest.raises(ccxt.NotSupported, match="is no setting of the account"):
        margin_settings.refuse_margin_mode(exchange(), BTC, CROSS)
    margin_settings.refuse_margin_mode(exchange(defaultMarginMode="cross"), "BTC/USDT:USDT", {})

"""What a unified account cannot do is refused before anything is sent; an account that is not known is not refused."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import account
from bitget_margin.adapter import place as place_flows
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault, in_turn

ISOLATED = {"marginMode": "isolated"}
CONTRACT = "BTC/USDT:USDT"
SETTINGS = Endpoint.UNIFIED_SETTINGS
DENIED = Fault(ccxt.PermissionDenied("bitget 40014"), "40014", "Incorrect permissions", 400)


def endpoints(venue: Caller) -> list[Endpoint]:
    return [call.endpoint for call in venue.calls]


def level(shown: str | None, *, fails: Fault | None = None) -> Any:
    """Return a venue of an account with this level, which takes every order."""

    def respond(call: Call) -> object:
        if call.endpoint is SETTINGS:
            return fails or {"uid": "1", "accountLevel": shown}
        return {"orderId": "77", "clientOid": call.params["clientOid"]}  # type: ignore[call-overload]

    return Caller(respond)


def place(venue: Caller, made: Any, side: str = "buy", **params: Any) -> Any:
    order = ("limit", side, 0.001, 50_000)
    return venue.call(place_flows.create_order(made, BTC, order, {**CROSS, **params}))


# -- levels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ["basic", "isolated"])
def test_an_order_is_refused_where_the_account_has_no_margin(shown: str) -> None:
    made, venue = exchange(uta=True, accountLevel=None), level(shown)
    with pytest.raises(ccxt.NotSupported, match=f"in {shown} mode.*switch it to advanced mode"):
        place(venue, made)
    assert endpoints(venue) == [SETTINGS]
    assert made.options["accountLevel"] == shown


@pytest.mark.parametrize("shown", ["advanced", "delta", None, "new"])
def test_the_level_is_asked_for_once_and_an_unknown_one_refuses_nothing(shown: str | None) -> None:
    made, venue = exchange(uta=True, accountLevel=None), level(shown)
    for _ in range(2):
        assert place(venue, made)["id"] == "77"
    assert endpoints(venue) == [SETTINGS, Endpoint.UNIFIED_PLACE, Endpoint.UNIFIED_PLACE]


def test_an_account_that_cannot_be_read_is_not_refused() -> None:
    made, venue = exchange(uta=True, accountLevel=None), level(None, fails=fault())
    for _ in range(2):
        assert place(venue, made)["id"] == "77"
    assert endpoints(venue).count(SETTINGS) == 1


def test_a_classic_account_has_no_level() -> None:
    made, venue = exchange(uta=False, accountLevel=None), level("basic")
    assert place(venue, made)["id"] == "77"
    assert endpoints(venue) == [Endpoint.PLACE]


@pytest.mark.parametrize(("side", "params"), [("sell", {}), ("buy", {"urgent": True})])
def test_what_may_be_an_exit_waits_for_no_question(side: str, params: dict[str, Any]) -> None:
    made, venue = exchange(uta=True, accountLevel=None), level("advanced")
    assert place(venue, made, side, **params)["id"] == "77"
    assert endpoints(venue) == [Endpoint.UNIFIED_PLACE]


def test_a_refused_order_of_an_unknown_account_is_explained_by_its_level() -> None:
    made, refused = exchange(uta=True, accountLevel=None), Fault(ccxt.ExchangeError("bitget 25240"), "25240", "no", 400)
    venue = Caller(lambda call: {"accountLevel": "basic"} if call.endpoint is SETTINGS else refused)
    with pytest.raises(ccxt.NotSupported, match="in basic mode"):
        place(venue, made, "sell")
    assert endpoints(venue) == [Endpoint.UNIFIED_PLACE, SETTINGS]
    made.options["accountLevel"] = "advanced"
    with pytest.raises(ccxt.ExchangeError, match="25240"):
        place(venue, made, "sell")
    assert endpoints(venue)[2:] == [Endpoint.UNIFIED_PLACE]


def test_an_account_that_was_switched_since_is_read_again_before_it_is_refused() -> None:
    made, venue = exchange(uta=True, accountLevel="basic"), level("advanced")
    assert place(venue, made, "sell")["id"] == "77"
    assert made.options["accountLevel"] == "advanced"


@pytest.mark.parametrize("urgent", [False, True])
def test_a_level_of_long_ago_refuses_no_urgent_order(urgent: bool) -> None:
    made, venue = exchange(uta=True, accountLevel="basic"), level(None, fails=fault())
    if urgent:
        assert place(venue, made, urgent=True)["id"] == "77"
    else:
        with pytest.raises(ccxt.NotSupported):
            place(venue, made)


# -- isolated ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", [BTC, None, "BTCUSDT"])
def test_isolated_margin_of_a_unified_account_is_refused_before_anything_is_sent(symbol: str | None) -> None:
    venue = Caller(lambda _: None)
    with pytest.raises(ccxt.NotSupported, match="no isolated spot margin: give 'cross'"):
        venue.call(account.refuse_isolated(exchange(uta=True), "createOrder", symbol, ISOLATED))
    with pytest.raises(ccxt.NotSupported, match="no isolated spot margin"):
        venue.call(account.refuse_isolated(exchange(uta=True, defaultMarginMode="isolated"), "createOrder", symbol, {}))
    assert venue.calls == []


@pytest.mark.parametrize(
    ("symbol", "params", "options"),
    [
        (BTC, ISOLATED, {"uta": False}),
        (BTC, {}, {"uta": True}),
        (BTC, {"marginMode": "cross"}, {"uta": True}),
        (CONTRACT, ISOLATED, {"uta": True}),
        (None, {**ISOLATED, "type": "swap"}, {"uta": True}),
        (None, ISOLATED, {"uta": True, "defaultType": "swap"}),
    ],
)
def test_other_calls_are_left_to_ccxt(symbol: str | None, params: Any, options: Any) -> None:
    venue = Caller(lambda _: None)
    assert venue.call(account.refuse_isolated(exchange(**options), "createOrder", symbol, params)) is None
    assert venue.calls == []


def test_each_order_of_a_list_has_a_margin_mode_of_its_own() -> None:
    orders = [{"symbol": CONTRACT, "params": ISOLATED}, {"symbol": BTC, "params": ISOLATED}]
    venue, made = Caller(lambda _: None), exchange(uta=True)
    assert venue.call(account.refuse_isolated_orders(made, "createOrders", orders[:1], {})) is None
    with pytest.raises(ccxt.NotSupported):
        venue.call(account.refuse_isolated_orders(made, "createOrders", orders, {}))


@pytest.mark.parametrize("unified", [True, False])
def test_an_unknown_kind_is_asked_for_once(unified: bool) -> None:
    made = exchange(uta=None, accountLevel=None)
    venue = Caller(lambda _: {"accountLevel": "delta"} if unified else fault("40084"))
    if unified:
        with pytest.raises(ccxt.NotSupported):
            venue.call(account.refuse_isolated(made, "createOrder", BTC, ISOLATED))
    else:
        venue.call(account.refuse_isolated(made, "createOrder", BTC, ISOLATED))
        venue.call(account.refuse_isolated(made, "createOrder", BTC, ISOLATED))
    assert endpoints(venue) == [SETTINGS]
    assert made.options["uta"] is unified
    assert made.options["accountLevel"] == ("delta" if unified else None)


# -- the kind of account ----------------------------------------------------------------------------------------------


def kind(say: Any, made: Any, params: Any = None, default: object = False) -> Any:
    """Ask for the kind of account."""
    venue = Caller(say)
    return venue, venue.call(account.query_account_kind(made, "fetchBalance", params or {}, default))


@pytest.mark.parametrize(
    ("message", "unified"), [({"uid": "1"}, True), (fault("40084"), False), (fault("40085"), True)]
)
def test_the_account_kind_is_queried_and_remembered(message: object, unified: bool) -> None:
    made = exchange(uta=None)
    venue, answer = kind(in_turn(message), made, {"a": 1})
    assert answer == [unified, {"a": 1}]
    assert made.options["uta"] is unified
    assert venue.calls[0] == Call(Endpoint.UNIFIED_SETTINGS, {})


def test_the_account_kind_is_not_queried_where_it_is_configured_or_cannot_be() -> None:
    assert kind(in_turn(DENIED), exchange(uta=True))[1] == [True, {}]
    assert kind(in_turn(DENIED), exchange(uta=None), {"uta": True, "b": 1})[1] == [True, {"b": 1}]
    of_the_method = exchange(uta=None, fetchBalance={"uta": True})
    assert kind(in_turn(DENIED), of_the_method)[1] == [True, {}]
    nobody = exchange(uta=None)
    nobody.apiKey = ""
    venue, answer = kind(in_turn(DENIED), nobody, None, "whatever")
    assert answer == ["whatever", {}]
    assert venue.calls == []


def test_a_failed_query_of_the_account_kind_is_raised() -> None:
    made = exchange(uta=None)
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        kind(in_turn(DENIED), made)
    assert made.options["uta"] is None
    with pytest.raises(ccxt.BadResponse, match=r"fetch_markets\(\): v3/account/settings answered"):
        Caller(in_turn([])).call(account.query_account_kind(made, None, {}, False))

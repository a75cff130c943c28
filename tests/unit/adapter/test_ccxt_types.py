"""The parts of ccxt that we rest on, and that it may change any day: each breaks here, by name, when it moves."""

import inspect
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
from ccxt.async_support.base.ws.cache import ArrayCache, ArrayCacheBySymbolById
from ccxt.async_support.base.ws.client import Client

import bitget_margin
from bitget_margin.adapter.exchange import CrossedMargin

FLAVOURS = [ccxt.bitget, ccxt.async_support.bitget, ccxt.pro.bitget]


def parameters(cls: type, method: str) -> list[str]:
    """Return the names of a method's parameters."""
    return [name for name in inspect.signature(getattr(cls, method)).parameters if name != "self"]


@pytest.mark.parametrize("cls", FLAVOURS)
def test_handle_errors_gets_the_parsed_answer_sixth(cls: type) -> None:
    """Our override ties that answer to the exception."""
    assert parameters(cls, "handle_errors")[:6] == ["code", "reason", "url", "method", "headers", "body"]
    assert parameters(cls, "handle_errors")[6:8] == ["response", "requestHeaders"]
    assert parameters(cls, "handle_http_status_code") == ["code", "reason", "url", "method", "body"]


@pytest.mark.parametrize("cls", FLAVOURS)
def test_request_takes_path_api_method_and_params_first(cls: type) -> None:
    """That is how the drivers call it."""
    assert parameters(cls, "request")[:4] == ["path", "api", "method", "params"]
    assert "config" in parameters(cls, "request")


@pytest.mark.parametrize("cls", FLAVOURS)
def test_sign_takes_path_api_method_and_params_first(cls: type) -> None:
    """Our override looks at the first two."""
    assert parameters(cls, "sign")[:4] == ["path", "api", "method", "params"]


@pytest.mark.parametrize("cls", FLAVOURS)
@pytest.mark.parametrize(
    "method",
    [
        "throttle",
        "log",
        "safe_order",
        "safe_market",
        "parse_orders",
        "check_required_credentials",
        "load_time_difference",
    ],
)
def test_ccxt_has_what_we_call(cls: type, method: str) -> None:
    """By these names."""
    assert callable(getattr(cls, method))


def test_nothing_is_overridden_that_ccxt_does_not_have() -> None:
    """A method of ccxt's that changes its name would leave our override without effect."""
    ours = {name for name, value in vars(CrossedMargin).items() if inspect.isfunction(value)}
    own = {"is_sandbox", "learn_account_kind", "learn_level", "refuse_sandbox", "venue_milliseconds"}
    assert {name for name in ours - own if not hasattr(ccxt.bitget, name)} == set()


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("watch_orders", ["symbol", "since", "limit", "params"]),
        ("watch_private", ["uta", "messageHash", "subscriptionHash", "args"]),
        ("watch_my_trades", ["symbol", "since", "limit", "params"]),
        ("watch_balance", ["params"]),
        ("handle_message", ["client", "message"]),
        ("handle_order", ["client", "message"]),
        ("handle_my_trades", ["client", "message"]),
        ("handle_balance", ["client", "message"]),
        ("safe_balance", ["balance"]),
        ("handle_error_message", ["client", "message"]),
        ("filter_by_symbol_since_limit", ["array", "symbol", "since", "limit", "tail"]),
    ],
)
def test_the_pro_class_has_what_watching_rests_on(method: str, names: list[str]) -> None:
    """The parts of its websocket code that ours calls or overrides."""
    assert parameters(ccxt.pro.bitget, method)[: len(names)] == names
    assert isinstance(ccxt.pro.bitget.newUpdates, bool)


def test_ccxt_s_websocket_client_and_cache_have_what_we_call() -> None:
    """Who waits is resolved by topic, and an error ends the connection and every wait."""
    assert parameters(Client, "on_error") == ["error"]
    assert parameters(Client, "resolve") == ["result", "message_hash"]
    cache = ArrayCacheBySymbolById(1000)
    for filled in (0, 1):
        cache.append({"symbol": "BTC/USDT", "id": "1", "filled": filled})
    assert cache.getLimit("BTC/USDT", None) == cache.getLimit(None, None) == 1
    assert list(cache) == [{"symbol": "BTC/USDT", "id": "1", "filled": 1}]
    assert cache.hashmap["BTC/USDT"]["1"]["filled"] == 1
    trades = ArrayCache(1000)
    trades.append({"symbol": "BTC/USDT", "id": "1"})
    assert trades.getLimit("BTC/USDT", None) == trades.getLimit(None, None) == 1


def test_ccxt_s_websocket_client_reads_texts_by_one_method_and_shows_its_error_and_subscriptions() -> None:
    """Ours ends the connection where that method raises; ccxt's would read no further message."""
    assert parameters(Client, "handle_text_or_binary_message") == ["data"]
    assert "self.handle_text_or_binary_message(" in inspect.getsource(Client.handle_message)
    assert Client.error is None
    assert isinstance(Client.subscriptions, dict)
    assert "self.error = error" in inspect.getsource(Client.on_error)


def test_ccxt_forgets_a_connection_that_has_ended() -> None:
    """So ours knows that a later call would listen to another one."""
    for method in ("on_error", "on_close"):
        assert "del self.clients[client.url]" in inspect.getsource(getattr(ccxt.pro.bitget, method))


@pytest.mark.parametrize(
    ("method", "texts"),
    [
        ("watch_orders", ["subscriptionHash = 'order:trades'"]),
        ("watch_my_trades", ["'fill:' + instType"]),
        ("watch_balance", ["messageHash = 'balance:' + instType"]),
        ("handle_message", ["self.handle_order", "self.handle_my_trades", "self.handle_balance"]),
        ("handle_message", ["self.handle_subscription_status(client, message)"]),
        ("authenticate", ["messageHash = 'authenticated'", "client.subscriptions, messageHash"]),
        ("handle_authenticate", ["client.futures, messageHash"]),
        ("watch_private", ["['utaPrivate']", "['private']", "self.watch(url, messageHash, message, subscriptionHash)"]),
    ],
)
def test_ccxt_s_own_subscriptions_have_the_keys_that_we_look_for(method: str, texts: list[str]) -> None:
    """And its messages reach the methods that we override."""
    source = inspect.getsource(getattr(ccxt.pro.bitget, method))
    assert [text for text in texts if text not in source] == []


@pytest.mark.parametrize("cls", FLAVOURS)
def test_ccxt_sends_by_its_session_alone_and_nothing_else_does(cls: type) -> None:
    """Our `fetch` hands it another `session` for signed requests; of a SOCKS proxy, there is another one."""
    assert parameters(cls, "fetch") == ["url", "method", "headers", "body"]
    assert cls.session is None  # type: ignore[attr-defined]  # a plain attribute, which ours stands before
    source = inspect.getsource(cls.fetch)  # type: ignore[attr-defined]
    if cls is ccxt.bitget:
        assert source.count("self.session.request(") == source.count(".request(") == 1
    else:
        assert "final_session = proxy_session if proxy_session is not None else self.session" in source
        assert source.count("session_method = getattr(final_session, method.lower())") == 1
        assert "proxy_session = self.get_socks_proxy_session(" in source


def test_ccxt_s_websocket_client_connects_by_one_method_of_the_session() -> None:
    """Ours hands it a session whose handshakes follow no redirect."""
    assert parameters(ccxt.pro.bitget, "client") == ["url"]
    assert parameters(Client, "create_connection") == ["session"]
    assert "session.ws_connect(" in inspect.getsource(Client.create_connection)


def test_aiohttp_makes_the_handshake_by_a_request_and_repeats_no_post() -> None:
    """A handshake is a request of the session's own; what has an effect is not sent twice."""
    assert "self._ws_connect(" in inspect.getsource(aiohttp.ClientSession.ws_connect)
    assert "await self.request(" in inspect.getsource(aiohttp.ClientSession._ws_connect)
    assert "POST" not in aiohttp.client.IDEMPOTENT_METHODS


def test_retries_of_ccxt_are_switched_off_by_a_parameter_that_is_not_sent() -> None:
    """Ccxt takes `maxRetriesOnFailure` out of the parameters before it signs them."""
    exchange = bitget_margin.bitget({"apiKey": "k", "secret": "s", "password": "p", "enableRateLimit": False})
    exchange.options["maxRetriesOnFailure"] = 5
    tries: list[Any] = []

    def fetch(url: str, method: str, headers: Any, body: str) -> None:
        tries.append(body)
        raise ccxt.RequestTimeout

    exchange.fetch = fetch
    with pytest.raises(ccxt.RequestTimeout):
        exchange.request(
            "v2/margin/crossed/cancel-order", ["private", "margin"], "POST", {"a": "1", "maxRetriesOnFailure": 0}
        )
    assert tries == ['{"a":"1"}']

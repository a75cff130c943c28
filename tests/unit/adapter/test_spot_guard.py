"""No call with a cross margin mode reaches the spot account, whatever ccxt's methods do with the mode."""

import asyncio
import contextlib
import inspect
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.settings import Pacing
from support import calling
from support.wire import market

NOT_UNIFIED = re.compile(r"^(parse|handle|safe|sign|request|filter|sort|load|set_markets|fetch_paginated|omit|prepare)")
"""Names of helpers of ccxt, which are no methods of the unified API."""
WALLETS = re.compile(r"v2/spot/(wallet/|public/|market/|account/(info|transferRecords))")
"""Paths below `spot` of deposits, transfers, the owner, and public data."""
QUICK = Pacing(recancel_ms=1, refusals_ms=1, recheck_ms=1, limited_ms=1, polls_ms=(1,))
NOW_MS = 1_800_000_000_000
VALUES: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "symbols": ["BTC/USDT"],
    "code": "USDT",
    "codes": ["USDT"],
    "id": "1",
    "ids": ["1", "2"],
    "clientOrderId": "c1",
    "clientOrderIds": ["c1"],
    "client_order_ids": ["c1"],
    "type": "limit",
    "side": "buy",
    "amount": 0.001,
    "cost": 50.0,
    "price": 50_000,
    "since": NOW_MS - 86_400_000,
    "limit": 10,
    "timeframe": "1h",
    "leverage": 2,
    "marginMode": "cross",
    "fromAccount": "spot",
    "toAccount": "cross",
    "fromCode": "USDT",
    "toCode": "BTC",
    "address": "0x1",
    "timeout": 100,
    "hedged": False,
    "triggerPrice": 40_000,
    "stopLossPrice": 40_000,
    "takeProfitPrice": 60_000,
    "takeProfit": 60_000,
    "stopLoss": 40_000,
    "trailingAmount": 1,
    "trailingPercent": 1,
    "orders": [{"id": "1", "symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": 1, "price": 1}],
}
LISTS = ("list", "orderList", "fills", "resultList", "successList", "failureList", "assets")
EMPTY: dict[str, Any] = {name: [] for name in LISTS}
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cross": ({"marginMode": "cross"}, {}),
    "crossed": ({"marginMode": "crossed"}, {}),
    "default of a call": ({"defaultMarginMode": "cross"}, {}),
    "option": ({}, {"defaultMarginMode": "cross"}),
    "option crossed": ({}, {"marginMode": "crossed"}),
    "paginated": ({"marginMode": "cross", "paginate": True}, {}),
    "paginated by option": ({"paginate": True}, {"defaultMarginMode": "crossed"}),
    "conditional": ({"marginMode": "cross", "trigger": True, "triggerPrice": 40_000}, {}),
}
"""Ways to ask for cross margin: parameters of the call, and options."""


def made(*, uta: bool = False, **options: Any) -> tuple[Any, list[str]]:
    """Return an exchange whose requests are recorded and answered with nothing, and the paths of its requests."""
    sent: list[str] = []
    exchange = calling.exchange(uta=uta, batchCancel={"timeout": 30, "pacing": QUICK}, **options)

    def fetch(url: str, _method: str = "GET", _headers: Any = None, body: Any = None) -> Any:
        path = url.partition("/api/")[2]
        sent.append(path + (f" {body}" if body else ""))
        listed = path.startswith("v2/margin/crossed/account/assets")
        return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": [] if listed else EMPTY}

    exchange.fetch = fetch
    return exchange, sent


def methods(cls: Any = bitget_margin.bitget) -> Iterator[tuple[str, list[str]]]:
    """Yield the unified methods that take `params`, and their further arguments."""
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        names = list(inspect.signature(method).parameters)
        snake = name == name.lower() and not name.startswith("_")
        is_implicit = name.startswith(("private_", "public_", "v2_"))
        if snake and not is_implicit and "params" in names and not NOT_UNIFIED.match(name):
            yield name, [each for each in names if each not in {"self", "params"}]


def spot(sent: list[str]) -> list[str]:
    """Return the requests to the spot account."""
    v2 = [each for each in sent if each.startswith("v2/spot/") and not WALLETS.match(each)]
    category = re.compile(r"""category["']?[=:] ?["']?SPOT\b""", re.IGNORECASE)
    return v2 + [each for each in sent if each.startswith(("v3/trade/", "v3/account/fin")) and category.search(each)]


def arguments(names: list[str], *, without_symbol: bool) -> list[Any]:
    missing = {"symbol", "symbols", "since"} if without_symbol else set()
    return [None if name in missing else VALUES.get(name) for name in names]


def reached(name: str, names: list[str], ways: Iterable[str], *, uta: bool, without_symbol: bool = False) -> list[str]:
    """Call a method in these ways, and return the requests to the spot account, with the way."""
    found = []
    for way in ways:
        params, options = WAYS[way]
        exchange, sent = made(uta=uta, **options)
        try:
            getattr(exchange, name)(*arguments(names, without_symbol=without_symbol), params=dict(params))
        except ccxt.BaseError:
            pass
        except Exception:  # noqa: BLE001, S110 - an empty answer breaks some of ccxt's parsers
            pass
        found += [f"{name}, {way}, without symbol: {without_symbol}: {each}" for each in spot(sent)]
    return found


CALLABLE = dict(methods())


def test_the_methods_of_the_unified_api_are_found() -> None:
    assert len(CALLABLE) > 120
    assert set(CALLABLE) > {"fetch_ledger", "create_order", "fetch_my_trades", "transfer", "create_uta_orders"}


@pytest.mark.parametrize("uta", [False, True])
def test_no_cross_margin_call_reaches_the_spot_account(uta: bool) -> None:
    """Every unified method, by parameter and by option."""
    ways = ("paginated", "option crossed")
    assert [found for name, names in CALLABLE.items() for found in reached(name, names, ways, uta=uta)] == []


@pytest.mark.slow
@pytest.mark.parametrize("without_symbol", [False, True])
@pytest.mark.parametrize("uta", [False, True])
def test_no_cross_margin_call_reaches_the_spot_account_in_any_way(uta: bool, without_symbol: bool) -> None:
    """Every unified method, in every way of giving the margin mode, with and without a symbol."""
    bounds = {"uta": uta, "without_symbol": without_symbol}
    assert [found for name, names in CALLABLE.items() for found in reached(name, names, WAYS, **bounds)] == []


class Careless(bitget_margin.bitget):
    """A later ccxt with methods that drop the margin mode."""

    def fetch_bills_of_tomorrow(self, code: str, params: dict[str, Any] = {}) -> Any:  # noqa: B006 - ccxt's form
        """Read the bills of the spot account, whatever the margin mode is."""
        return self.privateSpotGetV2SpotAccountBills({"coin": code})  # type: ignore[attr-defined]

    def fetch_fills_of_tomorrow(self, params: dict[str, Any] = {}) -> Any:  # noqa: B006
        """Read the fills of category SPOT, by way of another method."""
        return self.fetch_fills_by_category({"category": "spot"})

    def fetch_fills_by_category(self, params: dict[str, Any] = {}) -> Any:  # noqa: B006
        """Read fills."""
        return self.privateUtaGetV3TradeFills(params)  # type: ignore[attr-defined]


class CarelessAsync(bitget_margin.async_support.bitget):
    """The same as coroutines."""

    async def fetch_bills_of_tomorrow(self, code: str, params: dict[str, Any] = {}) -> Any:  # noqa: B006
        """Read the bills of the spot account, whatever the margin mode is."""
        await asyncio.sleep(0)
        return await self.privateSpotGetV2SpotAccountBills({"coin": code})  # type: ignore[attr-defined]


class CarelessPro(bitget_margin.pro.bitget):
    """A later ccxt that watches the spot account, whatever the margin mode is."""

    async def watch_fills_of_tomorrow(self, params: dict[str, Any] = {}) -> Any:  # noqa: B006 - ccxt's form
        """Subscribe to the fills of the spot account."""
        return await self.watch_private(False, "fill:spot", "fill:spot", {"instType": "SPOT", "channel": "fill"}, {})


async def subscribed(exchange: Any, name: str, args: list[Any], params: dict[str, Any]) -> list[Any]:
    """Call a method that watches, and return the arguments of its private subscriptions."""
    found: list[Any] = []

    async def watch(url: str, _hash: Any, message: Any = None, *_: Any) -> Any:
        if "private" in url:
            found.extend((message or {}).get("args", ()))
        raise ccxt.NetworkError("no connection")

    async def authenticate(*_: Any) -> None:
        await asyncio.sleep(0)

    exchange.watch = exchange.watch_multiple = watch
    exchange.authenticate = authenticate
    with contextlib.suppress(ccxt.BaseError, TypeError, AttributeError, KeyError, TimeoutError):
        await asyncio.wait_for(getattr(exchange, name)(*args, params=params), 0.05)
    return found


@pytest.mark.parametrize("uta", [False, True])
async def test_no_cross_margin_call_watches_the_spot_account(uta: bool) -> None:
    of_pro = dict(methods(bitget_margin.pro.bitget))
    watching = {name: names for name, names in of_pro.items() if name.startswith("watch_") and "args" not in names}
    assert set(watching) > {"watch_orders", "watch_my_trades", "watch_balance", "watch_positions"}
    exchange = CarelessPro({"apiKey": "key", "secret": "secret", "password": "phrase"})
    exchange.has_warned_of_spot = True
    exchange.learn_account_kind(AccountKind.UNIFIED if uta else AccountKind.CLASSIC)
    exchange.set_markets([market("BTCUSDT", "BTC")])
    seen = []
    for params, options in WAYS.values():
        exchange.options.update(options)
        for name, names in watching.items():
            args = arguments(names, without_symbol=False)
            seen += [(name, arg) for arg in await subscribed(exchange, name, args, dict(params))]
        seen += [("own", arg) for arg in await subscribed(exchange, "watch_fills_of_tomorrow", [], dict(params))]
        for option in options:
            exchange.options.pop(option)
    assert [each for each in seen if each[1].get("instType") == "SPOT"] == []
    assert {name for name, _ in seen} >= {"watch_orders", "watch_balance"}
    spot_arg = {"instType": "SPOT", "channel": "fill"}
    assert await subscribed(exchange, "watch_fills_of_tomorrow", [], {}) == [spot_arg]
    with pytest.raises(ccxt.NotSupported, match=r"watch_fills_of_tomorrow\(\): ccxt subscribes to the spot account"):
        await exchange.watch_fills_of_tomorrow({"marginMode": "cross"})
    await exchange.close()


def careless(cls: Any, **options: Any) -> tuple[Any, list[str]]:
    """Return an exchange of a class with such methods, and its requests."""
    exchange, sent = made(**options)
    exchange.__class__ = cls
    return exchange, sent


@pytest.mark.parametrize(("params", "options"), WAYS.values(), ids=WAYS)
def test_a_method_that_drops_the_margin_mode_is_stopped_at_its_request(params: Any, options: Any) -> None:
    exchange, sent = careless(Careless, **options)
    with pytest.raises(ccxt.NotSupported, match=r"fetch_bills_of_tomorrow\(\): ccxt sends this to the spot account"):
        exchange.fetch_bills_of_tomorrow("USDT", params)
    with pytest.raises(ccxt.NotSupported, match=r"fetch_fills_of_tomorrow\(\): .*\(v3/trade/fills\)"):
        exchange.fetch_fills_of_tomorrow(params=params)
    assert sent == []


@pytest.mark.parametrize("params", [{}, {"marginMode": "isolated"}])
def test_without_cross_margin_nothing_is_stopped(params: Any) -> None:
    exchange, sent = careless(Careless, defaultMarginMode=None)
    exchange.fetch_bills_of_tomorrow("USDT", params)
    exchange.fetch_fills_of_tomorrow(params)
    assert sent == ["v2/spot/account/bills?coin=USDT", "v3/trade/fills?category=spot"]
    with pytest.raises(ccxt.NotSupported):
        exchange.fetch_bills_of_tomorrow("USDT", {"marginMode": "cross"})
    exchange.fetch_bills_of_tomorrow("USDT", params)
    assert len(sent) == 3, "the mark of a call ends with it"


CALLS: dict[str, tuple[Any, ...]] = {
    "cancel_orders": (["1"], "BTC/USDT"),
    "cancel_order": ("1", "BTC/USDT"),
    "cancel_all_orders": ("BTC/USDT",),
    "create_order": ("BTC/USDT", "limit", "buy", 0.001, 50_000),
    "create_limit_buy_order": ("BTC/USDT", 0.001, 50_000),
    "fetch_order": ("1", "BTC/USDT"),
    "fetch_open_orders": ("BTC/USDT",),
    "fetch_my_trades": ("BTC/USDT",),
    "fetch_balance": (),
}
OF_ANY_CATEGORY = ("cancel_order", "fetch_order", "fetch_my_trades", "fetch_balance")
"""Calls that are of the whole account on a unified one."""


def warned(exchange: Any, name: str, *args: Any, **named: Any) -> list[warnings.WarningMessage]:
    """Call a method, and return the warnings of calls that go to the spot account."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        # The stub answers all of them alike, which some cannot read.
        with contextlib.suppress(ccxt.BaseError, TypeError, AttributeError, LookupError):
            getattr(exchange, name)(*args, **named)
    return [each for each in seen if each.category is bitget_margin.SpotWalletWarning]


@pytest.mark.parametrize("uta", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_without_a_margin_mode_warns_where_it_goes_to_the_spot_account(name: str, uta: bool) -> None:
    """Once per exchange object, before the request, of the line that calls; not where a request has no category."""
    exchange, sent = made(uta=uta)
    shown = [warning for _ in range(3) for warning in warned(exchange, name, *CALLS[name])]
    if uta and name in OF_ANY_CATEGORY:
        assert (shown, spot(sent)) == ([], [])
        return
    (warning,) = shown
    assert warning.filename == __file__
    assert str(warning.message).startswith(f"bitget {name}(): without a margin mode this goes to the spot account")
    assert "set options['defaultMarginMode'] to 'cross', or to None" in str(warning.message)
    assert spot(sent)
    exchange, sent = made(uta=uta)
    with pytest.raises(bitget_margin.SpotWalletWarning):
        getattr(exchange, name)(*CALLS[name])
    assert spot(sent) == []


def test_who_has_chosen_is_not_warned() -> None:
    """By the option, even None for the spot account; by a parameter; by a contract; by the venue's own path."""
    for mode in (None, "cross", "isolated"):
        for name, args in CALLS.items():
            exchange, sent = made(defaultMarginMode=mode)
            assert warned(exchange, name, *args) == []
            assert spot(sent) if mode is None else mode == "isolated" or not spot(sent)
    exchange, sent = made()
    for mode in ("cross", "isolated"):
        assert warned(exchange, "cancel_orders", ["1"], "BTC/USDT", {"marginMode": mode}) == []
    assert warned(exchange, "fetch_positions", params={"productType": "USDT-FUTURES"}) == []
    assert warned(exchange, "fetch_deposits", "USDT") == []
    assert warned(exchange, "batch_cancel", ["1"], "BTC/USDT") == []
    exchange.privateSpotGetV2SpotAccountAssets()
    assert exchange.has_warned_of_spot is False


async def test_the_async_classes_warn_alike() -> None:
    for cls in (bitget_margin.async_support.bitget, bitget_margin.pro.bitget):
        for silent in (False, True):
            exchange = cls({"apiKey": "key", "secret": "secret", "password": "phrase"})
            exchange.options.update({"uta": False, **({"defaultMarginMode": None} if silent else {})})
            exchange.set_markets([market("BTCUSDT", "BTC")])

            async def fetch(*_: Any) -> Any:
                return {"code": "00000", "data": []}

            exchange.fetch = fetch
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                for _ in range(2):
                    await exchange.fetch_open_orders("BTC/USDT")
            shown = [(each.category, each.filename) for each in seen]
            assert shown == ([] if silent else [(bitget_margin.SpotWalletWarning, __file__)])
            await exchange.close()


async def test_watching_without_a_margin_mode_warns() -> None:
    exchange = bitget_margin.pro.bitget({"apiKey": "key", "secret": "secret", "password": "phrase"})
    exchange.options["uta"] = False
    exchange.set_markets([market("BTCUSDT", "BTC")])
    with pytest.warns(bitget_margin.SpotWalletWarning, match=r"bitget watch_orders\(\): without a margin mode"):
        await subscribed(exchange, "watch_orders", ["BTC/USDT"], {})
    await exchange.close()


def test_a_coroutine_is_stopped_too_and_another_task_is_not() -> None:
    async def both() -> list[Any]:
        exchange = CarelessAsync({"apiKey": "key", "secret": "secret", "password": "phrase"})
        exchange.options.update(uta=False, defaultMarginMode=None)

        async def fetch(*_: Any) -> Any:
            return {"code": "00000", "data": []}

        exchange.fetch = fetch  # type: ignore[method-assign]
        calls = [exchange.fetch_bills_of_tomorrow("USDT", params) for params in ({"marginMode": "cross"}, {})]
        found = await asyncio.gather(*calls, return_exceptions=True)
        await exchange.close()
        return found

    stopped, passed = asyncio.run(both())
    assert isinstance(stopped, ccxt.NotSupported)
    assert passed == {"code": "00000", "data": []}


def test_transfers_and_the_implicit_calls_are_left_alone() -> None:
    exchange, sent = made(defaultMarginMode="cross")
    exchange.privateSpotGetV2SpotAccountBills({"coin": "USDT"})
    with contextlib.suppress(ccxt.BaseError, TypeError, AttributeError):
        exchange.transfer("USDT", 1, "spot", "cross")
    assert [each.split("?")[0].split()[0] for each in sent] == ["v2/spot/account/bills", "v2/spot/wallet/transfer"]


def test_the_wrapped_methods_keep_name_documentation_and_signature() -> None:
    method = bitget_margin.bitget.fetch_orders
    assert method.__name__ == "fetch_orders"
    assert method.__doc__ is not None
    assert method.__doc__.startswith("Fetch cross margin orders")
    assert list(inspect.signature(method).parameters) == ["self", "symbol", "since", "limit", "params"]
    assert inspect.iscoroutinefunction(bitget_margin.async_support.bitget.fetch_orders)

"""`bitgetcross` stands between freqtrade and the managers: nothing of ours keeps an exit back or invents an end."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.enums import TradingMode
from freqtrade.wallets import Wallet

from bitget_margin.adapter import round_trips
from bitget_margin.adapter.params import LOOKS_ON
from bitget_margin.freqtrade import exchange as exchange_module
from bitget_margin.freqtrade import runtime
from bitget_margin.freqtrade.budget import SLOW_MS
from bitget_margin.freqtrade.compat import (
    BitgetExchange,
    InsufficientFundsError,
    OperationalException,
    TemporaryError,
    Trade,
)
from bitget_margin.freqtrade.config import parse_config
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode
from bitget_margin.freqtrade.dry_run_client import BestPrices
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import PAIR, Records, live, own

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARKETS = {PAIR: {"id": "BTCUSDT", "base": "BTC", "quote": "USDT"}}
Calls = list[tuple[Any, ...]]


class Api(SimpleNamespace):
    """A ccxt object, which can be a key as real ones can."""

    __hash__ = object.__hash__


@pytest.fixture
def calls() -> Calls:
    """Return the calls of freqtrade's own methods and of the managers."""
    return []


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> Callable[..., Any]:
    """Return a maker of exchanges whose freqtrade and managers are recorders."""
    for name in (
        "create_order",
        "fetch_order",
        "fetch_orders",
        "cancel_order_with_result",
        "get_balances",
        "validate_config",
        "get_trades_for_order",
    ):
        monkeypatch.setattr(
            BitgetExchange, name, lambda _self, *args, name=name, **kw: calls.append((name, *args, kw)) or {"id": "7"}
        )
    monkeypatch.setattr(Trade, "rollback", lambda: calls.append(("rollback",)))

    def made(*, runmode: str = "live", **api: Any) -> Any:
        exchange: Any = Bitgetcross.__new__(Bitgetcross)
        exchange._config = {"runmode": runmode, "dry_run": runmode != "live"}
        exchange._settings = parse_config({"bitget_margin": {"wait_ms": 2_000}})
        exchange._build_managers(is_live=runmode == "live")
        exchange.is_database_checked = True
        exchange.store = Records()
        exchange.alerts = exchange.exits = exchange.maintenance = None
        exchange.managers.recovery = exchange.managers.unproven = None
        exchange._api = Api(options={"uta": False}, **api)
        exchange._markets = MARKETS
        return exchange

    return made


def recorder(calls: Calls, **answers: Any) -> Any:
    """Return an object whose methods are recorded; they return their answer, or raise it."""

    def method(name: str, answer: Any) -> Callable[..., Any]:
        def call(*args: Any, **kw: Any) -> Any:
            calls.append((name, *args, *([kw] if kw else [])))
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    return SimpleNamespace(**{name: method(name, answer) for name, answer in answers.items()})


def raising(error: Exception) -> Callable[..., Any]:
    def method(*_: Any) -> None:
        raise error

    return method


def raising_for(error: Exception) -> Callable[..., Any]:
    def method(*_: Any, **__: Any) -> None:
        raise error

    return method


# -- an exit ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runmode", ["live", "dry_run", "backtest"])
def test_the_first_call_of_an_exit_records_fills(build: Any, calls: Calls, runmode: str) -> None:
    exchange = build(runmode=runmode)
    exchange.exits, exchange.unproven = recorder(calls, begin=None), recorder(calls, begin_exit=None)
    assert exchange.get_funding_fees(PAIR, 1.0, is_short=False, open_date=NOW) == 0.0
    assert calls == ([] if runmode == "backtest" else [("begin_exit", PAIR), ("begin", PAIR)])


def test_an_exit_goes_on_whatever_the_first_point_raises(
    build: Any, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = build()
    exchange.exits, exchange.unproven = recorder(calls, begin=ZeroDivisionError()), recorder([], begin_exit=None)
    assert exchange.get_funding_fees(PAIR) == 0.0
    assert calls == [("begin", PAIR), ("rollback",)]
    assert f"Exit on {PAIR}: the fills of the resting orders could not be recorded; the exit goes on" in caplog.text


def test_an_exit_that_may_have_been_sent_before_the_start_is_not_sent_again(build: Any, calls: Calls) -> None:
    exchange = build()
    exchange.exits = recorder(calls, begin=TemporaryError("an earlier run"))
    with pytest.raises(TemporaryError, match="an earlier run"):
        exchange.get_funding_fees(PAIR)


@pytest.mark.parametrize(("side", "sent"), [("sell", 0.6), ("buy", 1.0)])
def test_an_order_is_stored_then_sent_under_its_name_and_then_noted(
    build: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, side: str, sent: float
) -> None:
    exchange = build()
    intent = own("k-o1")
    exchange.exits = recorder(calls, place=ExitOrder(0.6, "market"))
    exchange.managers.recovery = recorder(calls, intend=intent, placed=None)
    monkeypatch.setattr(BitgetExchange, "_get_params", lambda *_, **__: {"marginMode": "cross"})
    sent_with: list[dict[str, Any]] = []

    def create_order(self: Any, **order: Any) -> dict[str, Any]:
        calls.append(("create", order["amount"], order["ordertype"]))
        sent_with.append(self._get_params())
        return {"id": "77"}

    monkeypatch.setattr(BitgetExchange, "create_order", create_order)
    assert exchange.create_order(pair=PAIR, side=side, amount=1.0, rate=5.0, ordertype="limit") == {"id": "77"}
    assert calls == [
        *([("place", PAIR, 1.0, "limit", 5.0)] if side == "sell" else []),
        ("intend", PAIR, side, sent, 5.0),
        ("create", sent, "market" if side == "sell" else "limit"),
        ("placed", intent, "77"),
    ]
    urgent = {"urgent": True} if side == "sell" else {}
    assert sent_with == [{"marginMode": "cross", "clientOrderId": "k-o1", LOOKS_ON: True, **urgent}]
    assert exchange._get_params() == {"marginMode": "cross"}, "the name is of this order alone"


@pytest.mark.parametrize("error", [TemporaryError("x"), KeyboardInterrupt()])
def test_an_order_that_could_not_be_placed_is_noted(
    build: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    exchange = build()
    exchange.managers.recovery = recorder(calls, intend=own(), failed=None)

    def create_order(_self: Any, **_: Any) -> None:
        raise error

    monkeypatch.setattr(BitgetExchange, "create_order", create_order)
    monkeypatch.setattr(BitgetExchange, "_get_params", lambda *_, **__: {})
    with pytest.raises(type(error)):
        exchange.create_order(pair=PAIR, side="buy", amount=1.0, rate=5.0)
    assert calls[1:] == [("failed", own(), error)]
    assert exchange._get_params() == {}


@pytest.mark.parametrize(
    ("side", "error", "noted"),
    [
        ("sell", InsufficientFundsError("43012"), True),
        ("buy", InsufficientFundsError("43012"), False),
        ("sell", TemporaryError("x"), False),
    ],
)
def test_an_exit_that_is_refused_for_want_of_coins_is_noted(
    build: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, side: str, error: Exception, noted: bool
) -> None:
    exchange = build()
    exchange.exits = recorder(calls, place=ExitOrder(1.0, "limit"), refused=None)
    exchange.managers.recovery = recorder(calls, intend=own(), failed=None)
    monkeypatch.setattr(BitgetExchange, "create_order", raising_for(error))
    with pytest.raises(type(error)):
        exchange.create_order(pair=PAIR, side=side, amount=1.0, rate=5.0, ordertype="limit")
    assert (("refused", PAIR) in calls) is noted


def test_a_refusal_of_ours_is_freqtrade_s_and_any_other_error_becomes_one(
    build: Any, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = build()
    order = {"pair": PAIR, "side": "buy", "amount": 1.0, "rate": 5.0}
    exchange.managers.recovery = recorder(calls, intend=TemporaryError("in doubt"))
    with pytest.raises(TemporaryError, match=r"^in doubt$"):
        exchange.create_order(**order)
    exchange.managers.recovery = recorder(calls, intend=KeyError("x"))
    with pytest.raises(TemporaryError, match=rf"The buy on {PAIR} could not be prepared: KeyError\('x'\); not placed"):
        exchange.create_order(**order)
    assert [call[0] for call in calls] == ["intend", "intend", "rollback"], "nothing is sent"
    assert f"The buy on {PAIR} could not be prepared" in caplog.text


def test_a_market_buy_needs_a_price_since_it_is_sent_as_its_cost(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BitgetExchange, "_order_needs_price", lambda _self, _side, ordertype: ordertype == "limit")
    exchange = build()
    asked = [(side, kind) for side in ("buy", "sell") for kind in ("market", "limit")]
    assert [exchange._order_needs_price(*case) for case in asked] == [True, True, False, True]


# -- orders that freqtrade queries ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("fetch_order", ("7", PAIR)),
        ("cancel_order_with_result", ("7", PAIR, 1.0)),
        ("fetch_orders", (PAIR, NOW)),
        ("get_balances", ()),
    ],
)
def test_in_a_backtest_everything_is_freqtrade_s(build: Any, calls: Calls, method: str, args: Any) -> None:
    exchange = build(runmode="backtest")
    assert getattr(exchange, method)(*args) == {"id": "7"}
    assert exchange.create_order(pair=PAIR, side="sell", amount=1.0, rate=2.0) == {"id": "7"}
    assert calls[0][0] == method
    assert [call for call in calls[0][1:-1] if call is not None] == list(args)
    assert calls[1] == ("create_order", {"pair": PAIR, "side": "sell", "amount": 1.0, "rate": 2.0})


def test_an_order_of_a_dry_run_is_freqtrade_s_and_sells_no_more_than_the_trade_has(build: Any, calls: Calls) -> None:
    exchange = build(runmode="dry_run")
    exchange.exits = recorder(calls, place=ExitOrder(0.6, "market"))
    order = {"pair": PAIR, "amount": 1.0, "rate": 2.0, "ordertype": "limit"}
    assert exchange.create_order(side="sell", **order) == exchange.create_order(side="buy", **order) == {"id": "7"}
    assert calls == [
        ("place", PAIR, 1.0, "limit", 2.0),
        ("create_order", {**order, "side": "sell", "amount": 0.6, "ordertype": "market"}),
        ("create_order", {**order, "side": "buy"}),
    ]
    exchange.exits = recorder(calls, place=InsufficientFundsError("nothing is left"))
    with pytest.raises(InsufficientFundsError, match="nothing is left"):
        exchange.create_order(side="sell", **order)


def test_in_a_dry_run_other_orders_are_freqtrade_s(build: Any, calls: Calls) -> None:
    exchange = build(runmode="dry_run")
    assert exchange.fetch_order("7", PAIR) == {"id": "7"}
    assert exchange.cancel_order_with_result("7", PAIR, 1.0) == {"id": "7"}
    assert [call[0] for call in calls] == ["fetch_order", "cancel_order_with_result"]


def test_balances_of_a_dry_run_are_those_of_freqtrade_s_wallets(build: Any, calls: Calls) -> None:
    wallets = recorder(calls, update=None, get_free=7.5, get_collateral=7.5)
    wallets._stake_currency, wallets._wallets = "USDT", {"USDT": Wallet("USDT", 7.5, 0.0, 7.5)}
    exchange = build(runmode="dry_run")
    exchange.simulate_balances(wallets)
    assert exchange.free("USDT") == 7.5
    assert calls[-1] == ("get_free", "USDT")
    assert exchange.managers.holdings.read("BTC") is None
    assert exchange.managers.holdings.read_beside(ahead=True) is None
    assert exchange.managers.holdings.freezes()
    changed = wallets.update
    exchange.simulate_balances(wallets)
    assert wallets.update is changed, "a strategy that is started twice holds its stake once"


@pytest.mark.parametrize(
    ("book", "best"),
    [({"bids": [[99.0, 1.0]], "asks": [[101.0, 1.0]]}, (99.0, 101.0)), ({"bids": [], "asks": []}, (None, None))],
)
def test_the_best_prices_of_a_dry_run_are_those_of_the_order_book(
    build: Any, monkeypatch: pytest.MonkeyPatch, book: Any, best: Any
) -> None:
    exchange = build(runmode="dry_run")
    monkeypatch.setattr(BitgetExchange, "fetch_l2_order_book", lambda _self, _pair, **_limit: book)
    assert exchange.managers.client.best_prices(PAIR) == BestPrices(*best)
    monkeypatch.setattr(BitgetExchange, "fetch_l2_order_book", raising_for(TemporaryError("down")))
    with pytest.raises(ccxt.NetworkError, match=f"the order book of {PAIR} could not be read: down"):
        exchange.managers.client.best_prices(PAIR)


@pytest.mark.parametrize(("filled", "status"), [(0.1, "closed"), (0.0, "open")])
def test_a_rung_is_read_from_the_store_and_never_as_open_once_it_has_filled(
    build: Any, filled: float, status: str
) -> None:
    exchange = build()
    order = live("a", filled=filled)
    exchange.store = SimpleNamespace(by_order_id={"id-a": order}.get)
    assert exchange.fetch_order("id-a", PAIR) == {**order.to_ccxt(), "status": status}


@pytest.mark.parametrize("known", [None, own("k-o1", phase=Phase.LIVE, order_id="7")])
def test_every_other_order_is_read_from_the_venue(build: Any, calls: Calls, known: Any) -> None:
    exchange = build(fetch_order=lambda *request: calls.append(request) or {"id": "7", "status": "open"})
    exchange.store = SimpleNamespace(by_order_id=lambda _: known)
    exchange.unproven = recorder(calls, shown={"id": "7", "status": "shown"})
    assert exchange.fetch_order("7", PAIR) == {"id": "7", "status": "shown"}
    assert calls == [
        ("7", PAIR, {"marginMode": "cross", "timeout": 3_000}),
        ("shown", "7", PAIR, {"id": "7", "status": "open"}),
    ]


@pytest.mark.parametrize(
    ("error", "row", "text"),
    [
        (ccxt.OrderNotFound("x"), None, f"Order 7 on {PAIR} is in no list of the venue at the moment: x"),
        (ccxt.OrderNotFound("x"), (True, "closed"), "is in no list"),
        (ccxt.OrderNotFound("x"), (False, "open"), "is in no list"),
        (ccxt.OrderNotFound("x"), (False, "canceled"), None),
        (ccxt.RequestTimeout("x"), (False, "canceled"), f"Order 7 on {PAIR} could not be looked up: x"),
    ],
)
def test_an_order_that_no_look_up_shows_has_no_invented_end(
    build: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, row: tuple[bool, str] | None, text: str | None
) -> None:
    exchange = build(fetch_order=raising(error))
    exchange.store = SimpleNamespace(by_order_id=lambda _: None)
    found = row and SimpleNamespace(ft_is_open=row[0], status=row[1], to_ccxt_object=lambda: {"status": row[1]})
    monkeypatch.setattr(exchange_module, "order_row", lambda *key: found if key == ("7", PAIR) else None)
    if text is None:
        assert exchange.fetch_order("7", PAIR) == {"status": "canceled"}
    else:
        with pytest.raises(TemporaryError, match=text):
            exchange.fetch_order("7", PAIR)


def test_a_cancel_returns_what_is_proven(build: Any, calls: Calls) -> None:
    exchange = build()
    exchange.unproven = recorder(calls, cancel={"status": "canceled"})
    assert exchange.cancel_order_with_result("7", PAIR, 1.0) == {"status": "canceled"}
    assert calls == [("cancel", "7", PAIR)]


@pytest.mark.parametrize("params", [None, {"a": 1}])
def test_recovery_decides_which_orders_of_its_pair_freqtrade_may_adopt(
    build: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, params: Any
) -> None:
    exchange = build()
    exchange.managers.recovery = recorder(calls, adoptable=["mine"])
    monkeypatch.setattr(BitgetExchange, "amount_to_precision", lambda _self, pair, amount: (pair, amount))
    assert exchange.fetch_orders(PAIR, NOW, params) == ["mine"]
    fetched, (*adoptable, to_precision) = calls
    assert fetched == ("fetch_orders", PAIR, NOW, params, {})
    assert adoptable == ["adoptable", PAIR, {"id": "7"}]
    assert to_precision(0.5) == (PAIR, 0.5)


@pytest.mark.parametrize(("round_trip_ms", "asks"), [(SLOW_MS - 1, True), (SLOW_MS, False)])
def test_a_slow_venue_is_not_asked_for_orders_while_resting_ones_may_have_sold_the_coins(
    build: Any, calls: Calls, round_trip_ms: float, asks: bool
) -> None:
    exchange = build()
    exchange._pace.shown_ms = lambda: round_trip_ms
    exchange.managers = recorder(calls, resting_may_have_sold=True)
    exchange.managers.recovery = recorder([], adoptable=["mine"])
    assert exchange.fetch_orders(PAIR, NOW) == (["mine"] if asks else [])
    assert [call[0] for call in calls] == ["fetch_orders" if asks else "resting_may_have_sold"]


# -- ports of the managers --------------------------------------------------------------------------------------------


def test_balances_that_freqtrade_reads_are_remembered(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = build()
    balances = {"BTC": {"total": 2.0, "free": "0.5"}, "USDT": {"total": 1.0, "free": None}}
    monkeypatch.setattr(BitgetExchange, "get_balances", lambda _self, *_, **__: balances)
    assert exchange.get_balances() is balances
    assert exchange.managers.holdings.last_total("BTC") == 2.0
    assert [exchange.free(coin) for coin in ("BTC", "USDT", "ETH")] == [0.5, 0.0, 0.0]


def test_a_balance_that_cannot_be_read_is_answered_with_the_last_one_for_ten_seconds(
    build: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure would skip the exits of all pairs."""
    now = [100.0]
    exchange = build()
    exchange.managers.holdings = Holdings(dict, str, lambda: True, lambda: now[0])
    balances = {"BTC": {"total": 2.0, "free": 0.5}}
    monkeypatch.setattr(BitgetExchange, "get_balances", lambda _self, *_, **__: balances)
    exchange.get_balances()
    monkeypatch.setattr(BitgetExchange, "get_balances", raising_for(TemporaryError("no answer")))
    now[0] += 10
    assert exchange.get_balances() == balances
    assert exchange.get_balances() is not balances, "freqtrade changes it"
    assert caplog.messages[0] == "The balance could not be read, and the last one is used: no answer"
    now[0] += 0.1
    with pytest.raises(TemporaryError, match="no answer"):
        exchange.get_balances()
    now[0] -= 5
    exchange._config = {"runmode": "dry_run", "dry_run": True}
    with pytest.raises(TemporaryError, match="no answer"):
        exchange.get_balances()


def test_a_balance_that_an_exit_has_read_ahead_is_not_read_again(build: Any, calls: Calls) -> None:
    exchange = build()
    reading = exchange.managers.holdings.read_beside(ahead=True)
    assert reading.ended(5)
    assert exchange.get_balances() == {"id": "7"}
    assert calls == [("get_balances", {"timeout": 2_000}, {"count": 0})], "within the time of an exit"
    exchange.get_balances()
    assert len(calls) == 2, "it answers once"
    exchange.managers.holdings.read_beside(ahead=True).result()
    exchange._config = {"runmode": "dry_run", "dry_run": True}
    exchange.get_balances()
    assert len(calls) == 4


@pytest.mark.parametrize("has_orders", [True, False])
@pytest.mark.parametrize(
    ("ends_by", "result", "readings"),
    [
        (lambda exchange: None, None, 0),
        (lambda exchange: exchange.get_rate(PAIR, refresh=True), ((PAIR,), {"refresh": True}), 1),
        (lambda exchange: exchange.get_funding_fees(PAIR), 0.0, 1),
        (lambda exchange: exchange.process_loop(), None, 1),
        (lambda exchange: exchange.free("BTC"), 0.0, 2),  # it reads one itself
    ],
    ids=["nothing", "rate", "exit", "loop", "ladder"],
)
def test_while_freqtrade_books_orders_it_reads_one_balance(
    build: Any,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    ends_by: Any,
    result: Any,
    readings: int,
    has_orders: bool,
) -> None:
    monkeypatch.setattr(BitgetExchange, "get_rate", lambda _self, *args, **kw: (args, kw))
    exchange = build()
    exchange.exits, exchange.unproven = recorder([], begin=None), recorder([], begin_exit=None)
    exchange.managers.process_loop, exchange.managers.hand_over_ended = lambda: None, lambda: has_orders
    exchange.get_balances()
    exchange.hand_over_ended()
    for _ in range(2):
        exchange.get_balances()
    assert len(calls) == (2 if has_orders else 3), "one of them was read before"
    calls.clear()
    assert ends_by(exchange) == result
    exchange.get_balances()
    assert len(calls) == (readings if has_orders else max(readings, 1))


def test_without_real_orders_a_rate_is_freqtrade_s(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BitgetExchange, "get_rate", lambda _self, *args: args)
    exchange = build(runmode="dry_run")
    exchange.managers = None
    assert exchange.get_rate(PAIR) == (PAIR,)


def test_the_holdings_read_the_cross_margin_account(build: Any, calls: Calls) -> None:
    balance = {"total": {"BTC": 1.0}, "BTC": {"total": 1.0, "free": 0.25, "used": 0.75}}
    exchange = build(fetch_balance=lambda *request: calls.append(request) or balance)
    assert exchange.managers.holdings.read("BTC").frozen == 0.75
    assert calls == [({"marginMode": "cross", "timeout": 3_000},)]
    assert exchange.managers.holdings.base_of(PAIR) == "BTC"


@pytest.mark.parametrize(
    "request_of",
    [
        lambda exchange: exchange.fetch_order("7", PAIR),
        lambda exchange: exchange.managers.holdings.read("BTC"),
    ],
    ids=["order", "balance"],
)
def test_a_slow_venue_that_answers_is_waited_for(build: Any, request_of: Any) -> None:
    asked: list[float] = []

    def method(*request: Any) -> dict[str, Any]:
        asked.append(request[-1]["timeout"])
        round_trips.record(exchange.api, 1_500)
        return {"id": "7", "status": "open", "total": {}}

    exchange = build(fetch_order=method, fetch_balance=method)
    for _ in range(2):
        request_of(exchange)
    assert asked == [3_000, 5_000], "the wait of an exit is 2 s"


def test_a_balance_is_not_tried_again_and_has_the_time_of_an_exit_where_the_last_one_can_answer(
    build: Any, calls: Calls
) -> None:
    exchange = build()
    round_trips.record(exchange.api, 500)
    for params in (None, None, {"timeout": 9}):
        exchange.get_balances(params)
    first, (_, second, count), (_, third, _) = calls
    assert first == ("get_balances", None, {"count": 4})
    assert second["timeout"] == 3_000
    assert count == {"count": 0}
    assert third == {"timeout": 9}


@pytest.mark.parametrize(("checked", "has_database"), [(False, True), (True, True), (False, False)])
def test_the_database_is_checked_once_as_soon_as_it_is_open(
    build: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, checked: bool, has_database: bool
) -> None:
    exchange = build()
    exchange.api.options["uid"] = "1234"
    exchange.api.urls = {"api": {"margin": "https://api.{hostname}"}}
    exchange.is_database_checked = checked
    identity = exchange_module.database_identity
    monkeypatch.setattr(exchange_module, "has_database", lambda: has_database)
    monkeypatch.setattr(identity, "check", lambda own, _: calls.append(("check", own)))
    monkeypatch.setattr(
        exchange_module.Trade, "session", SimpleNamespace(get_bind=lambda: SimpleNamespace(url="a URL")), raising=False
    )
    monkeypatch.setattr(exchange_module.database_lock, "hold", lambda url: calls.append(("hold", url)))
    exchange.check_database()
    exchange.check_database()
    expected = [("hold", "a URL"), ("check", DatabaseIdentity(RunMode.LIVE, "1234"))]
    assert calls == (expected if has_database and not checked else [])
    exchange._config = {"runmode": "dry_run", "dry_run": True}
    exchange.is_database_checked = False
    calls.clear()
    exchange.check_database()
    expected = [("hold", "a URL"), ("check", DatabaseIdentity(RunMode.DRY_RUN, "1234"))]
    assert calls == (expected if has_database else [])


@pytest.mark.parametrize(("unified", "batch_max"), [(False, 50), (True, 20)])
def test_the_kind_of_account_decides_what_a_request_may_name_and_what_a_balance_shows(
    build: Any, unified: bool, batch_max: int
) -> None:
    exchange = build()
    exchange._api.options["uta"] = unified
    assert exchange.batch_max == batch_max
    assert exchange.managers.holdings.freezes() is not unified


BASE_FEE = {"currency": "BTC", "cost": 0.001}
OTHER_FEE = {"currency": "BGB", "cost": 3.0}


@pytest.mark.parametrize(
    ("fills", "fee"),
    [
        ([(0.2, [BASE_FEE]), (0.3, [BASE_FEE, OTHER_FEE])], 0.002),
        ([(0.5, [OTHER_FEE])], 0.0),
        ([(0.2, [BASE_FEE])], None),  # not all of them are shown
        ([(0.5, [BASE_FEE]), (None, [BASE_FEE])], 0.002),
        ([(0.2, [BASE_FEE]), (0.3, [])], None),
        ([], None),
        (TemporaryError("x"), None),
    ],
)
def test_the_fee_of_an_order_is_that_of_all_its_fills_or_unknown(
    build: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fills: Any, fee: float | None
) -> None:
    asked: list[Any] = []

    def get_trades_for_order(_self: Any, *request: Any) -> Any:
        asked.append(request)
        if isinstance(fills, Exception):
            raise fills
        return [{"amount": amount, "fees": fees} for amount, fees in fills]

    monkeypatch.setattr(BitgetExchange, "get_trades_for_order", get_trades_for_order)
    assert build().fee_of("7", PAIR, 1_500, "BTC", 0.5) == fee
    assert asked == [("7", PAIR, datetime.fromtimestamp(1.5, UTC))]
    warned = isinstance(fills, Exception)
    assert caplog.messages == ([f"The fee of order 7 on {PAIR} could not be read: x"] if warned else [])


def test_fills_that_were_read_for_the_fee_are_not_read_again_to_book_it(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fills = [{"amount": 0.5, "fees": [BASE_FEE]}]
    asked: list[Any] = []
    monkeypatch.setattr(
        BitgetExchange, "get_trades_for_order", lambda _self, *args, **kw: asked.append((*args, kw)) or fills
    )
    exchange = build()
    exchange.managers.process_loop = lambda: None
    exchange.fee_of("7", PAIR, 1_500, "BTC", 0.5)
    assert exchange.get_trades_for_order("7", PAIR, NOW) == fills
    assert len(asked) == 1
    assert exchange.get_trades_for_order("7", PAIR, NOW, params={}) == fills
    assert asked[1:] == [("7", PAIR, NOW, {"params": {}})], "once"
    exchange.fee_of("7", PAIR, 1_500, "BTC", 0.5)
    exchange.process_loop()
    exchange.get_trades_for_order("7", PAIR, NOW)
    assert len(asked) == 4, "those of an earlier loop are old"
    assert exchange.fee_of("7", PAIR, 1_500, "BTC", 0.75) is None
    exchange.get_trades_for_order("7", PAIR, NOW)
    assert len(asked) == 6, "not all of them"


def test_the_loop_is_the_managers(build: Any, calls: Calls) -> None:
    exchange = build()
    exchange.managers = recorder(calls, process_loop=None, hand_over_ended=None)
    exchange.managers.holdings = recorder([], end_booking=None)
    exchange.managers.holdings = Holdings(dict, str, lambda: True)
    exchange.process_loop()
    exchange.hand_over_ended()
    assert calls == [("process_loop",), ("hand_over_ended",)]


# -- identity and start -----------------------------------------------------------------------------------------------


def test_the_managers_are_given_the_exchange_as_it_is_then(build: Any) -> None:
    exchange: Any = Bitgetcross.__new__(Bitgetcross)
    exchange._settings = parse_config({"bitget_margin": {"wait_ms": 2_000}})
    exchange._build_managers(is_live=True)
    managers = exchange.managers
    for name in ("store", "alerts", "exits", "ladders", "maintenance", "unproven"):
        assert getattr(exchange, name) is getattr(managers, name), name
    assert managers.rules is exchange
    assert managers.settings is exchange._settings
    assert managers.client.pace.wait_ms == 2_000
    exchange._api = "api"
    assert managers.client.api() == "api"


def test_a_new_trade_has_the_values_that_freqtrade_itself_would_store(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = build()
    exchange._config.update({"strategy": "S", "timeframe": "5m", "stoploss": -0.1})
    exchange.trading_mode = "spot"
    for name, value in {
        "get_precision_amount": lambda _self, _pair: 1e-6,
        "get_precision_price": lambda _self, _pair: 0.01,
        "get_contract_size": lambda _self, _pair: 1.0,
        "get_fee": lambda _self, symbol, taker_or_maker: {(PAIR, "maker"): 0.001}[symbol, taker_or_maker],
        "precisionMode": 4,
        "precision_mode_price": 2,
    }.items():
        monkeypatch.setattr(BitgetExchange, name, value)
    trade = exchange.managers.new_trade(PAIR, stake_amount=50.0, open_rate=100.0, exchange="bitgetcross")
    expected = {
        "strategy": "S",
        "timeframe": 5,
        "stop_loss": 90.0,
        "initial_stop_loss": 90.0,
        "pair": PAIR,
        "base_currency": "BTC",
        "stake_currency": "USDT",
        "stake_amount": 50.0,
        "amount": 0,
        "is_open": True,
        "fee_open": 0.001,
        "fee_close": 0.001,
        "open_rate": 100.0,
        "exchange": "bitgetcross",
        "leverage": 1.0,
        "is_short": False,
        "funding_fees": 0,
        "trading_mode": "spot",
        "amount_precision": 1e-6,
        "price_precision": 0.01,
        "precision_mode": 4,
        "precision_mode_price": 2,
        "contract_size": 1.0,
    }
    assert {name: getattr(trade, name) for name in expected} == expected


def test_it_can_be_pickled_without_the_managers_for_workers_that_never_trade(build: Any) -> None:
    exchange = build()
    exchange._api = None
    state = exchange.__getstate__()
    assert {"_config", "_settings"} <= set(state)
    pickle.dumps(state)


def test_its_name_is_no_exchange_that_freqtrade_knows(build: Any) -> None:
    exchange = build()
    assert (exchange.id, exchange.name) == ("bitgetcross", "Bitget crossed margin")
    assert exchange.api is exchange._api


def test_the_managers_start_first_and_an_attribute_error_is_no_missing_class(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"trading_mode": "spot", "margin_mode": "cross"}
    started: Calls = []
    monkeypatch.setattr(BitgetExchange, "__init__", lambda self, *args, **kw: started.append((self.exits, *args, kw)))
    exchange: Any = Bitgetcross(config, validate=False)
    assert started == [(exchange.exits, config, {"validate": False})], "the managers are there before freqtrade's start"
    monkeypatch.setattr(BitgetExchange, "__init__", raising(AttributeError("x")))
    with pytest.raises(OperationalException, match=r"^bitgetcross could not be started: AttributeError\('x'\)$"):
        Bitgetcross(config)
    with pytest.raises(OperationalException, match="\"margin_mode\" is 'isolated'"):
        Bitgetcross({**config, "margin_mode": "isolated"})


@pytest.mark.parametrize(
    ("runmode", "set_and_checked"), [("live", [True, True]), ("dry_run", [True, False]), ("backtest", [False, False])]
)
def test_only_a_trading_process_has_an_exchange_and_only_a_live_one_checks_the_account(
    build: Any, monkeypatch: pytest.MonkeyPatch, calls: Calls, runmode: str, set_and_checked: list[bool]
) -> None:
    exchange = build(runmode=runmode)
    monkeypatch.setattr(runtime, "set_exchange", lambda found: calls.append(("set", found)))
    monkeypatch.setattr(exchange_module.preflight, "check_account", lambda *args: calls.append(("check", *args)))
    exchange.additional_exchange_init()
    assert [("set", exchange) in calls, ("check", exchange.api, exchange.alerts) in calls] == set_and_checked


def test_what_the_account_cannot_do_is_refused(build: Any, calls: Calls) -> None:
    exchange = build()
    with pytest.raises(OperationalException, match="stoploss_on_exchange"):
        exchange.validate_stop_ordertypes({"stoploss_on_exchange": True})
    config = {"trading_mode": "spot", "margin_mode": "cross", "exchange": {"pair_whitelist": [PAIR]}}
    with pytest.raises(OperationalException, match="trading_mode"):
        exchange.validate_config({**config, "trading_mode": "margin"})
    assert calls == []
    exchange.validate_config(config)
    assert calls == [("validate_config", config, {})]
    exchange.validate_config({**config, "runmode": "live"})
    exchange._markets = {PAIR: {**MARKETS[PAIR], "marginModes": {"cross": False}}}
    with pytest.raises(OperationalException, match="cannot be traded on cross margin"):
        exchange.validate_config({**config, "runmode": "live"})


NUMBERS = {
    "active": True,
    "precision": {"amount": 0.0001, "price": 0.1, "cost": 0.1},
    "limits": {"amount": {"min": 0.001, "max": None}, "cost": {"min": 5.0, "max": None}, "leverage": {"max": 3.0}},
}
"""Numbers of the cross margin orders of a pair."""


def listed(cross: bool | None = True, numbers: Any = None, **more: Any) -> dict[str, Any]:
    """Return a market of ccxt."""
    known = {
        "base": "BTC",
        "quote": "USDT",
        "spot": True,
        "active": True,
        "precision": {"amount": 1e-6, "price": 0.01},
        "limits": {"amount": {"min": 0.0, "max": None}, "cost": {"min": 1.0, "max": None}, "leverage": {}},
        "marginModes": {"cross": cross, "isolated": None},
    }
    return {**known, **({} if numbers is None else {"crossMargin": numbers}), **more}


def test_amounts_and_prices_are_those_of_margin_orders(build: Any) -> None:
    exchange = build(precisionMode=ccxt.TICK_SIZE)
    exchange._markets = {PAIR: listed(numbers=NUMBERS), "A/USDT": listed()}
    assert exchange.amount_to_precision(PAIR, 0.00129999) == 0.0012
    assert exchange.price_to_precision(PAIR, 50_000.33) == 50_000.3
    assert (exchange.get_precision_amount(PAIR), exchange.get_precision_price(PAIR)) == (0.0001, 0.1)
    assert exchange.markets[PAIR]["limits"]["cost"]["min"] == 5.0
    assert exchange.amount_to_precision("A/USDT", 0.00129999) == 0.001299
    assert exchange.markets is exchange.markets
    exchange._markets = {"A/USDT": listed()}
    assert set(exchange.markets) == {"A/USDT"}


@pytest.mark.parametrize(
    ("market", "offered"),
    [
        (listed(numbers=NUMBERS), True),
        (listed(cross=None), True),
        (listed(cross=False), False),
        (listed(numbers={**NUMBERS, "active": False}), False),
        (listed(spot=False), False),
    ],
    ids=["crossed", "unknown", "not crossed", "paused", "no spot"],
)
def test_pairlists_are_offered_the_pairs_of_cross_margin(build: Any, market: dict[str, Any], offered: bool) -> None:
    """All of them, where the venue's list could not be read."""
    exchange = build(precisionMode=ccxt.TICK_SIZE)
    exchange._markets = {PAIR: market}
    exchange.trading_mode = TradingMode.SPOT
    assert exchange.market_is_tradable(market) is offered
    found = exchange.get_markets(quote_currencies=["USDT"], tradable_only=True, active_only=True)
    assert set(found) == ({PAIR} if offered else set())


@pytest.mark.parametrize("gate", [None, "sqlite:///x"])
def test_ccxt_is_configured_for_the_cross_account_of_either_kind(build: Any, gate: str | None) -> None:
    exchange = build()
    exchange._settings = parse_config({"bitget_margin": {} if gate is None else {"rate_gate": gate}})
    options = exchange._ccxt_config["options"]
    assert (options["defaultType"], options["defaultMarginMode"], options["uta"]) == ("spot", "cross", None)
    methods = ("fetchMarkets", "fetchOHLCV", "fetchOrderBook", "fetchTicker", "fetchTickers", "fetchTrades")
    assert all(options[method] == {"uta": False} for method in methods)
    assert options.get("rateGate") == (None if gate is None else {"url": gate, "whenDown": "fail"})
    assert ("rateGate" in options) is (gate is not None)

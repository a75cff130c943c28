"""cancel_all_orders goes through what it was told to, shows how far it is, and returns only what is proven."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel, fetch
from bitget_margin.adapter.errors import CancelUnresolved, report_of
from bitget_margin.core.effects import Fault
from support.account import COINS, Account, order, requested
from support.calling import BTC, CROSS, Caller, exchange
from support.script import START_MS, fault, in_turn

ETH = "ETH/USDT"


def cancel_all(account: Account, symbol: object = BTC, params: Any = None, made: Any = None) -> Any:
    """Cancel everything; return the script, and what came back."""
    venue = Caller(account.respond)
    return venue, venue.call(cancel.cancel_all_orders(made or exchange(), symbol, {**CROSS, **(params or {})}))


def test_every_open_order_comes_back_as_a_structure() -> None:
    account = Account([order(2), order(1), order(3, "ETHUSDT")])
    venue, orders = cancel_all(account, params={"symbols": [ETH]})
    assert [(o["id"], o["symbol"], o["status"]) for o in orders] == [("2", BTC, None), ("1", BTC, None)]
    assert [o["orderId"] for o in account.orders] == ["3"]
    assert requested(venue)[0] == "BTCUSDT"


def test_everything_of_the_account_is_cancelled_and_confirmed_if_asked_for() -> None:
    account = Account([order(2), order(3, "ETHUSDT")])
    _, orders = cancel_all(account, None)
    assert {o["symbol"] for o in orders} == {BTC, ETH}
    assert account.orders == []


def test_where_the_venue_wants_a_symbol_all_active_crossed_markets_are_gone_through() -> None:
    """Not those that are asleep, nor those without cross margin, nor contracts."""
    steps: list[tuple[int, int, str]] = []
    account = Account([order(3, "ETHUSDT")], all_at_once=False)
    venue, orders = cancel_all(account, None, {"progress": lambda *step: steps.append(step)})
    assert [o["id"] for o in orders] == ["3"]
    assert steps == [(2, 2, ETH)]
    assert {symbol for symbol in requested(venue) if isinstance(symbol, str)} == {"BTCUSDT", "ETHUSDT"}


def test_named_symbols_are_gone_through_instead() -> None:
    steps: list[tuple[int, int, str]] = []
    params = {"symbols": (BTC,), "progress": lambda *step: steps.append(step)}
    venue, _ = cancel_all(Account(all_at_once=False), None, params)
    assert steps == [(1, 1, BTC)]
    assert {symbol for symbol in requested(venue) if isinstance(symbol, str)} == {"BTCUSDT"}


def test_orders_of_named_symbols_account_for_what_they_hold() -> None:
    account = Account([order(3, "ETHUSDT")], all_at_once=False)
    assert cancel_all(account, params={"symbols": [ETH]})[1] == []
    with pytest.raises(CancelUnresolved, match=r"15 USDT is still frozen.*params\['symbols'\]") as caught:
        cancel_all(account)
    assert report_of(caught.value) is not None


def test_what_could_not_be_listed_is_named_in_ccxts_words() -> None:
    busy = fault("40010", "busy")
    account = Account(all_at_once=False, denied=frozenset({"ETHUSDT"}))
    with pytest.raises(OSError, match="40014"):
        cancel_all(account, None)
    with pytest.raises(CancelUnresolved, match="busy; not examined: BTC/USDT") as caught:
        Caller(in_turn(busy)).call(cancel.cancel_all_orders(exchange(), BTC, CROSS | {"timeout": 500}))
    assert caught.value.report.unexamined == (BTC,)


def test_a_definitive_refusal_is_raised_with_the_report() -> None:
    denied = Fault(ccxt.PermissionDenied("x"), "40014", "no", 400)
    with pytest.raises(ccxt.PermissionDenied) as caught:
        Caller(in_turn(denied)).call(cancel.cancel_all_orders(exchange(), BTC, CROSS))
    assert report_of(caught.value) is not None


@pytest.mark.parametrize(
    ("symbol", "params", "said"),
    [
        (
            BTC,
            {"x": 1},
            r"cancel_all_orders\(\): unknown parameter 'x'; known are batchSize, confirm, marginMode, prog",
        ),
        ("", {}, r"cancel_all_orders\(\) requires a symbol"),
        ("XX/USDT", {}, "XX/USDT"),
        (BTC, {"symbols": BTC}, r"cancel_all_orders\(\): symbols is 'BTC/USDT'; give a list"),
        (BTC, {"symbols": [5]}, r"cancel_all_orders\(\): symbol is 5"),
        (BTC, {"symbols": ["XX/USDT"]}, "XX/USDT"),
        (BTC, {"progress": 5}, r"cancel_all_orders\(\): progress is 5; give a function"),
        (BTC, {"timeout": 0}, r"cancel_all_orders\(\): timeout is 0"),
        ("BTC/USDT:USDT", {}, "is a contract"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(symbol: object, params: Any, said: str) -> None:
    venue = Caller(in_turn({}))
    with pytest.raises(ccxt.BaseError, match=said):
        venue.call(cancel.cancel_all_orders(exchange(), symbol, CROSS | params))
    assert venue.calls == []


def test_markets_are_tried_before_anything_is_cancelled_and_no_longer_than_a_third_of_the_time() -> None:
    account = Account([order(1)])
    venue = Caller(account.respond)
    params = CROSS | {"timeout": 1_000}
    (found,) = venue.call(cancel.cancel_all_orders(exchange(markets=False), BTC, params))
    assert (found["id"], found["symbol"], account.orders) == ("1", BTC, [])
    assert venue.loads == [START_MS + 270]


@pytest.mark.parametrize(
    ("symbol", "params", "is_named"), [(None, {}, True), (BTC, {}, False), (None, {"symbols": [BTC]}, False)]
)
def test_without_markets_and_symbols_a_cancel_that_proves_nothing_asks_for_symbols(
    symbol: object, params: Any, is_named: bool
) -> None:
    """The parameter helps only where the call names no symbol."""
    frozen = Account(extra_frozen={"USDT": "5"})
    with pytest.raises(CancelUnresolved, match="frozen") as caught:
        cancel_all(frozen, symbol, {"timeout": 3_000, **params}, exchange(markets=False))
    message = "the markets could not be loaded: name the symbols to examine in params['symbols']"
    assert (message in str(caught.value)) is is_named
    with pytest.raises(CancelUnresolved, match="frozen") as caught:
        cancel_all(frozen, symbol, {"timeout": 3_000, **params})
    assert message not in str(caught.value)


@pytest.mark.parametrize("shown_by", ["cancel_all_orders", "fetch_balance"])
def test_coins_that_a_balance_has_shown_before_are_remembered(shown_by: str) -> None:
    """By the exchange object: an empty answer beside them proves nothing."""
    made = exchange()
    everything = frozenset(coin for pair in COINS.values() for coin in pair)
    blind = Account([order(1)], only_by_symbol=frozenset("1"), only_by_account=frozenset("1"), omitted_coins=everything)
    assert cancel_all(blind, None, made=exchange())[1] == []  # nothing is known of it
    if shown_by == "fetch_balance":
        assets = [{"coin": "USDT", "frozen": "5", "available": "1", "borrow": "0"}]
        Caller(in_turn(assets)).call(fetch.fetch_balance(made, CROSS))
    else:
        cancel_all(Account(), None, made=made)
    for symbol in (BTC, None):
        with pytest.raises(CancelUnresolved, match="the balance names no coin, though it did before"):
            cancel_all(blind, symbol, made=made)


def test_an_interrupt_carries_what_was_known_by_then() -> None:
    venue = Caller(Account([order(1)]).respond)
    with venue.clocked():
        flow = cancel.cancel_all_orders(exchange(), BTC, CROSS)
        effect = next(flow)
        for _ in range(2):
            effect = flow.send(venue._do(effect))
        with pytest.raises(KeyboardInterrupt) as caught:
            flow.throw(KeyboardInterrupt())
    report = report_of(caught.value)
    assert report is not None
    assert [result.id for result in report.results] == ["1"]
    assert report.elapsed_ms == venue.now_ms - START_MS

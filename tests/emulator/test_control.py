"""Promise: the owner reaches everything without HTTP, and over HTTP from the same machine."""

import json
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.pro
import pytest

from bitget_margin.emulator import (
    DEFAULT_SYMBOLS,
    Account,
    AccountKind,
    Emulator,
    Symbol,
    VenueError,
    ccxt_urls,
    synthetic_symbols,
)
from bitget_margin.emulator.market.symbol import PairStatus
from bitget_margin.emulator.messages import HttpRequest
from bitget_margin.emulator.server.admin import handle_admin

from .admin import admin
from .client import START_MS, Client

BUY = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01"}


@pytest.mark.parametrize("read", ["orders", "requests", "knobs", "faults"])
def test_admin_names_the_accounts_where_it_knows_no_such_one(venue: Emulator, read: str) -> None:
    """An empty list would be taken for an account without orders."""
    status, content = admin(venue, f"{read}?uid=9")
    assert (status, content["error"]) == (400, "there is no account 9; there are 1001, 1002, 2001, 2002")
    assert admin(venue, f"{read}?uid=1001")[0] == 200
    assert admin(venue, f"{read}?account=1001")[0] == 400


def test_admin_shows_the_faults_that_an_account_can_meet(venue: Emulator) -> None:
    for uid in ("", "1001", "1002"):
        venue.add_fault("twice", uid=uid)
    assert [rule["uid"] for rule in admin(venue, "faults?uid=1001")[1]] == ["", "1001"]
    assert [rule["uid"] for rule in admin(venue, "faults")[1]] == ["", "1001", "1002"]


def test_values_are_taken_for_kinds_and_others_are_refused(venue: Emulator) -> None:
    kind: Any = "unified"
    assert Account(kind=kind).kind is AccountKind.UNIFIED
    venue.turn("1001", kind)
    assert venue.accounts[0].kind is AccountKind.UNIFIED
    for wrong in ("unifed", None):
        text = f"the kind of an account is classic or unified, not {wrong!r}"
        with pytest.raises(ValueError, match=text):
            Account(kind=wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=text):
            venue.turn("1001", wrong)  # type: ignore[arg-type]
    status: Any = "halted"
    symbol = replace(DEFAULT_SYMBOLS[0], status=status)
    assert symbol.status is PairStatus.HALTED
    with pytest.raises(ValueError, match="the status of a pair is online, halted, delisted, not 'closed'"):
        venue.change_pair("BTCUSDT", status="closed")


def test_snapshots_do_not_change(venue: Emulator) -> None:
    order_id = venue.place("1001", BUY)
    before = venue.order(order_id)
    venue.fill(order_id, "0.004")
    after = venue.order(order_id)
    assert before.status == "live"
    assert before.filled == 0
    assert after.status == "partially_filled"
    assert after.filled == Decimal("0.004")
    with pytest.raises(FrozenInstanceError):
        before.filled = Decimal(1)  # type: ignore[misc]


def test_orders_can_be_narrowed(venue: Emulator) -> None:
    first, second = venue.place("1001", BUY), venue.place("1002", BUY)
    venue.cancel(first)
    assert [order.order_id for order in venue.orders()] == [first, second]
    assert [order.order_id for order in venue.orders("1001")] == [first]
    assert [order.order_id for order in venue.orders(live_only=True)] == [second]


def test_mistakes_are_explained(venue: Emulator) -> None:
    order_id = venue.place("1001", BUY)
    with pytest.raises(ValueError, match="there is no order 1"):
        venue.fill("1", "1")
    with pytest.raises(ValueError, match=r"by more than 0 up to 0\.01, not by 0\.02"):
        venue.fill(order_id, "0.02")
    with pytest.raises(ValueError, match=r"more than 6 decimals"):
        venue.fill(order_id, "0.0000001")
    with pytest.raises(ValueError, match=r"must be a Decimal, a whole number or text like '12\.5', not 0\.1"):
        venue.fill(order_id, 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="price must be a positive plain number"):
        venue.set_price("BTCUSDT", "-1")
    with pytest.raises(ValueError, match="there is no symbol NOPE; there are BTCUSDT"):
        venue.set_price("NOPE", "1")
    with pytest.raises(ValueError, match="there is no account 9"):
        venue.balances("9")
    for read in (venue.orders, venue.strategy_orders, venue.faults_of):
        with pytest.raises(ValueError, match="there is no account 9"):
            read("9")
    with pytest.raises(VenueError, match="43012 Insufficient balance"):
        venue.place("1001", BUY | {"baseSize": "1000"})
    venue.cancel(order_id)
    with pytest.raises(ValueError, match="has ended, it is cancelled"):
        venue.cancel(order_id)
    with pytest.raises(ValueError, match="has ended, it is cancelled"):
        venue.fill(order_id)


def test_loans_are_read_and_set(venue: Emulator) -> None:
    """Where there is one account, it need not be named."""
    with pytest.raises(ValueError, match="name an account: there are 1001, 1002, 2001, 2002"):
        venue.debts()
    for uid, coin, amount, message in (
        ("1001", "NOPE", 1, "NOPE cannot be owed: it has no price in USDT"),
        ("1001", "BTC", "0.123456789", "amount 0.123456789 has more than 8 decimals"),
        ("7", "BTC", 1, "there is no account 7"),
    ):
        with pytest.raises(ValueError, match=message):
            venue.set_debt(coin, amount, uid)
    alone = Emulator(accounts=(Account(balances={"USDT": "1000"}),))
    alone.set_debt("BTC", "0.01")
    assert (alone.debts()["BTC"], alone.worth()) == ((Decimal("0.01"), 0), 400)
    assert alone.risk() == Decimal("0.075")
    alone.charge_interest()
    assert alone.interest()[0].amount == alone.debts()["BTC"].interest == Decimal("0.0000001")
    record = alone.liquidate()
    assert ([record], alone.debts(), alone.repayments()[0].kind) == (alone.liquidations(), {}, "liq_repay")
    assert alone.borrowings() == []
    assert alone.change_loan_terms(period_ms=5).period_ms == 5
    with pytest.raises(ValueError, match="period_ms must be"):
        alone.change_loan_terms(period_ms=-5)


def test_duplicate_accounts_and_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="each account must be unique, but there are several 7"):
        Emulator(accounts=(Account(uid="7"), Account(uid="7")))
    with pytest.raises(ValueError, match="each symbol must be unique"):
        Emulator(symbols=DEFAULT_SYMBOLS * 2)
    with pytest.raises(ValueError, match="balance of USDT must be plain decimal text"):
        Account(balances={"USDT": "lots"})
    with pytest.raises(ValueError, match="debt of USDT must be plain decimal text"):
        Account(debts={"USDT": "-5"})
    with pytest.raises(ValueError, match="an account needs a secret"):
        Account(secret="")


def test_requests_are_recorded(venue: Emulator, client: Client) -> None:
    client.cancel_batch("1")
    client.get("/api/v2/public/time")
    private, public = venue.requests
    assert (private.at_ms, private.uid, private.method, private.status) == (START_MS + 101, "1001", "POST", 200)
    assert private.path == "/api/v2/margin/crossed/batch-cancel-order"
    assert json.loads(private.body) == {"symbol": "BTCUSDT", "orderIdList": [{"orderId": "1"}]}
    assert (public.uid, public.body) == ("", "")
    venue.reset_requests()
    assert venue.requests == ()


def test_admin_moves_prices_and_orders(venue: Emulator) -> None:
    first, second, third = (venue.place("1001", BUY) for _ in range(3))
    assert admin(venue, "price", {"symbol": "BTCUSDT", "price": "49000", "liquidity": "0.01"}) == (200, {})
    assert venue.order(first).status == "filled"
    status, order = admin(venue, "fill", {"orderId": second, "amount": 0.004})
    assert (status, order["status"], order["filled"]) == (200, "partially_filled", "0.004")
    status, order = admin(venue, "cancel", {"orderId": third})
    assert (status, order["orderId"], order["status"]) == (200, third, "cancelled")
    assert [order["orderId"] for order in admin(venue, "orders")[1]] == [first, second, third]


def test_admin_turns_knobs(venue: Emulator, client: Client) -> None:
    """Knobs can be read and changed; requests can be read; neither counts as a request."""
    assert admin(venue, "knobs")[1]["history_lag_ms"] == 0
    status, knobs = admin(venue, "knobs", {"history_lag_ms": 5000, "language": "zh"})
    assert (status, knobs["history_lag_ms"], knobs["language"]) == (200, 5000, "zh")
    assert venue.knobs().history_lag_ms == 5000
    client.cancel_batch("1")
    assert [record["status"] for record in admin(venue, "requests")[1]] == [200]


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("price", {"symbol": "BTCUSDT"}, "missing: price"),
        ("price", {"symbol": "NOPE", "price": "1"}, "there is no symbol NOPE"),
        ("price", {"symbol": ["BTCUSDT"], "price": "1"}, "symbol must be text"),
        ("price", {"symbol": "BTCUSDT", "price": [1]}, "price must be a Decimal"),
        ("price", {"symbol": "BTCUSDT", "price": "1", "size": 1}, "unknown: size"),
        ("fill", {"orderId": "1"}, "there is no order 1"),
        ("fill", {"orderId": 1}, "orderId must be text"),
        ("cancel", {}, "missing: orderId"),
        ("cancel", [], "the body must be a JSON object"),
        ("knobs", {"nope": 1}, "no knob is named nope"),
        ("knobs", {"fill_wins": "x"}, "fill_wins must be of type int"),
    ],
)
def test_admin_explains_mistakes(venue: Emulator, action: str, fields: object, message: str) -> None:
    status, content = admin(venue, action, fields)
    assert status == 400
    assert message in content["error"]


def test_admin_survives_bodies_that_are_no_json(venue: Emulator) -> None:
    for body in (b"{", b"\xff", b'{"price": 1e99999999999999999999}', b"[" * 100_000):
        status, content = admin(venue, "price", body=body)
        assert (status, content["error"][:20]) == (400, "the body is not JSON")
    assert admin(venue, "nothing")[0] == 404


def test_admin_answers_loopback_only(venue: Emulator) -> None:
    for ip in ("192.0.2.1", "", "nonsense"):
        assert handle_admin(venue, HttpRequest("GET", "/admin/orders", "", {}, b"", ip)).status == 403


def test_synthetic_symbols_can_be_many() -> None:
    symbols = synthetic_symbols(40)
    assert len({symbol.symbol for symbol in symbols}) == 40
    with Emulator(symbols=symbols) as venue:
        exchange: Any = ccxt.bitget({"urls": ccxt_urls(venue.url)})
        assert len(exchange.load_markets()) == 40
        uid = venue.accounts[0].uid
        for symbol in symbols:
            venue.place(uid, {"symbol": symbol.symbol, "side": "buy", "price": "90", "baseSize": "1"})
        assert venue.balances(uid)["USDT"].frozen == 3600
        venue.set_price(symbols[0].symbol, "80")
        assert len(venue.orders(live_only=True)) == 39


def test_urls_cover_every_rest_family() -> None:
    for stock in (ccxt.bitget(), ccxt.pro.bitget()):
        local = stock.deep_extend(stock.urls["api"], ccxt_urls("http://127.0.0.1:1")["api"])
        assert "bitget.com" not in str(local)
        assert "{hostname}" not in str(local)


def test_own_symbols_and_fees(venue: Emulator) -> None:
    symbol = Symbol("AAABBB", "AAA", "BBB", Decimal(2), 1, 1, Decimal("0.5"), Decimal(1), Decimal(0), Decimal("0.1"))
    account = Account(balances={"AAA": "10", "BBB": "10"})
    with Emulator(accounts=(account,), symbols=(symbol,)) as own:
        own.place(account.uid, {"symbol": "AAABBB", "side": "buy", "orderType": "market", "quoteSize": "2"})
        assert own.balances(account.uid)["AAA"].available == Decimal("10.9")
        resting = own.place(account.uid, {"symbol": "AAABBB", "side": "sell", "price": "3", "baseSize": "1"})
        own.fill(resting)
        assert own.balances(account.uid)["BBB"].available == 11
        with pytest.raises(VenueError, match=r"less than the minimum amount 0\.5 AAA"):
            own.place(account.uid, {"symbol": "AAABBB", "side": "sell", "price": "9", "baseSize": "0.4"})

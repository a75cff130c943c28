"""Promise: orders are found on pairs that are halted, removed or closed for cross margin; spot orders explain locks."""

import importlib
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bitget_margin import CancelUnresolved
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, QUICK_PACING, Client, Flavour, config
from support.operating import here

SOL = "SOL/USDT"
SELL = {"symbol": "SOLUSDT", "side": "sell", "price": "300", "baseSize": "1"}
BUY = {"symbol": "SOLUSDT", "side": "buy", "price": "100", "baseSize": "1"}
LOST: dict[str, dict[str, Any]] = {
    "halted": {"status": "halted"},
    "removed": {"status": "delisted"},
    "without cross margin": {"cross_borrowable": False},
}
QUICK = CROSS | {"timeout": 4_000, "confirm": True}

Way = Callable[[Emulator, Flavour], object]


def library(symbol: str | None) -> Way:
    """Return a cancel of all orders of a symbol, or of the account, by a client that loads the markets."""

    def cancel(venue: Emulator, flavour: Flavour) -> object:
        client = loaded(venue, flavour)
        try:
            return client("cancel_all_orders", symbol, QUICK)
        finally:
            client.close()

    return cancel


def loaded(venue: Emulator, flavour: Flavour = Flavour.SYNC) -> Client:
    """Return a client with the markets as they are now, and short pauses."""
    options = {"batchCancel": {"pacing": QUICK_PACING}}
    client = Client(flavour, config(venue, options=options), load=False)
    client("load_markets")
    return client


def command(venue: Emulator, _: Flavour) -> object:
    """Cancel by the operator's command."""
    return here(venue, "cancel", "--all", "--yes", "--timeout", "4000")


WAYS: dict[str, Way] = {"library": library(None), "library, symbol": library(SOL), "command": command}


@pytest.fixture(params=list(AccountKind), ids=lambda kind: kind.value)
def venue(request: pytest.FixtureRequest, kind: AccountKind) -> Iterator[Emulator]:
    """Run an emulator with an account of each kind in turn, whatever the kind of the run."""
    if kind is AccountKind.UNIFIED:
        pytest.skip("both kinds are in the other run")
    account = Account(kind=request.param, balances={"USDT": "100000", "SOL": "500"})
    with Emulator(accounts=(account,)) as running:
        yield running
    assert running.errors == ()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lost", ["halted", "without cross margin", pytest.param("removed", marks=pytest.mark.slow)])
def test_an_order_on_a_lost_pair_is_canceled(venue: Emulator, lost: str, way: str) -> None:
    placed = [venue.place(venue.accounts[0].uid, order) for order in (SELL, BUY)]
    venue.change_pair("SOLUSDT", **LOST[lost])
    WAYS[way](venue, Flavour.SYNC)
    assert [venue.order(order_id).live for order_id in placed] == [False, False]


@pytest.mark.drill
@pytest.mark.parametrize("symbol", [None, SOL])
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("answers", ["refuse", "answer"])
def test_every_flavour_cancels_it(
    venue: Emulator, flavour: Flavour, symbol: str | None, lost: str, answers: str
) -> None:
    venue.knobs(open_orders_without_symbol=answers)
    order_id = venue.place(venue.accounts[0].uid, SELL)
    venue.change_pair("SOLUSDT", **LOST[lost])
    library(symbol)(venue, flavour)
    assert not venue.order(order_id).live


@pytest.mark.parametrize("lost", LOST)
def test_the_operator_s_list_shows_an_order_on_a_lost_pair(venue: Emulator, lost: str) -> None:
    order_id = venue.place(venue.accounts[0].uid, SELL)
    venue.change_pair("SOLUSDT", **LOST[lost])
    shown = here(venue, "orders").stdout
    assert order_id in shown
    assert SOL in shown
    assert "do not hold all" not in shown


# -- spot orders of a unified account ---------------------------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[Emulator]:
    """Run an emulator with a unified account, whose spot orders share the wallet."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as running:
        yield running
    assert running.errors == ()


def spot(venue: Emulator, **changes: str) -> str:
    """Place a spot order of the account's owner."""
    return venue.place(venue.accounts[0].uid, BUY | {"category": "SPOT"} | changes)


@pytest.mark.classic
@pytest.mark.parametrize("symbol", [None, SOL])
@pytest.mark.parametrize("margin_locks", [True, False])
def test_spot_orders_live_on_and_are_named(
    shared: Emulator, flavour: Flavour, symbol: str | None, margin_locks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    shared.knobs(margin_locks=margin_locks)
    spots = [spot(shared), spot(shared, side="sell", price="300")]
    margin = shared.place(shared.accounts[0].uid, BUY)
    client = loaded(shared, flavour)
    with caplog.at_level(logging.INFO, "bitget_margin.locked"):
        (order,) = client("cancel_all_orders", symbol, QUICK)
    client.close()
    assert (order["id"], order["status"]) == (margin, "canceled")
    assert [shared.order(each).live for each in spots] == [True, True]
    (record,) = [record for record in caplog.records if record.name == "bitget_margin.locked"]
    assert record.levelno == logging.INFO
    for text in (f"100 USDT locked: spot order {spots[0]} (SOLUSDT buy)", f"1 SOL locked: spot order {spots[1]}"):
        assert text in record.getMessage()


@pytest.mark.classic
@pytest.mark.parametrize("margin_locks", [True, False])
def test_the_operator_s_commands_name_what_holds_the_locked_coins(
    shared: Emulator, margin_locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.knobs(margin_locks=margin_locks)
    spot_id = spot(shared)
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.operator.cancel"), "is_terminal", lambda: True)
    idle = here(shared, "cancel", "--all").stdout
    assert "Nothing is left to cancel" in idle
    assert f"spot order {spot_id}" in idle
    uid = shared.accounts[0].uid
    margin = shared.place(uid, BUY)
    assert f"spot order {spot_id}" in here(shared, "orders").stdout
    (holding,) = json.loads(here(shared, "orders", "--json").stdout)["held_by"]
    assert holding == {
        "category": "spot",
        "symbol": "SOLUSDT",
        "id": spot_id,
        "side": "buy",
        "coin": "USDT",
        "amount": 100.0,
    }
    done = here(shared, "cancel", "--all", "--yes").stdout
    assert "No order of the cross margin account is open any more." in done
    assert f"100 USDT locked: spot order {spot_id} (SOLUSDT buy)" in done
    assert (shared.order(margin).live, shared.order(spot_id).live) == (False, True)


@pytest.mark.classic
@pytest.mark.parametrize("margin_locks", [True, False])
def test_an_order_that_the_list_shows_late_is_canceled_all_the_same(shared: Emulator, margin_locks: bool) -> None:
    shared.knobs(margin_locks=margin_locks, open_orders_late_ms=1_000)
    order_id = shared.place(shared.accounts[0].uid, BUY)
    client = Client(Flavour.SYNC, config(shared))
    assert [order["id"] for order in client("cancel_all_orders", None, QUICK)] == [order_id]
    client.close()
    assert not shared.order(order_id).live


@pytest.mark.classic
def test_strategy_orders_that_may_hold_locked_coins_are_named(
    shared: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    shared.knobs(strategy_freezes=True)
    client = loaded(shared)
    placed = client.exchange.privateUtaPostV3TradePlaceStrategyOrder(
        {"category": "MARGIN", "symbol": "SOLUSDT", "side": "sell", "qty": "2", "type": "tpsl", "stopLoss": "100"}
    )
    assert client("cancel_all_orders", None, QUICK) == []
    client.close()
    (record,) = [record for record in caplog.records if record.name == "bitget_margin.locked"]
    assert record.levelno == logging.WARNING
    assert f"no listed order accounts for 2 SOL, strategy order {placed['data']['orderId']}" in record.getMessage()


def test_the_past_of_a_removed_pair_goes_by_its_name(venue: Emulator) -> None:
    venue.place(venue.accounts[0].uid, {**SELL, "orderType": "market"})
    client = loaded(venue)
    exchange = client.exchange
    exchange.set_markets([market for market in exchange.markets.values() if market["symbol"] != SOL])
    for method in ("fetch_canceled_and_closed_orders", "fetch_my_trades"):
        if venue.accounts[0].kind is AccountKind.UNIFIED:
            assert [found["symbol"] for found in client(method, None, None, None, CROSS)] == [SOL]
    client.close()


def test_a_coin_that_nobody_knows_is_no_pair() -> None:
    with Emulator() as venue:
        client = loaded(venue)
        venue.reset_requests()
        with pytest.raises(Exception, match="XX/USDT") as caught:
            client("cancel_all_orders", "XX/USDT", QUICK)
        client.close()
        assert not isinstance(caught.value, CancelUnresolved)
        assert not [record for record in venue.requests if record.uid]

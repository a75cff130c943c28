"""Promise: coins that ccxt renames are matched by the venue's names in balances and symbols."""

from collections.abc import Iterator
from dataclasses import replace

import ccxt
import pytest

from bitget_margin import CancelUnresolved
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind, synthetic_symbols
from support.client import CROSS, QUICK_PACING, Client, Flavour, config

EVERYWHERE: dict[str, str] = ccxt.Exchange().describe()["commonCurrencies"]
RENAMED = {coin: code for coin, code in ccxt.bitget().commonCurrencies.items() if coin not in EVERYWHERE}
"""Coins of this venue that ccxt renames, with ccxt's names."""
QUICK = CROSS | {"timeout": 1_000}


@pytest.fixture(params=sorted(RENAMED))
def coin(request: pytest.FixtureRequest) -> str:
    """Return each coin that ccxt renames, by the venue's name."""
    return request.param


@pytest.fixture
def venue(kind: AccountKind, coin: str) -> Iterator[Emulator]:
    """Run an emulator with this coin, of which the account has 10."""
    pair = replace(synthetic_symbols(1)[0], symbol=f"{coin}USDT", base=coin)
    account = Account(kind=kind, balances={"USDT": "1000", coin: "10"})
    with Emulator(accounts=(account,), symbols=(pair,)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def client(venue: Emulator) -> Iterator[Client]:
    """Return a client that loads the markets of this emulator."""
    options = {"batchCancel": {"pacing": QUICK_PACING}, "fetchMarkets": {"types": ["spot"]}}
    made = Client(Flavour.SYNC, config(venue, options=options), load=False)
    yield made
    made.close()


def sell(venue: Emulator, coin: str) -> str:
    order = {"symbol": f"{coin}USDT", "side": "sell", "price": "110", "baseSize": "1"}
    return venue.place(venue.accounts[0].uid, order)


def test_what_an_order_that_no_list_shows_holds_is_told(venue: Emulator, client: Client, coin: str) -> None:
    symbol = f"{RENAMED[coin]}/USDT"
    sell(venue, coin)
    for path in ("open-orders", "unfilled-orders"):
        venue.add_fault(FaultKind.WRONG_SYMBOL, path=path)
    classic = venue.accounts[0].kind is AccountKind.CLASSIC
    why = f"1 {coin} is still frozen" if classic else "open orders could not be listed a second time"
    with pytest.raises(CancelUnresolved, match=why):
        client("cancel_all_orders", symbol, QUICK)
    venue.clear_faults()
    (order,) = client("cancel_all_orders", symbol, QUICK)
    assert (order["symbol"], venue.orders(live_only=True)) == (symbol, [])


def test_everything_is_cancelled_and_proven(venue: Emulator, client: Client, coin: str) -> None:
    order_id = sell(venue, coin)
    assert [order["id"] for order in client("cancel_all_orders", None, QUICK)] == [order_id]
    assert client("cancel_all_orders", f"{RENAMED[coin]}/USDT", QUICK) == []


def test_the_symbol_follows_from_the_pair_while_the_lists_are_down(venue: Emulator, client: Client, coin: str) -> None:
    symbol, ids = f"{RENAMED[coin]}/USDT", [sell(venue, coin), sell(venue, coin)]
    venue.add_fault(FaultKind.HTML_502, path="spot/public/coins")
    report = client("batch_cancel", ids[:1], symbol)
    assert (report.ok, report.results[0].symbol) == (True, symbol)
    assert [order["symbol"] for order in client("cancel_all_orders", symbol, QUICK)] == [symbol]
    with pytest.raises(ccxt.BadSymbol, match=f"ccxt's name of {coin} in '{coin}/USDT' is '{RENAMED[coin]}'"):
        client("batch_cancel", ids[1:], f"{coin}/USDT")

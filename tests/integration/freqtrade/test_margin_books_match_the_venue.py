"""Promise: the books of a leveraged bot are those of the venue, on both kinds of account; interest is read or raised.

freqtrade itself runs in other tests; here is what the venue answers, read by the real exchange object.
"""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from bitget_margin.freqtrade.interest import Charge, fetch_charges
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, read_snapshot, venue_equity
from support.client import CROSS, Client, Flavour, config

BALANCES = {"USDT": "1000", "BTC": "0.01"}
LASTING = {FaultKind.SLOW_BYTES, FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER, FaultKind.REFUSE}
"""Faults that take longer than the call may."""
RECORDS = {AccountKind.CLASSIC: "/interest-history", AccountKind.UNIFIED: "/financial-records"}

pytestmark = pytest.mark.classic  # these bring accounts of their own


@pytest.fixture(params=list(AccountKind), ids=lambda kind: kind.value)
def venue(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run a venue with an account of this kind that owes nothing."""
    with Emulator(accounts=(Account(kind=request.param, balances=BALANCES),)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def client(venue: Emulator) -> Iterator[Client]:
    made = Client(Flavour.SYNC, config(venue))
    yield made
    made.close()


def borrow(venue: Emulator, client: Client) -> None:
    """Borrow 500 USDT: by hand on a classic account; by an order that rests, on a unified one."""
    if venue.accounts[0].kind is AccountKind.CLASSIC:
        client("borrow_cross_margin", "USDT", 500, CROSS)
        client("create_order", "BTC/USDT", "limit", "buy", 0.03, 50_000, CROSS)
    else:
        client("create_order", "BTC/USDT", "limit", "buy", 0.03, 50_000, CROSS)


def is_unified(venue: Emulator) -> bool:
    return venue.accounts[0].kind is AccountKind.UNIFIED


def equity_of(venue: Emulator, balance: Any) -> float | None:
    return venue_equity(balance, unified=is_unified(venue), stake_coin="USDT", price=price)


def price(coin: str) -> float | None:
    return {"BTC": 60_000.0}.get(coin)


def test_what_is_there_is_owed_and_is_free_on_both_kinds_of_account(venue: Emulator, client: Client) -> None:
    """All that was lent is frozen by the order; nothing of it counts twice."""
    borrow(venue, client)
    balance = client("fetch_balance", CROSS)
    found = read_snapshot(balance, unified=is_unified(venue))
    uid = venue.accounts[0].uid
    there = {coin: float(sum(amounts)) for coin, amounts in venue.balances(uid).items() if any(amounts)}
    assert {coin: found.total[coin] for coin in there} == pytest.approx(there)
    assert found.debt["USDT"] == pytest.approx(500, rel=1e-3)
    assert found.debt["USDT"] >= 500
    assert (found.free["USDT"], found.total["USDT"]) == (pytest.approx(0), pytest.approx(1_500))
    assert (found.free["BTC"], found.net("BTC")) == (0.01, 0.01)
    assert found.net("USDT") == pytest.approx(1_000, rel=1e-3)


def test_the_equity_of_the_books_is_the_venue_s(venue: Emulator, client: Client) -> None:
    """Of a debt that is subtracted twice, or not at all, no liquidation price is computed."""
    borrow(venue, client)
    balance = client("fetch_balance", CROSS)
    equity = equity_of(venue, balance)
    assert equity == pytest.approx(1_600, rel=1e-3)

    def books(snapshot: AccountSnapshot) -> MarginBooks:
        return MarginBooks(snapshot, (), "USDT", price)

    known = books(read_snapshot(balance, unified=is_unified(venue)))
    assert (known.equity(), known.wallet()) == (pytest.approx(equity), pytest.approx(1_000, rel=1e-3))
    assert known.is_whole()
    assert known.is_priced(equity)
    wrong = books(read_snapshot(balance, unified=not is_unified(venue)))
    assert not wrong.is_priced(equity)


def test_charges_are_those_of_the_venue(venue: Emulator, client: Client) -> None:
    borrow(venue, client)
    api = client.exchange
    since_ms = api.milliseconds() - 60_000
    found = fetch_charges(api, "USDT", since_ms, 2_000)
    assert all(isinstance(charge, Charge) and charge.coin == "USDT" for charge in found)
    debt = client("fetch_balance", CROSS)["USDT"]["debt"]
    assert sum(charge.amount for charge in found) == pytest.approx(debt - 500, abs=1e-8)
    assert fetch_charges(api, "BTC", since_ms, 2_000) == []


@pytest.mark.parametrize("fault", sorted(set(FaultKind) - LASTING), ids=lambda fault: fault.value)
def test_an_answer_without_charges_is_an_error_of_ccxt(venue: Emulator, client: Client, fault: FaultKind) -> None:
    borrow(venue, client)
    api = client.exchange
    since_ms = api.milliseconds() - 60_000
    true = fetch_charges(api, "USDT", since_ms, 2_000)
    venue.add_fault(fault, RECORDS[venue.accounts[0].kind], duration_ms=1_000)
    try:
        found = fetch_charges(api, "USDT", since_ms, 400)
    except ccxt.BaseError:
        return
    # A list that is null is one without rows, on a classic account.
    assert found == true or (fault, found) == (FaultKind.NULL_LISTS, [])

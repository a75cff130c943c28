"""Promise: loans of both account kinds in ccxt's terms, each change made at most once, and done only on proof."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bitget_margin import ChangeUnresolved
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.client import CROSS, QUICK_PACING, Client, Flavour, config

pytestmark = pytest.mark.classic  # these bring accounts of their own
BTC = "BTC/USDT"
QUICK = [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.CODE_45001, FaultKind.REPEAT]
LONG = {FaultKind.SLOW_BYTES, FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER, FaultKind.REFUSE}


@pytest.fixture
def both() -> Iterator[Emulator]:
    """Run an emulator with a classic and a unified account."""
    accounts = (Account(uid="1", kind=AccountKind.CLASSIC), Account(uid="2", kind=AccountKind.UNIFIED))
    with Emulator(accounts=accounts) as running:
        yield running
    assert running.errors == ()


def made(venue: Emulator, flavour: Flavour, kind: AccountKind, **options: Any) -> Client:
    """Return a client of the account of this kind, with short pauses."""
    account = next(account for account in venue.accounts if account.kind is kind)
    given = {"batchCancel": {"pacing": QUICK_PACING}, **options}
    client = Client(flavour, config(venue, account, options=given))
    client.exchange.verify = False  # loading certificates would take longer than a short call
    venue.reset_requests()
    return client


def debt(client: Client, code: str = "USDT") -> float:
    return float(client("fetch_balance", CROSS)[code]["debt"])


def test_a_classic_account_borrows_and_repays(both: Emulator, flavour: Flavour) -> None:
    client = made(both, flavour, AccountKind.CLASSIC)
    loan = client("borrow_cross_margin", "USDT", 1_000, CROSS)
    assert (loan["currency"], loan["amount"], debt(client)) == ("USDT", 1_000, 1_000.01)
    (charge,) = client("fetch_borrow_interest", "USDT", BTC, None, None, CROSS)
    assert (charge["currency"], charge["interest"], charge["interestRate"]) == ("USDT", 0.01, 0.00024)
    checks = pytest.importorskip("ccxt.test.exchange.base", reason="this ccxt comes without its tests")
    checks.test_borrow_interest(
        client.exchange, {"allowNull": ["amountBorrowed"]}, "fetchBorrowInterest", charge, "USDT", None
    )
    paid = client("repay_cross_margin", "USDT", 2_000, CROSS)
    assert (paid["currency"], paid["amount"], debt(client)) == ("USDT", 1_000.01, 0)
    client.close()


def test_a_unified_account_borrows_by_an_order_and_repays_it_all(both: Emulator, flavour: Flavour) -> None:
    client = made(both, flavour, AccountKind.UNIFIED)
    client("create_order", BTC, "limit", "sell", 2.5, 70_000, CROSS)
    assert debt(client, "BTC") == 0.5
    with pytest.raises(ccxt.NotSupported, match="borrow what they lack by themselves"):
        client("borrow_cross_margin", "USDT", 1, CROSS)
    with pytest.raises(ccxt.NotSupported, match=r"0.5 BTC are owed, give at least that"):
        client("repay_cross_margin", "BTC", 0.1, CROSS)
    paid = client("repay_cross_margin", "BTC", 1, CROSS | {"paymentCoin": "USDT"})
    assert (paid["currency"], paid["amount"], debt(client, "BTC")) == ("BTC", 0.5, 0)
    client.close()


@pytest.mark.parametrize("account_kind", AccountKind, ids=str)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_rates_and_leverage_of_both_kinds(both: Emulator, account_kind: AccountKind, *, known: bool) -> None:
    client = made(both, Flavour.SYNC if known else Flavour.ASYNC, account_kind, **({} if known else {"uta": None}))
    rate = client("fetch_cross_borrow_rate", "BTC", CROSS)
    assert (rate["currency"], rate["rate"]) == ("BTC", 0.00024)
    found = client("fetch_leverage", BTC, CROSS)
    assert (found["longLeverage"], found["shortLeverage"], found["marginMode"]) == (3, 3, "cross")
    assert client("fetch_margin_mode", BTC, CROSS)["marginMode"] == "cross"
    for method, arguments in (("fetch_cross_borrow_rates", (CROSS,)), ("set_margin_mode", ("cross", BTC, CROSS))):
        with pytest.raises(ccxt.NotSupported):
            client(method, *arguments)
    if account_kind is AccountKind.UNIFIED:
        assert client("set_leverage", 2, BTC, CROSS | {"code": "BTC"})["leverage"] == 2
        assert client("fetch_leverage", BTC, CROSS)["shortLeverage"] == 2
        with pytest.raises(ccxt.ExchangeError, match="25223"):
            client("set_leverage", 5, BTC, CROSS | {"code": "BTC"})
    else:
        with pytest.raises(ccxt.NotSupported, match="on a classic account"):
            client("set_leverage", 2, BTC, CROSS | {"code": "BTC"})
    assert all("/spot/" not in record.path and "/mix/" not in record.path for record in both.requests if record.uid)
    client.close()


@pytest.mark.parametrize("account_kind", AccountKind, ids=str)
def test_the_margin_level_is_that_of_the_venue(both: Emulator, flavour: Flavour, account_kind: AccountKind) -> None:
    """Whether or not the account kind is known before, and with the public lists down: no market is needed."""
    client = made(both, flavour, account_kind, uta=None)
    uid = next(account.uid for account in both.accounts if account.kind is account_kind)
    both.set_debt("BTC", "1.5", uid)
    client.exchange.markets = None
    both.add_fault(FaultKind.HTML_502, "/public/symbols")
    found = client("fetch_cross_margin_level", CROSS)
    assert (found["marginLevel"], found["marginMode"]) == (pytest.approx(float(both.risk(uid)), abs=1e-8), "cross")
    assert (found["warningLevel"], found["liquidationLevel"]) == (0.8, 1)
    client.close()


def check(venue: Emulator, fault: FaultKind, timeout_ms: int) -> None:
    """Borrow under a fault; check that the outcome agrees with the debt, and that nothing was sent twice."""
    client = made(venue, Flavour.SYNC, AccountKind.CLASSIC)
    venue.add_fault(fault, "/account/borrow", count=1, duration_ms=1_000)
    owed: set[float]
    try:
        client("borrow_cross_margin", "BTC", 0.5, CROSS | {"timeout": timeout_ms})
        owed = {0.5}
    except ChangeUnresolved:
        owed = {0.0, 0.5}
    except ccxt.BaseError:
        assert not fault.executes
        owed = {0.0}
    copies = 2 if fault is FaultKind.REPEAT else 1  # a gateway that repeats borrows twice, which no client can prevent
    lent = round(debt(client, "BTC"), 3) / copies
    assert lent in owed or (copies == 2 and lent == 0.5)
    sends = [record for record in venue.requests if record.path.endswith("/account/borrow")]
    again = {FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW}
    assert len(sends) <= (2 if fault in again else 1)
    client.close()


@pytest.mark.parametrize("fault", QUICK, ids=lambda fault: fault.value)
def test_the_outcome_is_true_under_a_fault(both: Emulator, fault: FaultKind) -> None:
    check(both, fault, 1_500)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in FaultKind if fault not in QUICK], ids=lambda fault: fault.value)
def test_the_outcome_is_true_under_every_fault(both: Emulator, fault: FaultKind) -> None:
    check(both, fault, 3_000 if fault in LONG else 1_500)


def test_records_that_lag_leave_a_lost_answer_unresolved(both: Emulator) -> None:
    both.knobs(loans_lag_ms=60_000)
    client = made(both, Flavour.SYNC, AccountKind.CLASSIC)
    both.add_fault(FaultKind.RESET_AFTER, "/account/borrow", count=1)
    with pytest.raises(ChangeUnresolved, match="the loan of 5 USDT may have been executed"):
        client("borrow_cross_margin", "USDT", 5, CROSS | {"timeout": 1_200})
    assert both.balances("1")["USDT"].available == Decimal(100_005)
    client.close()


def test_a_debt_is_the_same_number_in_the_balance_of_both_kinds(both: Emulator) -> None:
    """Principal and interest of a classic account, and what a unified account calls its debt."""
    client = made(both, Flavour.SYNC, AccountKind.CLASSIC)
    client("borrow_cross_margin", "USDT", 1_000, CROSS)
    assert client("fetch_balance", CROSS)["debt"]["USDT"] == 1_000.01
    client.close()
    client = made(both, Flavour.SYNC, AccountKind.UNIFIED)
    client("create_order", BTC, "limit", "sell", 2.5, 70_000, CROSS)
    assert client("fetch_balance", CROSS)["debt"]["BTC"] == 0.5
    client.close()


@pytest.mark.parametrize("category", ["MARGIN", "OTHER"])
def test_interest_of_a_unified_account_is_found_in_either_category(category: str) -> None:
    clock = [1_790_000_000_000]
    account = Account(kind=AccountKind.UNIFIED)
    with Emulator(accounts=(account,), clock=lambda: clock[0]) as venue:
        venue.knobs(interest_category=category)
        client = made(venue, Flavour.SYNC, AccountKind.UNIFIED)
        client.exchange.milliseconds = lambda: clock[0]
        client("create_order", BTC, "limit", "sell", 2.5, 70_000, CROSS)
        clock[0] += 3_600_000
        client("fetch_balance", CROSS)
        (charge,) = client("fetch_borrow_interest", "BTC", None, None, None, CROSS)
        assert (charge["currency"], charge["interest"], charge["timestamp"]) == ("BTC", 0.000005, clock[0])
        assert client("fetch_borrow_interest", "ETH", None, None, None, CROSS) == []
        client.close()


def test_loans_by_hand_are_in_the_ledger(both: Emulator) -> None:
    client = made(both, Flavour.SYNC, AccountKind.CLASSIC)
    client("borrow_cross_margin", "USDT", 5, CROSS)
    client("repay_cross_margin", "USDT", 5, CROSS)
    entries = client("fetch_ledger", "USDT", None, None, CROSS)
    assert [(entry["direction"], entry["amount"]) for entry in entries] == [("in", 5), ("out", 5)]
    client.close()


@pytest.mark.parametrize("account_kind", AccountKind, ids=str)
def test_a_repayment_that_a_gateway_sends_twice_is_not_called_refused(
    both: Emulator, account_kind: AccountKind
) -> None:
    """The second request finds no debt any more, and its refusal is what comes back."""
    client = made(both, Flavour.SYNC, account_kind)
    if account_kind is AccountKind.CLASSIC:
        client("borrow_cross_margin", "BTC", 0.5, CROSS)
    else:
        client("create_order", BTC, "limit", "sell", 2.5, 70_000, CROSS)
    assert debt(client, "BTC") > 0
    both.add_fault(FaultKind.REPEAT, "/account/repay", count=1)
    payment = {} if account_kind is AccountKind.CLASSIC else {"paymentCoin": "USDT"}
    client("repay_cross_margin", "BTC", 1, CROSS | payment)
    assert debt(client, "BTC") == 0
    client.close()


def test_a_part_that_was_repaid_is_not_called_nothing(both: Emulator) -> None:
    client = made(both, Flavour.SYNC, AccountKind.UNIFIED)
    client("create_order", BTC, "limit", "sell", 2.5, 70_000, CROSS)
    client("create_order", BTC, "limit", "buy", 1.9, 50_000, CROSS)
    both.add_fault(FaultKind.REPEAT, "/account/repay", count=1)
    with pytest.raises(ChangeUnresolved, match="the repayment of BTC may have been executed"):
        client("repay_cross_margin", "BTC", 1, CROSS | {"paymentCoin": "USDT"})
    assert 0 < debt(client, "BTC") < 0.5
    client.close()

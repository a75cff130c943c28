"""Promise: loans of both kinds of account are exact: principal, interest, repayments, and the records of them."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Emulator

from .client import CROSSED, START_MS, V3, Client, FakeClock, Reply, UnifiedClient

HOUR_MS = 3_600_000
FIRST = Decimal("0.01")
"""Interest of an hour on 1000 coins."""


def borrow(client: Client, amount: str, coin: str = "USDT", **more: str) -> Reply:
    return client.post(f"{CROSSED}/account/borrow", {"coin": coin, "borrowAmount": amount, **more})


def repay(client: Client, amount: str, coin: str = "USDT") -> Reply:
    return client.post(f"{CROSSED}/account/repay", {"coin": coin, "repayAmount": amount})


def records(client: Client, name: str, **params: object) -> list[dict[str, str]]:
    page = client.get(f"{CROSSED}/{name}-history", **{"startTime": START_MS, **params}).data
    assert (page["maxId"] is None) is (page["resultList"] == [])
    return list(page["resultList"])


def asset(client: Client, coin: str = "USDT") -> tuple[Decimal, Decimal, Decimal]:
    """Return what is free, borrowed and owed as interest."""
    (row,) = client.get(f"{CROSSED}/account/assets", coin=coin).data
    return Decimal(row["available"]), Decimal(row["borrow"]), Decimal(row["interest"])


def test_a_loan_by_hand_costs_interest_at_once_and_each_hour(client: Client, clock: FakeClock) -> None:
    loan = borrow(client, "1000").data
    assert (loan["coin"], loan["borrowAmount"], asset(client)) == ("USDT", "1000", (101_000, 1_000, FIRST))
    (record,) = records(client, "borrow")
    assert (record["loanId"], record["borrowAmount"], record["borrowType"]) == (loan["loanId"], "1000", "manual_loan")
    clock.advance(2 * HOUR_MS)
    assert asset(client) == (101_000, 1_000, 3 * FIRST)
    rows = records(client, "interest", coin="USDT")
    assert [row["interstType"] for row in rows] == ["scheduled", "scheduled", "first"]
    assert {(row["interestAmount"], row["dailyInterestRate"]) for row in rows} == {("0.01", "0.00024")}
    assert records(client, "interest", coin="BTC") == []


def test_a_repayment_pays_interest_first_and_no_more_than_is_owed(client: Client) -> None:
    borrow(client, "1000").data  # noqa: B018 - it must succeed
    part = repay(client, "500").data
    assert (part["repayAmount"], part["remainDebtAmount"]) == ("500", "500.01")
    rest = repay(client, "9000").data
    assert (rest["repayAmount"], rest["remainDebtAmount"]) == ("500.01", "0")
    assert asset(client) == (100_000 - FIRST, 0, 0)
    rows = records(client, "repay")
    assert [(row["repayAmount"], row["repayPrincipal"], row["repayInterest"]) for row in rows] == [
        ("500.01", "500.01", "0"),
        ("500", "499.99", "0.01"),
    ]
    assert {row["repayType"] for row in rows} == {"manual_repay"}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda c: borrow(c, "1", "NOPE"), "50032"),
        (lambda c: borrow(c, "1", "XRP"), "50037"),
        (lambda c: borrow(c, "1.123456789"), "50063"),
        (lambda c: borrow(c, "10000000"), "50035"),
        (lambda c: borrow(c, "0"), "40020"),
        (lambda c: repay(c, "1", "BTC"), "50036"),
        (lambda c: repay(c, "0.01"), "50042"),
        (lambda c: c.get(f"{CROSSED}/borrow-history"), "40019"),
    ],
)
def test_what_cannot_be_borrowed_or_repaid_is_refused(client: Client, call: Any, code: str) -> None:
    borrow(client, "1000").data  # noqa: B018
    before = asset(client)
    call(client).assert_refused(code)
    assert asset(client) == before


def test_more_than_is_free_cannot_be_repaid(client: Client) -> None:
    borrow(client, "1000").data  # noqa: B018
    client.placed(price="50000", baseSize="2")
    repay(client, "1000.01").assert_refused("50041")


def test_a_sale_repays_no_loan_by_hand(client: Client) -> None:
    borrow(client, "1000").data  # noqa: B018
    client.placed(side="sell", orderType="market", baseSize="0.1")
    assert asset(client)[1] == 1_000


def test_records_are_paged_and_lag_by_the_knob(venue: Emulator, client: Client, clock: FakeClock) -> None:
    venue.knobs(loans_lag_ms=60_000)
    ids = [borrow(client, "1").data["loanId"] for _ in range(3)]
    assert records(client, "borrow") == records(client, "interest") == []
    clock.advance(60_000)
    assert [row["loanId"] for row in records(client, "borrow")] == ids[::-1]
    assert [row["loanId"] for row in records(client, "borrow", limit=1, idLessThan=ids[2])] == [ids[1]]
    assert [row["loanId"] for row in records(client, "borrow", loanId=ids[0])] == [ids[0]]
    assert records(client, "borrow", startTime=clock.now_ms) == []


def test_rates_and_limits_are_shown(client: Client, unified: UnifiedClient) -> None:
    (row,) = client.get(f"{CROSSED}/interest-rate-and-limit", coin="BTC").data
    assert (row["leverage"], row["dailyInterestRate"], row["borrowable"]) == ("3", "0.00024", True)
    most = client.get(f"{CROSSED}/account/max-borrowable-amount", coin="USDT").data["maxBorrowableAmount"]
    assert Decimal(most) == 710_000
    rates = unified.get(f"{V3}/market/margin-loans", coin="BTC").data
    assert (rates["dailyInterest"], rates["annualInterest"]) == ("0.00024", "0.0876")
    unified.get(f"{V3}/market/margin-loans", coin="NOPE").assert_refused("25201")


# -- unified accounts ---------------------------------------------------------------------------------------------


def pay(client: UnifiedClient, coin: str, payment_coin: str) -> Reply:
    lists = {"repayableCoinList": [coin], "paymentCoinList": [payment_coin]}
    return client.post(f"{V3}/account/repay", lists)


def owed(client: UnifiedClient, coin: str = "BTC") -> Decimal:
    assets = client.get(f"{V3}/account/assets").data["assets"]
    return sum((Decimal(row["debt"]) for row in assets if row["coin"] == coin), Decimal(0))


def test_a_loan_of_an_order_costs_interest_after_each_hour(unified: UnifiedClient, clock: FakeClock) -> None:
    unified.placed(side="sell", orderType="market", price=None, qty="2.5")
    assert owed(unified) == Decimal("0.5")
    clock.advance(HOUR_MS)
    assert owed(unified) == Decimal("0.500005")
    (row,) = unified.get(f"{V3}/trade/loan-data").data["debtCoinList"]
    assert (row["coin"], row["debt"], row["interestRateNextHour"]) == ("BTC", "0.500005", "0.000005")
    unified.placed(orderType="market", price=None, qty="60000")
    assert owed(unified) == 0


@pytest.mark.parametrize("payment_coin", ["USDT", "ETH"])
def test_a_debt_is_repaid_with_another_coin(venue: Emulator, unified: UnifiedClient, payment_coin: str) -> None:
    unified.placed(side="sell", orderType="market", price=None, qty="2.5")
    (row,) = unified.get(f"{V3}/account/repayable-coins").data["repayableCoinList"]
    assert (row["coin"], row["size"], row["amount"]) == ("BTC", "0.5", "30000")
    assert payment_coin in {c["coin"] for c in unified.get(f"{V3}/account/payment-coins").data["paymentCoinList"]}
    before = venue.balances("2001")[payment_coin].available
    assert pay(unified, "BTC", payment_coin).data == {"result": "YES", "repayAmount": "0.5"}
    price = {"USDT": 1, "ETH": 3_000}[payment_coin]
    assert before - venue.balances("2001")[payment_coin].available == Decimal(30_000) / price
    assert owed(unified) == 0
    pay(unified, "BTC", payment_coin).assert_refused("25200")


def test_a_debt_is_repaid_with_the_coin_itself_or_not_at_all(venue: Emulator, unified: UnifiedClient) -> None:
    unified.placed(side="sell", price="70000", qty="2.5")
    assert pay(unified, "BTC", "BTC").data == {"result": "NO", "repayAmount": "0"}
    pay(unified, "NOPE", "BTC").assert_refused("25201")
    unified.post(f"{V3}/account/repay", {"repayableCoinList": []}).assert_refused("400172")
    assert owed(unified) == Decimal("0.5")


def test_the_leverage_of_a_coin_is_set_and_shown(unified: UnifiedClient) -> None:
    def shown() -> dict[str, str]:
        listed = unified.get(f"{V3}/account/settings").data["coinConfigList"]
        return {row["coin"]: row["leverage"] for row in listed}

    assert shown() == dict.fromkeys(("USDT", "BTC", "ETH", "SOL"), "3")
    body = {"category": "MARGIN", "coin": "BTC", "leverage": "2"}
    assert unified.post(f"{V3}/account/set-leverage", body).data == "success"
    assert shown()["BTC"] == "2"
    for change, code in (({"leverage": "5"}, "25223"), ({"coin": "NOPE"}, "25201"), ({"leverage": "0"}, "400172")):
        unified.post(f"{V3}/account/set-leverage", body | change).assert_refused(code)

"""Promise: the loan type of a classic account's order decides whether it borrows and repays, exactly and on record."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, Emulator

from .client import CROSSED, START_MS, Client, FakeClock

UID = "1001"
ORDER = {"symbol": "BTCUSDT", "side": "buy"}
KINDS = ["normal", "autoLoan", "autoRepay", "autoLoanAndRepay"]


def debt(venue: Emulator, coin: str) -> tuple[Decimal, Decimal]:
    """Return principal and interest that the first account owes."""
    owed = venue.debts(UID).get(coin)
    return (Decimal(0), Decimal(0)) if owed is None else (owed.principal, owed.interest)


def free(venue: Emulator, coin: str) -> Decimal:
    return venue.balances(UID)[coin].available


def records(client: Client, name: str) -> list[dict[str, str]]:
    return list(client.get(f"{CROSSED}/{name}-history", startTime=START_MS).data["resultList"])


def sold(client: Client, amount: str, **fields: object) -> str:
    return client.placed(side="sell", orderType="market", baseSize=amount, **fields)


@pytest.mark.parametrize("loan_type", KINDS)
def test_what_an_order_lacks_is_borrowed_by_its_loan_type_only(venue: Emulator, client: Client, loan_type: str) -> None:
    """The account has 2 BTC."""
    reply = client.place(side="sell", price="70000", baseSize="2.5", loanType=loan_type)
    if loan_type in ("normal", "autoRepay"):
        reply.assert_refused("43012")
        assert (debt(venue, "BTC"), venue.borrowed(UID), records(client, "borrow")) == ((0, 0), {}, [])
        return
    assert reply.data["orderId"]
    assert debt(venue, "BTC") == (Decimal("0.5"), Decimal("0.000005"))
    assert venue.balances(UID)["BTC"] == (0, Decimal("2.5"))
    assert venue.borrowed(UID) == {"BTC": Decimal("0.5")}
    (row,) = records(client, "borrow")
    assert (row["coin"], row["borrowAmount"], row["borrowType"]) == ("BTC", "0.5", "auto_loan")
    (charge,) = records(client, "interest")
    assert (charge["loanCoin"], charge["interestAmount"], charge["interstType"]) == ("BTC", "0.000005", "first")


@pytest.mark.parametrize("loan_type", KINDS)
def test_an_order_that_lacks_nothing_borrows_nothing(venue: Emulator, client: Client, loan_type: str) -> None:
    client.placed(price="50000", baseSize="2", loanType=loan_type)
    assert (venue.debts(UID), venue.borrowed(UID)) == ({}, {})


def test_coins_that_other_orders_hold_are_lacking(venue: Emulator, client: Client) -> None:
    client.placed(price="50000", baseSize="2")
    client.placed(price="50000", baseSize="1", loanType="autoLoan")
    assert debt(venue, "USDT")[0] == 50_000
    assert venue.balances(UID)["USDT"] == (0, 150_000)


def test_a_market_buy_borrows_what_its_amount_of_quote_coins_lacks(venue: Emulator, client: Client) -> None:
    client.bought("150000", loanType="autoLoan")
    assert (debt(venue, "USDT")[0], free(venue, "USDT"), free(venue, "BTC")) == (50_000, 0, Decimal("4.4975"))


def test_a_loan_is_rounded_up_to_eight_decimals(clock: FakeClock) -> None:
    with Emulator(accounts=(Account(balances={"USDT": "499.999999999"}),), clock=clock) as venue:
        venue.place(venue.accounts[0].uid, {**ORDER, "price": "50000", "baseSize": "0.01", "loanType": "autoLoan"})
        assert venue.debts()["USDT"].principal == Decimal("0.00000001")
        (free_coins, frozen) = venue.balances(venue.accounts[0].uid)["USDT"]
        assert (free_coins, frozen) == (Decimal("0.000000009"), 500)


def test_no_more_is_repaid_than_a_fill_brings_after_its_fee(venue: Emulator, client: Client) -> None:
    """Coins that were there before stay."""
    venue.set_debt("BTC", "1", UID)
    client.bought("6000", loanType="autoRepay")
    assert debt(venue, "BTC")[0] == 1 - Decimal("0.0999")
    assert free(venue, "BTC") == 2


@pytest.mark.parametrize("loan_type", KINDS)
def test_received_coins_repay_by_the_loan_type_only_interest_first(
    venue: Emulator, client: Client, loan_type: str
) -> None:
    """A short of 0.5 BTC is covered in part, then by more than is owed."""
    sold(client, "2.5", loanType="autoLoan")
    client.bought("12000", loanType=loan_type)
    if loan_type in ("normal", "autoLoan"):
        assert (debt(venue, "BTC")[0], free(venue, "BTC"), records(client, "repay")) == (
            Decimal("0.5"),
            Decimal("0.1998"),
            [],
        )
        return
    assert (debt(venue, "BTC"), free(venue, "BTC")) == ((Decimal("0.300205"), 0), 0)
    client.bought("24000", loanType=loan_type)
    assert (venue.debts(UID), free(venue, "BTC")) == ({}, Decimal("0.3996") - Decimal("0.300205"))
    last, first = records(client, "repay")
    assert {first["repayType"], last["repayType"]} == {"auto_repay"}
    assert (first["repayAmount"], first["repayInterest"], first["repayPrincipal"]) == ("0.1998", "0.000005", "0.199795")
    assert (last["repayAmount"], last["repayInterest"]) == ("0.300205", "0")


def test_each_fill_of_a_resting_order_repays(venue: Emulator, client: Client) -> None:
    """A long of borrowed USDT is sold in two parts."""
    client.bought("150000", loanType="autoLoan")
    order_id = client.placed(side="sell", price="61000", baseSize="1", loanType="autoRepay")
    owed = debt(venue, "USDT")
    venue.fill(order_id, "0.4")
    assert sum(debt(venue, "USDT")) == sum(owed) - Decimal("0.4") * 61_000 * Decimal("0.999")
    venue.fill(order_id)
    assert (venue.debts(UID), free(venue, "USDT") > 0) == ({}, True)
    assert [row["repayType"] for row in records(client, "repay")] == ["auto_repay"] * 2


def test_coins_that_come_without_auto_repay_stay(venue: Emulator, client: Client) -> None:
    """Neither a cancel nor a fill of another order repays a classic account's loan."""
    order_id = client.placed(side="sell", price="70000", baseSize="2.5", loanType="autoLoan")
    client.cancel(orderId=order_id)
    client.bought("600")
    assert debt(venue, "BTC")[0] == Decimal("0.5")
    assert free(venue, "BTC") == Decimal("2.50999")


def test_a_cover_without_quote_coins_turns_a_coin_debt_into_a_quote_debt(venue: Emulator, client: Client) -> None:
    sold(client, "2.5", loanType="autoLoan")
    client.placed(price="50000", baseSize="4.99", loanType="autoLoan")  # holds nearly all USDT
    client.placed(price="60000", baseSize="0.500506", loanType="autoLoanAndRepay")
    assert "BTC" not in venue.debts(UID)
    assert debt(venue, "USDT")[0] > 0


def test_an_order_that_could_borrow_too_much_leaves_nothing_behind(venue: Emulator, client: Client) -> None:
    """It owns 355,000 USDT, and 100,000 of them as such: 710,000 can be borrowed."""
    client.place(price="50000", baseSize="16.21", loanType="autoLoan").assert_refused("43012")
    assert (venue.debts(UID), venue.balances(UID)["USDT"], venue.orders()) == ({}, (100_000, 0), [])
    client.placed(price="50000", baseSize="16.2", loanType="autoLoan")
    assert debt(venue, "USDT")[0] == 710_000


def test_each_order_of_a_batch_borrows_by_its_own_loan_type(venue: Emulator, client: Client) -> None:
    sells = [
        client.order(side="sell", price="70000", baseSize=size, loanType=loan_type)
        for size, loan_type in (("2", "normal"), ("0.3", "autoLoan"), ("0.1", "normal"))
    ]
    result = client.place_batch(*sells).data
    assert (len(result["successList"]), len(result["failureList"])) == (2, 1)
    assert debt(venue, "BTC")[0] == Decimal("0.3")


def test_changes_of_loans_are_in_the_financial_records(client: Client, clock: FakeClock) -> None:
    sold(client, "2.5", loanType="autoLoan")
    client.bought("60000", loanType="autoRepay")
    rows = client.get(f"{CROSSED}/financial-records", startTime=START_MS, coin="BTC").data["resultList"]
    assert [(row["marginType"], row["amount"], row["balance"]) for row in rows] == [
        ("repay", "-0.500005", "0.498995"),
        ("deal_in", "1", "0.999"),
        ("deal_out", "-2.5", "0"),
        ("borrow", "0.5", "2.5"),
    ]

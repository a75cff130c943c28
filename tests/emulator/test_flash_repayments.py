"""Promise: a flash repayment pays one debt or all with whatever coins there are, later than it is acknowledged."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Emulator

from .client import CROSSED, START_MS, Client, FakeClock, Reply

UID = "1001"
LOSS = 1 / Decimal("0.999")
"""Factor of the cost of a coin: 0.1 % of what is sold is lost."""


def flash(client: Client, **fields: str) -> Reply:
    return client.post(f"{CROSSED}/account/flash-repay", fields)


def status(client: Client, *ids: str) -> dict[str, str]:
    rows = client.post(f"{CROSSED}/account/query-flash-repay-status", {"idList": list(ids)}).data
    return {row["repayId"]: row["status"] for row in rows}


def test_other_coins_pay_the_most_valuable_holding_first(venue: Emulator, client: Client) -> None:
    """The account has 100,000 USDT, 20 ETH worth 60,000, and SOL worth 75,000."""
    venue.set_debt("BTC", "4", UID)
    before = venue.worth(UID)
    answer = flash(client, coin="BTC").data
    assert (answer["coin"], status(client, answer["repayId"], "123")) == ("BTC", {answer["repayId"]: "FINISH"})
    balances = venue.balances(UID)
    assert (venue.debts(UID), balances["BTC"].available) == ({}, 0)
    assert balances["ETH"].available == 20
    assert balances["USDT"].available == 0
    lost = before - venue.worth(UID)
    assert abs(lost - 120_000 * (LOSS - 1)) < Decimal("0.001")
    (record,) = client.get(f"{CROSSED}/repay-history", startTime=START_MS).data["resultList"]
    assert (record["coin"], record["repayAmount"], record["repayType"]) == ("BTC", "4", "manual_repay")
    kinds = [
        (row["marginType"], row["coin"])
        for row in client.get(f"{CROSSED}/financial-records", startTime=START_MS).data["resultList"]
    ]
    exchanged = [("exchange_in", "BTC"), ("exchange_out", "SOL"), ("exchange_in", "BTC"), ("exchange_out", "USDT")]
    assert kinds == [("repay", "BTC"), *exchanged]


def test_without_a_coin_everything_is_repaid(venue: Emulator, client: Client) -> None:
    venue.set_debt("BTC", "1", UID)
    venue.set_debt("USDT", "1000", UID)
    assert flash(client).data["coin"] == ""
    assert venue.debts(UID) == {}
    assert (venue.balances(UID)["BTC"].available, venue.balances(UID)["USDT"].available) == (1, 99_000)


def test_as_much_as_possible_is_repaid(venue: Emulator, client: Client) -> None:
    """Frozen coins and coins that are owed themselves are not sold."""
    venue.knobs(liquidates=False)
    venue.place(UID, {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "2"})
    venue.set_debt("BTC", "5", UID)
    venue.set_debt("ETH", "1", UID)
    repay_id = flash(client, coin="BTC").data["repayId"]
    assert status(client, repay_id) == {repay_id: "FINISH"}
    assert venue.balances(UID)["ETH"].available == 20
    left = venue.debts(UID)["BTC"].total
    assert Decimal("1.751") < left < Decimal("1.752")
    again = flash(client, coin="BTC").data["repayId"]
    assert status(client, again) == {again: "FAIL"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"coin": "NOPE"}, "50032"), ({"coin": "XRP"}, "50037"), ({"coin": "ETH"}, "50036")],
)
def test_what_is_not_owed_is_refused(venue: Emulator, client: Client, fields: dict[str, str], code: str) -> None:
    venue.set_debt("BTC", "1", UID)
    flash(client, **fields).assert_refused(code)


def test_no_debt_at_all_is_refused(client: Client) -> None:
    flash(client).assert_refused("50036")


def test_flash_repay_min(venue: Emulator, client: Client) -> None:
    venue.set_debt("USDT", "9.99", UID)
    venue.knobs(flash_repay_min=10)
    flash(client, coin="USDT").assert_refused("50040")
    venue.set_debt("USDT", "10", UID)
    assert flash(client, coin="USDT").data["repayId"]


def test_flash_repay_delay(venue: Emulator, client: Client, clock: FakeClock) -> None:
    venue.set_debt("USDT", "1000", UID)
    venue.knobs(flash_repay_delay_ms=5_000)
    repay_id = flash(client, coin="USDT").data["repayId"]
    assert (status(client, repay_id), venue.debts(UID)["USDT"].total) == ({repay_id: "PROCESSING"}, 1_000)
    clock.advance(5_000)
    assert (status(client, repay_id), venue.debts(UID)) == ({repay_id: "FINISH"}, {})


def test_ids_of_other_accounts_and_too_many_ids_show_nothing(venue: Emulator, client: Client, other: Client) -> None:
    venue.set_debt("USDT", "1000", UID)
    repay_id = flash(client).data["repayId"]
    assert status(other, repay_id) == {}
    path = f"{CROSSED}/account/query-flash-repay-status"
    client.post(path, {"idList": ["1"] * 101}).assert_refused("40020")
    client.post(path, {}).assert_refused("40019")

"""Pushed balances, as documented, become balance structures of the cross margin wallet."""

from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter.pushed_balances import PushedBalances

CLASSIC_ARG = {"instType": "MARGIN", "channel": "account-crossed", "coin": "default"}
UNIFIED_ARG = {"instType": "UTA", "topic": "account"}
#: The page's example.
CLASSIC = [
    {
        "uTime": "1695881380854",
        "id": "1",
        "coin": "USDT",
        "available": "31092.45075078",
        "borrow": "0.00000000",
        "frozen": "6.00000000",
        "interest": "0.00000000",
        "coupon": "0.00000000",
    },
    {
        "uTime": "1695881380854",
        "id": "1",
        "coin": "BTC",
        "available": "0.00000000",
        "borrow": "0.99990096",
        "frozen": "0.00000000",
        "interest": "0.00416626",
        "coupon": "0.00000000",
    },
]
UNIFIED = {
    "debts": "0",
    "balance": "354411.45536458",
    "available": "344282.65536458",
    "borrow": "0",
    "locked": "10",
    "equity": "344282.65536458",
    "coin": "USDT",
    "usdValue": "343866.07335159",
}


def message(data: object, arg: dict[str, str] = CLASSIC_ARG, ts: int = 1695881380856) -> dict[str, Any]:
    """Return a push."""
    return {"action": "snapshot", "arg": arg, "data": data, "ts": ts}


def unified(*coins: object) -> dict[str, Any]:
    """Return the push of a unified account."""
    return message([{"totalEquity": "1", "coin": list(coins)}], UNIFIED_ARG)


def pushed(*messages: dict[str, Any]) -> Any:
    """Return the balance structure after some pushes of one connection."""
    exchange: Any = bitget_margin.pro.bitget()
    balances = PushedBalances()
    for each in messages:
        balances.record(exchange, "connection", each)
    return balances.structure(exchange, messages[-1])


def test_the_documented_push_of_a_classic_account() -> None:
    balance = pushed(message(CLASSIC))
    assert balance["USDT"] == {"free": 31092.45075078, "used": 6, "total": 31098.45075078, "debt": 0}
    assert balance["BTC"] == {"free": 0, "used": 0, "total": 0, "debt": 1.00406722}
    assert (balance["timestamp"], balance["info"]["data"]) == (1695881380856, CLASSIC)


def test_the_documented_push_of_a_unified_account() -> None:
    balance = pushed(unified(UNIFIED))
    assert balance["USDT"] == {"free": 344282.65536458, "used": 10, "total": 354411.45536458, "debt": 0}


@pytest.mark.parametrize(("borrow", "debts", "debt"), [("2", "2.1", 2.1), ("2", "0", 2), ("", None, 0), ("2", "2", 2)])
def test_the_debt_of_a_unified_account_is_the_larger_of_two(borrow: object, debts: object, debt: float) -> None:
    assert pushed(unified(UNIFIED | {"borrow": borrow, "debts": debts}))["debt"]["USDT"] == debt


def test_coins_that_a_push_leaves_out_keep_their_balance() -> None:
    balance = pushed(message(CLASSIC), message([CLASSIC[0] | {"available": "1"}]))
    assert (balance["free"]["USDT"], balance["debt"]["BTC"]) == (1, 1.00406722)


def test_an_earlier_push_changes_nothing() -> None:
    balance = pushed(message(CLASSIC), message([CLASSIC[0] | {"available": "1", "uTime": "1695881380853"}]))
    assert balance["free"]["USDT"] == 31092.45075078
    balance = pushed(unified(UNIFIED), unified(UNIFIED | {"available": "1"}) | {"ts": 1})
    assert balance["free"]["USDT"] == 344282.65536458


@pytest.mark.parametrize(
    "changed", [{"coin": ""}, {"available": None}, {"available": "x"}, {"frozen": ""}, {"borrow": {}}]
)
def test_a_row_that_cannot_be_read_is_refused_and_changes_nothing(changed: dict[str, object]) -> None:
    exchange: Any = bitget_margin.pro.bitget()
    balances = PushedBalances()
    balances.record(exchange, "connection", message([CLASSIC[1]]))
    with pytest.raises(ccxt.BadResponse):
        balances.record(exchange, "connection", message([CLASSIC[1] | {"available": "9"}, CLASSIC[0] | changed]))
    assert balances.coins["BTC"]["free"] == "0.00000000"


@pytest.mark.parametrize("coins", [None, {}, [None], "USDT"])
def test_a_push_without_coins_is_refused(coins: object) -> None:
    with pytest.raises(ccxt.BadResponse, match="a push cannot be read"):
        pushed(message([{"coin": coins}], UNIFIED_ARG))

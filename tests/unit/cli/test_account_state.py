"""The state of an account: its exit code, and every number as the venue gives it, or unknown; never 0 instead."""

import io
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from rich.console import Console

from bitget_margin.cli.operator import json_output
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.account_display import debts_text, show_account
from bitget_margin.cli.operator.account_state import (
    AccountDebts,
    AccountFailure,
    AccountState,
    CoinNumbers,
    read_account,
    read_debts,
)
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from support.calling import Caller, exchange
from support.script import EPOCH_MS, fault

SECRET = "the-passphrase"
either = pytest.mark.parametrize("unified", [False, True], ids=["classic", "unified"])
CLASSIC_ROW = {"coin": "USDT", "totalAmount": "900", "available": "800", "frozen": "100", "borrow": "400"}
CLASSIC_ROW |= {"interest": "0.5", "net": "499.5"}
UNIFIED_ROW = {
    "coin": "USDT",
    "equity": "499.5",
    "balance": "900",
    "available": "800",
    "locked": "100",
    "debt": "400.5",
}
CHARGE = {"interestId": "7", "interestCoin": "USDT", "interestAmount": "0.25", "cTime": str(EPOCH_MS - 1_000)}
EQUITY = {"usdtEquity": "499.4", "effEquity": "450", "imr": "50"}


def answers(unified: bool, level: object = "0.3", row: Any = None, **more: Any) -> dict[Endpoint, Any]:
    """Return the data of each endpoint: an account that owes USDT."""
    if unified:
        assets = {"assets": [UNIFIED_ROW if row is None else row], "mgnRatio": level, **EQUITY, **more}
        return {
            Endpoint.UNIFIED_ASSETS: assets,
            Endpoint.UNIFIED_SETTINGS: {"uid": "77", "accountLevel": "advanced", "accountMode": "unified"},
            Endpoint.UNIFIED_INTEREST_RATE: {"dailyInterest": "0.0002"},
            Endpoint.UNIFIED_FINANCIAL_RECORDS: {"list": []},
        }
    return {
        Endpoint.ASSETS: [CLASSIC_ROW if row is None else row],
        Endpoint.RISK_RATE: {"riskRateRatio": level},
        Endpoint.ACCOUNT: {"userId": "77"},
        Endpoint.INTEREST_RATE: [{"coin": "USDT", "dailyInterestRate": "0.0002"}],
        Endpoint.MAX_BORROWABLE: {"coin": "USDT", "maxBorrowableAmount": "1234"},
        Endpoint.INTEREST_HISTORY: {"resultList": [CHARGE], "minId": "7", "maxId": "7"},
    }


def connected(unified: bool, data: Mapping[Endpoint, Any], prices: object = None) -> tuple[Connection, Caller]:
    """Return a connection to a venue with these answers."""

    def respond(call: Call) -> object:
        found = data[call.endpoint]
        return found(call) if callable(found) else found

    venue, made = Caller(respond), exchange(uta=unified)
    made.perform = venue.call

    def fetch_tickers(symbols: list[str]) -> Any:
        if isinstance(prices, Exception):
            raise prices
        return {symbol: {"last": (prices or {}).get(symbol)} for symbol in symbols}  # type: ignore[attr-defined]

    made.fetch_tickers = fetch_tickers
    return Connection(made, 2_000, "keys from a test", ("the-key", "the-secret", SECRET)), venue


def read(unified: bool, data: Mapping[Endpoint, Any], prices: object = None) -> tuple[AccountState, Any, str]:
    """Return the state, its document and its text."""
    connection, _ = connected(unified, data, prices)
    state = read_account(connection)
    to = Console(file=io.StringIO(), width=200, highlight=False, markup=False)
    show_account(to, connection, state)
    document = json.loads(json_output.account_document(connection, state))
    assert document["exit_code"] == state.exit_code
    return state, document, to.file.getvalue()  # type: ignore[attr-defined]


@either
def test_every_number_is_that_of_the_venue(unified: bool) -> None:
    state, document, shown = read(unified, answers(unified))
    assert state.exit_code is Exit.DONE
    assert document["account"]["uid"] == "77"
    (coin,) = document["coins"]
    parts = {"principal": None, "interest": None} if unified else {"principal": 400, "interest": 0.5}
    amounts = {"total": 900, "free": 800, "used": 100, "debt": 400.5, "net": 499.5, "worth_usdt": 499.5}
    assert coin == {"coin": "USDT", **amounts, **parts}
    assert document["worth_usdt"] == (499.4 if unified else 499.5)
    assert document["free_collateral_usd"] == (400 if unified else None)
    assert document["can_borrow"] == ({} if unified else {"USDT": 1234})
    assert document["daily_rates"] == {"USDT": 0.0002}
    assert document["interest_24h"] == ({} if unified else {"USDT": 0.25})
    assert "margin level: 0.3 (warning from 0.8, liquidation at 1)" in shown
    assert "interest rates per day: USDT 0.02 %" in shown
    assert ("free collateral: 400 USD" if unified else "can still be borrowed: 1234 USDT") in shown
    assert document["errors"] == []


@either
@pytest.mark.parametrize(
    ("level", "code"),
    [("0", 0), ("0.7999", 0), ("0.8", 4), ("0.99", 4), ("1", 4), ("7", 4), (None, 3), ("", 3), ("x", 3), ("-1", 3)],
)
def test_the_exit_code_is_that_of_the_margin_level(unified: bool, level: object, code: int) -> None:
    """4 from the warning level on; 3 if it is unknown, which is never taken for 0."""
    state, document, shown = read(unified, answers(unified, level))
    assert state.exit_code == code
    assert document["at_risk"] is {0: False, 4: True, 3: None}[code]
    assert ("AT RISK" in shown) is (code == 4)
    assert ("margin level: unknown" in shown) is (code == 3)
    assert document["margin_level"] == (None if code == 3 else float(str(level)))


@either
def test_a_row_without_numbers_shows_unknown_and_never_0(unified: bool) -> None:
    state, document, shown = read(unified, answers(unified, row={"coin": "BTC"}), {"BTC/USDT": 60_000.0})
    (coin,) = document["coins"]
    assert set(coin.values()) == {"BTC", None}
    assert shown.count("unknown") >= 7
    assert state.exit_code is Exit.DONE


@pytest.mark.parametrize("missing", [None, ""])
def test_what_a_unified_account_leaves_out_is_unknown(missing: object) -> None:
    data = answers(True, usdtEquity=missing, effEquity=missing)
    _, document, shown = read(True, data)
    assert (document["worth_usdt"], document["free_collateral_usd"]) == (None, None)
    assert "worth: unknown" in shown
    assert "free collateral: unknown USD" in shown


@either
@pytest.mark.parametrize("amount", ["x", "NaN", {}, [], True])
def test_an_amount_that_is_none_is_an_error(unified: bool, amount: object) -> None:
    """The level is shown all the same, and a risk is reported as one."""
    row = (UNIFIED_ROW if unified else CLASSIC_ROW) | {"available": amount}
    state, document, shown = read(unified, answers(unified, row=row))
    assert state.exit_code is Exit.UNRESOLVED
    assert "which is no" in document["errors"][0]
    assert document["coins"] is None
    assert "coins: unknown" in shown
    assert read(unified, answers(unified, "0.9", row))[0].exit_code is Exit.AT_RISK


@pytest.mark.parametrize("row", [{"totalAmount": "5"}, {"coin": "", "totalAmount": "5"}, "x", None, 7])
def test_a_row_of_no_coin_is_an_error(row: object) -> None:
    data = answers(False) | {Endpoint.ASSETS: [row, CLASSIC_ROW]}
    state, _, _ = read(False, data)
    assert state.coins is None
    assert state.exit_code is Exit.UNRESOLVED


LESSER = (
    (Endpoint.ACCOUNT, lambda found: found["account"]["uid"], "the UID"),
    (Endpoint.INTEREST_RATE, lambda found: found["daily_rates"]["USDT"], "the interest rate of USDT"),
    (Endpoint.MAX_BORROWABLE, lambda found: found["can_borrow"]["USDT"], "the limit of loans of USDT"),
    (Endpoint.INTEREST_HISTORY, lambda found: found["interest_24h"], "the interest of the last 24 hours"),
)


@pytest.mark.parametrize(("endpoint", "value", "subject"), LESSER)
@pytest.mark.parametrize("reply", [fault("40014", f"no, {SECRET}"), fault(None, None, 502), "malformed"], ids=str)
def test_of_lesser_numbers_one_that_cannot_be_read_is_unknown(
    endpoint: Endpoint, value: Callable[[Any], Any], subject: str, reply: object
) -> None:
    """With the reason, without a secret in it; the rest is shown, and the code is that of the margin level."""
    state, document, _ = read(False, answers(False) | {endpoint: reply})
    assert value(document) is None
    (reason,) = document["errors"]
    assert reason.startswith(subject)
    assert SECRET not in reason
    assert state.exit_code is Exit.DONE
    assert read(False, answers(False, "0.8") | {endpoint: reply})[0].exit_code is Exit.AT_RISK


@pytest.mark.parametrize("broken", [ccxt.NetworkError("x"), TypeError("no list"), KeyError("last")], ids=repr)
def test_prices_that_cannot_be_read_leave_the_worth_unknown(broken: Exception) -> None:
    row = CLASSIC_ROW | {"coin": "BTC", "net": "2"}
    state, document, shown = read(False, answers(False, row=row), broken)
    assert (document["worth_usdt"], document["coins"][0]["worth_usdt"]) == (None, None)
    assert "worth: unknown (no price of BTC)" in shown
    assert state.exit_code is Exit.DONE


@pytest.mark.parametrize("price", [None, 0, float("inf"), float("nan")])
def test_a_price_that_is_none_prices_nothing(price: object) -> None:
    row = CLASSIC_ROW | {"coin": "BTC", "net": "-2"}
    assert read(False, answers(False, row=row), {"BTC/USDT": price})[1]["worth_usdt"] is None
    assert read(False, answers(False, row=row), {"BTC/USDT": 60_000.0})[1]["worth_usdt"] == -120_000


def test_without_a_debt_the_limit_of_usdt_is_shown() -> None:
    _, document, _ = read(False, answers(False, row=CLASSIC_ROW | {"borrow": "0", "interest": "0"}))
    assert (document["can_borrow"], document["daily_rates"]) == ({"USDT": 1234}, {})


def test_a_coin_of_nothing_needs_no_price() -> None:
    row = CLASSIC_ROW | {"coin": "BTC", "net": "0"}
    assert read(False, answers(False, row=row))[1]["worth_usdt"] == 0


def test_without_balance_and_level_nothing_else_is_asked() -> None:
    lost = fault(None, None, 502)
    connection, venue = connected(False, dict.fromkeys(Endpoint, lost))
    state = read_account(connection)
    assert (state.kind, state.exit_code) == (None, Exit.UNRESOLVED)
    assert {call.endpoint for call in venue.calls} == {Endpoint.ASSETS, Endpoint.RISK_RATE}


def test_a_lost_level_is_worse_than_a_refused_balance() -> None:
    refusal = AccountFailure("a", ccxt.ExchangeError("x"), is_essential=True)
    lost = AccountFailure("b", ccxt.NetworkError("x"), is_essential=True)
    assert AccountState(failures=[refusal]).exit_code is Exit.OPEN
    assert AccountState(failures=[refusal, lost]).exit_code is Exit.UNRESOLVED
    assert AccountState(failures=[refusal, lost], margin_level=Decimal("0.8")).exit_code is Exit.AT_RISK


AMOUNTS = ["0", "0.00000001", "-0.00000001", "123456789.12345678", "-123456789.12345678", "1e20", "0.1234567890123"]


@pytest.mark.parametrize("amount", [*AMOUNTS, "99999999.9", "0.000099999999", None])
def test_the_table_fits_80_characters(amount: str | None) -> None:
    """Whatever the numbers and the names of the coins are; no number but 0 looks like it."""
    number = None if amount is None else Decimal(amount)
    coins = tuple(CoinNumbers(code, *[number] * 7) for code in ("BTC", "A" * 40, "币安人生", "USDT"))
    state = AccountState(AccountKind.CLASSIC, coins=coins, margin_level=Decimal(0))
    to = Console(file=io.StringIO(), width=180, highlight=False, markup=False)
    show_account(to, connected(False, {})[0], state)
    table = to.file.getvalue().partition("coin ")[2]  # type: ignore[attr-defined]
    assert "USDT" in table
    assert all(len(line.rstrip()) <= 80 for line in table.splitlines())
    if number:
        (row,) = [line.split() for line in table.splitlines() if line.split()[:1] == ["USDT"]]
        assert all(float(cell) == pytest.approx(float(number), rel=1e-2) for cell in row[1:])


# -- the line of `orders` ----------------------------------------------------------------------------------------------


@either
def test_debts_come_with_interest_and_level(unified: bool) -> None:
    connection, venue = connected(unified, answers(unified, "0.85"))
    balance = connection.exchange.fetch_balance(connection.params)
    shown = debts_text(read_debts(connection, balance)).plain
    interest = "" if unified else " (interest 0.5)"
    assert shown == f"owed: 400.5 USDT{interest}; margin level: 0.85, AT RISK (warning from 0.8, liquidation at 1)"
    assert len(venue.calls) == 2


@either
def test_without_a_debt_no_level_is_asked_for(unified: bool) -> None:
    free = UNIFIED_ROW | {"debt": "0"} if unified else CLASSIC_ROW | {"borrow": "0", "interest": "0"}
    connection, venue = connected(unified, answers(unified, row=free))
    balance = connection.exchange.fetch_balance(connection.params)
    assert read_debts(connection, balance) == AccountDebts(())
    assert len(venue.calls) == 1


@pytest.mark.parametrize(("unified", "missing"), [(False, "borrow"), (False, "interest"), (True, "debt")])
def test_a_debt_that_is_not_shown_is_not_taken_for_none(unified: bool, missing: str) -> None:
    row = (UNIFIED_ROW if unified else CLASSIC_ROW) | {missing: ""}
    connection, _ = connected(unified, answers(unified, row=row))
    debts = read_debts(connection, connection.exchange.fetch_balance(connection.params))
    assert debts_text(debts).plain.startswith("owed: unknown USDT")


@pytest.mark.parametrize("reply", [fault("40014"), fault(), {"riskRateRatio": "x"}, "malformed"], ids=str)
def test_a_level_that_cannot_be_read_is_unknown(reply: object) -> None:
    connection, _ = connected(False, answers(False) | {Endpoint.RISK_RATE: reply})
    debts = read_debts(connection, connection.exchange.fetch_balance(connection.params))
    assert debts.margin_level is None
    assert "owed: 400.5 USDT (interest 0.5); margin level: unknown" in debts_text(debts).plain


def test_debts_that_cannot_be_read_are_unknown() -> None:
    connection, _ = connected(False, answers(False))
    debts = read_debts(connection, {"info": [{"coin": "USDT", "borrow": "x"}]})
    assert debts == AccountDebts(None)
    assert debts_text(debts).plain == "owed: unknown"

"""The command `account` shows an account of either kind, changes nothing, and its exit code can alarm."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import bitget_margin
from bitget_margin.cli.operator import account_command
from bitget_margin.cli.operator.account_state import AccountDebts
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, config, rungs
from support.console import without_versions
from support.operating import here, keys, run

KEYS = {"account", "exit_code", "at_risk", "margin_level", "warning_level", "liquidation_level", "worth_usdt"}
KEYS |= {"free_collateral_usd", "can_borrow", "coins", "daily_rates", "interest_24h", "errors"}
KEYS_OF_DEBT = {"coin", "debt", "principal", "interest"}
KEYS_OF_COIN = KEYS_OF_DEBT | {"total", "free", "used", "net", "worth_usdt"}
LEVEL_PATHS = {AccountKind.CLASSIC: "/account/risk-rate", AccountKind.UNIFIED: "/account/assets"}


def borrow(venue: Emulator) -> str:
    """Let the first account owe something; return the code of the coin."""
    exchange = bitget_margin.bitget(config(venue))
    if venue.accounts[0].kind is AccountKind.CLASSIC:
        exchange.borrow_cross_margin("USDT", 1_000)
        return "USDT"
    exchange.create_order("BTC/USDT", "limit", "sell", 2.5, 70_000, CROSS)
    return "BTC"


def document(venue: Emulator, *args: str, code: int = 0, **variables: str) -> dict[str, Any]:
    """Return the document of the command, after a check of its format."""
    done = here(venue, "account", *args, "--json", code=code, **variables)
    hold_no_secret(done.output, venue)
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) == KEYS
    assert set(found["account"]) == {"kind", "level", "mode", "uid"}
    assert all(set(coin) == KEYS_OF_COIN for coin in found["coins"] or ())
    assert found["exit_code"] == code
    return found


def hold_no_secret(text: str, venue: Emulator) -> None:
    assert not any(value in text for value in keys(venue.accounts[0]).values())


def owe(venue: Emulator, dollars: str) -> None:
    """Let the first account, whose coins are worth 355,000, owe USDT; it is not liquidated."""
    uid = venue.accounts[0].uid
    venue.knobs(risk_formula="liabilities", liquidates=False)
    venue.set_debt("USDT", dollars, uid)


def test_an_account_is_shown_as_it_is_at_the_venue(venue: Emulator) -> None:
    """Its kind, UID, coins, debts, worth, and what it can borrow, as a table and as a document; code 0."""
    owed = borrow(venue)
    account = venue.accounts[0]
    unified = account.kind is AccountKind.UNIFIED
    found = document(venue)
    level, mode = ("advanced", "unified") if unified else (None, None)
    assert found["account"] == {"kind": account.kind.value, "level": level, "mode": mode, "uid": account.uid}
    coins = {coin["coin"]: coin for coin in found["coins"]}
    for code, balance in venue.balances(account.uid).items():
        assert Decimal(str(coins[code]["free"])) == balance.available
        assert Decimal(str(coins[code]["total"])) == balance.available + balance.frozen
    assert {code for code, coin in coins.items() if coin["debt"]} == {owed}
    assert coins[owed]["net"] == pytest.approx(coins[owed]["total"] - coins[owed]["debt"])
    assert Decimal(str(found["worth_usdt"])) == pytest.approx(venue.worth(account.uid))
    assert found["worth_usdt"] == pytest.approx(sum(coin["worth_usdt"] for coin in coins.values()))
    debt = venue.debts(account.uid)[owed]
    assert coins[owed]["debt"] == float(debt.total)
    parts = (None, None) if unified else (float(debt.principal), float(debt.interest))
    assert (coins[owed]["principal"], coins[owed]["interest"]) == parts
    assert found["daily_rates"] == {owed: 0.00024}
    assert found["interest_24h"] == ({} if unified else {owed: 0.01})
    assert (found["free_collateral_usd"] is None) is not unified
    assert set(found["can_borrow"]) == (set() if unified else {"USDT"})
    assert found["margin_level"] == pytest.approx(float(venue.risk(account.uid)), abs=1e-8)
    assert (found["at_risk"], found["errors"]) == (False, [])

    shown = here(venue, "account").stdout
    hold_no_secret(shown, venue)
    kind = "a unified account in advanced mode" if unified else "a classic account"
    for words in (kind, f"UID: {account.uid}", "(warning from 0.8, liquidation at 1)"):
        assert words in shown
    table = shown.partition("coin ")[2].splitlines()
    assert {line.split()[0] for line in table[2:] if line.strip()} == set(coins)
    assert all(len(line.rstrip()) <= 80 for line in table)


def test_nothing_is_changed_by_a_look(venue: Emulator) -> None:
    borrow(venue)
    rungs(venue, 2)
    venue.reset_requests()
    for command in ("account", "orders"):
        here(venue, command)
    assert venue.requests
    assert {record.method for record in venue.requests} == {"GET"}


def test_the_interest_of_the_last_24_hours_is_the_sum_of_the_charges(kind: AccountKind) -> None:
    """Older interest is left out."""
    shift_ms = [-30 * 3_600_000]
    with Emulator(accounts=(Account(kind=kind),), clock=lambda: time.time_ns() // 1_000_000 + shift_ms[0]) as venue:
        venue.change_loan_terms(period_ms=10**12)
        venue.set_debt("BTC", "0.5")
        venue.charge_interest()
        shift_ms[0] = 0
        assert document(venue)["interest_24h"] == {}
        venue.charge_interest()
        venue.charge_interest()
        (third, second, first) = venue.interest()
        found = document(venue)
        assert found["interest_24h"] == {"BTC": pytest.approx(float(third.amount + second.amount))}
        if kind is AccountKind.CLASSIC:
            (coin,) = [coin for coin in found["coins"] if coin["coin"] == "BTC"]
            assert coin["interest"] == pytest.approx(float(first.amount + second.amount + third.amount))


@pytest.mark.parametrize(("debt", "number", "code"), [("283999", 0.7999, 0), ("284000", 0.8, 4), ("350000", 0.986, 4)])
def test_the_exit_code_can_alarm(venue: Emulator, debt: str, number: float, code: int) -> None:
    """4 from the venue's warning level on."""
    owe(venue, debt)
    assert document(venue, code=code)["margin_level"] == pytest.approx(number, abs=1e-3)
    shown = here(venue, "account", code=code).stdout
    assert ("AT RISK (warning from 0.8, liquidation at 1)" in shown) is (code == 4)


def test_after_a_liquidation_nothing_is_owed(venue: Emulator) -> None:
    owe(venue, "350000")
    venue.liquidate(venue.accounts[0].uid)
    found = document(venue)
    assert (found["margin_level"], [coin["debt"] for coin in found["coins"] if coin["debt"]]) == (0, [])


def test_a_risk_is_a_risk_where_the_output_cannot_be_written(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_command.output, "arrived", lambda: False)
    here(venue, "account", code=3)
    owe(venue, "284000")
    here(venue, "account", code=4)


def test_help_says_which_code_is_the_alarm(venue: Emulator) -> None:
    assert "4    the margin level is 0.8 or above" in here(venue, "account", "--help").stdout


@pytest.mark.parametrize("fault", ["html-502", "html-200", "empty-body", "null-data", "truncated-json", "code-40015"])
def test_a_level_without_a_usable_response_is_code_3_and_the_rest_is_shown(venue: Emulator, fault: str) -> None:
    """In a line for people; of a unified account the level is in the balance, so that nothing can be shown."""
    kind = venue.accounts[0].kind
    venue.add_fault(fault, LEVEL_PATHS[kind])
    done = here(venue, "account", "--timeout", "900", code=3)
    hold_no_secret(done.output, venue)
    assert all(line.startswith("Error: ") for line in done.stderr.splitlines())
    assert len(done.stderr.splitlines()) == 1
    assert ("margin level: unknown" in done.stdout) is (kind is AccountKind.CLASSIC)
    assert ("USDT" in done.stdout) is (kind is AccountKind.CLASSIC)


@pytest.mark.classic
def test_a_level_is_shown_without_a_balance(venue: Emulator) -> None:
    """A risk is reported as one, whatever else is down."""
    venue.add_fault("html-502", "/account/assets")
    done = here(venue, "account", "--timeout", "600", code=3)
    assert "margin level: 0 (" in done.stdout
    assert "coins: unknown" in done.stdout
    assert "Error: the balance could not be read" in done.stderr
    owe(venue, "300000")
    here(venue, "account", "--timeout", "600", code=4)


@pytest.mark.parametrize("fault", ["html-502", "html-200", "null-data"])
def test_a_number_that_cannot_be_read_is_unknown_and_the_rest_is_shown(venue: Emulator, fault: str) -> None:
    """Rates, interest, limits, prices and the UID, each with the reason on standard error."""
    borrow(venue)
    paths = ("/interest-rate-and-limit", "/margin-loans", "/interest-history", "/financial-records")
    for path in (*paths, "/max-borrowable-amount", "/market/tickers", "/spot/account/info", "/account/settings"):
        venue.add_fault(fault, path)
    done = here(venue, "account", "--timeout", "400", code=0)
    hold_no_secret(done.output, venue)
    for words in ("UID: unknown", "interest of the last 24 h: unknown", "margin level: 0.00"):
        assert words in done.stdout
    assert "Warning: the interest of the last 24 hours could not be read: the venue" in done.stderr
    assert "Warning: the prices could not be read: the venue" in done.stderr
    assert all(line.startswith("Warning: ") for line in done.stderr.splitlines())


def test_refused_keys_are_reported_in_one_line_and_asked_once(venue: Emulator) -> None:
    """Code 1, and no secret in it."""
    for wrong in ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD"):
        venue.reset_requests()
        done = here(venue, "account", code=1, **{wrong: "wrong-one"})
        assert len(done.output.splitlines()) == 1
        assert "check BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD" in done.output
        hold_no_secret(done.output, venue)
        assert "wrong-one" not in done.output
        assert not any("risk-rate" in record.path for record in venue.requests)


def test_a_secret_in_the_venue_s_words_is_masked(venue: Emulator) -> None:
    """Of a refusal of what matters, code 1, and of what does not."""
    text = " and ".join(keys(venue.accounts[0]).values())
    for path, code in (
        ("-history", 0),
        ("-records", 0),
        ("/account/info", 0),
        (LEVEL_PATHS[venue.accounts[0].kind], 1),
    ):
        venue.add_fault("code-before", path, code="40014", text=text)
        for as_json in ((), ("--json",)):
            done = here(venue, "account", *as_json, code=code)
            hold_no_secret(done.output, venue)
    assert "***" in done.stderr


def test_without_keys_nothing_is_sent(venue: Emulator) -> None:
    here(venue, "account", code=2, BITGET_API_KEY="", BITGET_SECRET="", BITGET_PASSWORD="")
    assert venue.requests == ()


def test_an_interrupt_is_code_130(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(account_command, "read_account", interrupted)
    here(venue, "account", code=130)


def test_it_runs_in_a_process_of_its_own_with_the_keys_of_a_bot(venue: Emulator, tmp_path: Path) -> None:
    account = venue.accounts[0]
    exchange = {"name": "bitgetcross", "key": account.api_key, "secret": account.secret, "password": account.password}
    (tmp_path / "config.json").write_text(json.dumps({"exchange": exchange}))
    done = run(venue, "account", "-c", str(tmp_path / "config.json"), "--json")
    assert json.loads(done.stdout)["account"]["uid"] == account.uid
    assert without_versions(done.stderr) == ""
    hold_no_secret(done.stdout, venue)


# -- the header of `orders` --------------------------------------------------------------------------------------------


def test_orders_show_debts_and_the_margin_level_in_a_line(venue: Emulator) -> None:
    """Nothing where nothing is owed, and no request for the level then."""
    venue.reset_requests()
    plain = here(venue, "orders")
    assert "owed" not in plain.stdout
    assert not any("risk-rate" in record.path for record in venue.requests)
    empty = json.loads(here(venue, "orders", "--json").stdout)
    assert (empty["debts"], empty["margin_level"]) == ([], None)

    owe(venue, "284000")
    venue.charge_interest(venue.accounts[0].uid)
    (line,) = [line for line in here(venue, "orders").stdout.splitlines() if line.startswith("owed: ")]
    interest = " (interest 2.84)" if venue.accounts[0].kind is AccountKind.CLASSIC else ""
    end = "AT RISK (warning from 0.8, liquidation at 1)"
    assert line == f"owed: 284002.84 USDT{interest}; margin level: 0.800008, {end}"
    found = json.loads(here(venue, "orders", "--json").stdout)
    assert [set(debt) for debt in found["debts"]] == [KEYS_OF_DEBT]
    assert (found["debts"][0]["coin"], found["margin_level"]) == ("USDT", 0.800008)


@pytest.mark.classic
@pytest.mark.parametrize("fault", ["html-502", "html-200", "null-data", "code-40015"])
def test_orders_are_shown_where_the_margin_level_cannot_be_read(venue: Emulator, fault: str) -> None:
    borrow(venue)
    rungs(venue, 1)
    venue.add_fault(fault, "/account/risk-rate")
    shown = here(venue, "orders", "--timeout", "600").stdout
    assert "margin level: unknown" in shown
    assert "1 open order" in shown
    found = json.loads(here(venue, "orders", "--json", "--timeout", "600").stdout)
    assert (found["debts"][0]["debt"], found["margin_level"]) == (1_000.01, None)


def test_debts_that_cannot_be_read_are_unknown_beside_the_orders(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitget_margin.cli.operator.open_orders.read_debts", lambda *_: AccountDebts(None))
    shown = here(venue, "orders").stdout
    assert "owed: unknown" in shown
    assert "No open orders." in shown
    assert json.loads(here(venue, "orders", "--json").stdout)["debts"] is None

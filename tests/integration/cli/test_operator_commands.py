"""The operator's commands cancel the selected orders, with a correct exit code; real processes where that matters."""

import importlib
import json
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from bitget_margin.cli.operator import query
from bitget_margin.core.outcome import Outcome
from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, synthetic_symbols
from support.client import rungs
from support.operating import cancels, here, keys, live, process, run, until

ETH = "ETHUSDT"
CANCEL_ALL = "/cancel-symbol-order"
TELLS = "Orders that no list shows, and orders that are placed meanwhile, are canceled too."
KEYS_OF_CANCEL = {"ok", "exit_code", "dry_run", "interrupted", "summary", "orders", "frozen_before", "unexamined"}
KEYS_OF_CANCEL |= {"errors", "elapsed_ms", "locked", "held_by", "account"}
KEYS_OF_ORDERS = {"account", "at_ms", "orders", "not_open", "frozen", "unexplained", "held_by", "debts", "margin_level"}
KEYS_OF_ORDER = {"symbol", "id", "client_order_id", "bot", "side", "price", "amount", "filled"}


def document(text: str, venue: Emulator) -> dict[str, Any]:
    """Return the document of a cancel, after a check of its format."""
    hold_no_secret(text, venue)
    found: dict[str, Any] = json.loads(text)
    assert set(found) == KEYS_OF_CANCEL
    assert set(found["summary"]) == {outcome.value for outcome in Outcome}
    for order in found["orders"]:
        assert set(order) == KEYS_OF_ORDER | {"outcome", "reason", "code"}
    assert found["ok"] is (found["exit_code"] == 0 and not found["dry_run"])
    return found


def canceled(venue: Emulator, *args: str, code: int = 0) -> dict[str, Any]:
    """Cancel without a confirmation, and return the document."""
    return document(here(venue, "cancel", *args, "--yes", "--json", code=code).stdout, venue)


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {order["id"]: order["outcome"] for order in found["orders"]}


def identity(venue: Emulator) -> dict[str, Any]:
    """Return the account as documents show it."""
    account = venue.accounts[0]
    level, mode = ("advanced", "unified") if account.kind is AccountKind.UNIFIED else (None, None)
    return {"kind": account.kind.value, "level": level, "mode": mode, "uid": account.uid}


def hold_no_secret(text: str, venue: Emulator) -> None:
    assert not any(value in text for value in keys(venue.accounts[0]).values())


# -- in processes of their own -----------------------------------------------------------------------------------------


def test_everything_is_ended_and_proven_and_nothing_is_left_for_a_second_time(venue: Emulator) -> None:
    """Code 0, twice; an order of somebody else's lives on."""
    rungs(venue, 55)
    rungs(venue, 3, symbol=ETH, price=2_000)
    other = venue.place(venue.accounts[1].uid, {"symbol": ETH, "side": "buy", "price": "2000", "baseSize": "0.1"})
    done = run(venue, "cancel", "--all", "--yes")
    hold_no_secret(done.stdout + done.stderr, venue)
    assert not live(venue)
    assert venue.order(other).live
    assert "58 canceled." in done.stdout
    assert "Nothing is frozen on the account any more." in done.stdout
    again = run(venue, "cancel", "--all", "--yes", "--json")
    assert document(again.stdout, venue)["orders"] == []


def test_an_order_that_is_refused_lives_and_is_code_1(venue: Emulator) -> None:
    """With the venue's words, and those of the next symbol ended; nothing for people on stdout."""
    refused = rungs(venue, 2)
    ended = rungs(venue, 1, symbol=ETH, price=2_000)
    venue.knobs(refuse_cancels=4)
    done = run(venue, "cancel", "--symbol", "BTC/USDT", "--symbol", "ETH/USDT", "--yes", "--json", code=1)
    found = document(done.stdout, venue)
    assert outcomes(found) == {**dict.fromkeys(refused, "open"), **dict.fromkeys(ended, "canceled")}
    assert all(order["reason"] for order in found["orders"] if order["outcome"] == "open")
    assert live(venue) == set(refused)


def test_without_a_terminal_nobody_is_asked_and_nothing_is_sent(venue: Emulator) -> None:
    """Code 2."""
    rungs(venue, 1)
    done = run(venue, "cancel", "--all", code=2)
    assert "add --yes or --dry-run" in done.stderr
    assert venue.requests == ()
    assert len(live(venue)) == 1


def test_unknown_outcomes_are_code_3(venue: Emulator) -> None:
    """Every cancel is lost: the orders are unknown, and the next symbol is tried all the same."""
    rungs(venue, 2)
    rungs(venue, 1, symbol=ETH, price=2_000)
    venue.add_fault("reset-before", cancels(venue))
    done = run(venue, "cancel", "--side", "buy", "--yes", "--json", "--timeout", "900", code=3)
    found = document(done.stdout, venue)
    assert set(outcomes(found).values()) == {"unknown"}
    assert {order["symbol"] for order in found["orders"]} == {"BTC/USDT", "ETH/USDT"}
    assert len(found["errors"]) == 2
    assert "run the same command again, which changes nothing that has ended; give it a higher --timeout" in done.stderr
    (named,) = (line for line in done.stderr.splitlines() if line.startswith("To see how they ended, name them: "))
    assert all(f"--id {order['id']}" in named for order in found["orders"])
    assert f": bitget-margin cancel --url {venue.url} --id " in named


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reports_results_and_the_same_again_completes_it(
    venue: Emulator, tmp_path: Path, number: signal.Signals
) -> None:
    """Code 3: one symbol was asked for, another not yet. Then code 0: what had ended counts."""
    ids = rungs(venue, 3)
    more = rungs(venue, 2, symbol=ETH, price=2_000)
    (tmp_path / "ids").write_text("\n".join([*(f"{each} BTC/USDT" for each in ids), *more]))
    command = ("cancel", "--from", str(tmp_path / "ids"), "--yes", "--json")
    rule = venue.add_fault("stall-after", cancels(venue), count=1)
    with process(venue, *command, "--timeout", "60000") as running:
        until(lambda: rule not in venue.faults)
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    assert running.returncode == 3, err
    found = document(out, venue)
    assert found["interrupted"]
    assert outcomes(found) == {**dict.fromkeys(ids, "unknown"), **dict.fromkeys(more, "not_sent")}
    assert live(venue) == set(more)
    again = here(venue, *command)
    assert set(outcomes(document(again.stdout, venue)).values()) == {"canceled"}
    assert not live(venue)


def test_killed_in_the_middle_the_same_again_completes_it(venue: Emulator) -> None:
    """By kill -9, between two batches; on a unified account after the request for all."""
    rungs(venue, 60)
    rungs(venue, 2, symbol=ETH, price=2_000)
    classic = venue.accounts[0].kind is AccountKind.CLASSIC
    rule = venue.add_fault("stall-after", cancels(venue) if classic else CANCEL_ALL, count=1)
    with process(venue, "cancel", "--all", "--yes", "--timeout", "60000") as running:
        until(lambda: rule not in venue.faults)
        running.kill()
        running.wait(timeout=20)
    assert (0 < len(live(venue)) < 62) is classic
    canceled(venue, "--all")
    assert not live(venue)


# -- in this one -------------------------------------------------------------------------------------------------------


def test_open_orders_are_shown_with_the_bot_that_placed_them(venue: Emulator) -> None:
    """As a table, and as a document."""
    first = rungs(venue, 2, name="k3x9ab12-7-0a1b2c3d-")
    (second,) = rungs(venue, 1, symbol=ETH, price=2_000)
    venue.fill(first[0], "0.0004")
    shown = here(venue, "orders")
    for word in ("3 open orders", "k3x9ab12, trade 7, rung 2", *first, second, "0.0004", "USDT", "ETH/USDT"):
        assert word in shown.stdout
    found = json.loads(here(venue, "orders", "--json").stdout)
    assert set(found) == KEYS_OF_ORDERS
    assert found["account"] == identity(venue)
    unified = venue.accounts[0].kind is AccountKind.UNIFIED
    assert ("a unified account in advanced mode" if unified else "a classic account") in shown.stdout
    assert found["frozen"].keys() == {"USDT"}
    by_id = {order["id"]: order for order in found["orders"]}
    assert set(by_id) == {*first, second}
    assert all(set(order) == KEYS_OF_ORDER | {"type", "remaining", "timestamp_ms"} for order in found["orders"])
    assert by_id[first[0]]["bot"] == {"key": "k3x9ab12", "trade": 7, "rung": 1}
    assert (by_id[first[0]]["filled"], by_id[first[0]]["remaining"]) == (0.0004, 0.0006)
    assert by_id[second]["bot"] is None
    only = json.loads(here(venue, "orders", "--json", "--symbol", "eth/usdt").stdout)
    assert [order["id"] for order in only["orders"]] == [second]
    assert "1 open order" in here(venue, "orders", "--symbol", "ETH/USDT").stdout


def shown_ids(venue: Emulator, *args: str) -> list[str]:
    """Return the ids of the orders that `orders` shows with these options."""
    return [order["id"] for order in json.loads(here(venue, "orders", "--json", *args).stdout)["orders"]]


def test_orders_are_selected_as_for_a_cancel(venue: Emulator) -> None:
    """By the same options; coins that the others hold are explained all the same."""
    ours = rungs(venue, 2, name="k3x9ab12-7-0a1b2c3d-")
    (other,) = rungs(venue, 1, symbol=ETH, price=2_000, name="other")
    assert shown_ids(venue, "--prefix", "k3x9ab12-") == ours
    assert shown_ids(venue, "--symbol", "ethusdt") == [other]
    assert shown_ids(venue, "--client-id", "other0", "--side", "buy") == [other]
    assert shown_ids(venue, "--older-than", "1d") == []
    shown = here(venue, "orders", "--id", ours[1], "--id", "123", "--id", other, "--prefix", "k3").stdout
    assert "1 open order, of 3" in shown
    assert "1 named and not among the open orders: 123" in shown
    assert f"1 named and open, and not shown: another option excludes it: {other}" in shown
    assert "do not hold all" not in shown
    assert "No open order is selected, of 3." in here(venue, "orders", "--side", "sell").stdout
    found = json.loads(here(venue, "orders", "--json", "--id", "123").stdout)
    assert (found["orders"], found["not_open"], found["unexplained"]) == ([], ["123"], [])


def test_the_account_is_named_before_anything_is_canceled(venue: Emulator) -> None:
    """In the first line of the plan, and in the document."""
    rungs(venue, 1)
    done = here(venue, "cancel", "--all", "--yes", "--json")
    kind = "a classic account" if venue.accounts[0].kind is AccountKind.CLASSIC else "a unified account"
    assert re.fullmatch(rf"keys from .*, {kind}.*, UID {venue.accounts[0].uid}", done.stderr.splitlines()[0])
    assert document(done.stdout, venue)["account"] == identity(venue)


@pytest.mark.parametrize("fault", [pytest.param("stall-before", marks=pytest.mark.slow), "html-502", "code-before"])
def test_a_uid_that_cannot_be_read_stops_no_cancel(venue: Emulator, fault: str) -> None:
    """It is unknown, and is not waited for."""
    rungs(venue, 2)
    for path in ("/spot/account/info", "/v3/account/settings"):
        venue.add_fault(fault, path, **({"code": "40014"} if fault == "code-before" else {}))
    started = time.monotonic()
    found = canceled(venue, "--symbol", "BTC/USDT")
    assert time.monotonic() - started < 10
    assert not live(venue)
    assert found["account"]["uid"] is None
    assert json.loads(here(venue, "orders", "--json").stdout)["account"]["uid"] is None


def listed(venue: Emulator) -> list[str | None]:
    """Return the symbols whose open orders were queried, page by page; None for all."""
    queries = [parse_qs(record.query) for record in venue.requests if record.path.endswith("/open-orders")]
    return [query.get("symbol", [None])[0] for query in queries]


@pytest.mark.classic
def test_a_venue_that_lists_all_symbols_at_once_is_queried_once(venue: Emulator) -> None:
    """If it refuses, only the symbols that could hold the frozen coins are queried."""
    rungs(venue, 2)
    venue.place(venue.accounts[1].uid, {"symbol": ETH, "side": "sell", "price": "4000", "baseSize": "0.1"})
    venue.knobs(open_orders_without_symbol="answer")
    venue.reset_requests()
    assert "2 open orders" in here(venue, "orders").stdout
    assert set(listed(venue)) == {None}
    venue.knobs(open_orders_without_symbol="refuse")
    venue.reset_requests()
    assert "2 open orders" in here(venue, "orders").stdout
    assert listed(venue)[0] is None
    assert {"BTCUSDT", ETH, "SOLUSDT"} <= set(listed(venue))
    venue.reset_requests()
    found = here(venue, "orders", "--symbol", "ETH/USDT")
    assert "No open orders." in found.stdout
    assert set(listed(venue)) == {ETH}


@pytest.mark.classic
def test_with_yes_everything_is_listed_once() -> None:
    """And each symbol is canceled before the next one is listed: nobody waits for a plan."""
    symbols = synthetic_symbols(4)
    with Emulator(symbols=symbols) as venue:
        for symbol in symbols:
            rungs(venue, 1, symbol=symbol.symbol, price=90)
        here(venue, "cancel", "--all", "--yes")
        assert not live(venue)
        names = [symbol.symbol for symbol in symbols]
        # A page, and the one after it, of each; the venue refuses to show all, to the plan and to the proof.
        assert listed(venue) == [None, *(name for name in names for _ in range(2)), None]
        words = [record.path.rsplit("/", 1)[-1] for record in venue.requests if record.uid]
        assert words.index("batch-cancel-order") < words.index("open-orders") + 5


def test_a_dry_run_shows_the_plan_and_cancels_nothing(venue: Emulator) -> None:
    """Code 0, without a terminal; the outcomes are open."""
    ids = rungs(venue, 2)
    done = here(venue, "cancel", "--all", "--dry-run", "--json")
    found = document(done.stdout, venue)
    assert outcomes(found) == dict.fromkeys(ids)
    assert "2 open orders to cancel" in done.stderr
    assert "frozen on the account: 99.995 USDT" in done.stderr
    assert live(venue) == set(ids)


@pytest.fixture
def unified() -> Iterator[Emulator]:
    """Run an emulator with a unified account, in either run."""
    with Emulator(accounts=(Account(uid="9", kind=AccountKind.UNIFIED),)) as venue:
        yield venue
    assert venue.errors == ()


def sent(venue: Emulator) -> list[str]:
    """Return the last part of the path of each cancel."""
    cancels = ("/cancel-batch", "/cancel-order", CANCEL_ALL)
    return [record.path.rsplit("/", 1)[-1] for record in venue.requests if record.path.endswith(cancels)]


@pytest.mark.classic
def test_all_orders_of_a_unified_account_go_with_one_request_and_the_plan_tells_how_far_it_reaches(
    unified: Emulator,
) -> None:
    ids = rungs(unified, 30) + rungs(unified, 30, symbol=ETH, price=2_000)
    assert TELLS in here(unified, "cancel", "--all", "--dry-run").output
    done = here(unified, "cancel", "--all", "--yes", "--json")
    assert TELLS in done.stderr
    assert outcomes(document(done.stdout, unified)) == dict.fromkeys(ids, "canceled")
    assert sent(unified) == ["cancel-symbol-order"]


@pytest.mark.classic
def test_coins_of_listed_margin_orders_are_shown_once(unified: Emulator) -> None:
    """The line about what is frozen says it; one about what locks them is for other orders."""
    rungs(unified, 2)
    shown = here(unified, "orders").output
    assert "frozen on the account: " in shown
    assert "locked: " not in shown


@pytest.mark.parametrize(
    "chosen", [("--symbol", "BTC/USDT"), ("--side", "buy"), ("--older-than", "1s"), ("--prefix", "mine")]
)
def test_a_filter_never_reaches_an_order_that_it_has_not_chosen(unified: Emulator, chosen: tuple[str, ...]) -> None:
    """Whatever it chooses, however many: each is canceled by id, and the plan tells of no other."""
    ids = rungs(unified, 30, name="mine")
    (other,) = rungs(unified, 1, symbol=ETH, price=2_000, name="other")
    (sell,) = [unified.place("9", {"symbol": ETH, "side": "sell", "price": "9000", "baseSize": "0.1"})]
    time.sleep(1.1)
    done = here(unified, "cancel", *chosen, "--yes")
    assert TELLS not in done.output
    assert live(unified) == {"--symbol": {other, sell}, "--side": {sell}, "--prefix": {other, sell}}.get(
        chosen[0], set()
    )
    assert "cancel-symbol-order" not in sent(unified)
    assert not live(unified) & set(ids)


@pytest.mark.classic
def test_an_order_that_fills_after_the_plan_has_its_outcome(unified: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request for all does not name it any more: it is looked up."""
    ids = rungs(unified, 30)
    execute = importlib.import_module("bitget_margin.cli.operator.cancel").execute

    def fill_first(*given: Any) -> None:
        unified.fill(ids[0], "0.001")
        execute(*given)

    monkeypatch.setattr("bitget_margin.cli.operator.cancel.execute", fill_first)
    assert outcomes(canceled(unified, "--all")) == {**dict.fromkeys(ids, "canceled"), ids[0]: "filled"}
    assert sent(unified) == ["cancel-symbol-order"]


@pytest.mark.classic
@pytest.mark.parametrize(
    "fault",
    [
        "code-before",
        "missing-lists",
        "null-lists",
        "html-502",
        pytest.param("stall-after", marks=pytest.mark.slow),
        "other-answer",
    ],
)
def test_whatever_the_request_for_all_answers_each_end_is_proven(unified: Emulator, fault: str) -> None:
    """Nothing there, as 25204 says, is no error."""
    ids = rungs(unified, 30)
    code = {"code": "25204", "text": "Order does not exist"} if fault == "code-before" else {}
    unified.add_fault(fault, CANCEL_ALL, count=1, **code)
    assert outcomes(canceled(unified, "--all")) == dict.fromkeys(ids, "canceled")


@pytest.mark.classic
@pytest.mark.parametrize("code", ["40014", "40037"])
def test_refused_keys_are_asked_no_further(unified: Emulator, code: str) -> None:
    rungs(unified, 30)
    for path in (CANCEL_ALL, "/cancel-batch"):
        unified.add_fault("code-before", path, code=code)
    found = canceled(unified, "--all", code=1)
    assert set(outcomes(found).values()) == {"not_sent"}
    assert len(live(unified)) == 30


def test_a_person_is_asked_and_no_means_no(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the whole plan to look at. No is code 1, leaving is code 130, yes does it."""
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.operator.cancel"), "is_terminal", lambda: True)
    rungs(venue, 2)
    for chosen in (("--symbol", "BTC/USDT"), ("--all",)):
        for typed, code in (("n\n", 1), ("", 130)):
            done = here(venue, "cancel", *chosen, typed=typed, code=code)
            assert "2 open orders to cancel" in done.output
            assert len(live(venue)) == 2
    here(venue, "cancel", "--all", typed="y\n")
    assert not live(venue)
    here(venue, "cancel", "--all")
    # Who has given the ids by standard input cannot answer there.
    here(venue, "cancel", "--from", "-", typed="1\ny\n", code=2)


def test_only_orders_that_match_all_options_are_canceled(venue: Emulator) -> None:
    """One bot's buys; the rest lives."""
    ours = rungs(venue, 2, name="k3x9ab12-7-0a1b2c3d-")
    theirs = rungs(venue, 2, name="other")
    sell = venue.place(
        venue.accounts[0].uid,
        {"symbol": "BTCUSDT", "side": "sell", "price": "70000", "baseSize": "0.001", "clientOid": "k3x9ab12-8-0a-1"},
    )
    here(venue, "cancel", "--prefix", "k3x9ab12-", "--side", "buy", "--yes")
    assert live(venue) == {*theirs, sell}
    here(venue, "cancel", "--prefix", "k3x9ab12-", "--older-than", "1d", "--yes")
    assert live(venue) == {*theirs, sell}
    assert not venue.order(ours[0]).live


@pytest.mark.slow
def test_named_orders_count_as_ended_wherever_they_ended(venue: Emulator) -> None:
    """Cancelled or filled before, open, by id and by client id, without a symbol; one that nobody knows is code 1."""
    ids = rungs(venue, 3, name="a")
    (eth,) = rungs(venue, 1, symbol=ETH, price=2_000, name="b")
    venue.cancel(ids[0])
    venue.fill(ids[1])
    named = ("--id", ids[0], "--id", ids[1], "--client-id", "a2", "--client-id", "b0")
    for expected in ("canceled", "canceled"):
        found = outcomes(canceled(venue, *named))
        assert found == {ids[0]: "canceled", ids[1]: "filled", ids[2]: expected, eth: expected}
    # A younger order may have the name by now: the cancel by name finds out.
    bodies = [record.body for record in venue.requests if record.path.endswith(cancels(venue))]
    assert any('"a2"' in body for body in bodies)
    assert outcomes(canceled(venue, *named, "--id", "12345", code=1))["12345"] == "not_found"


def test_a_named_order_that_another_option_leaves_alone_is_still_open(venue: Emulator) -> None:
    """Code 1: what was named has not ended."""
    (order_id,) = rungs(venue, 1)
    assert outcomes(canceled(venue, "--id", order_id, "--side", "sell", code=1)) == {order_id: "open"}
    assert live(venue) == {order_id}


def test_a_name_that_is_not_open_is_not_canceled_behind_a_filter(venue: Emulator) -> None:
    """A younger order that the filter excludes may have the name: it is looked up, and no cancel is sent."""
    rungs(venue, 1)
    venue.reset_requests()
    done = here(venue, "cancel", "--client-id", "gone", "--symbol", "BTC/USDT", "--side", "sell", "--yes", code=1)
    assert "1 named and not found: gone" in done.output
    assert not any("cancel" in record.path for record in venue.requests)


@pytest.mark.classic
def test_an_order_of_another_symbol_is_another_order(venue: Emulator, tmp_path: Path) -> None:
    """A file that is wrong about a symbol ends nothing of another; on a unified account such an order stays unknown."""
    first, second = rungs(venue, 2)
    (tmp_path / "ids").write_text(f"{first} ETH/USDT\n{second} BTC/USDT\n")
    found = outcomes(canceled(venue, "--from", str(tmp_path / "ids"), code=1))
    assert found == {first: "not_found", second: "canceled"}
    assert live(venue) == {first}


def test_an_interrupt_before_anything_is_canceled_is_code_130(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    rungs(venue, 1)
    monkeypatch.setattr(query, "frozen", interrupted)
    for command in (("orders",), ("cancel", "--all", "--yes", "--json")):
        done = here(venue, *command, code=130)
    assert json.loads(done.stdout)["interrupted"]
    assert len(live(venue)) == 1


def test_refused_keys_are_reported_in_one_line(venue: Emulator) -> None:
    """Code 1, and no secret in it."""
    for wrong in ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD"):
        for command in (("orders",), ("cancel", "--all", "--yes")):
            done = here(venue, *command, code=1, **{wrong: "wrong-one"})
            assert len(done.output.splitlines()) == 1
            assert "check BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD" in done.output
            hold_no_secret(done.output, venue)
            assert "wrong-one" not in done.output


def test_a_venue_without_a_usable_response_is_code_3(venue: Emulator) -> None:
    """Regardless of ccxt's exception: 40010 is an AuthenticationError there."""
    for kind, path in (("reset-before", ""), ("code-40010", ""), ("html-502", ""), ("html-200", "")):
        venue.clear_faults()
        venue.add_fault(kind, path)
        for command in (("orders",), ("cancel", "--all", "--yes"), ("cancel", "--all", "--dry-run")):
            done = here(venue, *command, "--timeout", "300", code=3)
            assert "cancel" not in command or "Nothing was canceled: run the same command again" in done.output
            hold_no_secret(done.output, venue)


NAMED = {
    "OMNI": "omni/USDT",
    "APX": "AstroPepeX/USDT",
    "DEGEN": "DegenReborn/USDT",
    "EVA": "Evadore/USDT",
    "JADE": "Jade Protocol/USDT",
    "TONCOIN": "TON/USDT",
    "币安人生": "币安人生/USDT",
}
"""ccxt's symbols of some coins, by Bitget's name."""


def test_symbols_can_be_given_as_they_are_shown(kind: AccountKind, tmp_path: Path) -> None:
    """By `--symbol` and in a file, each symbol as `orders` prints it and in another case: that one, and no other."""
    symbols = [replace(synthetic_symbols(1)[0], symbol=f"{coin}USDT", base=coin) for coin in NAMED]
    with Emulator(accounts=(Account(kind=kind),), symbols=(*DEFAULT_SYMBOLS, *symbols)) as venue:
        (other,) = rungs(venue, 1)
        for coin, symbol in NAMED.items():
            ids = rungs(venue, 3, symbol=f"{coin}USDT", price=90)
            shown = json.loads(here(venue, "orders", "--json", "--symbol", symbol).stdout)["orders"]
            assert {order["symbol"] for order in shown} == {symbol}
            (tmp_path / "ids").write_text(f"{ids[0]} {shown[0]['symbol']}\n", encoding="utf-8")
            for chosen in (
                ("--from", str(tmp_path / "ids")),
                ("--symbol", symbol.upper(), "--id", ids[1]),
                ("--symbol", symbol.lower()),
            ):
                here(venue, "cancel", *chosen, "--yes")
            assert live(venue) == {other}
        assert venue.errors == ()


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    "ahead_ms", [0, *(sign * off for off in (3 * HOUR_MS, 48 * HOUR_MS, 2_400 * HOUR_MS) for sign in (1, -1))]
)
def test_an_age_goes_by_the_venue_s_clock(kind: AccountKind, ahead_ms: int) -> None:
    """Regardless of the local clock: young orders live, old ones are canceled."""
    shift_ms = [-ahead_ms - 5 * HOUR_MS]
    with Emulator(accounts=(Account(kind=kind),), clock=lambda: time.time_ns() // 1_000_000 + shift_ms[0]) as venue:
        rungs(venue, 2)
        shift_ms[0] += 5 * HOUR_MS
        young = rungs(venue, 2, price=49_000)
        shown = here(venue, "orders")
        assert re.search(r"5h 00m +BTC/USDT", shown.stdout), shown.output
        done = here(venue, "cancel", "--older-than", "2h", "--yes")
        assert live(venue) == set(young)
        assert "2 canceled." in done.stdout


FAULTS = ("html-502", "html-200", "reset-before", "code-40010")
LISTS = ("/mix/market/contracts", "/spot/public/coins", "/margin/currencies", "/spot/public/symbols")


BY_NAME = ("--symbol BTC/USDT --id {}", "--symbol btc/usdt --client-id a0", "--symbol BTC/USDT")


def cancel_one(venue: Emulator, chosen: str, *, keeps_pauses: bool = False) -> tuple[bool, int, list[str]]:
    """Cancel an order in a way; return whether it ended, the exit code, and the lines on standard error."""
    (order_id,) = rungs(venue, 1, name="a")
    args = ("cancel", *chosen.format(order_id).split(), "--yes", "--timeout", "2000")
    done = here(venue, *args, code=None, keeps_pauses=keeps_pauses)
    ended = not venue.order(order_id).live
    if not ended:
        venue.cancel(order_id)
    return ended, done.exit_code, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("down", "fault"),
    [
        pytest.param(down, fault, marks=() if LISTS.index(down) == FAULTS.index(fault) else pytest.mark.drill)
        for down in LISTS
        for fault in FAULTS
    ],
)
def test_a_public_list_that_is_down_stops_no_cancel(venue: Emulator, down: str, fault: str) -> None:
    """Neither by id nor of a symbol nor of all; it is told in a line that it went without."""
    venue.add_fault(fault, down)
    for chosen in (*BY_NAME, "--id {}", "--side buy", "--all"):
        ended, code, err = cancel_one(venue, chosen)
        assert (ended, code) == (True, 0), (chosen, err)
        assert all(line.startswith("Warning: the venue's markets could not be loaded") for line in err)
        # ccxt reads a page for people as a list of no coins, which nothing here needs; contracts are not asked for.
        assert len(err) == (0 if down == LISTS[0] or (down, fault) == (LISTS[1], "html-200") else 1)


@pytest.mark.parametrize(
    "fault", ["html-502", pytest.param("html-200", marks=pytest.mark.slow), "reset-before", "code-40010"]
)
def test_without_any_public_list_no_order_is_called_ended_without_proof(venue: Emulator, fault: str) -> None:
    """Exit code 0 only if it has ended; the lists are asked again for each step, more than 20 times in all."""
    for each in LISTS:
        venue.add_fault(fault, each)
    for chosen in ("--id {}", "--side buy", "--all"):
        ended, code, err = cancel_one(venue, chosen, keeps_pauses=True)
        assert err[0].startswith("Warning: the venue's markets could not be loaded, this goes on without them")
        assert (code == 0) is ended, (chosen, err)


def test_an_early_interrupt_leaves_unknown_what_was_frozen(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bitget_margin.cli.operator.cancel.make_plan", interrupted)
    assert canceled(venue, "--all", code=130)["frozen_before"] is None


def test_without_any_order_no_table_of_outcomes_is_shown() -> None:
    """Of a unified account whose coins a spot order locks: its lists are read twice all the same."""
    with Emulator(accounts=[Account(kind=AccountKind.UNIFIED)]) as unified:
        fields = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01"}
        unified.place(unified.accounts[0].uid, fields)
        shown = here(unified, "cancel", "--all", "--yes").output
    assert "500 USDT locked: spot order" in shown
    assert "outcome" not in shown


def test_a_symbol_that_the_venue_does_not_have_is_bad_usage(venue: Emulator) -> None:
    for command in (("orders",), ("cancel", "--yes")):
        done = here(venue, *command, "--symbol", "NOPE/USDT", code=2)
        assert "the venue has no spot market NOPE/USDT" in done.output


def test_the_keys_of_a_bot_are_taken_from_its_configuration(venue: Emulator, tmp_path: Path) -> None:
    account = venue.accounts[0]
    exchange = {"name": "bitgetcross", "key": account.api_key, "secret": account.secret, "password": account.password}
    (tmp_path / "config.json").write_text(json.dumps({"exchange": exchange}))
    ids = rungs(venue, 1)
    nothing = {"BITGET_API_KEY": "", "BITGET_SECRET": "", "BITGET_PASSWORD": ""}
    done = here(venue, "cancel", "-c", str(tmp_path / "config.json"), "--id", ids[0], "--yes", **nothing)
    assert not live(venue)
    hold_no_secret(done.output, venue)


def test_an_order_that_comes_up_meanwhile_is_ended_by_the_proof(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library asks for itself what holds a frozen coin."""
    ids = rungs(venue, 2)
    monkeypatch.setattr(query, "open_orders", lambda *_, **__: query.Listed(()))
    assert outcomes(canceled(venue, "--all")) == dict.fromkeys(ids, "canceled")
    assert not live(venue)


@pytest.mark.classic
def test_frozen_coins_are_never_called_done() -> None:
    """The balance decides: an order that is too old for open-orders is code 3."""
    shift_ms = [-100 * 86_400_000]
    with Emulator(clock=lambda: time.time_ns() // 1_000_000 + shift_ms[0]) as venue:
        (hidden,) = rungs(venue, 1)
        shift_ms[0] = 0
        found = canceled(venue, "--all", "--timeout", "1000", code=3)
        assert found["orders"] == []
        assert "still frozen" in found["errors"][0]
        assert venue.order(hidden).live
        shown = " ".join(here(venue, "orders").stdout.split())
        assert "No open orders. frozen on the account: 50 USDT The open orders do not hold all of USDT" in shown

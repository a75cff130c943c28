"""Promise: a database that a bot refuses says the way out, which works; `forget` changes nothing of a running bot."""

import importlib
import json
import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from freqtrade.persistence import Order, Trade, init_db
from sqlalchemy import text

from bitget_margin.cli.operator import forget_orders
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode, check
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.stopped_database import StoppedDatabase, open_stopped
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import PAIR, Messages, live, own, rung
from support.in_process_bot import close_database
from support.operating import KEYS, invoke

LIVE = DatabaseIdentity(RunMode.LIVE, "41")
DRY = DatabaseIdentity(RunMode.DRY_RUN)
NOWHERE = ("--url", "http://127.0.0.1:9", "--timeout", "200")
"""A venue that does not answer."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a database in a folder of its own."""
    return f"sqlite:///{tmp_path}/my trades.sqlite"


def run(*arguments: str, code: int | None = 0, **more: Any) -> Result:
    """Run the command without variables of the machine, on keys of nobody."""
    environment = {name: None for name in os.environ if name.startswith(("BITGET_", "FREQTRADE__"))}
    return invoke("forget", *arguments, env={**environment, **KEYS}, code=code, **more)


def start(url: str, identity: DatabaseIdentity, write: Callable[[], object] = lambda: None) -> str:
    """Start a bot on a database as far as its check, and end it; return the refusal, empty where there is none."""
    init_db(url)
    try:
        write()
        check(identity, Messages())  # type: ignore[arg-type]
    except OperationalException as error:
        return str(error)
    finally:
        close_database()
    return ""


def add_trade(order_id: str = "1179", exchange: str = "bitgetcross") -> None:
    """Add an open trade with one order."""
    fields = {"pair": PAIR, "exchange": exchange, "fee_open": 0.0, "fee_close": 0.0, "open_rate": 1.0, "amount": 1.0}
    trade = Trade(**fields, stake_amount=1.0, open_date=datetime.now(UTC), is_open=True)
    order = Order(order_id=order_id, ft_order_side="buy", ft_pair=PAIR, ft_is_open=False, ft_amount=1.0, ft_price=1.0)
    trade.orders.append(order)
    Trade.session.add(trade)
    Trade.commit()


def delete_trades() -> None:
    """Delete all trades, as freqtrade's /delete."""
    for trade in Trade.get_trades_proxy():
        trade.delete()
    Trade.commit()


def command_of(refusal: str) -> list[str]:
    """Return the arguments of the command at the end of a refusal."""
    found = re.search(r"remove its account: .* -m bitget_margin forget (.*)$", refusal)
    assert found, refusal
    return shlex.split(found[1])


def test_an_option_that_is_no_url_is_named() -> None:
    done = run("--database-account", "--db-url", "trades.sqlite", "--yes", code=1)
    assert "--db-url is no URL of a database, such as sqlite:///trades.sqlite" in done.output


# -- the account of a database ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LIVE, DatabaseIdentity(RunMode.LIVE, "42")),
        (DatabaseIdentity(RunMode.LIVE, "41", "other"), LIVE),
        (DRY, LIVE),
        (LIVE, DRY),
    ],
    ids=["another UID", "another exchange", "a dry run before", "live before"],
)
def test_a_refused_database_names_the_command_after_which_it_is_taken(
    url: str, first: DatabaseIdentity, second: DatabaseIdentity
) -> None:
    assert start(url, first) == ""
    for _ in range(2):
        refusal = start(url, second)
        done = run(*command_of(refusal), "--dry-run")
        assert f"run mode {first.run_mode.value}" in done.output
    done = run(*command_of(refusal), "--yes", "--json")
    stored = {"exchange": first.exchange, "run_mode": first.run_mode.value, "uid": first.uid}
    document = json.loads(done.stdout)
    assert (document["ok"], document["removed"], document["stored"]) == (True, True, stored)
    assert (document["open_trades"], document["tracked_orders"]) == (0, 0)
    assert start(url, second) == ""
    assert start(url, second) == ""


@pytest.mark.parametrize(
    ("order_id", "exchange", "identity"),
    [("1179", "bitget", LIVE), ("dry_run_buy_1", "bitgetcross", LIVE), ("1179", "bitgetcross", DRY)],
    ids=["another exchange", "a dry run", "a live bot"],
)
def test_open_trades_are_closed_or_deleted_first_as_the_refusal_says(
    url: str, order_id: str, exchange: str, identity: DatabaseIdentity
) -> None:
    refusal = start(url, identity, lambda: add_trade(order_id, exchange))
    assert "close or delete them with the bot that has opened them (freqtrade's /forceexit or /delete)" in refusal
    assert start(url, identity, delete_trades) == ""


def test_the_account_of_open_trades_is_kept_until_they_have_ended(url: str) -> None:
    assert start(url, LIVE, add_trade) == ""
    refusal = start(url, DatabaseIdentity(RunMode.LIVE, "42"))
    done = run(*command_of(refusal), "--yes", code=1)
    assert "trade 1 on BTC/USDT (bitgetcross). Close or delete these trades first" in done.stderr
    assert start(url, LIVE, delete_trades) == ""
    run(*command_of(refusal), "--yes")
    assert start(url, DatabaseIdentity(RunMode.LIVE, "42")) == ""


def test_another_database_is_the_other_way_out(url: str) -> None:
    assert start(url, LIVE) == ""
    refusal = start(url, DRY)
    assert 'set "db_url" to another database' in refusal
    assert start(url.replace("my", "other"), DRY) == ""


def test_a_database_of_a_running_bot_keeps_its_account(url: str) -> None:
    start(url, LIVE)
    init_db(url)
    done = run("--database-account", "--db-url", url, "--yes", code=1)
    close_database()
    assert "another program has the database" in done.stderr
    assert "stop the bot" in done.stderr
    with open_stopped(url) as database:
        assert database.state().identity == LIVE


def test_open_orders_of_the_account_are_named_with_the_command_that_cancels_them(url: str) -> None:
    start(url, LIVE, lambda: (OrderStore().add([live()]), OrderStore().key()))
    with open_stopped(url) as database:
        key = database.state().key
    done = run("--database-account", "--db-url", url, "--dry-run")
    assert f"bitget-margin cancel --prefix {key}-" in done.output


def test_a_database_without_an_account_needs_nothing(url: str) -> None:
    start(url, LIVE)
    for _ in range(2):
        run("--database-account", "--db-url", url, "--yes")
    done = run("--database-account", "--db-url", url, "--yes")
    assert "No account is stored in it" in done.output


# -- questions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let somebody be there to answer."""
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.operator.forget"), "is_terminal", lambda: True)
    return iter(())  # type: ignore[return-value]


@pytest.mark.usefixtures("asked")
def test_no_leaves_all_as_it_is_and_yes_does_it(url: str) -> None:
    start(url, LIVE)
    account = ("--database-account", "--db-url", url)
    assert "Nothing was changed." in run(*account, input="n\n", code=1).output
    run(*account, input="", code=130)
    with open_stopped(url) as database:
        assert database.state().identity == LIVE
    run(*account, input="y\n")
    with open_stopped(url) as database:
        assert database.state().identity is None


@pytest.mark.usefixtures("asked")
def test_where_a_bot_cannot_be_seen_the_word_is_typed(url: str) -> None:
    start(url, LIVE)
    init_db(url)
    with Trade.session.get_bind().connect() as connection:
        connection.execute(text("pragma journal_mode = delete"))
    close_database()
    account = ("--database-account", "--db-url", url)
    done = run(*account, "--yes", code=1)
    assert "Stop it, and add --bot-is-stopped." in done.stderr
    done = run(*account, input="y\ny\n", code=1)
    assert 'If it is stopped, type "stopped"' in done.output
    with open_stopped(url) as database:
        assert database.state().identity == LIVE
    run(*account, input="stopped\ny\n")
    start(url, LIVE)
    run(*account, "--yes", "--bot-is-stopped")


# -- interruptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [True, False])
def test_an_interrupted_write_is_completed_by_the_same_command(
    url: str, monkeypatch: pytest.MonkeyPatch, *, written: bool
) -> None:
    start(url, LIVE)
    remove = StoppedDatabase.remove_identity

    def interrupted(database: StoppedDatabase) -> None:
        if written:
            remove(database)
        raise KeyboardInterrupt

    account = ("--database-account", "--db-url", url, "--yes")
    with monkeypatch.context() as patch:
        patch.setattr(StoppedDatabase, "remove_identity", interrupted)
        done = run(*account, "--json", code=3)
    assert json.loads(done.stdout)["errors"] == ["interrupted: run the same command again, which changes nothing twice"]
    run(*account)
    with open_stopped(url) as database:
        assert database.state().identity is None


def test_an_interruption_before_anything_is_written_has_its_own_code(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start(url, LIVE, lambda: OrderStore().add([live()]))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(forget_orders, "check_account", interrupted)
    run("--db-url", url, "--trade", "1", "--yes", *NOWHERE, code=130)


@pytest.mark.usefixtures("asked")
def test_no_signal_changes_the_exit_code_once_the_end_is_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the last line is printed, signals are ignored; not before the last question."""
    start(url, LIVE, lambda: OrderStore().add([live("ended", phase=Phase.ENDED)]))
    numbers, seen = (signal.SIGINT, signal.SIGTERM), list[bool]()

    def recorded(*_: object, **__: object) -> None:
        seen.append(all(signal.getsignal(number) is signal.SIG_IGN for number in numbers))

    monkeypatch.setattr("bitget_margin.cli.operator.forget.click.echo", recorded)
    account = ("--db-url", url, "--database-account")
    for arguments, typed, code in (
        (("--db-url", url, "--client-id", "ended", "--yes", *NOWHERE), "", 0),
        (("--db-url", url, "--trade", "7", "--yes", *NOWHERE), "", 1),
        ((*account, "--dry-run"), "", 0),
        (account, "n\n", 1),
        (account, "", 130),
        (account, "y\n", 0),
        (account, "", 0),
    ):
        seen.clear()
        run(*arguments, input=typed, code=code)
        assert seen[-1], arguments
        assert not (typed and seen[0]), arguments


# -- orders -----------------------------------------------------------------------------------------------------------


def test_orders_that_need_no_lookup_are_answered_without_the_venue(url: str) -> None:
    orders = [rung("gone", phase=Phase.FORGOTTEN), live("ended", phase=Phase.ENDED), own("k-o1"), rung("late")]
    start(url, LIVE, lambda: OrderStore().add(orders))
    named = [word for name in ("gone", "ended", "k-o1", "none") for word in ("--client-id", name)]
    done = run("--db-url", url, "--yes", "--json", *named, *NOWHERE, code=1)
    outcomes = {order["name"]: order["outcome"] for order in json.loads(done.stdout)["orders"]}
    assert outcomes == {"gone": "forgotten", "ended": "not_open", "k-o1": "not_resting", "none": "not_found"}
    done = run("--db-url", url, "--yes", "--trade", "7", *NOWHERE, code=1)
    assert "trade 7 has no resting order without a proven end" in done.stderr


def test_a_venue_that_does_not_answer_leaves_the_orders_as_they_are(url: str) -> None:
    start(url, LIVE, lambda: OrderStore().add([live()]))
    done = run("--db-url", url, "--yes", "--json", "--trade", "1", *NOWHERE, code=3)
    document = json.loads(done.stdout)
    assert (document["exit_code"], document["ok"], document["orders"][0]["outcome"]) == (3, False, None)
    assert document["errors"]
    with open_stopped(url) as database:
        assert database.store.by_client_id(live().client_id) == live()


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (DRY, "a dry run, whose orders are on no venue"),
        (DatabaseIdentity(RunMode.LIVE, "1", "other"), "exchange other"),
    ],
)
def test_a_database_whose_orders_are_elsewhere_is_refused(url: str, identity: DatabaseIdentity, message: str) -> None:
    start(url, identity, lambda: OrderStore().add([live()]))
    done = run("--db-url", url, "--yes", "--trade", "1", *NOWHERE, code=1)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "choose orders by --trade, --id or --client-id, or else --database-account"),
        (("--database-account", "--trade", "1"), "or else --database-account"),
        (("--trade", "0"), "--trade"),
        (("--id", "no number!"), "--id"),
        (("--trade", "1", "--yes"), "name the configuration of the bot with --config, or its database with --db-url"),
        (("--database-account", "--db-url", "sqlite:///a"), "add --yes or --dry-run"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_opened(arguments: tuple[str, ...], message: str) -> None:
    assert message in run(*arguments, code=2).stderr


def test_without_freqtrade_the_command_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("bitget_margin.cli.operator.forget"), "is_installed", lambda: False)
    assert "pip install 'bitget-margin[freqtrade]'" in run("--trade", "1", code=2).stderr

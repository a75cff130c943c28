"""Promise: no bot starts on a database of another account, exchange or run mode; a copy of its own is noticed."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freqtrade.enums import TradingMode
from freqtrade.persistence import Order, Trade, init_db
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade import database_identity
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode, check
from support.botless import PAIR, Messages
from support.in_process_bot import close_database

LIVE = DatabaseIdentity(RunMode.LIVE, "41")
DRY = DatabaseIdentity(RunMode.DRY_RUN)
ANOTHER = r'set "db_url" to another database'


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Open a new database, as freqtrade does."""
    path = tmp_path / "trades.sqlite"
    init_db(f"sqlite:///{path}")
    yield path
    close_database()


@pytest.fixture
def alerts() -> Any:
    return Messages()


def add_trade(
    order_id: str = "1179",
    exchange: str = "bitgetcross",
    pair: str = PAIR,
    *,
    is_open: bool = True,
    mode: TradingMode | None = None,
) -> None:
    """Add a trade with one order to the database."""
    trade = Trade(
        pair=pair,
        exchange=exchange,
        is_open=is_open,
        fee_open=0.0,
        fee_close=0.0,
        open_rate=1.0,
        amount=1.0,
        stake_amount=1.0,
        open_date=datetime.now(UTC),
        trading_mode=mode,
    )
    order = Order(order_id=order_id, ft_order_side="buy", ft_pair=pair, ft_is_open=False, ft_amount=1.0, ft_price=1.0)
    trade.orders.append(order)
    Trade.session.add(trade)
    Trade.commit()


def stored() -> list[tuple[Any, ...]]:
    """Return the rows of the table."""
    with Trade.session.get_bind().connect() as connection:
        return [tuple(row) for row in connection.execute(text("select * from bitget_margin_database"))]


@pytest.mark.parametrize(
    ("identity", "order_id", "row"),
    [(LIVE, "1179", (1, "bitgetcross", "live", "41")), (DRY, "dry_run_buy_1", (1, "bitgetcross", "dry_run", None))],
)
@pytest.mark.usefixtures("file")
def test_a_database_without_an_account_is_taken_over_and_then_known(
    alerts: Any, identity: DatabaseIdentity, order_id: str, row: tuple[Any, ...]
) -> None:
    add_trade(order_id)
    for _ in range(2):
        check(identity, alerts)
        assert stored() == [row]
    assert alerts.warnings == []


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            LIVE,
            DatabaseIdentity(RunMode.LIVE, "42"),
            r"belongs to the account with UID 41, and the API key is of the account with UID 42: .*API key of UID 41",
        ),
        (
            LIVE,
            DatabaseIdentity(RunMode.LIVE, "42", is_local=True),
            r"UID 41, and .* UID 42\. Each run of the local venue has a new account: delete this database",
        ),
        (DatabaseIdentity(RunMode.LIVE, "41", "other"), LIVE, r"belongs to a bot on the exchange other"),
        (DRY, LIVE, r"has the trades of a dry run. This bot is live, and needs a database of its own"),
        (LIVE, DRY, r"has the trades of a live bot. This bot is a dry run"),
    ],
    ids=["uid", "local", "exchange", "dry run before", "live before"],
)
def test_a_database_of_another_account_exchange_or_run_mode_is_refused(
    file: Path, alerts: Any, first: DatabaseIdentity, second: DatabaseIdentity, message: str
) -> None:
    check(first, alerts)
    before = stored()
    with pytest.raises(OperationalException, match=message) as refused:
        check(second, alerts)
    assert re.search(rf"^bitgetcross: the database sqlite:///{file} .*{ANOTHER}", str(refused.value))
    assert stored() == before


@pytest.mark.usefixtures("file")
def test_a_refusal_does_not_show_the_password_of_a_database(alerts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add_trade("1", "bitget")
    monkeypatch.setattr(Trade.session.get_bind(), "url", make_url("postgresql://me:sesame@db/trades"))
    with pytest.raises(OperationalException, match=r"the database postgresql://me:\*\*\*@db/trades has"):
        check(LIVE, alerts)


def test_the_command_of_a_refusal_has_the_whole_path_of_a_file(
    alerts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the bot was started, and with any folder for the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [".venv/bin/bitget-margin", "freqtrade", "trade"])
    init_db("sqlite:///trades.sqlite")
    check(LIVE, alerts)
    command = f": .venv/bin/bitget-margin forget --database-account --db-url sqlite:///{tmp_path}/trades.sqlite"
    with pytest.raises(OperationalException, match=f"{re.escape(command)}$"):
        check(DRY, alerts)
    close_database()


@pytest.mark.usefixtures("file")
def test_the_command_of_a_refusal_says_where_the_password_belongs(alerts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    check(LIVE, alerts)
    monkeypatch.setattr(Trade.session.get_bind(), "url", make_url("postgresql://me:sesame@db/trades"))
    text = r"\(with the password in place of \*\*\*\): .* forget .*--db-url 'postgresql://me:\*\*\*@db/trades'$"
    with pytest.raises(OperationalException, match=text):
        check(DRY, alerts)


@pytest.mark.parametrize("known", [True, False], ids=["stored", "first start"])
@pytest.mark.usefixtures("file")
def test_open_trades_of_another_exchange_are_refused_and_ended_ones_are_not(alerts: Any, known: bool) -> None:
    if known:
        check(LIVE, alerts)
    add_trade("1", "bitget", is_open=False)
    check(LIVE, alerts)
    add_trade("2")
    for number in range(3, 7):
        add_trade(str(number), "bitget", f"C{number}/USDT")
    named = r"trade 3 on C3/USDT, trade 4 on C4/USDT, trade 5 on C5/USDT and others"
    with pytest.raises(OperationalException, match=rf"of another exchange \(bitget\): {named}\. .*{ANOTHER}"):
        check(LIVE, alerts)


@pytest.mark.parametrize(
    ("identity", "order_id", "message"),
    [(LIVE, "dry_run_buy_1", "of a dry run: trade 1 on BTC/USDT"), (DRY, "1179", "of a live bot: trade 1 on BTC/USDT")],
)
@pytest.mark.usefixtures("file")
def test_open_trades_of_another_run_mode_are_refused_at_the_first_start(
    alerts: Any, identity: DatabaseIdentity, order_id: str, message: str
) -> None:
    add_trade(order_id, is_open=False)
    check(identity, alerts)
    with Trade.session.get_bind().begin() as connection:
        connection.execute(text("delete from bitget_margin_database"))
        connection.execute(text("update trades set is_open = 1"))
    Trade.rollback()
    with pytest.raises(OperationalException, match=rf"has the trades {message}\. .*{ANOTHER}"):
        check(identity, alerts)
    assert stored() == []


@pytest.mark.parametrize("run_mode", [RunMode.LIVE, RunMode.DRY_RUN])
@pytest.mark.parametrize(
    ("mode", "theirs"), [(TradingMode.FUTURES, TradingMode.SPOT), (TradingMode.SPOT, TradingMode.FUTURES)]
)
def test_open_trades_of_the_other_trading_mode_are_refused(
    file: Path, alerts: Any, mode: TradingMode, theirs: TradingMode, run_mode: RunMode
) -> None:
    """Debts would count as money, and what shorts owe could not be bought; a database of trades that ended is taken."""
    order_id = "1" if run_mode is RunMode.LIVE else "dry_run_buy_1"
    identity = DatabaseIdentity(run_mode, "41" if run_mode is RunMode.LIVE else None, trading_mode=mode)
    add_trade(order_id, mode=theirs, is_open=False)
    add_trade(order_id, mode=mode, pair="SOL/USDT")
    add_trade(order_id, mode=None, pair="XRP/USDT")
    check(identity, alerts)
    before = stored()
    add_trade(order_id, mode=theirs, pair="ETH/USDT")
    message = (
        rf'the database sqlite:///{file} has open trades of "trading_mode": "{theirs.value}": trade 4 on ETH/USDT\. '
        rf"Start the bot in that mode until they have ended, or {ANOTHER}\.$"
    )
    with pytest.raises(OperationalException, match=message):
        check(identity, alerts)
    assert stored() == before


@pytest.mark.usefixtures("file")
def test_a_database_may_change_its_trading_mode_between_trades(alerts: Any) -> None:
    for number, mode in enumerate((TradingMode.SPOT, TradingMode.FUTURES, TradingMode.SPOT)):
        check(DatabaseIdentity(RunMode.LIVE, "41", trading_mode=mode), alerts)
        add_trade(str(number), mode=mode, is_open=False)
    assert stored() == [(1, "bitgetcross", "live", "41")]


@pytest.mark.usefixtures("file")
def test_a_uid_that_the_venue_does_not_show_warns_and_is_stored_once_it_does(alerts: Any) -> None:
    unknown = DatabaseIdentity(RunMode.LIVE)
    check(unknown, alerts)
    assert "The venue does not show the UID of this account" in alerts.texts
    assert "last used" not in alerts.texts
    check(LIVE, alerts)
    assert stored() == [(1, "bitgetcross", "live", "41")]
    check(unknown, alerts)
    assert alerts.texts.endswith("is not known. It was last used with UID 41.")
    assert stored() == [(1, "bitgetcross", "live", "41")], "what was known stays known"


@pytest.mark.usefixtures("file")
def test_a_database_that_cannot_be_written_does_not_keep_the_bot_from_starting(
    alerts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(database_identity, "_write", locked)
    check(LIVE, alerts)
    ((warning, _),) = alerts.warnings
    assert "could not be stored" in warning

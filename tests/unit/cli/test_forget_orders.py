"""Promise: `forget` looks nothing up with the keys of another account, and says what to do instead."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.cli.operator import forget_orders
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode
from bitget_margin.freqtrade.order_looks import Finding
from bitget_margin.freqtrade.stopped_database import DatabaseRefused


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a connection to the account with UID 42."""
    monkeypatch.setattr(forget_orders, "fetch_uid", lambda *_: "42")
    return SimpleNamespace(exchange=SimpleNamespace(perform=lambda found: found), timeout_ms=1_000)


def test_the_database_of_another_account_is_refused_with_both_ways_out(connection: Any) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        forget_orders.check_account(connection, DatabaseIdentity(RunMode.LIVE, "41"))
    text = str(caught.value)
    assert text.startswith("it belongs to the account with UID 41, and the keys are of the account with UID 42")
    for way_out in ("use the keys of the bot", "gone for good", '"db_url"', "move this one away"):
        assert way_out in text


def test_the_command_for_an_open_order_addresses_the_same_account(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: Any = SimpleNamespace(pair="Jade Protocol/USDT", client_id="k-1")
    connection.repeated = " --config 'my bot/config.json'"
    look = SimpleNamespace(rows=({"id": "17"},))
    monkeypatch.setattr(forget_orders, "LOOKS", 1)
    monkeypatch.setattr(forget_orders, "_look", lambda *_: [("k-1", look)])
    monkeypatch.setattr(forget_orders, "judge", lambda *_: Finding.OPEN)
    (found,) = forget_orders.look_up(connection, [forget_orders.ChosenOrder("k-1", order)])
    assert found.text.endswith(f"`bitget-margin cancel{connection.repeated} --id 17 --symbol 'Jade Protocol/USDT'`")


def test_the_database_of_this_account_is_taken(connection: Any) -> None:
    assert forget_orders.check_account(connection, DatabaseIdentity(RunMode.LIVE, "42")) is None

"""Promise: a trade whose resting order is gone without proof ends once its operator has forgotten that order."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import PAIR
from support.measured_exits import HALF, MeasuredBot, measured_bot
from support.operating import invoke, keys

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # freqtrade's own


@pytest.fixture(params=[AccountKind.CLASSIC, AccountKind.UNIFIED], ids=["classic", "unified"])
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    """Run a bot beside coins of others, which hide whether a rung has sold its own."""
    with measured_bot(tmp_path, request.param, others="5") as running:
        yield running


def forget(bot: MeasuredBot, *arguments: str, code: int | None = 0) -> dict[str, Any]:
    """Run the command with the configuration of the bot, and return its document."""
    account = bot.venue.accounts[0]
    environment = {name: None for name in os.environ if name.startswith(("BITGET_", "FREQTRADE__"))}
    config = ("-c", str(bot.running.config_path), "--json")
    done = invoke("forget", *config, *arguments, env={**environment, **keys(account)}, code=code)
    document: dict[str, Any] = json.loads(done.stdout)
    return {**document, "text": done.stderr}


def outcomes(document: dict[str, Any]) -> list[str]:
    return [order["outcome"] for order in document["orders"]]


def test_a_trade_with_a_purged_rung_ends_once_it_is_forgotten(bot: MeasuredBot) -> None:
    bot.running.enter(HALF)
    rung, other = bot.live()
    bot.venue.cancel(rung.order_id)
    bot.venue.forget(rung.order_id)
    bot.loop(2)
    bot.fall()
    bot.loop(4)
    assert bot.running.trade.is_open, "the coins of a rung that no list shows are left alone"
    number = str(bot.running.trade.id)
    running = forget(bot, "--trade", number, "--yes", code=1)
    assert "stop the bot" in running["errors"][0]

    def while_down() -> None:
        shown = forget(bot, "--trade", number, "--dry-run")
        assert outcomes(shown) == ["absent"]
        done = forget(bot, "--trade", number, "--yes")
        assert (outcomes(done), done["ok"]) == (["forgotten"], True)
        assert outcomes(forget(bot, "--client-id", rung.client_oid, "--yes")) == ["forgotten"], "a second time"

    bot.running.restart(while_down)
    bot.loop_until(lambda: not bot.running.trade.is_open, "the trade has ended")
    assert not bot.live()
    bot.assert_ends_well()
    # Alive again, under the same name: a gateway has repeated the request.
    fields = {"symbol": "BTCUSDT", "side": "sell", "price": str(rung.price), "baseSize": "0.01"}
    alive = bot.venue.place(bot.uid, {**fields, "clientOid": rung.client_oid})
    bot.running.restart()
    bot.loop_until(lambda: not bot.venue.order(alive).live, "it is canceled")
    assert other.symbol == "BTCUSDT"


def test_a_forgotten_rung_that_is_alive_is_canceled_and_its_coins_are_sold(bot: MeasuredBot) -> None:
    bot.running.enter(HALF)
    rung = bot.live()[0]
    bot.venue.hide(rung.order_id)

    def while_down() -> None:
        done = forget(bot, "--id", rung.order_id, "--yes")
        assert bot.unified or "frozen, and no listed order explains them" in done["text"]

    bot.running.restart(while_down)
    bot.venue.show(rung.order_id)
    bot.loop_until(lambda: not bot.venue.order(rung.order_id).live, "it is canceled")
    bot.fall()
    bot.loop_until(lambda: not bot.running.trade.is_open, "the trade has ended")
    bot.assert_ends_well()


def test_a_live_rung_is_refused_and_an_ended_one_left_to_the_bot(bot: MeasuredBot) -> None:
    bot.running.enter(HALF)
    live, filled = bot.live()

    def while_down() -> None:
        bot.execute("update bitget_margin_database set uid = 'another'")
        refused = forget(bot, "--trade", "1", "--yes", code=1)
        assert f"the keys are of the account with UID {bot.uid}" in refused["errors"][0]
        bot.execute("update bitget_margin_database set uid = ?", bot.uid)
        bot.venue.fill(filled.order_id)
        done = forget(bot, "--trade", "1", "--yes", code=1)
        assert sorted(outcomes(done)) == ["ended", "open"]
        assert "`bitget-margin cancel --config " in done["text"]
        assert f" --id {live.order_id} --symbol {PAIR}`" in done["text"]

    bot.running.restart(while_down)
    bot.loop(2)
    row = next(row for row in bot.running.trade.orders if row.order_id == filled.order_id)
    assert row.filled == pytest.approx(float(filled.base_size))


def test_a_forgotten_rung_that_has_filled_is_booked_into_its_open_trade(
    bot: MeasuredBot, caplog: pytest.LogCaptureFixture
) -> None:
    bot.running.enter(HALF)
    rung = bot.live()[0]
    bot.venue.hide(rung.order_id)
    bot.running.restart(lambda: forget(bot, "--id", rung.order_id, "--yes"))
    bot.loop()
    bot.venue.fill(rung.order_id)
    bot.running.restart(lambda: bot.venue.show(rung.order_id))
    bot.loop(3)
    row = next(row for row in bot.running.trade.orders if row.order_id == rung.order_id)
    assert (row.filled, row.ft_is_open) == (pytest.approx(float(rung.base_size)), False)
    assert bot.running.trade.amount == pytest.approx(float(bot.held()), rel=0.01)
    assert any("has forgotten, has filled" in text and "Look at the account" in text for text in caplog.messages)
    bot.fall()
    bot.loop_until(lambda: not bot.running.trade.is_open, "the trade has ended")
    bot.assert_ends_well()

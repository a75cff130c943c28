"""Promise: charts and messages show the cancels of the bot, and its settings have the documented effect."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.bot import live_orders
from support.running_bot import (
    RunningBot,
    assert_books_agree,
    enter,
    exit_requests,
    place_foreign_order,
    running_bot,
    wait_until_closed,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """Run a bot with all settings of the plugin, which trades at market."""
    folder = tmp_path_factory.mktemp("bot")
    gate = f"sqlite:///{folder}/windows.db"
    ours = {"cancel_scope": "pair", "partial_exits": "cancel", "wait_ms": 1_000, "rate_gate": gate}
    types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}
    with running_bot(folder, 9, bitget_margin=ours, order_types=types) as running:
        yield running


def test_the_start_logs_the_account_that_is_traded(running: RunningBot) -> None:
    log = running.bot.log_text()
    uid = running.venue.accounts[0].uid
    assert "Trading on Bitget's CROSS MARGIN account" in log
    words = " ".join(log.split())
    assert f"UID {uid}" in words
    assert "10 requests per 1.05 s and endpoint, shared through sqlite:///" in words
    for secret in (running.venue.accounts[0].secret, running.venue.accounts[0].password):
        assert secret not in log


def test_the_scope_of_the_pair_cancels_everything_on_it_with_the_same_batch(running: RunningBot) -> None:
    pair, other = next(running.pairs), next(running.pairs)
    enter(running, pair)
    place_foreign_order(running.venue, pair)
    untouched = place_foreign_order(running.venue, other)
    since = len(running.venue.requests)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    assert exit_requests(running, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_orders(running.venue, pair) == []
    assert running.venue.order(untouched).live


def test_orders_are_shown_while_they_rest(running: RunningBot) -> None:
    pair = next(running.pairs)
    trade, rungs = enter(running, pair)

    def lines() -> list[dict[str, Any]]:
        candles = running.bot.api("GET", f"pair_candles?pair={pair}&timeframe=1m&limit=10")
        return [line for line in candles["annotations"] if line["type"] == "line"]

    def data() -> list[dict[str, Any]]:
        entries = running.bot.api("GET", "trades/open/custom-data")
        shown = {entry["trade_id"]: entry["custom_data"] for entry in entries}.get(trade, [])
        return next((each["value"] for each in shown if each["key"] == "resting_orders"), [])

    drawn = running.bot.wait_until(lambda: lines() if len(lines()) == len(rungs) else None, "the orders are drawn")
    assert sorted(line["y_start"] for line in drawn) == sorted(float(rung.price) for rung in rungs)
    listed = running.bot.wait_until(data, "the trade has the data")
    assert {order["status"] for order in listed} == {"open"}
    assert [order["number"] for order in listed] == list(range(1, len(rungs) + 1))
    running.venue.fill(rungs[0].order_id)
    running.bot.wait_until(lambda: len(lines()) == len(rungs) - 1, "a filled order is not drawn any more")
    running.bot.wait_until(lambda: [each["status"] for each in data()].count("closed") == 1, "its data says so")
    running.bot.instruct(pair, exit=True)
    wait_until_closed(running, pair)
    assert lines() == []


@pytest.mark.parametrize("race", [False, True], ids=["untouched", "a fill wins"])
def test_partial_exits_cancel_the_ladder_where_the_user_wants_it(running: RunningBot, race: bool) -> None:
    pair = next(running.pairs)
    trade, _ = enter(running, pair)
    since = len(running.venue.requests)
    if race:
        running.venue.knobs(fill_wins=1)
    running.bot.instruct(pair, adjust=-300)
    sold = 3 if race else 2
    running.bot.wait_until(lambda: len([o for o in running.bot.orders(trade) if o["filled"]]) == sold, "a part is sold")
    assert exit_requests(running, pair, since) == ["batch-cancel-order", "place-order"]
    assert live_orders(running.venue, pair) == []
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))


def test_each_batch_is_a_pin_on_the_chart(running: RunningBot) -> None:
    pair = next(running.pairs)
    enter(running, pair)
    running.bot.instruct(pair, exit=True)
    wait_until_closed(running, pair)

    def pins() -> Any:
        candles = running.bot.api("GET", f"pair_candles?pair={pair}&timeframe=1m&limit=10")
        return [pin for pin in candles["annotations"] if pin["type"] == "point"]

    (pin,) = running.bot.wait_until(pins, "there is a pin")
    assert (pin["label"], pin["shape"]) == ("batch cancel: 3 canceled", "pin")


def test_a_cancel_that_is_not_proven_is_logged_and_sent(running: RunningBot) -> None:
    pair = next(running.pairs)
    _, rungs = enter(running, pair)
    running.venue.knobs(cancel_never_lands=9)
    running.bot.instruct(pair, exit=True)
    assert_books_agree(running, wait_until_closed(running, pair))
    log = " ".join(running.bot.log_text().split())
    warning = f"3 resting orders of trade {running.bot.trade(pair)['id']} on {pair} are not proven canceled"
    assert f"bitget_margin - WARNING - {warning}" in log
    assert f"Sending rpc strategy_msg: {warning}" in log
    assert rungs[0].order_id in log
    assert "every loop cancels them again" in log

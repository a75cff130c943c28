"""Promise: every exit has a name of its own that can be computed again, so none is sent twice after a start."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin import client_order_ids
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.exit_names import BLOCKS_SECONDS
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, PAIR, Stand, exit_name, own, rung, structure


def sell_row(order_id: str) -> SimpleNamespace:
    """Return freqtrade's row of an exit."""
    return SimpleNamespace(ft_order_side="sell", order_id=order_id)


# -- numbers ----------------------------------------------------------------------------------------------------------


def next_number(stand: Stand) -> int:
    """Return the number of the next exit of trade 1, which has the name that belongs to it."""
    number, name = stand.names.next(stand.trades[KEY])
    assert name == exit_name(number)
    return int(number)


def test_every_name_of_an_exit_is_given_once(stand: Stand) -> None:
    assert [next_number(stand) for _ in range(3)] == [0, 1, 2]
    _, name = stand.names.next(stand.trade(2))
    assert name == client_order_ids.exit_order_id("k", 2, KEY.opened_ms, 0), "each trade has its own numbers"


def test_an_order_that_is_no_exit_of_a_trade_has_a_random_name(stand: Stand) -> None:
    names = [stand.names.next(None) for _ in range(9)]
    assert {number for number, _ in names} == {0}
    assert len({name for _, name in names}) == 9
    assert all(name.startswith("k-o") for _, name in names)
    assert next_number(stand) == 0


@pytest.mark.parametrize(
    ("rows", "stored", "number"),
    [
        ([], [], 0),
        ([("sell", "1"), ("buy", "2"), ("sell", "3")], [], 2),
        ([("sell", "1"), ("sell", "r")], [], 1),  # a resting order is no exit
        ([("sell", "1")], [own(number=0)], 1),
        ([("sell", "1")], [own(number=1)], 2),
        ([("sell", "1"), ("sell", "2"), ("sell", "3")], [own(number=1)], 3),
        ([], [own("k-o1", number=4), own("k-o2", number=3)], 5),
        ([], [own(side="buy", number=4)], 0),
        ([], [own(trade_id=2, number=4)], 0),
    ],
)
def test_the_next_number_is_above_those_of_rows_and_of_stored_exits(
    stand: Stand, rows: list[Any], stored: list[Any], number: int
) -> None:
    stand.store.add([rung("a", order_id="r"), *stored])
    stand.trade(orders=[SimpleNamespace(ft_order_side=side, order_id=order_id) for side, order_id in rows])
    assert next_number(stand) == number
    assert next_number(stand) == number + 1


@pytest.mark.parametrize(
    ("refused", "number"),
    [
        (own(number=1), 1),
        (own(number=0), 2),  # a later one has its name
        (own(number=1, trade_id=2), 2),
        (own(number=1, trade_id=None), 2),
        (own(number=1, opened_ms=2_000), 2),
    ],
)
def test_only_the_last_name_of_a_trade_is_given_again_after_a_refusal(stand: Stand, refused: Any, number: int) -> None:
    assert [next_number(stand), next_number(stand)] == [0, 1]
    stand.names.give_back(refused)
    assert next_number(stand) == number


# -- exits of an earlier run ------------------------------------------------------------------------------------------


@pytest.fixture
def restarted(stand: Stand) -> Stand:
    """Return a stand whose bot has started after its trade was opened."""
    stand.names.started_ms = stand.ms
    return stand


def find_exits(stand: Stand) -> None:
    stand.names.find(stand.trades[KEY], stand.budget())


def test_after_a_start_the_next_exits_of_a_trade_are_looked_for_once(restarted: Stand) -> None:
    restarted.trade(orders=[SimpleNamespace(ft_order_side="sell", order_id="1")])
    row = {**structure("closed", "77"), "filled": 0.4, "amount": 0.4, "price": None, "average": 59_000.0}
    restarted.venue.rows = {exit_name(2): row}
    with pytest.raises(TemporaryError, match="one that was sent before the start of the bot has been found"):
        find_exits(restarted)
    restarted.venue.rows = {}
    find_exits(restarted)
    find_exits(restarted)
    sought, _ = restarted.venue.sought
    assert [(order.client_id, order.number) for order in sought] == [(exit_name(n), n) for n in (1, 2)]
    assert {(order.order_id, order.side, order.pair, order.trade) for order in sought} == {(None, "sell", PAIR, KEY)}
    assert {(order.price, order.amount, order.intended_ms) for order in sought} == {(0, 0, 0)}, "freqtrade dates it now"
    (found,) = restarted.adopted
    assert found == replace(
        sought[1], phase=Phase.ENDED, order_id="77", price=59_000.0, amount=0.4, filled=0.4, average=59_000.0
    )
    in_doubt = replace(found, phase=Phase.LIVE)
    assert restarted.store.rows == {found.client_id: in_doubt}, "in doubt, until freqtrade has it"


@pytest.mark.parametrize("status", ["canceled", "rejected"])
def test_an_exit_of_an_earlier_run_that_sold_nothing_holds_nothing_back(restarted: Stand, status: str) -> None:
    restarted.venue.rows = {exit_name(0): {**structure(status, "77"), "price": 5.0, "amount": 0.4}}
    find_exits(restarted)
    assert len(restarted.adopted) == 1


@pytest.mark.parametrize("milliseconds", [3_000, 10])
def test_an_exit_that_freqtrade_has_is_not_found_again_and_the_search_goes_on_after_it(
    restarted: Stand, milliseconds: int
) -> None:
    restarted.trade(orders=[sell_row("1"), sell_row("77")])
    restarted.order_rows["77"] = SimpleNamespace()
    row = {**structure("closed", "77"), "filled": 0.4, "amount": 0.4, "price": 5.0}
    restarted.venue.rows = {exit_name(2): row}
    restarted.names.find(restarted.trades[KEY], restarted.budget(milliseconds))
    assert restarted.adopted == []
    names = [[order.client_id for order in sought] for sought in restarted.venue.sought]
    expected = [[exit_name(2), exit_name(3)], [exit_name(3), exit_name(4)]]
    assert names == (expected if milliseconds > 10 else expected[:1])
    assert next_number(restarted) == 3


def test_after_an_exit_that_freqtrade_has_the_same_answer_may_show_one_that_it_has_not(restarted: Stand) -> None:
    restarted.order_rows["77"] = SimpleNamespace()
    rows = {exit_name(number): structure("open", order_id) for number, order_id in enumerate(["77", "78"])}
    restarted.venue.rows = {name: {**row, "price": 5.0, "amount": 0.4} for name, row in rows.items()}
    with pytest.raises(TemporaryError, match="has been found"):
        find_exits(restarted)
    assert [order.order_id for order in restarted.adopted] == ["78"]
    assert next_number(restarted) == 2


@pytest.mark.parametrize("price", [61_000.0, None])
def test_an_exit_that_is_found_has_the_price_of_its_row(restarted: Stand, price: float | None) -> None:
    restarted.venue.rows = {exit_name(0): {**structure("open", "77"), "price": price, "amount": None}}
    with pytest.raises(TemporaryError, match="has been found"):
        find_exits(restarted)
    assert [(order.phase, order.price, order.amount) for order in restarted.adopted] == [
        (Phase.LIVE, price or 0.0, 0.0)
    ]


def test_no_exit_of_a_trade_of_this_run_is_looked_for(restarted: Stand) -> None:
    restarted.names.started_ms = KEY.opened_ms
    find_exits(restarted)
    assert restarted.venue.sought == []


def test_a_search_without_an_answer_holds_the_exit_back_for_half_a_minute_at_most(restarted: Stand) -> None:
    """Counted from its first loop: a slow venue may keep a bot from its trades for long."""
    restarted.venue.error = ccxt.RequestTimeout("no answer")
    restarted.ms += 600_000
    restarted.managers.process_loop()
    restarted.ms += int(BLOCKS_SECONDS * 1_000) - 1
    restarted.names.begin()
    with pytest.raises(TemporaryError, match=rf"Exit of trade 1 on {PAIR}: whether one was sent before .*no answer"):
        find_exits(restarted)
    restarted.ms += 1
    find_exits(restarted)
    restarted.venue.error = None
    find_exits(restarted)
    find_exits(restarted)
    assert len(restarted.venue.sought) == 3, "until there is an answer"


def test_a_cover_of_an_earlier_run_is_found_in_coins_of_the_position(restarted: Stand) -> None:
    """Only the venue's amount is known: it leaves less after the fee, and nearly all of the trade is all of it."""
    restarted.short()
    asked = {**structure("open", "77"), "amount": 0.501, "filled": 0.2505, "price": 6e4, "average": 6e4}
    everything = {**structure("closed", "78"), "amount": 1.012, "filled": 1.012, "price": 6e4, "average": 6e4}
    restarted.venue.rows = {exit_name(0): asked, exit_name(1): everything}
    with pytest.raises(TemporaryError, match="has been found"):
        find_exits(restarted)
    half, full = restarted.adopted
    assert (half.side, half.amount, half.sent, half.filled, half.phase) == ("buy", 0.5, 0.501, 0.25, Phase.LIVE)
    assert (full.amount, full.sent, full.filled, full.phase) == (1.0, 1.012, 1.0, Phase.ENDED)
    assert restarted.store[exit_name(1)].sent == 1.012

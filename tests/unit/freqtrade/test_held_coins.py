"""Promise: an exit leaves alone the coins that resting sells hold or may have sold, and no others."""

from typing import Any

import pytest

from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, Stand, cover, live, live_cover, rung

KNOWN = live("a", amount=0.25)
"""An order that the last lookup has shown."""
DOUBTFUL = rung("b", amount=0.25)
"""An order without an answer."""


def held(stand: Stand, *orders: Any) -> float:
    coins = HeldCoins(holdings=stand.holdings, missed=stand.missed)
    return coins.of(stand.trades[KEY], orders)


def test_sells_that_the_venue_shows_hold_what_is_not_filled_and_no_balance_is_read(stand: Stand) -> None:
    orders = [KNOWN, live("f", filled=0.375), live("c", side="buy"), rung("d", side="buy")]
    orders += [live("e", phase=phase) for phase in Phase if not phase.open]
    assert held(stand, *orders) == 0.375
    assert stand.exits.held.shown([*orders, DOUBTFUL]) == 0.375
    assert stand.wallet.readings == 0


@pytest.mark.parametrize(
    ("holding", "held_coins"),
    [
        (Holding(1.0, 0.75, 0.25), 0.25),  # nothing is frozen beside the known order
        (Holding(1.0, 0.5, 0.5), 0.5),  # it rests
        (Holding(1.0, 0.625, 0.375), 0.375),  # a part is frozen
        (Holding(1.0, 1.0, 0.0), 0.25),
        (Holding(1.0, 0.0, 1.0), 0.5),  # orders of others freeze coins, too
        (Holding(0.75, 0.5, 0.25), 0.5),  # it has filled
        (Holding(0.875, 0.5, 0.375), 0.5),  # a part of it has filled, and the rest rests
        (Holding(0.9998, 0.75, 0.25), 0.25),  # less than counts
        (Holding(1.125, 0.875, 0.25), 0.5),  # coins of others could hide its fill
        (None, 0.5),
    ],
)
def test_the_balance_of_a_classic_account_decides_about_an_order_in_doubt(
    stand: Stand, holding: Holding | None, held_coins: float
) -> None:
    stand.wallet.holding = holding
    assert held(stand, KNOWN, DOUBTFUL) == held_coins
    stand.missed.note(missed := live("b", amount=0.25))
    assert held(stand, KNOWN, missed) == held_coins, "one that the last lookup missed is in doubt, too"


def test_what_is_in_doubt_is_described_without_a_request(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with anything else that can fail in the middle of an exit."""
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setattr("os.getcwd", lambda: pytest.fail("the file system was asked"))
    coins, trade = stand.exits.held, stand.trades[KEY]
    ended = [live("e", phase=phase) for phase in Phase if not phase.open]
    assert coins.describe_doubt(trade, [KNOWN, rung("d", side="buy"), *ended]) == ""
    assert coins.describe_doubt(trade, [KNOWN, DOUBTFUL]) == (
        ": 1 resting order that the venue does not show may have sold the others. If that stays so, and none of them "
        "is on the venue: stop the bot and run `bitget-margin forget --config … --trade 1`"
    )
    assert stand.wallet.readings == 0


@pytest.mark.parametrize(
    ("missed_seconds", "total", "held_coins"),
    [
        (None, 1.0, 0.25),
        (0.0, 1.0, 0.25),
        (RECHECK_SECONDS - 0.1, 1.0, 0.25),
        (RECHECK_SECONDS, 1.0, 0.0),  # two complete lists have missed it, and its coins are there
        (RECHECK_SECONDS, 0.75, 0.25),  # it has filled
        (RECHECK_SECONDS, 0.875, 0.125),
        (RECHECK_SECONDS, 1.125, 0.25),
    ],
)
def test_the_lists_of_a_unified_account_decide_about_an_order_in_doubt(
    stand: Stand, missed_seconds: float | None, total: float, held_coins: float
) -> None:
    stand.wallet.classic = False
    stand.wallet.holding = Holding(total, total, 0.0)
    if missed_seconds is not None:
        stand.missed.note(DOUBTFUL, missed_seconds)
    assert held(stand, DOUBTFUL) == held_coins
    assert held(stand, KNOWN, DOUBTFUL) == 0.25 + held_coins


def test_a_stop_that_may_still_sell_keeps_its_coins(stand: Stand) -> None:
    stop = live("s", amount=0.5)
    coins = HeldCoins(holdings=stand.holdings, missed=stand.missed, others=lambda _: [stop])
    assert coins.of(stand.trades[KEY], [KNOWN]) == 0.75
    assert coins.with_others(stand.trades[KEY], [KNOWN]) == [KNOWN, stop]


# -- shorts -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["classic", "unified"])
def short(stand: Stand, request: pytest.FixtureRequest) -> Stand:
    """Return a stand with a short of 1 BTC, on either kind of account."""
    stand.wallet.classic = request.param
    stand.short()
    return stand


def test_covers_that_the_venue_shows_hold_what_they_will_close(short: Stand) -> None:
    orders = [
        live_cover("a", amount=0.25, sent=0.251),
        live_cover("b", filled=0.375),
        live_cover("c", phase=Phase.ENDED),
    ]
    assert held(short, *orders) == 0.375
    assert short.wallet.readings == 0


@pytest.mark.parametrize(
    ("missed_seconds", "owed", "held_coins"),
    [
        (None, 1.0, 0.25),
        (0.0, 1.0, 0.25),
        (RECHECK_SECONDS - 0.1, 1.0, 0.25),
        (RECHECK_SECONDS, 1.0, 0.0),  # two complete lists have missed it, and all is owed
        (RECHECK_SECONDS, 0.75, 0.25),  # it has filled
        (RECHECK_SECONDS, 0.875, 0.125),
        (RECHECK_SECONDS, 1.015, 0.0),  # interest
        (RECHECK_SECONDS, 1.125, 0.25),  # a debt of others could hide its fill
        (RECHECK_SECONDS, None, 0.25),  # the debt cannot be read
    ],
)
def test_the_debt_decides_about_a_cover_in_doubt(
    short: Stand, missed_seconds: float | None, owed: float | None, held_coins: float
) -> None:
    doubtful = cover("b", amount=0.25, sent=0.251)
    if owed is not None:
        short.owe(owed)
    if missed_seconds is not None:
        short.missed.note(doubtful, missed_seconds)
    assert held(short, doubtful) == held_coins
    assert held(short, live_cover("a", amount=0.25, sent=0.251), doubtful) == 0.25 + held_coins

"""Promise: the coins of a trade are those that it has, or owes, whichever kind of account shows them."""

from collections.abc import Callable

import pytest

from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.trade_coins import TradeCoins
from support.botless import KEY, PAIR, Stand


@pytest.fixture(params=[True, False], ids=["classic", "unified"])
def account(stand: Stand, request: pytest.FixtureRequest) -> Stand:
    """Return a stand on either kind of account."""
    stand.wallet.classic = request.param
    return stand


def coins(stand: Stand) -> TradeCoins:
    return TradeCoins(stand.holdings, PAIR, stand.trades[KEY])


READERS: list[Callable[[TradeCoins], Holding | None]] = [
    lambda found: found.read(),
    lambda found: found.last(2),
    lambda found: found.since(1_000),
]


@pytest.mark.parametrize("read", READERS)
def test_a_long_has_what_the_balance_shows(account: Stand, read: Callable[[TradeCoins], Holding | None]) -> None:
    account.wallet.holding = Holding(1.0, 0.75, 0.25)
    account.read_balance(1.0, 0.75)
    found = coins(account)
    assert read(found) == Holding(1.0, 0.75, 0.25)
    assert (found.last_total(), found.freezes) == (1.0, account.wallet.classic)
    assert TradeCoins(account.holdings, PAIR).read() == Holding(1.0, 0.75, 0.25), "an order of no trade"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("besides", "owed"), [(0.0, 1.5), (-0.5, 1.0), (0.25, 1.75)])
def test_a_short_has_what_the_account_owes_without_what_is_nobody_s_trade(
    account: Stand, read: Callable[[TradeCoins], Holding | None], besides: float, owed: float
) -> None:
    account.short()
    account.besides = besides
    account.owe(1.5)
    found = coins(account)
    assert read(found) == Holding(owed, owed, 0.0, 1.5)
    assert (found.last_total(), found.freezes) == (owed, False)


def test_coins_that_a_cover_has_bought_are_not_owed_though_they_are_not_repaid_yet(stand: Stand) -> None:
    stand.short()
    stand.wallet.holding = Holding(0.25, 0.25, 0.0, 1.0)
    assert coins(stand).read() == Holding(0.75, 0.75, 0.0, 1.0)
    stand.wallet.holding = Holding(1.25, 1.25, 0.0, 1.0)
    assert coins(stand).read() == Holding(0.0, 0.0, 0.0, 1.0), "no less than nothing"


def test_what_cannot_be_read_is_not_known(account: Stand) -> None:
    account.short()
    found = coins(account)
    assert (found.read(), found.last(60), found.since(0), found.last_total()) == (None, None, None, None)


def test_the_books_of_a_coin_are_told_in_the_direction_of_the_trade(stand: Stand) -> None:
    stand.short()
    stand.trade(2, pair="BTC/USDC")
    stand.trade(3, pair="ETH/USDT")
    stand.remaining_of = {1: 2.0, 2: 0.5, 3: 9.0}
    assert coins(stand).booked() == 1.5
    assert stand.holdings.booked("BTC") == -1.5


@pytest.mark.parametrize(("is_short", "least"), [(False, 0.002), (True, 0.02)])
def test_a_short_may_owe_a_little_more_or_less_for_interest_and_rounded_fees(
    stand: Stand, is_short: bool, least: float
) -> None:
    found = (stand.short if is_short else stand.trade)()
    told = TradeCoins(stand.holdings, PAIR, found)
    assert told.tolerance(1.0) == pytest.approx(least)
    assert [told.has_others(1 + least + more) for more in (-0.0001, 0.0001)] == [False, True]
    assert [told.shows(total, 0.25) for total in (0.75, 0.7501)] == [False, True]


@pytest.mark.parametrize(
    ("owed", "held", "closable"),
    [
        (1.0, 0.0, 1.0),
        (1.015, 0.0, 1.0),  # interest: the amount stays the position's
        (0.981, 0.0, 1.0),  # rounded fees
        (0.979, 0.0, 0.979),
        (1.0, 0.25, 0.75),
        (1.25, 0.25, 1.0),
        (0.25, 0.5, 0.0),
        (0.0, 0.0, 0.0),
    ],
)
def test_a_short_covers_what_it_still_owes_and_no_resting_cover_buys(
    stand: Stand, owed: float, held: float, closable: float
) -> None:
    stand.short()
    stand.owe(owed)
    found = coins(stand)
    holding = found.last(2)
    assert holding is not None
    assert found.closable(1.0, holding, held) == closable


def test_a_long_sells_what_is_free(stand: Stand) -> None:
    assert coins(stand).closable(1.0, Holding(1.0, 0.25, 0.75), 0.5) == 0.25

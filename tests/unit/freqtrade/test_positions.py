"""Promise: freqtrade sees the cross margin account as a futures account: one margin, positions, liquidation prices."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from ccxt import TICK_SIZE
from freqtrade.persistence import LocalTrade, Order

from bitget_margin.freqtrade.positions import (
    AccountSnapshot,
    MarginBooks,
    TradePosition,
    liquidation_price,
    planned_coins,
    planned_debt,
    planned_liquidation_price,
    position_of,
    read_snapshot,
    venue_equity,
)

RATE = 0.05
PRICES = {"BTC": 50_000.0, "ETH": 2_000.0, "SOL": 100.0}
LONG = TradePosition("BTC/USDT", "BTC", is_short=False, amount=0.3, open_rate=50_000, stake=5_000, leverage=3)
SHORT = TradePosition("ETH/USDT", "ETH", is_short=True, amount=2.0, open_rate=2_000, stake=2_000, leverage=2)


def snapshot(free: Mapping[str, float] | None = None, **net: float) -> AccountSnapshot:
    """Return an account with these net amounts: what is below zero is owed."""
    total = {coin: max(0.0, amount) for coin, amount in net.items()}
    debt = {coin: max(0.0, -amount) for coin, amount in net.items()}
    return AccountSnapshot(total, total if free is None else free, debt)


def books(
    account: AccountSnapshot, *trades: TradePosition, prices: Mapping[str, float | None] | None = None
) -> MarginBooks:
    return MarginBooks(account, trades, "USDT", {**PRICES, **(prices or {})}.get)


# -- the account ------------------------------------------------------------------------------------------------------


def test_a_snapshot_has_what_is_there_what_is_free_and_what_is_owed() -> None:
    """The total of ccxt is what is there on a classic account, and less the debt on a unified one."""
    row = {"free": 1.0, "used": 2.0, "total": 3.0, "debt": 0.5}
    classic = read_snapshot({"info": [], "BTC": row, "free": {"BTC": 1.0}}, unified=False)
    assert classic == AccountSnapshot({"BTC": 3.0}, {"BTC": 1.0}, {"BTC": 0.5})
    unified = read_snapshot({"BTC": {**row, "total": 2.5}}, unified=True)
    assert unified == classic
    assert (classic.net("BTC"), classic.net("ETH")) == (2.5, 0.0)


def test_a_coin_without_a_total_is_not_listed() -> None:
    """It would look as if it were gone."""
    balance = {"USDT": {"total": None, "free": 1.0}, "BTC": {"total": 0.0, "free": None, "debt": None}, "debt": {}}
    assert read_snapshot(balance, unified=True) == AccountSnapshot({"BTC": 0.0}, {"BTC": 0.0}, {"BTC": 0.0})


def test_the_venue_s_equity_is_by_its_own_net_amounts() -> None:
    classic = [{"coin": "USDT", "totalAmount": "9", "net": "-10"}, {"coin": "BTCX", "net": "0.1"}]
    names = {"BTCX": "BTC"}

    def equity(rows: object, *, unified: bool = False) -> float | None:
        return venue_equity(
            {"info": rows},
            unified=unified,
            stake_coin="USDT",
            price=PRICES.get,
            code_of=lambda coin: names.get(coin, coin),
        )

    assert equity(classic) == pytest.approx(4_990)
    assert (
        equity([{"coin": "USDT", "balance": "9", "equity": "-10"}, {"coin": "XYZ", "equity": "7"}], unified=True) == -10
    )
    assert equity([*classic, classic[0]]) == pytest.approx(4_990), "a repeated row counts once"
    assert equity([*classic, {"coin": "USDT", "net": "-11"}]) is None
    for unreadable in ([], None, {}, [5], [{"coin": "USDT"}], [{"net": "1"}], [*classic, {"coin": "A", "net": "x"}]):
        assert equity(unreadable) is None
    assert equity(classic, unified=True) is None


@pytest.mark.parametrize(
    ("listed", "trades", "is_whole"),
    [
        ((), (), False),
        (("BTC",), (), True),
        (("SOL",), (LONG,), False),
        (("SOL", "USDT"), (LONG,), True),
        (("BTC",), (LONG,), True),
        (("SOL",), (replace(LONG, amount=0.0),), True),
        ((), (LONG,), False),
    ],
)
def test_an_answer_without_the_coins_of_the_bot_is_not_whole(
    listed: Iterable[str], trades: Any, is_whole: bool
) -> None:
    assert books(snapshot(**dict.fromkeys(listed, 0.0)), *trades).is_whole() is is_whole


# -- the margin -------------------------------------------------------------------------------------------------------


def test_the_margin_does_not_move_with_prices_nor_with_entries() -> None:
    """10,000 USDT: 15,000 of BTC bought with 5,000 that are owed, then 4,000 of ETH borrowed and sold."""
    assert books(snapshot(USDT=10_000)).wallet() == 10_000
    assert books(snapshot(USDT=-5_000, BTC=0.3), LONG).wallet() == 10_000
    both = snapshot(USDT=-1_000, BTC=0.3, ETH=-2)
    for price in (40_000.0, 60_000.0):
        assert books(both, LONG, SHORT, prices={"BTC": price, "ETH": price / 20}).wallet() == 10_000


def test_freqtrade_sees_the_margin_as_stake_currency_and_not_the_coins_of_trades() -> None:
    account = AccountSnapshot(
        {"USDT": 0, "BTC": 0.3, "ETH": 0, "SOL": 9, "XRP": 1},
        {"SOL": 4, "BTC": 0.3},
        {"USDT": 1_000, "ETH": 2, "XRP": 3},
    )
    shown = books(account, LONG, replace(SHORT, pending=500), prices={"XRP": 0.5}).balances()
    assert shown == {
        "SOL": {"free": 4.0, "used": 5.0, "total": 9.0},
        # 2 XRP are owed that belong to no trade.
        "USDT": {"free": 9_999 - 7_500.0, "used": 7_500.0, "total": 9_999.0},
    }


def test_quote_that_resting_covers_freeze_stays_in_the_margin() -> None:
    """Classic accounts freeze it: less is free, and as much is there."""
    frozen = AccountSnapshot({"USDT": 14_000, "ETH": 0}, {"USDT": 10_100}, {"USDT": 0, "ETH": 2})
    free = AccountSnapshot(frozen.total, {"USDT": 14_000}, frozen.debt)
    assert books(frozen, SHORT).balances() == books(free, SHORT).balances()
    assert books(frozen, SHORT).wallet() == 10_000


def test_interest_that_is_owed_in_coins_is_taken_from_the_margin() -> None:
    assert books(snapshot(USDT=14_000, ETH=-2.01), SHORT).wallet() == pytest.approx(9_980)
    assert books(snapshot(USDT=14_000, ETH=-2.01), SHORT, prices={"ETH": None}).wallet() == pytest.approx(9_980)


def test_coins_of_the_owner_are_not_margin() -> None:
    own = replace(LONG, besides=0.05), replace(SHORT, besides=3.0)
    assert books(snapshot(USDT=-1_000, BTC=0.35, ETH=1), *own).wallet() == pytest.approx(10_000)
    # More than that has come in: neither a fill of an entry nor one of a cover.
    assert books(snapshot(USDT=-1_000, BTC=0.4, ETH=4), *own).wallet() == pytest.approx(14_000)
    assert books(snapshot(USDT=-1_000, BTC=0.4, ETH=1), *own).wallet() == pytest.approx(10_000)


def test_fills_that_freqtrade_has_not_booked_are_in_the_margin() -> None:
    first = replace(LONG, amount=0.0, is_entering=True, coming=0.3)
    assert books(snapshot(USDT=0, BTC=0.2), first).wallet() == 10_000
    # Coins beyond the order are somebody else's.
    assert books(snapshot(USDT=-5_000, BTC=1), first).wallet() == 10_000
    assert books(snapshot(USDT=0, BTC=0.2), LONG).wallet() == 10_000, "an exit of 0.1"
    assert books(snapshot(USDT=12_000, ETH=-1), SHORT).wallet() == 10_000, "a cover of 1"
    assert books(snapshot(USDT=16_000, ETH=-3), replace(SHORT, coming=1, is_entering=True)).wallet() == 10_000


@pytest.mark.parametrize(
    ("net", "trades", "margin"),
    [
        ({"USDT": 10_000}, (LONG,), 10_000),
        ({"USDT": 10_000}, (SHORT,), 10_000),
        ({"USDT": 14_000, "ETH": -2}, (), 10_000),
        ({"USDT": 14_000, "ETH": -2}, (replace(SHORT, amount=1.0),), 10_000),
        ({"USDT": -5_000, "BTC": 0.3}, (), -5_000),
        ({"USDT": -5_000, "BTC": 0.3}, (replace(LONG, amount=0.1),), 0),
    ],
    ids=["long entered", "short entered", "short closed", "short closed in part", "long closed", "long closed in part"],
)
def test_a_reading_from_before_a_fill_shows_no_more_margin_than_there_is(
    net: dict[str, float], trades: tuple[TradePosition, ...], margin: float
) -> None:
    """There are 10,000. Entries are sized by it while the venue does not answer: coins of no trade are no margin."""
    assert books(snapshot(**net), *trades).wallet() == pytest.approx(margin)


def test_equity_and_debts_are_valued_by_prices() -> None:
    known = books(snapshot(USDT=-1_000, BTC=0.3, ETH=-2, ABC=5), LONG, SHORT)
    assert (known.equity(), known.owed()) == (10_000, 5_000)


# -- positions --------------------------------------------------------------------------------------------------------


def test_a_position_has_the_fields_that_freqtrade_reads() -> None:
    found = books(snapshot(USDT=-1_000, BTC=0.3, ETH=-2), LONG, SHORT, prices={"BTC": 51_000}).positions(RATE, 10_300)
    assert found == [
        {
            "symbol": "BTC/USDT",
            "side": "long",
            "contracts": 0.3,
            "entryPrice": 50_000,
            "initialMargin": 5_000,
            "collateral": 5_000,
            "leverage": 3,
            "unrealizedPnl": pytest.approx(300),
            "liquidationPrice": pytest.approx(51_000 - (10_300 - 250) / 0.3),
        },
        {
            "symbol": "ETH/USDT",
            "side": "short",
            "contracts": 2.0,
            "entryPrice": 2_000,
            "initialMargin": 2_000,
            "collateral": 2_000,
            "leverage": 2,
            "unrealizedPnl": 0.0,
            "liquidationPrice": pytest.approx(2_000 + (10_300 - 250) / (2 * 1.05)),
        },
    ]


@pytest.mark.parametrize(
    ("part", "size"), [(1.0, 0.3), (0.981, 0.3), (0.979, 0.2937), (0.5, 0.15), (0.0, 0.0), (1.2, 0.3)]
)
def test_a_position_is_as_large_as_what_is_really_there(part: float, size: float) -> None:
    """Fees and dust are tolerated; what somebody took away by hand is seen."""
    for besides in (0.0, 0.05):
        long = books(snapshot(USDT=0, BTC=0.3 * part + besides), replace(LONG, besides=besides))
        assert long.positions(RATE, None)[0]["contracts"] == pytest.approx(size)
        short = replace(LONG, is_short=True, besides=besides)
        found = books(snapshot(USDT=0, BTC=besides - 0.3 * part), short).positions(RATE, None)
        assert found[0]["contracts"] == pytest.approx(size)


def test_a_trade_without_a_fill_is_no_position() -> None:
    assert books(snapshot(USDT=1), replace(LONG, amount=0.0, coming=1, is_entering=True)).positions(RATE, 1.0) == []


@pytest.mark.parametrize(
    ("account", "prices", "equity", "is_priced"),
    [
        ({}, {}, 10_000, True),
        ({}, {}, 10_520, True),
        ({}, {}, 9_505, True),
        ({}, {}, 10_530, False),
        ({}, {}, 9_495, False),
        ({}, {}, -10_000, False),
        ({}, {}, None, False),
        ({}, {"BTC": None}, -5_000, False),
        ({"XRP": -1}, {}, 10_000, False),
        ({"XRP": -1}, {"XRP": 0.5}, 10_000, True),
        ({"XRP": 1}, {}, 10_000, True),
    ],
)
def test_no_liquidation_price_is_published_unless_all_is_known_and_agrees_with_the_venue(
    account: dict[str, float], prices: dict[str, float | None], equity: float | None, is_priced: bool
) -> None:
    known = books(snapshot(USDT=-5_000, BTC=0.3, **account), LONG, prices=prices)
    assert known.is_priced(equity) is is_priced
    assert (known.positions(RATE, equity)[0]["liquidationPrice"] is not None) is is_priced


@pytest.mark.parametrize("listed", [{"USDT": 14_000}, {"BTC": 0.3}])
def test_none_is_published_where_a_coin_of_the_trade_is_not_listed(listed: dict[str, float]) -> None:
    """An answer that lacks a row would look like a lost position, or like a debt that is gone."""
    known = books(snapshot(**listed), LONG)
    assert known.positions(RATE, known.equity())[0]["liquidationPrice"] is None


def test_a_debt_of_twice_the_size_is_noticed() -> None:
    """The debt of a unified account that is subtracted from a total which is less the debt already."""
    balance = {
        "USDT": {"free": 0.0, "used": 0.0, "total": -5_000.0, "debt": 5_000.0},
        "BTC": {"free": 0.3, "used": 0.0, "total": 0.3, "debt": 0.0},
        "info": [{"coin": "USDT", "equity": "-5000"}, {"coin": "BTC", "equity": "0.3"}],
    }
    wrong, right = (books(read_snapshot(balance, unified=unified), LONG) for unified in (False, True))
    equity = venue_equity(balance, unified=True, stake_coin="USDT", price=PRICES.get)
    assert (wrong.is_priced(equity), right.is_priced(equity)) == (False, True)


# -- liquidation prices -----------------------------------------------------------------------------------------------


def test_a_liquidation_price_that_no_price_reaches_is_zero() -> None:
    """On None, freqtrade keeps an earlier price; it ignores 0."""
    plain = {"net": 1.0, "debt": 0.0, "room": 100.0, "maintenance_rate": RATE}
    assert liquidation_price(100.0, **plain, is_short=False) == 0
    assert liquidation_price(100.0, **{**plain, "room": 99.0}, is_short=False) == pytest.approx(1)
    assert liquidation_price(100.0, **{**plain, "room": 200.0}, is_short=False) == 0
    assert liquidation_price(100.0, **plain, is_short=True) == 0, "coins of the owner outweigh the short"
    assert liquidation_price(100.0, **{**plain, "net": -1.0, "debt": 1.0}, is_short=False) == 0
    for is_short in (True, False):
        assert liquidation_price(100.0, **{**plain, "net": 0.0}, is_short=is_short) == 0


def test_a_liquidation_price_that_is_passed_is_beyond_the_present_one() -> None:
    passed = {"room": -10.0, "maintenance_rate": RATE}
    assert liquidation_price(100.0, net=1.0, debt=0.0, **passed, is_short=False) == 110
    assert liquidation_price(100.0, net=-1.0, debt=1.0, **passed, is_short=True) == pytest.approx(100 - 10 / 1.05)


@pytest.mark.parametrize(
    ("trade", "wallet", "price"),
    [
        # 3x on the whole account: 10,000 are owed at 5 % of maintenance.
        (replace(LONG, amount=0.3, stake=5_000), 5_000, 50_000 - (5_000 - 500) / 0.3),
        (replace(LONG, amount=0.1, leverage=1), 5_000, 0),
        (SHORT, 2_000, 2_000 + (2_000 - 200) / (2 * 1.05)),
    ],
)
def test_a_planned_price_comes_from_the_books_alone(trade: TradePosition, wallet: float, price: float) -> None:
    assert planned_liquidation_price([], trade, wallet, RATE) == pytest.approx(price)
    assert planned_liquidation_price([trade], trade, wallet, RATE) == pytest.approx(price)


def test_other_trades_bring_a_planned_price_nearer() -> None:
    """Their debts need maintenance; a trade on the same pair moves with it."""
    alone = planned_liquidation_price([], LONG, 5_000, RATE)
    assert planned_liquidation_price([SHORT, LONG], LONG, 5_000, RATE) == pytest.approx(alone)
    less = replace(SHORT, amount=10)
    # 20,000 of ETH are sold, and only 15,000 of them spent: the debt is in ETH alone.
    assert planned_liquidation_price([less, LONG], LONG, 5_000, RATE) == pytest.approx(50_000 - 4_000 / 0.3)
    stacked = replace(LONG, open_rate=40_000, amount=0.1)
    # 19,000 of BTC with 14,000 owed, of which 5,000 - 700 of margin and 1,000 of profit are above the maintenance.
    assert planned_liquidation_price([stacked, LONG], LONG, 5_000, RATE) == pytest.approx(50_000 - 5_300 / 0.4)


def test_shorts_on_one_pair_are_liquidated_together() -> None:
    """One ETH was sold at 3,000, and two at 2,000."""
    higher = replace(SHORT, amount=1.0, open_rate=3_000)
    # At 2,000 the account has won 1,000, and owes 3 ETH.
    expected = 2_000 + (5_000 + 1_000 - RATE * 6_000) / (3 * 1.05)
    assert planned_liquidation_price([higher, SHORT], SHORT, 5_000, RATE) == pytest.approx(expected)
    assert planned_liquidation_price([higher, SHORT], higher, 5_000, RATE) == pytest.approx(expected)


def test_what_may_be_owed_is_what_the_leverage_of_the_trades_explains() -> None:
    entering = replace(LONG, amount=0.0, coming=0.1, is_entering=True)
    adding = replace(LONG, pending=1_000, coming=0.05)
    assert planned_debt([LONG]) == pytest.approx(10_000)
    assert planned_debt([entering, SHORT]) == pytest.approx(5_000 * 2 / 3)
    assert planned_debt([adding]) == pytest.approx(12_000)
    assert planned_debt([replace(LONG, leverage=1)]) == 0
    assert planned_coins([SHORT, LONG, replace(SHORT, coming=0.5)], "ETH") == 4.5
    assert planned_coins([SHORT, LONG], "BTC") == 0


# -- freqtrade's trades -----------------------------------------------------------------------------------------------

OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def row(side: str, amount: float, price: float, *, filled: float, is_open: bool = False) -> Order:
    """Return one of freqtrade's order rows."""
    status = "open" if is_open else "closed"
    return Order(
        order_id=f"{side}{amount}",
        ft_order_side=side,
        ft_pair="BTC/USDT",
        ft_is_open=is_open,
        ft_amount=amount,
        ft_price=price,
        status=status,
        amount=amount,
        price=price,
        average=price if filled else None,
        filled=filled,
        remaining=amount - filled,
        order_date=OPENED,
        order_filled_date=OPENED if filled else None,
    )


def trade_of(*orders: Order, **fields: Any) -> Any:
    """Return a trade of freqtrade's, 3x long by default."""
    plain = {"is_short": False, "leverage": 3.0, "amount": 0.3, "open_rate": 50_000.0, "stake_amount": 5_000.0}
    trade = LocalTrade(
        pair="BTC/USDT", base_currency="BTC", stake_currency="USDT", open_date=OPENED, fee_open=0, **plain | fields
    )
    trade.orders = list(orders)
    return trade


def test_a_filled_trade_is_a_position_with_its_amount() -> None:
    trade = trade_of(row("buy", 0.3, 50_000, filled=0.3))
    assert position_of(trade, 0.05) == replace(LONG, besides=0.05)


def test_a_trade_without_a_fill_has_its_stake_and_no_amount() -> None:
    """Its stake is bound from the start; versions of freqtrade differ in its amount."""
    for filled in (0.0, 0.1):
        entry = row("buy", 0.3, 50_000, filled=filled, is_open=True)
        assert position_of(trade_of(entry)) == replace(LONG, amount=0.0, is_entering=True, coming=0.3)


def test_further_entries_hold_their_stake_and_exits_hold_none() -> None:
    adding = row("sell", 0.5, 2_200, filled=0.1, is_open=True)
    cover = row("buy", 1.0, 1_500, filled=0.0, is_open=True)
    fields = {"is_short": True, "leverage": 2.0, "amount": 2.0, "open_rate": 2_000.0, "stake_amount": 2_000.0}
    trade = trade_of(row("sell", 2.0, 2_000, filled=2.0), adding, cover, **fields)
    found = position_of(trade)
    assert (found.amount, found.stake, found.pending) == (2.0, 2_000.0, 550.0)
    assert (found.is_short, found.is_entering, found.coming, found.signed) == (True, True, 0.5, -2.0)


def test_coins_of_fills_below_a_lot_are_a_crumb_of_the_trade() -> None:
    """A fee leaves what freqtrade cuts to a lot; the rest is there all the same, and the worth of the trade has it."""
    entry = row("buy", 0.3001, 50_000, filled=0.3001)
    entry.ft_fee_base = 0.00000451
    lots = {"amount_precision": 0.0001, "precision_mode": TICK_SIZE, "contract_size": None}
    trade = trade_of(entry, amount=0.3000, **lots)
    found = position_of(trade)
    assert (found.amount, found.crumb) == (0.3, pytest.approx(0.00009549))
    assert position_of(trade_of(entry, amount=0.2, **lots)).crumb == 0.0, "freqtrade has not booked it yet"
    account = AccountSnapshot({"USDT": -5_004.0, "BTC": 0.30009549}, {}, {})
    books = MarginBooks(account, (found,), "USDT", lambda _: 50_000.0)
    assert books.wallet() == pytest.approx(-5_004.0 + 0.30009549 * 50_000)


def test_a_leverage_that_is_not_given_is_one() -> None:
    assert position_of(trade_of(row("buy", 0.3, 50_000, filled=0.3), leverage=None)).leverage == 1.0

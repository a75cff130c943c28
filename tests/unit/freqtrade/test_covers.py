"""Promise: a cover buys what it closes and its fee, to the lot, and freqtrade counts the coins of the position."""

from decimal import ROUND_DOWN, Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.covers import Covers, QuoteFee, in_position_coins, is_cover, net_of
from bitget_margin.freqtrade.interest import InterestRates

PAIR = "BTC/USDT"


class Rules:
    """Rules of a pair: lots of 0.001, a fee of 0.1 % for resting orders and 0.2 % for others."""

    def __init__(self, lot: float | None = 0.001) -> None:
        self.markets = {PAIR: {"base": "BTC", "quote": "USDT"}}
        self.lot = lot

    def amount_to_precision(self, _pair: str, amount: float) -> float:
        return float(Decimal(repr(amount)).quantize(Decimal(str(self.lot)), ROUND_DOWN)) if self.lot else amount

    def get_precision_amount(self, _pair: str) -> float | None:
        return self.lot

    def get_fee(self, *, symbol: str, taker_or_maker: str) -> float:
        assert symbol == PAIR
        return {"maker": 0.001, "taker": 0.002}[taker_or_maker]


@pytest.fixture
def trade(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the open short, whose fees are paid in the quote coin."""
    made = SimpleNamespace(fee_open_currency="USDT", is_short=True, exit_side="buy")
    monkeypatch.setattr(trade_rows, "open_trade", lambda pair: made if pair == PAIR else None)
    return made


def covers(lot: float | None = 0.001) -> Covers:
    """Return amounts of covers, of a coin with 0.24 % of interest a day."""
    return Covers(rules=Rules(lot), rates=InterestRates({"BTC": 0.0024}, 0.0))


# -- amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "sent"),
    [(0.999, 1.0), (1.0, 1.002), (0.9989, 1.0), (0.9991, 1.001), (0.0, 0.0), (0.001, 0.002)],
    ids=["to the lot", "up", "a bit less", "a bit more", "nothing", "one lot"],
)
@pytest.mark.usefixtures("trade")
def test_a_cover_leaves_what_it_closes_after_the_fee(net: float, sent: float) -> None:
    assert covers().sent(PAIR, net) == sent


@pytest.mark.usefixtures("trade")
def test_a_pair_without_lots_is_covered_to_the_last_digit() -> None:
    assert covers(None).sent(PAIR, 1.0) == 1.0 / 0.999


@pytest.mark.usefixtures("trade")
def test_an_order_that_fills_at_once_pays_the_fee_of_takers() -> None:
    assert covers().sent(PAIR, 0.998, is_taker=True) == 1.0
    assert covers().fee(PAIR, is_taker=True) == 0.002


@pytest.mark.parametrize(("currency", "fee"), [(None, 0.001), ("", 0.001), ("USDT", 0.001), ("BGB", 0.0)])
def test_where_the_account_pays_fees_in_another_coin_nothing_is_kept(
    trade: Any, currency: str | None, fee: float
) -> None:
    """As the entry has shown, which was a sale; the fee of a fill that is not known yet is the usual one."""
    trade.fee_open_currency = currency
    assert covers().fee(PAIR, is_taker=False) == fee


def test_a_pair_without_a_trade_has_the_usual_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_rows, "open_trade", lambda _: None)
    assert covers().fee(PAIR, is_taker=False) == 0.001


@pytest.mark.parametrize(
    ("owed", "is_taker", "bought"),
    [
        (None, False, 10.0),
        (None, True, 10.0),
        (10.0, True, 10.0),
        (10.01, True, 10.01),
        (10.01, False, 10.011),
        (9.9, True, 9.9),
        (11.0, True, 10.2),
        (11.0, False, 10.2),
    ],
    ids=["part", "part at once", "all", "interest", "another hour", "less owed", "others' debt", "others' and an hour"],
)
@pytest.mark.usefixtures("trade")
def test_the_last_cover_pays_the_interest_back_too(owed: float | None, is_taker: bool, bought: float) -> None:
    """What is beyond 2 % of the position is not the trade's; an order that rests owes another hour."""
    sent = covers().for_exit(PAIR, 10.0, owed, is_taker=is_taker)
    kept = sent * (1 - (0.002 if is_taker else 0.001))
    assert bought <= kept + 1e-9 < bought + 0.001


# -- in coins of the position -----------------------------------------------------------------------------------------

ORDER = {
    "id": "7",
    "amount": 1.002,
    "filled": 0.501,
    "remaining": 0.501,
    "average": 100.0,
    "price": 101.0,
    "cost": 50.1,
}


def test_a_cover_is_booked_in_coins_of_the_position() -> None:
    """Half of 1.002 was bought to cover half of 1."""
    shown = in_position_coins({**ORDER, "fee": None}, 1.0)
    assert shown == {"id": "7", "amount": 1.0, "filled": 0.5, "remaining": 0.5, "cost": 50.0, "fee": None} | {
        "average": 100.0,
        "price": 101.0,
    }


@pytest.mark.parametrize(("filled", "covered"), [(1.002, 1.0), (1.002 * (1 - 5e-10), 1.0), (1.0, 1.0 / 1.002)])
def test_a_full_cover_covers_exactly_all(filled: float, covered: float) -> None:
    """A trade ends only where its amounts come out at zero."""
    shown = in_position_coins({**ORDER, "filled": filled}, 1.0)
    assert shown["filled"] == covered
    assert shown["remaining"] == max(0.0, 1.0 - covered)


def test_the_fee_of_a_cover_is_in_the_quote_coin_with_a_rate_to_match() -> None:
    """So the cash in freqtrade's books is exact: what was paid for the coins of the position, and the rest as fee."""
    shown = in_position_coins({**ORDER, "fee": {"currency": "BTC"}}, 1.0, QuoteFee("USDT", 0.1))
    assert shown["fee"] == {"currency": "USDT", "cost": 0.1, "rate": 0.1 / 50.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"filled": None}, {"filled": None, "remaining": None, "cost": None}),
        ({"filled": 0.0}, {"filled": 0.0, "remaining": 1.0, "cost": 0.0}),
        ({"average": None}, {"filled": 0.5, "cost": 50.5}),
        ({"average": None, "price": None}, {"filled": 0.5, "cost": None}),
    ],
    ids=["unknown fills", "no fills", "no average", "no price"],
)
def test_what_the_venue_does_not_show_is_not_made_up(change: Any, expected: Any) -> None:
    shown = in_position_coins({**ORDER, "fee": None} | change, 1.0, QuoteFee("USDT", 0.1))
    assert shown | expected == shown
    assert (shown["fee"] is None) is (not shown["filled"] or not shown["cost"])


def test_a_small_cover_is_booked_too() -> None:
    shown = in_position_coins({**ORDER, "amount": 0.5, "filled": 0.125}, 0.25)
    assert (shown["amount"], shown["filled"], shown["remaining"]) == (0.25, 0.0625, 0.1875)


@pytest.mark.parametrize(
    ("amount", "wanted", "net"), [(0.6, 1.0, 0.6), (None, 1.0, 1.0), (0.0, 1.0, 1.0), (None, None, 0.0)]
)
def test_a_cover_closes_what_was_sent_for_and_not_what_freqtrade_wanted(
    amount: float | None, wanted: float | None, net: float
) -> None:
    """An exit leaves the coins of resting orders alone: booked as all, the trade would end with a debt."""
    assert net_of(SimpleNamespace(amount=amount, ft_amount=wanted)) == net  # type: ignore[arg-type]


@pytest.mark.parametrize(("amount", "net"), [(None, 1.0), (0.0, 1.0), (1.002, 0.0)])
def test_an_order_without_an_amount_stays_as_it_is(amount: float | None, net: float) -> None:
    order = {**ORDER, "amount": amount}
    assert in_position_coins(order, net, QuoteFee("USDT", 0.1)) == order


def test_only_the_exit_of_a_short_is_a_cover(trade: Any) -> None:
    row: Any = SimpleNamespace(ft_order_side="buy")
    assert is_cover(trade, row)
    assert not is_cover(trade, SimpleNamespace(ft_order_side="sell"))  # type: ignore[arg-type]
    assert not is_cover(SimpleNamespace(is_short=False, exit_side="sell"), SimpleNamespace(ft_order_side="sell"))  # type: ignore[arg-type]
    assert not is_cover(None, row)
    assert not is_cover(trade, None)

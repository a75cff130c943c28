"""Promise: interest is in freqtrade's books as funding fees, each charge once; rates are asked for without a key."""

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import ccxt
import pytest
from freqtrade.persistence import LocalTrade, Order

import bitget_margin
from bitget_margin.freqtrade.interest import (
    Charge,
    ChargeSpan,
    InterestRates,
    booked,
    fetch_charges,
    interest_of_long,
    interest_of_short,
    open_trade_like,
    simulated_interest,
    span,
    unbooked,
)
from support.calling import exchange

T0 = datetime(2026, 1, 1, 10, 20, tzinfo=UTC)
T0_MS = int(T0.timestamp() * 1_000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BTC, ETH = "BTC/USDT", "ETH/USDT"


def at(hours: float) -> datetime:
    """Return a time, in hours after 10:20."""
    return T0 + timedelta(hours=hours)


def fill(side: str, amount: float, price: float, hours: float, **fields: Any) -> Order:
    """Return a filled order row of freqtrade's."""
    plain = {
        "order_id": f"{side}-{hours}",
        "ft_order_side": side,
        "ft_pair": BTC,
        "ft_is_open": False,
        "ft_amount": amount,
        "ft_price": price,
        "status": "closed",
        "amount": amount,
        "filled": amount,
        "price": price,
        "average": price,
        "order_date": at(hours),
        "order_filled_date": at(hours),
    }
    return Order(**plain | fields)


def trade_of(*orders: Order, pair: str = BTC, **fields: Any) -> Any:
    """Return a trade of freqtrade's: 3x long, or a 2x short."""
    is_short = bool(fields.get("is_short"))
    plain = {
        "id": 1,
        "pair": pair,
        "base_currency": pair.partition("/")[0],
        "stake_currency": "USDT",
        "open_date": T0,
        "fee_open": 0.0,
        "is_short": is_short,
        "leverage": 2.0 if is_short else 3.0,
        "amount": sum(order.filled or 0 for order in orders),
        "open_rate": orders[0].price if orders else 1.0,
    }
    trade = LocalTrade(**plain | fields)
    trade.orders = list(orders)
    return trade


LONG = (fill("buy", 0.3, 50_000, 0),)
SHORT = (fill("sell", 2.0, 2_000, 0),)


# -- records of the venue ---------------------------------------------------------------------------------------------


def test_charges_are_those_of_the_records() -> None:
    api = mock.Mock()
    api.fetch_borrow_interest.return_value = [{"currency": "ETH", "interest": 0.25, "timestamp": 7, "info": {}}]
    assert fetch_charges(api, "ETH", 5, 800.0) == [Charge("ETH", 0.25, 7)]
    api.fetch_borrow_interest.assert_called_once_with("ETH", None, 5, None, {"marginMode": "cross", "timeout": 800.0})


def test_a_trade_is_charged_from_its_own_entry_to_its_end() -> None:
    """A trade of freqtrade is opened later than its order borrows; clocks may be apart by seconds."""
    trade = trade_of(*LONG)
    assert span(trade, None, None) == ChargeSpan(trade, T0_MS - 5_000, math.inf)
    assert span(trade, T0_MS - 60_000, None).from_ms == T0_MS - 65_000
    trade.close_date = at(1)
    found = span(trade, T0_MS, None)
    assert found.to_ms == T0_MS + HOUR_MS
    inside = {found.from_ms: True, found.from_ms - 1: False, T0_MS + HOUR_MS: True, T0_MS + HOUR_MS + 1: False}
    assert {at_ms: found.contains(Charge("USDT", 1, at_ms)) for at_ms in inside} == inside


def test_interest_of_the_trade_before_is_not_counted_again() -> None:
    trade = trade_of(*SHORT, is_short=True)
    found = span(trade, T0_MS, T0_MS - 1_000.0)
    charges = [Charge("BTC", 4.0, T0_MS - 1_000), Charge("BTC", 2.0, T0_MS - 999), Charge("BTC", 1.0, T0_MS + 5)]
    assert interest_of_short(found, charges, 100.0) == 300.0
    assert span(trade, T0_MS, T0_MS - DAY_MS).from_ms == T0_MS - 5_000


def test_longs_share_the_interest_by_what_each_of_them_owes_at_the_time() -> None:
    whole = trade_of(fill("buy", 0.3, 50_000, 0))  # owes 10,000
    half = trade_of(fill("buy", 5, 2_000, 1), pair=ETH, leverage=2.0, open_date=at(1))  # owes 5,000 from 11:20 on
    plain = trade_of(fill("buy", 1, 1_000, 0), leverage=1.0)
    short = trade_of(*SHORT, is_short=True)
    spans = [span(trade, None, None) for trade in (whole, half, plain, short)]
    charges = [
        Charge("USDT", 3.0, T0_MS + 1),
        Charge("USDT", 6.0, T0_MS + 2 * HOUR_MS),
        Charge("USDT", 9.0, T0_MS - DAY_MS),
    ]
    assert interest_of_long(whole, charges, spans) == pytest.approx(3 + 4)
    assert interest_of_long(half, charges, spans) == pytest.approx(2)
    assert interest_of_long(plain, charges, spans) == interest_of_long(short, charges, spans) == 0


def test_a_share_goes_down_by_what_was_sold_and_up_by_what_is_added() -> None:
    sold = trade_of(fill("buy", 0.3, 50_000, 0), fill("sell", 0.15, 60_000, 1))
    added = trade_of(fill("buy", 0.15, 50_000, 0), fill("buy", 0.15, 50_000, 1), pair=ETH)
    spans = [span(trade, None, None) for trade in (sold, added)]

    def share(hours: float) -> float:
        return interest_of_long(sold, [Charge("USDT", 3.0, T0_MS + int(hours * HOUR_MS))], spans)

    assert (share(0.5), share(1.5)) == (pytest.approx(2), pytest.approx(1))


def test_an_entry_that_is_not_filled_yet_owes_already() -> None:
    """A loan is taken when the order is placed; one that was canceled owes nothing."""
    resting = trade_of(fill("buy", 0.3, 50_000, 0, ft_is_open=True, filled=0.0, status="open", order_filled_date=None))
    canceled = trade_of(fill("buy", 0.3, 50_000, 0, filled=0.0, status="canceled", order_filled_date=None), pair=ETH)
    spans = [span(trade, None, None) for trade in (resting, canceled)]
    charges = [Charge("USDT", 3.0, T0_MS - 4_000)]
    assert interest_of_long(resting, charges, spans) == 3.0
    assert interest_of_long(canceled, charges, spans) == 0.0
    assert interest_of_long(canceled, charges, spans[1:]) == 0.0


# -- freqtrade's books ------------------------------------------------------------------------------------------------


def test_interest_is_given_less_what_is_booked_and_never_above_zero() -> None:
    trade = trade_of(
        *LONG, fill("sell", 0.1, 50_000, 1, funding_fee=-2.0), fill("sell", 0.1, 50_000, 2, funding_fee=None)
    )
    assert booked(trade) == -2.0
    assert unbooked(trade, 5.0) == -3.0
    assert unbooked(trade, 1.5) == 0.0


def test_interest_that_the_venue_shows_no_more_is_kept() -> None:
    trade = trade_of(*LONG)
    trade.set_funding_fees(-7.0)
    assert unbooked(trade, 5.0, is_whole=False) == -7.0
    assert unbooked(trade, 8.0, is_whole=False) == -8.0
    assert unbooked(trade, 5.0) == -5.0
    assert unbooked(trade_of(*LONG), 5.0, is_whole=False) == -5.0
    found = span(trade, T0_MS + 5_000, None)
    assert (found.is_whole(T0_MS + 90 * DAY_MS), found.is_whole(T0_MS + 90 * DAY_MS + 1)) == (True, False)


# -- rates ------------------------------------------------------------------------------------------------------------


def answering(*answers: Any) -> Any:
    """Return an exchange object whose requests have these answers."""
    api = exchange()
    api.request = mock.Mock(side_effect=answers)
    return api


def rate_of(coin: str | None, rate: Any) -> dict[str, Any]:
    return {"code": "00000", "data": {"dailyInterestRate": rate} | ({} if coin is None else {"coin": coin})}


def test_rates_of_the_settings_come_first_and_others_are_asked_for_once() -> None:
    rates = InterestRates({"USDT": 0.0003}, 0.0002)
    api = answering(
        rate_of(None, "0.0001"), {"code": "00000", "data": [{"coin": "ETH", "dailyInterestRate": "0.0004"}]}
    )
    for _ in range(2):
        rates.learn(api, ["USDT", "BTC", "BTC", "ETH"])
    assert [rates.rate(coin) for coin in ("USDT", "BTC", "ETH", "SOL")] == [0.0003, 0.0001, 0.0004, 0.0002]
    assert [call.args[3] for call in api.request.call_args_list] == [{"coin": "BTC"}, {"coin": "ETH"}]


def test_a_rate_is_asked_for_without_a_key() -> None:
    api = answering(rate_of("BTC", "0.0001"))
    InterestRates({}, 0.1).learn(api, ["BTC"])
    signed = bitget_margin.bitget({"apiKey": "k", "secret": "s", "password": "p"}).sign(*api.request.call_args.args)
    assert signed["url"] == "https://api.bitget.com/api/v2/margin/interest-rate-record?coin=BTC"
    assert not signed["headers"]


def test_rates_are_asked_for_only_so_long(caplog: pytest.LogCaptureFixture) -> None:
    """A bot starts: the coins that are left have the default, with the same one warning."""
    times = iter((0.0, 1.0, 5.5, 6.0))
    api = answering(rate_of(None, "0.0001"))
    rates = InterestRates({}, 0.0002)
    rates.learn(api, ["USDT", "BTC", "ETH"], limit_seconds=5.0, clock=lambda: next(times))
    assert [rates.rate(coin) for coin in ("USDT", "BTC", "ETH")] == [0.0001, 0.0002, 0.0002]
    assert api.request.call_count == 1
    (warning,) = caplog.records
    assert "BTC, ETH" in warning.getMessage()
    assert "5 s are over" in warning.getMessage()


def test_rates_that_are_not_known_are_warned_of_once_and_by_the_name_of_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rates = InterestRates({}, 0.0002)
    answers: Sequence[Any] = [
        ccxt.ExchangeNotAvailable("bitget down"),
        *({"code": "00000", "data": data} for data in (None, [], [5], "x", {})),
        *(rate_of("F", rate) for rate in ("x", None, "-0.1", "2", "NaN", ["0.1"])),
        rate_of("other", "0.1"),
        {"code": "00000", "data": {"coin": ["C13"], "dailyInterestRate": "0.1"}},
        "<html>",
        None,
    ]
    coins = [f"C{number}" for number in range(len(answers))]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            rates.learn(answering(*answers), coins)
    (record,) = caplog.records
    assert '"bitget_margin.leverage.daily_interest"' in record.getMessage()
    assert "C0, C1, " in record.getMessage()
    assert "bitget down" in record.getMessage()
    assert {rates.rate(coin) for coin in coins} == {0.0002}


# -- simulated interest -----------------------------------------------------------------------------------------------

RATES = InterestRates({"USDT": 0.0024, "BTC": 0.0048}, 1.0)
"""0.0001 and 0.0002 an hour."""


@pytest.mark.parametrize(
    ("hours", "charged"), [(-0.01, 0), (0, 1), (39 / 60, 1), (40 / 60, 2), (1.5, 2), (100 / 60, 3), (24, 25)]
)
def test_a_loan_is_charged_as_it_is_taken_and_at_each_full_hour(hours: float, charged: int) -> None:
    """Of 15,000 at 3x, 10,000 are borrowed at 10:20; the hours begin at 10:20, 11:00, 12:00."""
    assert simulated_interest(trade_of(*LONG), at(hours), RATES, 1.0) == pytest.approx(charged * 1.0)


def test_a_short_is_charged_for_all_of_its_coins() -> None:
    trade = trade_of(fill("sell", 2.0, 2_000, 0), is_short=True)
    assert simulated_interest(trade, at(1), RATES, 2_500.0) == pytest.approx(2 * 2.0 * 0.0002 * 2_500)


def test_no_loan_costs_nothing() -> None:
    assert simulated_interest(trade_of(*LONG, leverage=1.0), at(99), RATES, 1.0) == 0
    assert simulated_interest(trade_of(*LONG, leverage=None), at(99), RATES, 1.0) == 0
    resting = fill("buy", 0.3, 50_000, 0, filled=0.1, ft_is_open=True, status="open")
    assert simulated_interest(trade_of(resting), at(99), RATES, 1.0) == 0
    assert simulated_interest(trade_of(), at(99), RATES, 1.0) == 0


def test_what_is_added_is_charged_as_it_is_borrowed_and_what_is_sold_no_more() -> None:
    """10,000 for 2 hours, with 5,000 more for 1 of them, which are half of it sold; then nothing."""
    fills = (*LONG, fill("buy", 0.1, 75_000, 0.5), fill("sell", 0.2, 50_000, 1), fill("sell", 0.2, 60_000, 2))
    total = simulated_interest(trade_of(*fills), at(50), RATES, 1.0)
    # 10:20, then 10:50; 11:00 on all; 11:20 half of the coins; 12:00 on the rest, 12:20 no more.
    assert total == pytest.approx((10_000 + 5_000 + 15_000 + 7_500) * 0.0001)


def test_rows_in_any_order_are_charged_by_their_times() -> None:
    """A resting order has its row before the entry that fills after it."""
    late = fill("sell", 0.15, 60_000, 1)
    assert simulated_interest(trade_of(late, *LONG), at(2), RATES, 1.0) == simulated_interest(
        trade_of(*LONG, late), at(2), RATES, 1.0
    )


def test_the_trade_of_a_backtest_is_found_by_what_freqtrade_passes() -> None:
    long = trade_of(*LONG)
    short = trade_of(fill("sell", 0.3, 50_000, 0), is_short=True)
    later = trade_of(fill("buy", 0.3, 50_000, 1), open_date=at(1))
    more = trade_of(fill("buy", 0.4, 50_000, 0))
    trades = [more, later, short, long]
    for trade in trades:
        found = open_trade_like(
            trades, amount=trade.amount, is_short=trade.is_short, last_filled=trade.date_last_filled_utc
        )
        assert found is trade
    assert open_trade_like(trades, amount=0.5, is_short=False, last_filled=T0) is None


def test_of_equal_trades_the_one_with_the_nearest_rate_is_meant_or_the_first() -> None:
    cheap = trade_of(fill("buy", 0.3, 2_000, 0), pair=ETH)
    dear, twin = trade_of(*LONG), trade_of(*LONG)
    same: dict[str, Any] = {"amount": 0.3, "is_short": False, "last_filled": T0}
    assert open_trade_like([cheap, dear, twin], **same, rate=49_000.0) is dear
    assert open_trade_like([cheap, dear, twin], **same, rate=2_100.0) is cheap
    assert open_trade_like([cheap, dear, twin], **same) is cheap
    assert open_trade_like([dear, cheap], **same, rate=2_100.0) is cheap
    assert open_trade_like([], **same, rate=2_100.0) is None

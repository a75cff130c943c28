"""Promise: each trade pays the interest that the venue has charged for it, once, and few records are read for it."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade import interest, trade_interest
from bitget_margin.freqtrade.interest import Charge
from bitget_margin.freqtrade.margin_entries import MarginEntry
from bitget_margin.freqtrade.trade_interest import TradeInterest, borrows
from support.borrowing import OPENED, OPENED_MS, Borrower, position

HOUR_MS = 3_600_000
MARKETS = {pair: {"base": pair[:3], "quote": "USDT"} for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT")}


class Stand(Borrower):
    """An account whose venue has charged what a test sets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.charges: dict[str, list[Charge]] = {}
        self.read_since: list[tuple[str, int]] = []
        self.failure: Exception | None = None
        self.interest = TradeInterest(
            account=self.account,
            markets=lambda: MARKETS,
            api=lambda: "api",
            timeout_ms=lambda: 900.0,
            clock=self.clock,
            epoch_ms=lambda: OPENED_MS + 10 * HOUR_MS,
        )

    def fetch(self, api: Any, code: str, since_ms: int, budget_ms: float) -> list[Charge]:
        assert (api, budget_ms) == ("api", 900.0)
        self.read_since.append((code, since_ms))
        if self.failure is not None:
            raise self.failure
        return [charge for charge in self.charges.get(code, []) if charge.at_ms >= since_ms]


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand()
    made.patch(monkeypatch)
    monkeypatch.setattr(interest, "fetch_charges", made.fetch)
    return made


def charge(coin: str, amount: float, hours: float) -> Charge:
    """Return a charge, in hours after the trades were opened."""
    return Charge(coin, amount, OPENED_MS + int(hours * HOUR_MS))


def test_a_short_pays_the_interest_of_its_coin_at_the_price_of_now(bot: Stand) -> None:
    trade = position("BTC/USDT", short=True)
    bot.trades, bot.charges = [trade], {"BTC": [charge("BTC", 0.5, 1), charge("BTC", 0.25, 2)]}
    assert bot.interest.unbooked(trade) == -75.0
    assert bot.interest.unbooked(trade, 200.0) == -150.0
    bot.account.note_price("BTC", 120.0)
    assert bot.interest.unbooked(trade) == -90.0
    trade.orders[0].funding_fee = -15.0
    assert bot.interest.unbooked(trade) == -75.0, "what is booked is paid"


def test_a_short_whose_price_is_not_known_pays_at_its_open_rate(bot: Stand) -> None:
    trade = position("BTC/USDT", short=True)
    bot.trades, bot.charges, bot.prices = [trade], {"BTC": [charge("BTC", 0.5, 1)]}, {}
    assert bot.interest.unbooked(trade) == -50.0


def test_longs_share_the_interest_of_the_stake_coin(bot: Stand) -> None:
    """By what they owe: 2,000 and 6,000 while both are open; a short, a trade without leverage and others pay none."""
    first = position("BTC/USDT", id=1)
    second = position("ETH/USDT", id=2, stake=3_000.0, open_date=OPENED + timedelta(hours=2))
    second.orders[0].order_date = second.orders[0].order_filled_date = OPENED + timedelta(hours=2)
    others = [position("SOL/USDT", id=3, short=True), position("SOL/USDT", id=4, leverage=1.0)]
    bot.trades = [first, second, *others]
    bot.charges = {"USDT": [charge("USDT", 1.0, 1), charge("USDT", 8.0, 3)]}
    assert bot.interest.unbooked(first) == pytest.approx(-3.0)
    assert bot.interest.unbooked(second) == pytest.approx(-6.0)
    assert bot.interest.unbooked(others[1]) == 0.0


def test_a_trade_that_has_ended_since_has_paid_its_share(bot: Stand) -> None:
    first = position("BTC/USDT", id=1)
    ended = position("ETH/USDT", id=2, is_open=False, close_date=OPENED + timedelta(hours=2))
    before = position("SOL/USDT", id=3, is_open=False, close_date=OPENED - timedelta(hours=2))
    bot.trades = [first, ended, before]
    bot.charges = {"USDT": [charge("USDT", 1.0, 1), charge("USDT", 1.0, 3)]}
    assert bot.interest.unbooked(first) == pytest.approx(-1.5)


def test_interest_counts_from_the_record_of_the_entry_and_not_from_the_trade_before(bot: Stand) -> None:
    """A trade is opened after its order has borrowed; the trade before on the pair has paid its own."""
    trade = position("BTC/USDT", short=True)
    bot.trades, bot.charges = [trade], {"BTC": [charge("BTC", 1.0, -30 / 3_600)]}
    assert bot.interest.unbooked(trade) == 0.0
    bot.entries.of["BTC/USDT"] = MarginEntry("k-o1", "BTC/USDT", True, 2.0, 0.0, OPENED_MS - 40_000)
    bot.interest.forget()
    assert bot.interest.unbooked(trade) == -100.0
    ended = position("BTC/USDT", short=True, id=2, is_open=False, close_date=OPENED - timedelta(seconds=20))
    bot.trades.append(ended)
    assert bot.interest.unbooked(trade) == 0.0
    ended.close_date = OPENED - timedelta(seconds=35)
    assert bot.interest.unbooked(trade) == -100.0
    later = position("BTC/USDT", short=True, id=3, is_open=False, close_date=OPENED + timedelta(seconds=1))
    bot.trades.append(later)
    assert bot.interest.unbooked(trade) == -100.0, "one that ended later is no trade before it"


def test_of_closed_trades_only_those_that_can_matter_are_loaded(bot: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database may have thousands, each with its orders, and an exit is booked meanwhile."""
    asked: list[dict[str, Any]] = []
    found = trade_interest.Trade.get_trades_proxy

    def recording(**filters: Any) -> Any:
        asked.append(filters)
        return found(**filters)

    monkeypatch.setattr(trade_interest.Trade, "get_trades_proxy", staticmethod(recording))
    bot.trades = [position("BTC/USDT"), position("ETH/USDT", short=True)]
    for trade in bot.trades:
        bot.interest.unbooked(trade)
    bot.interest.unexplained("USDT", OPENED_MS)
    closed = [filters for filters in asked if not filters.get("is_open")]
    assert closed
    assert all(filters["close_date"] >= OPENED - timedelta(seconds=5) for filters in closed)


def test_records_that_the_venue_no_longer_shows_take_nothing_back(bot: Stand) -> None:
    bot.interest.epoch_ms = lambda: OPENED_MS + 91 * 24 * HOUR_MS
    trade = position("BTC/USDT", short=True)
    trade.funding_fee_running = -7.0
    bot.trades = [trade]
    assert bot.interest.unbooked(trade) == -7.0


def test_an_answer_without_the_interest_that_was_known_is_not_believed(bot: Stand) -> None:
    """A gateway has answered with an empty list: the books would forget what the trade has cost."""
    trade = position("BTC/USDT", short=True)
    bot.trades, bot.charges = [trade], {}
    assert bot.interest.unbooked(trade) == 0.0, "before the first charge"
    trade.funding_fee_running = -7.0
    with pytest.raises(ccxt.BadResponse, match="no interest of BTC"):
        bot.interest.unbooked(trade)
    trade.funding_fee_running, trade.orders[0].funding_fee = 0.0, -7.0
    bot.seconds += 3.0
    with pytest.raises(ccxt.BadResponse, match="no interest of BTC"):
        bot.interest.unbooked(trade)


# -- readings ---------------------------------------------------------------------------------------------------------


def test_one_reading_answers_for_all_trades_of_a_moment(bot: Stand) -> None:
    """They are asked for one after the other; the first that reaches further back reads for the others."""
    first, second = position("BTC/USDT", id=1), position("ETH/USDT", id=2, open_date=OPENED + timedelta(hours=1))
    bot.trades = [first, second]
    for trade in (second, first, second):
        bot.interest.unbooked(trade)
    assert bot.read_since == [("USDT", OPENED_MS + HOUR_MS - 5_000), ("USDT", OPENED_MS - 5_000)]
    bot.seconds += 2.0
    bot.interest.unbooked(first)
    assert len(bot.read_since) == 2
    bot.seconds += 0.1
    bot.interest.unbooked(first)
    assert len(bot.read_since) == 3
    bot.interest.forget()
    bot.interest.unbooked(first)
    assert len(bot.read_since) == 4


def test_records_that_get_no_answer_are_waited_for_once(bot: Stand) -> None:
    """By the first trade of an update; a refusal comes at once, and is none."""
    bot.trades = trades = [position("BTC/USDT", id=1), position("ETH/USDT", id=2)]
    bot.failure = ccxt.RequestTimeout("no answer")
    for trade in trades:
        with pytest.raises(ccxt.RequestTimeout):
            bot.interest.unbooked(trade)
    assert len(bot.read_since) == 1
    bot.seconds += 10.0
    bot.failure = ccxt.BadResponse("html")
    for trade in trades:
        with pytest.raises(ccxt.BadResponse):
            bot.interest.unbooked(trade)
    assert len(bot.read_since) == 3


def test_a_trade_that_borrows_nothing_reads_nothing(bot: Stand) -> None:
    trade = position("BTC/USDT", leverage=1.0)
    assert bot.interest.unbooked(trade) == 0.0
    assert bot.read_since == []
    assert borrows(position("BTC/USDT", short=True, leverage=1.0))
    assert borrows(position("BTC/USDT", leverage=1.1))
    assert not borrows(SimpleNamespace(is_short=False, leverage=None))  # type: ignore[arg-type]


def test_charges_without_a_trade_are_those_of_no_trade_open_or_closed(bot: Stand) -> None:
    ended = position("ETH/USDT", id=2, is_open=False, close_date=OPENED + timedelta(hours=2))
    bot.trades = [ended]
    bot.charges = {"USDT": [charge("USDT", float(hours), hours) for hours in (-2, -1, 1, 3)]}
    found = bot.interest.unexplained("USDT", OPENED_MS - int(1.5 * HOUR_MS))
    assert [each.amount for each in found] == [-1.0, 3.0]
    bot.trades += [position("BTC/USDT", short=True), position("BTC/USDT", leverage=1.0)]
    assert len(bot.interest.unexplained("USDT", OPENED_MS)) == 1, "they borrow another coin, or none"
    assert bot.interest.unexplained("USDT", OPENED_MS + 3 * HOUR_MS) == [charge("USDT", 3.0, 3)]

"""Promise: on a slow venue a stop-loss does not wait for the prices of other trades, one after the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import RequestRecord, synthetic_symbols
from bitget_margin.freqtrade.exit_prices import PER_SECOND
from bitget_margin.rate_limit.window import Window
from support.bot import PAIRS, endpoint_name, symbol_of
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

SLOW_MS = 600
OPEN = PAIRS[:4]
BOOKS = {"exit_pricing": {"price_side": "same", "use_order_book": True, "order_book_top": 1}}


@pytest.fixture(params=[{}, BOOKS], ids=["tickers", "order books"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcessBot]:
    """Return a bot with four trades on a venue that has shown that it is slow."""
    settings = {"stoploss": -0.1, "position_adjustment_enable": True, **request.param}
    symbols = synthetic_symbols(len(OPEN))
    with in_process_bot(tmp_path, pairs=OPEN, symbols=symbols, settings=settings) as made:
        CONTROLS.enter = True
        made.loop()
        CONTROLS.enter = False
        made.loop(2)
        made.venue.knobs(latency_ms=SLOW_MS)
        for _ in range(4):
            made.exchange._prices.note_own(SLOW_MS / 1_000)
        made.exchange._prices._window = Window(PER_SECOND)  # the loops before have asked in the same second
        yield made
        made.venue.knobs(latency_ms=0)


def sent(bot: InProcessBot, since: int) -> list[RequestRecord]:
    """Return the questions for prices and the orders since a number of requests."""
    records = list(bot.venue.requests)[since:]
    return [record for record in records if endpoint_name(record) in {"tickers", "orderbook", "place-order"}]


def test_prices_are_asked_for_side_by_side_and_decide_on_changes_of_positions_too(bot: InProcessBot) -> None:
    since = len(bot.venue.requests)
    bot.loop()
    by_kind: dict[str, list[RequestRecord]] = {}
    for record in sent(bot, since):
        by_kind.setdefault(endpoint_name(record), []).append(record)
    # Entries are priced by tickers, also where exits are by order books.
    assert {"tickers"} <= by_kind.keys() <= {"tickers", "orderbook"}
    for prices in by_kind.values():
        assert sorted(symbol_of_record(record) for record in prices) == sorted(map(symbol_of, OPEN))
        assert prices[-1].at_ms - prices[0].at_ms < SLOW_MS


@pytest.mark.parametrize("bot", [{}], ids=["tickers"], indirect=True)
def test_the_price_after_an_exit_is_asked_for_beside_its_order(bot: InProcessBot) -> None:
    first, second = OPEN[:2]
    for pair in (first, second):
        bot.venue.set_price(symbol_of(pair), f"{bot.trade_on(pair).open_rate * 0.8:.2f}")
    since = len(bot.venue.requests)
    bot.loop()
    records = sent(bot, since)
    orders = [record for record in records if endpoint_name(record) == "place-order"]
    assert [symbol_of_record(order) for order in orders] == [symbol_of(first), symbol_of(second)]
    prices = [record for record in records if symbol_of_record(record) == symbol_of(second) and record not in orders]
    assert any(abs(price.at_ms - orders[0].at_ms) < SLOW_MS / 2 for price in prices)
    bot.venue.knobs(latency_ms=0)
    bot.loop(3)
    assert [bot.trade_on(pair).is_open for pair in OPEN] == [False, False, True, True]


def symbol_of_record(record: RequestRecord) -> str:
    """Return the symbol of a request."""
    return next(symbol_of(pair) for pair in OPEN if symbol_of(pair) in f"{record.query}{record.body}")

"""Promise: prices have a past that never changes, and then follow the real moves."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from bitget_margin.emulator import Emulator

from .client import START_MS, Client, FakeClock

MARKET = "/api/v2/spot/market"
MINUTE_MS = 60_000


def rows(client: Client, name: str = "candles", **params: Any) -> list[list[Any]]:
    """Return candles with numbers instead of text."""
    wanted = {"symbol": "BTCUSDT", "granularity": "1min"} | params
    return [[int(row[0]), *map(Decimal, row[1:])] for row in client.get(f"{MARKET}/{name}", **wanted).data]


def test_past_is_the_same_in_every_run(client: Client, clock: FakeClock) -> None:
    first = rows(client, limit=50, endTime=START_MS)
    with Emulator(clock=FakeClock()) as again, Client(again.url, again.accounts[0], FakeClock(), int) as second:
        assert rows(second, limit=50, endTime=START_MS) == first
    assert len({row[4] for row in first}) > 10
    assert all(Decimal(50000) < price < Decimal(70000) for row in first for price in row[1:5])


def test_candles_join_without_gaps(client: Client) -> None:
    candles = rows(client, limit=200)
    for before, after in pairwise(candles):
        assert after[0] - before[0] == MINUTE_MS
        assert abs(after[1] - before[4]) < 10
    assert candles[-1][0] == START_MS // MINUTE_MS * MINUTE_MS


def test_recent_and_old_endpoints_agree(client: Client) -> None:
    end = START_MS - 86_400_000
    assert rows(client, endTime=end, limit=20) == rows(client, "history-candles", endTime=end, limit=20)
    assert len(rows(client, limit=5000)) == 1000
    assert len(rows(client, "history-candles", endTime=end, limit=5000)) == 200


def test_range_is_cut_by_start_and_limit(client: Client) -> None:
    """Rows begin at or after the start, end before the end, and the limit counts from the end."""
    begin = START_MS // MINUTE_MS * MINUTE_MS - 60 * MINUTE_MS
    params: dict[str, Any] = {"startTime": begin, "endTime": begin + 10 * MINUTE_MS}
    assert [row[0] for row in rows(client, **params)] == [begin + MINUTE_MS * number for number in range(10)]
    assert [row[0] for row in rows(client, **params, limit=2)] == [begin + 8 * MINUTE_MS, begin + 9 * MINUTE_MS]


def test_moves_of_this_run_are_in_the_candles(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """High, low and close of the present candle are the real moves, and so is the ticker."""
    clock.now_ms = (START_MS // MINUTE_MS + 5) * MINUTE_MS
    for price in ("61000", "59000", "60500"):
        venue.set_price("BTCUSDT", price)
        clock.advance(1000)
    (candle,) = rows(client, limit=1)
    assert candle[1:5] == [61000, 61000, 59000, 60500]
    (ticker,) = client.get(f"{MARKET}/tickers", symbol="BTCUSDT").data
    assert (ticker["lastPr"], ticker["bidPr"], ticker["askPr"]) == ("60500", "60499.99", "60500.01")
    assert (ticker["high24h"], ticker["low24h"]) >= ("61000", "59000")
    clock.advance(2 * MINUTE_MS)
    assert [row[4] for row in rows(client, limit=2)] == [60500, 60500]


@pytest.mark.parametrize(
    ("granularity", "weekday", "hour", "day"),
    [
        ("1Dutc", None, 0, None),
        ("1day", None, 16, None),
        ("1Wutc", 0, 0, None),
        ("1week", 6, 16, None),
        ("1Mutc", None, 0, 1),
        ("12Hutc", None, (0, 12), None),
        ("4h", None, (0, 4, 8, 12, 16, 20), None),
    ],
)
def test_long_candles_begin_on_the_calendar(
    client: Client, granularity: str, weekday: int | None, hour: int | tuple[int, ...], day: int | None
) -> None:
    """Days, weeks and months begin at midnight, in UTC or at UTC+8."""
    for row in rows(client, granularity=granularity, limit=15):
        begin = datetime.fromtimestamp(row[0] / 1000, UTC)
        assert begin.hour in (hour if isinstance(hour, tuple) else (hour,))
        assert weekday in (None, begin.weekday())
        assert day in (None, begin.day)


def test_wrong_requests_are_refused(client: Client) -> None:
    client.get(f"{MARKET}/candles", symbol="NOPE", granularity="1min").assert_refused("40034")
    client.get(f"{MARKET}/candles", symbol="BTCUSDT", granularity="7min").assert_refused("40020")
    client.get(f"{MARKET}/candles", symbol="BTCUSDT").assert_refused("40019")
    client.get(f"{MARKET}/history-candles", symbol="BTCUSDT", granularity="1min").assert_refused("40019")
    client.get(f"{MARKET}/tickers", symbol="NOPE").assert_refused("40034")


def test_everything_inside_data_is_text(client: Client) -> None:
    """Only the flags of margin/currencies are not; and no number has an exponent."""

    def check(value: object) -> None:
        if isinstance(value, dict):
            assert all(isinstance(inner, bool) == name.startswith("is") for name, inner in value.items())
            value = [inner for inner in value.values() if not isinstance(inner, bool)]
        if isinstance(value, list):
            for inner in value:
                check(inner)
        else:
            assert isinstance(value, str)
            assert "E" not in value.replace("ETH", "").replace("ERC", "")

    client.placed(orderType="market", quoteSize="5")
    client.placed(baseSize="0.0001")
    paths = ["public/time", "spot/public/coins", "spot/public/symbols", "margin/currencies", "spot/market/tickers"]
    for path in paths:
        check(client.get(f"/api/v2/{path}").data)
    for name in ("orderbook", "fills-history"):
        check(client.get(f"{MARKET}/{name}", symbol="BTCUSDT").data)
    check(client.get(f"{MARKET}/candles", symbol="XRPUSDT", granularity="1h").data)
    for reply in (client.open_orders(), client.history(), client.fills()):
        check(reply.data)
    check(client.get("/api/v2/margin/crossed/account/assets").data)
    check(client.get("/api/v2/spot/account/assets").data)
    check(client.get("/api/v2/spot/account/info").data)
    check(client.get("/api/v2/common/trade-rate", symbol="BTCUSDT", businessType="margin").data)

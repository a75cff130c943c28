"""Promise: downloaded candles become the venue's prices, each at its time, and a file that cannot be read is named."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.cli import replay
from bitget_margin.cli.replay import BadCandles, Recording, Row

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def rows(*prices: tuple[str, str, str, str], minutes: int = 5) -> list[Row]:
    return [Row(BEGIN + number * timedelta(minutes=minutes), *each) for number, each in enumerate(prices)]


def stored(folder: Path, name: str, candles: list[Row]) -> Path:
    """Write candles as freqtrade does."""
    import pandas as pd  # noqa: PLC0415 - seconds, and only these tests need it

    path = folder / name
    values = [[row.at, *map(float, row[1:]), 1.0] for row in candles]
    if path.suffix in {".json", ".gz"}:
        path.write_text(
            json.dumps(
                [[int(row.at.timestamp() * 1_000), *value[1:]] for row, value in zip(candles, values, strict=True)]
            )
        )
        return path
    frame = pd.DataFrame(values, columns=["date", "open", "high", "low", "close", "volume"])
    (frame.to_feather if path.suffix == ".feather" else frame.to_parquet)(path)
    return path


CANDLES = rows(("100", "102.5", "99", "101"), ("101", "103", "98.25", "99"), ("99", "99", "99", "99"))


@pytest.mark.parametrize("suffix", ["feather", "parquet", "json"])
def test_candles_are_read_as_freqtrade_has_stored_them(tmp_path: Path, suffix: str) -> None:
    recording = replay.read(stored(tmp_path, f"ABC_USDT-5m.{suffix}", CANDLES))
    assert list(recording.rows) == CANDLES
    assert recording.seconds == 300
    symbol = recording.symbol
    assert (symbol.symbol, symbol.base, symbol.quote, symbol.price_precision) == ("ABCUSDT", "ABC", "USDT", 2)


def test_a_pair_that_the_venue_has_keeps_its_rules(tmp_path: Path) -> None:
    symbol = replay.read(stored(tmp_path, "BTC_USDT-5m.feather", CANDLES)).symbol
    assert (symbol.quantity_precision, symbol.min_amount) == (6, Decimal("0.000001"))


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("candles.feather", b"", "candles.feather: name it as freqtrade does, such as BTC_USDT-5m.feather"),
        ("BTC_USDT-5m.feather", b"nothing", "BTC_USDT-5m.feather: no candles as freqtrade stores them"),
        ("BTC_USDT-5m.json", b"[[1]]", "BTC_USDT-5m.json: no candles as freqtrade stores them"),
        ("BTC_USDT-5m.json", b"[[1, 2, 3, 1, 2, 0]]", "BTC_USDT-5m.json: there are 1 candles; two are the least"),
        ("BTC_USDT-5m.json", b"[[1, 2, 3, 0, 2, 0], [2, 2, 3, 1, 2, 0]]", "a price is 0"),
        ("BTC_USDT-5m.json", b"[[1, 2, 3, null, 2, 0], [2, 2, 3, 1, 2, 0]]", "a price is nan"),
    ],
)
def test_a_file_that_is_none_of_candles_is_named(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadCandles, match=text):
        replay.read(path)


def test_without_freqtrade_s_libraries_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> Any:
        raise ImportError("no pandas")

    path = tmp_path / "BTC_USDT-5m.feather"
    path.write_bytes(b"")
    monkeypatch.setattr(replay.importlib, "import_module", missing)
    with pytest.raises(BadCandles, match=r"needs freqtrade's libraries: install the extra \[freqtrade\]"):
        replay.read(path)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return replay.read(stored(tmp_path, "ABC_USDT-5m.feather", CANDLES))


def test_a_candle_goes_against_its_direction_first(recording: Recording) -> None:
    path = list(replay.path([recording], BEGIN, 1.0))
    assert path[:8] == [
        (0.0, "ABCUSDT", "100"),
        (75.0, "ABCUSDT", "99"),
        (150.0, "ABCUSDT", "102.5"),
        (225.0, "ABCUSDT", "101"),
        (300.0, "ABCUSDT", "101"),
        (375.0, "ABCUSDT", "103"),
        (450.0, "ABCUSDT", "98.25"),
        (525.0, "ABCUSDT", "99"),
    ]


def test_a_path_is_as_much_faster_as_is_asked(recording: Recording) -> None:
    assert [seconds for seconds, _, _ in replay.path([recording], BEGIN, 60.0)][4] == 5.0


@pytest.mark.parametrize(("past", "number"), [(0, 0), (1, 1), (200, 1)])
def test_the_candles_before_the_begin_are_the_past(recording: Recording, past: int, number: int) -> None:
    begin = replay.begin_of([recording], past)
    assert begin == CANDLES[number].at
    (symbol,) = replay.symbols([recording], begin)
    assert symbol.start_price == Decimal(CANDLES[number].open)
    seconds = [step[0] for step in replay.path([recording], begin, 1.0)]
    assert sum(each < 0 for each in seconds) == 4 * number


def test_a_pair_that_begins_later_waits_at_its_first_price(recording: Recording) -> None:
    late = Recording(recording.symbol, [row._replace(at=row.at + timedelta(hours=1)) for row in CANDLES])
    (_, symbol) = replay.symbols([recording, late], BEGIN)
    assert symbol.start_price == 100


def test_a_missing_candle_makes_no_candle_longer(recording: Recording) -> None:
    gap = Recording(
        recording.symbol, [CANDLES[0], *(row._replace(at=row.at + timedelta(minutes=5)) for row in CANDLES[1:])]
    )
    assert gap.seconds == 300

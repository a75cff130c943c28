"""Candles that freqtrade has downloaded, as a path of prices for the local venue."""

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from bitget_margin.emulator import DEFAULT_SYMBOLS, Symbol

PathStep = tuple[float, str, str]
_NAME: Final = re.compile(r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)-(?P<timeframe>\d+[a-zA-Z]+)")
_DECIMALS_MAX: Final = 8
_QUANTITY_DECIMALS: Final = 4
_COLUMNS: Final = ("date", "open", "high", "low", "close")


class BadCandles(ValueError):
    """Raised for a file that cannot be replayed; the message says what to do."""


class Row(NamedTuple):
    """The beginning of a candle, and its prices as decimal text."""

    at: datetime
    open: str
    high: str
    low: str
    close: str


@dataclass(frozen=True, slots=True)
class Recording:
    """The candles of one pair."""

    symbol: Symbol
    rows: Sequence[Row]

    @property
    def seconds(self) -> float:
        """Length of a candle: the least time between two, of which some may be missing."""
        return min((later.at - row.at).total_seconds() for row, later in pairwise(self.rows))


def read(path: Path) -> Recording:
    """Read a file of candles in freqtrade's layout, such as `BTC_USDT-5m.feather`.

    :raises BadCandles: its name or content is not that of candles
    """
    name = _NAME.match(path.name)
    if name is None:
        raise BadCandles(f"{path.name}: name it as freqtrade does, such as BTC_USDT-5m.feather")
    try:
        rows = [
            Row(at, *(_text(price) for price in prices))
            for at, *prices in _frame(path)[list(_COLUMNS)].itertuples(index=False)
        ]
    except ImportError as error:
        raise BadCandles(
            f"{path.name}: reading it needs freqtrade's libraries: install the extra [freqtrade]"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise BadCandles(f"{path.name}: no candles as freqtrade stores them: {error}") from error
    if len(rows) < 2:  # noqa: PLR2004
        raise BadCandles(f"{path.name}: there are {len(rows)} candles; two are the least")
    return Recording(_symbol(name["base"], name["quote"], rows), rows)


def _frame(path: Path) -> Any:
    # Only where a file is replayed: it comes with freqtrade.
    pandas: Any = importlib.import_module("pandas")
    if path.suffix == ".feather":
        return pandas.read_feather(path)
    if path.suffix == ".parquet":
        return pandas.read_parquet(path)
    frame = pandas.read_json(path, orient="values")
    frame.columns = [*_COLUMNS, "volume"]
    frame["date"] = pandas.to_datetime(frame["date"], unit="ms", utc=True)
    return frame


def _text(price: float) -> str:
    number = round(Decimal(repr(float(price))), _DECIMALS_MAX)
    if not number.is_finite() or number <= 0:
        raise ValueError(f"a price is {price}")
    return f"{number.normalize():f}"


def _symbol(base: str, quote: str, rows: Sequence[Row]) -> Symbol:
    decimals = max(len(price.partition(".")[2]) for row in rows for price in row[1:])
    known = next((symbol for symbol in DEFAULT_SYMBOLS if (symbol.base, symbol.quote) == (base, quote)), None)
    made = known or Symbol(
        f"{base}{quote}",
        base,
        quote,
        Decimal(1),
        quantity_precision=_QUANTITY_DECIMALS,
        min_amount=Decimal(1).scaleb(-_QUANTITY_DECIMALS),
    )
    return replace(made, price_precision=decimals)


def begin_of(recordings: Sequence[Recording], past: int) -> datetime:
    """Return the time of the recordings that becomes the start of the run.

    :param past: number of candles before it, which become the past; no more than half of them
    """
    first = recordings[0].rows
    return first[min(past, len(first) // 2)].at


def symbols(recordings: Sequence[Recording], begin: datetime) -> tuple[Symbol, ...]:
    """Return the pairs of the recordings, at their prices of this time."""
    return tuple(replace(each.symbol, start_price=Decimal(_price_at(each, begin))) for each in recordings)


def path(recordings: Sequence[Recording], begin: datetime, speed: float) -> Iterator[PathStep]:
    """Yield the prices of all candles, as seconds since the start of the run.

    A candle that rises goes from its open to its low, its high and its close, one that falls to its high first.

    :param speed: how many times faster than it was
    """
    for recording in recordings:
        quarter = recording.seconds / 4
        for row in recording.rows:
            since = (row.at - begin).total_seconds()
            extremes = (row.low, row.high) if Decimal(row.close) >= Decimal(row.open) else (row.high, row.low)
            for number, price in enumerate((row.open, *extremes, row.close)):
                yield (since + number * quarter) / speed, recording.symbol.symbol, price


def _price_at(recording: Recording, at: datetime) -> str:
    before = [row for row in recording.rows if row.at <= at]
    return (before[-1] if before else recording.rows[0]).open

"""Draw a trade of the strategy in docs/freqtrade.md, from a backtest: `python docs/pictures/ladder.py`."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from integration.freqtrade.test_backtests_add_up import strategy_of, walk  # noqa: E402 - found by the line above
from support.adaptive_svg import BLUE, INK, ORANGE, RED, TEAL, drawing, text  # noqa: E402
from support.backtest import PAIR, Bar, backtest  # noqa: E402

PICTURE = Path(__file__).with_suffix(".svg")
SEED = 1
WIDTH, HEIGHT, MARGIN, LEGEND = 960, 420, 40, 270
BEFORE, AFTER = 8, 6
"""Candles that are shown before the entry and after the exit."""
UP, DOWN, SELL, ENTRY = TEAL, RED, ORANGE, BLUE


def main() -> None:
    """Run the backtest, and draw the first trade that its ladder has sold in part and its signal to the end."""
    bars = walk(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        strategy = strategy_of(ROOT / "docs" / "freqtrade.md", folder)
        with backtest(folder, timeframe="5m", strategy=strategy, strategy_path=str(folder)) as prepared:
            trades = prepared.run(bars)
            dates = prepared.processed[PAIR]["date"]
    numbers = {date.to_pydatetime(): number for number, date in enumerate(dates)}
    trade = next(each for each in trades if len(each.orders) == 3 and each.exit_reason == "exit_signal")  # noqa: PLR2004
    parts = _svg(bars, trade, numbers)
    PICTURE.write_text(drawing(WIDTH, HEIGHT, "A trade with a ladder of three sells", parts), encoding="utf-8")


def _svg(bars: Sequence[Bar], trade: Any, numbers: dict[Any, int]) -> Iterator[str]:
    entered, left = numbers[trade.open_date], numbers[trade.close_date]
    first, last = max(0, entered - BEFORE), left + AFTER
    ladder = [round(trade.open_rate * up, 2) for up in (1.02, 1.04, 1.06)]
    shown = bars[first : last + 1]
    top, bottom = max([*ladder, *(bar.high for bar in shown)]) * 1.003, min(bar.low for bar in shown) * 0.997
    step = (WIDTH - MARGIN - LEGEND) / len(shown)

    def x(number: int) -> float:
        return MARGIN + (number - first + 0.5) * step

    def y(price: float) -> float:
        return MARGIN / 2 + (top - price) / (top - bottom) * (HEIGHT - MARGIN)

    for number, bar in enumerate(shown, first):
        color, half = UP if bar.close >= bar.open else DOWN, step * 0.3
        high, low = y(max(bar.open, bar.close)), y(min(bar.open, bar.close))
        yield f'<path class="{color}" d="M{x(number):.1f} {y(bar.high):.1f}V{y(bar.low):.1f}"/>'
        yield (
            f'<rect class="{color}" x="{x(number) - half:.1f}" y="{high:.1f}" width="{2 * half:.1f}" '
            f'height="{max(1.0, low - high):.1f}"/>'
        )
    filled = {
        row.safe_price: numbers[row.order_filled_date] for row in trade.orders if row.ft_order_tag == "take-profit"
    }
    for number, price in enumerate(ladder, 1):
        end = filled.get(price, left)
        yield (
            f'<path class="{SELL}" d="M{x(entered):.1f} {y(price):.1f}H{x(end):.1f}" stroke-width="2" '
            f'stroke-dasharray="6 4"/>'
        )
        fate = "filled" if price in filled else "canceled by the exit"
        yield text(f"sell {number} at {price:.2f}: {fate}", WIDTH - LEGEND, y(price) + 4, INK)
        if price in filled:
            yield _dot(x(end), y(price), SELL)
    yield _dot(x(entered), y(trade.open_rate), ENTRY)
    yield text(f"entry at {trade.open_rate:.2f}", x(entered) + 8, y(trade.open_rate) + 22, INK)
    yield _dot(x(left), y(trade.close_rate), SELL)
    yield text(f"exit signal at {trade.close_rate:.2f}", WIDTH - LEGEND, y(trade.close_rate) + 24, INK)


def _dot(x: float, y: float, color: str) -> str:
    return f'<circle class="{color}" cx="{x:.1f}" cy="{y:.1f}" r="5" stroke="white"/>'


if __name__ == "__main__":
    main()

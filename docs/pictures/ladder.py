"""Draw a trade of the strategy in docs/freqtrade.md, from a backtest: `python docs/pictures/ladder.py`."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from integration.freqtrade.test_backtests_add_up import strategy_of, walk  # noqa: E402 - found by the line above
from support.backtest import PAIR, Bar, backtest  # noqa: E402

PICTURE = Path(__file__).with_suffix(".svg")
SEED = 1
WIDTH, HEIGHT, MARGIN, LEGEND = 960, 420, 40, 270
BEFORE, AFTER = 8, 6
"""Candles that are shown before the entry and after the exit."""
UP, DOWN, SELL, ENTRY = "#26a69a", "#ef5350", "#ff9800", "#2196f3"
INK = "#888888"


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
    PICTURE.write_text("\n".join(_svg(bars, trade, numbers)), encoding="utf-8")


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

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="A trade with a ladder of three sells">'
    )
    for number, bar in enumerate(shown, first):
        color, half = UP if bar.close >= bar.open else DOWN, step * 0.3
        high, low = y(max(bar.open, bar.close)), y(min(bar.open, bar.close))
        yield f'<path d="M{x(number):.1f} {y(bar.high):.1f}V{y(bar.low):.1f}" stroke="{color}"/>'
        yield (
            f'<rect x="{x(number) - half:.1f}" y="{high:.1f}" width="{2 * half:.1f}" '
            f'height="{max(1.0, low - high):.1f}" fill="{color}"/>'
        )
    filled = {
        row.safe_price: numbers[row.order_filled_date] for row in trade.orders if row.ft_order_tag == "take-profit"
    }
    for number, price in enumerate(ladder, 1):
        end = filled.get(price, left)
        yield (
            f'<path d="M{x(entered):.1f} {y(price):.1f}H{x(end):.1f}" stroke="{SELL}" stroke-width="2" '
            f'stroke-dasharray="6 4"/>'
        )
        fate = "filled" if price in filled else "canceled by the exit"
        yield _text(f"sell {number} at {price:.2f}: {fate}", WIDTH - LEGEND, y(price), INK)
        if price in filled:
            yield _dot(x(end), y(price), SELL)
    yield _dot(x(entered), y(trade.open_rate), ENTRY)
    yield _text(f"entry at {trade.open_rate:.2f}", x(entered) + 8, y(trade.open_rate) + 18, INK)
    yield _dot(x(left), y(trade.close_rate), SELL)
    yield _text(f"exit signal at {trade.close_rate:.2f}", x(left) + 8, y(trade.close_rate) + 18, INK)
    yield "</svg>\n"


def _text(text: str, x: float, y: float, color: str) -> str:
    return f'<text x="{x:.1f}" y="{y + 4:.1f}" fill="{color}">{text}</text>'


def _dot(x: float, y: float, color: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}" stroke="white"/>'


if __name__ == "__main__":
    main()

"""Draw the requests of an exit, as a bot on the local venue has sent them: `python docs/pictures/exit.py`."""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.adaptive_svg import GREY, INK, ORANGE, RED, TEAL, drawing, text  # noqa: E402 - found by the line above
from support.in_process_bot import CONTROLS, in_process_bot  # noqa: E402

PICTURE = Path(__file__).with_suffix(".svg")
RUNGS, ROUND_TRIP_MS = 12, 50
LINE = "Exit for "
"""Beginning of freqtrade's log line about an exit, from which the times count."""
STRATEGY = """
from support.strategies.controlled import Controlled

class Asked(Controlled):
    def confirm_trade_exit(self, *args, **kwargs):
        return True
"""
WIDTH, LEFT, RIGHT, TOP, ROW = 960, 190, 100, 34, 26
ORDER = "place-order"
CANCEL = "batch-cancel-order"
BALANCE = "assets"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of the bot, in ms since freqtrade's line."""

    began_ms: float
    ended_ms: float
    endpoint: str


def main() -> None:
    """Measure both kinds of strategy, and draw their exits below each other."""
    drawn = [
        ("Without a confirm_trade_exit of the strategy's own: nobody can refuse the exit", measure("Controlled")),
        ("With one: it is asked before anything is canceled", measure("Asked")),
    ]
    PICTURE.write_text(picture(drawn), encoding="utf-8")


def measure(strategy: str) -> list[Sent]:
    """Return the requests of one exit, from freqtrade's line to the answer to the exit order."""
    lines, sent = Lines(), []
    request = requests.Session.request

    def timed(self: requests.Session, method: str, url: str, **named: Any) -> Any:
        began = time.time()
        try:
            return request(self, method, url, **named)
        finally:
            sent.append((began, time.time(), urlsplit(url).path.rsplit("/", 1)[1]))

    with tempfile.TemporaryDirectory() as name, mock.patch.object(requests.Session, "request", timed):
        folder = Path(name)
        (folder / "asked.py").write_text(STRATEGY)
        found = {} if strategy == "Controlled" else {"strategy": strategy, "strategy_path": name}
        with in_process_bot(folder, **found) as bot:
            bot.enter(ladder)
            bot.venue.knobs(latency_ms=ROUND_TRIP_MS)
            logging.getLogger("freqtrade").addHandler(lines)
            CONTROLS.exit = True
            bot.loop()
            logging.getLogger("freqtrade").removeHandler(lines)
            bot.venue.knobs(latency_ms=0)
    (zero,) = lines.at
    order = next(ended for began, ended, endpoint in sent if endpoint == ORDER and began > zero)
    of_exit = sorted(each for each in sent if zero < each[0] and each[1] <= order)
    return [Sent((began - zero) * 1_000, (ended - zero) * 1_000, endpoint) for began, ended, endpoint in of_exit]


def ladder(trade: Any) -> list[dict[str, Any]]:
    """Return a ladder over all coins."""
    prices = [trade.open_rate * (1 + number / 100) for number in range(1, RUNGS + 1)]
    return [{"side": "sell", "price": price, "share": 1 / RUNGS} for price in prices]


class Lines(logging.Handler):
    """Times of freqtrade's lines about exits, seconds since the epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the time of one of them."""
        if record.getMessage().startswith(LINE):
            self.at.append(record.created)


def picture(drawn: Sequence[tuple[str, list[Sent]]]) -> str:
    """Return the SVG."""
    longest = max(sent[-1].ended_ms for _, sent in drawn)
    height = sum(TOP + ROW * len(sent) for _, sent in drawn) + TOP + 50
    cores = os.cpu_count() or 1
    below = (
        f"Measured on the local venue, {datetime.now(UTC):%-d %B %Y}: a classic account, {RUNGS} resting orders, "
        f"a round trip of {ROUND_TRIP_MS} ms, {cores} cores."
    )
    parts = list(_body(drawn, longest))
    parts.append(text(below, 10, height - 14, GREY))
    return drawing(WIDTH, height, "The requests of an exit, in time", parts)


def _body(drawn: Sequence[tuple[str, list[Sent]]], longest: float) -> Iterator[str]:
    scale = (WIDTH - LEFT - RIGHT) / longest
    top = 8.0
    for title, sent in drawn:
        yield text(title, 10, top + 20, INK, bold=True)
        bottom = top + TOP + ROW * len(sent)
        for ms in range(0, int(longest) + 1, 50):
            x = LEFT + ms * scale
            yield f'<path class="grey" d="M{x:.1f} {top + TOP - 4:.1f}V{bottom:.1f}" stroke-opacity="0.35"/>'
        for number, each in enumerate(sent):
            middle = top + TOP + ROW * (number + 0.5)
            meaning, color = _meaning(sent, number)
            x, length = LEFT + each.began_ms * scale, (each.ended_ms - each.began_ms) * scale
            yield text(meaning, 10, middle + 4, INK)
            yield (f'<rect class="{color}" x="{x:.1f}" y="{middle - 8:.1f}" width="{length:.1f}" height="16" rx="3"/>')
            yield text(f"{each.began_ms:.0f} to {each.ended_ms:.0f} ms", x + length + 6, middle + 4, GREY)
        top = bottom + 4
    for ms in range(0, int(longest) + 1, 50):
        label = "freqtrade's line" if ms == 0 else f"{ms} ms"
        yield text(label, LEFT + ms * scale, top + 14, GREY, anchor="middle")


def _meaning(sent: Sequence[Sent], number: int) -> tuple[str, str]:
    """Return what a request is for, and its color."""
    endpoint = sent[number].endpoint
    asked = "history of orders" if endpoint == "history-orders" else endpoint.replace("-", " ")
    canceled = any(each.endpoint == CANCEL for each in sent[:number])
    if endpoint == ORDER:
        return "the exit order", RED
    if endpoint == CANCEL:
        return f"the cancel of all {RUNGS}", ORANGE
    if endpoint == BALANCE:
        return "look: balance", GREY
    return (f"proof: {asked}", TEAL) if canceled else (f"look: {asked}", GREY)


if __name__ == "__main__":
    main()

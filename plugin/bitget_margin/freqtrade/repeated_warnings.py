"""Warnings of the log that repeat: each is logged at once, then at growing intervals, with its number so far.

A warning is the same one if its text is, but for times: another pair, order or reason is another warning.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

FIRST_SECONDS: Final = 60.0
"""Pause after the first of a series; each pause is twice the one before."""
LAST_SECONDS: Final = 3_600.0
"""Longest pause within a series."""
QUIET_SECONDS: Final = 600.0
"""Time without a warning after which the next one begins a new series."""
_SERIES_MAX: Final = 1_000
"""Largest number of series: beyond it, the one that is quiet for longest makes room."""
_LOGGERS: Final = (
    "bitget_margin",
    *(f"bitget_margin.{name}" for name in ("cancels", "gates", "locked", "markets", "windows")),
)
ABOUT: Final = "about"
"""Attribute of a log record with the subject of its warning."""
_TIMES: Final = re.compile(r"\b1[5-9]\d{11}\b|\b\d+(\.\d+)?(?= ?(ms|s|seconds)\b)")
"""Times that a text may have: epochs in ms, and durations."""


@dataclass(slots=True)
class _Series:
    """Warnings with the same text."""

    text: str
    about: str | None
    began: datetime
    shown_seconds: float
    last_seconds: float
    pause_seconds: float = FIRST_SECONDS
    count: int = 1
    shown_count: int = 1

    @property
    def number(self) -> str:
        """The number of warnings so far, in words."""
        return f"({self.count} times since {self.began:%Y-%m-%d %H:%M:%S} UTC)"


@dataclass(eq=False, slots=True)
class RepeatedWarnings:
    """Series of warnings, by their text without times.

    :param clock: monotonic seconds
    :param now: time of day
    """

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _series: dict[str, _Series] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def note(self, text: str, about: str | None = None) -> str | None:
        """Note a warning, and return the text to log; None where it repeats one that was just logged.

        :param about: its subject, by which `end` ends the series
        """
        key = without_times(text)
        with self._lock:
            at, series = self.clock(), self._series.pop(key, None)
            is_new = series is None or at - series.last_seconds >= QUIET_SECONDS
            if series is None or (is_new and series.shown_count == series.count):
                self._make_room()
                self._series[key] = _Series(text, about, self.now(), at, at)
                return text
            self._series[key] = series  # the last one is at the end
            series.text, series.last_seconds, series.count = text, at, series.count + 1
            if not is_new and at - series.shown_seconds < series.pause_seconds:
                return None
            series.shown_seconds, series.shown_count = at, series.count
            series.pause_seconds = min(2 * series.pause_seconds, LAST_SECONDS)
            return f"{text} {series.number}"

    def end(self, about: str) -> list[str]:
        """End the series about a subject, and return a text for each with warnings that were not logged."""
        with self._lock:
            if not self._series:
                return []
            ended = [key for key, series in self._series.items() if series.about == about]
            found = [self._series[key] for key in ended]
            for key, series in zip(ended, found, strict=True):
                if series.count > series.shown_count:
                    del self._series[key]
        return [f"Over: {each.text} {each.number}" for each in found if each.count > each.shown_count]

    def _make_room(self) -> None:
        while len(self._series) >= _SERIES_MAX:
            del self._series[next(iter(self._series))]


def without_times(text: str) -> str:
    """Return what identifies a warning: its text without times, which differ each time."""
    return _TIMES.sub("#", text)


class RepeatFilter(logging.Filter):
    """Filter of the plugin's loggers, which folds the warnings and errors that repeat."""

    def __init__(self, repeated: RepeatedWarnings) -> None:
        super().__init__()
        self.repeated = repeated

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged; one that repeats gets its number."""
        if not logging.WARNING <= record.levelno <= logging.ERROR:
            return True
        text = record.getMessage()
        cause = "" if not record.exc_info or record.exc_info[1] is None else f" [{record.exc_info[1]!r}]"
        shown = self.repeated.note(text + cause, getattr(record, ABOUT, None))
        if shown is not None and shown != text + cause:
            record.msg, record.args = shown, None
        return shown is not None

    def install(self) -> None:
        """Fold the warnings of the plugin's loggers, in place of an earlier filter."""
        unfold_all()
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def remove(self) -> None:
        """Fold nothing any more."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)


def unfold_all() -> None:
    """Remove the filters of all bots of this process."""
    for logger in map(logging.getLogger, _LOGGERS):
        for each in [each for each in logger.filters if isinstance(each, RepeatFilter)]:
            logger.removeFilter(each)

"""Complete reading of the records of an account, window by window and page by page.

The venue answers in pages, newest first, each from a limited span of time. A result is whole, or the fault that ended
the reading.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.record_pages import RecordPage, RecordQuery, TimeSpan
from bitget_margin.core.requests import CallContext, query

DAY_MS: Final = 86_400_000
ACCESS_MS: Final = 90 * DAY_MS
"""Age up to which the venue shows records."""
CLOCK_MARGIN_MS: Final = 60_000
"""Margin at both ends of the accessible time, between a reading of the clock here and at the venue."""
PAGES_MAX: Final = 500
"""Most pages of one call; its time limit ends most calls before."""
_PAGE_STEP: Final = 100
"""Page sizes are multiples of it, so that the length of a page shows whether it was cut off."""
_GROWTH: Final = 4
"""Factor by which windows grow that are read from the oldest on."""


class TooManyRecords(Exception):
    """There are more pages than one call may read."""


@dataclass(slots=True)
class RecordReader:
    """Reads all records of a span of time, or as many as are wanted of them.

    With a start and a limit, windows of growing length are read from the start on; else from the end back.
    """

    ctx: CallContext
    query: RecordQuery
    now_ms: int
    """The venue's time."""
    since_ms: int | None
    until_ms: int | None
    at_most: int | None
    """Number of records after which reading may end: the oldest ones with a start, else the newest."""
    keep: Callable[[str, Mapping[str, Any]], bool] = lambda _id, _raw: True
    """Returns whether a record counts, by its id and row."""

    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _kind: AccountKind | None = None
    _windows: deque[TimeSpan] = field(default_factory=deque)
    _cursor: str | None = None

    def read(self) -> Flow[Mapping[str, Mapping[str, Any]] | Fault]:
        """Return the records by id, newest first within a window; or the fault that ended the reading.

        :raises NoSuchRecords: the account kind has no such endpoint
        """
        self._begin(self.ctx.api)
        pages = 0
        while self._windows:
            found = yield from query(self.ctx, self._request, lambda api: api.record_reader(self.query.kind))
            if isinstance(found.result, Fault):
                return found.result
            pages += 1
            self._take(found.result)
            if self._has_enough():
                break
            if pages == PAGES_MAX and self._windows:
                return Fault(TooManyRecords(f"more than {PAGES_MAX} pages of {self.query.kind.value}"))
        return self.kept

    def _begin(self, api: Api) -> None:
        """Start anew for an account kind: windows, cursors and rows of the other kind are of no use."""
        self._kind = api.KIND
        self._cursor = None
        self.kept.clear()
        self._seen.clear()
        self._windows = deque(self._plan(api))

    def _request(self, api: Api) -> Call:
        if api.KIND is not self._kind:
            self._begin(api)
        wanted = api.RECORDS_MAX if self.at_most is None else -(-self.at_most // _PAGE_STEP) * _PAGE_STEP
        size = min(wanted, api.RECORDS_MAX)
        return api.records_request(self.query, self._windows[0], self._cursor, size)

    def _take(self, page: RecordPage) -> None:
        fresh = {record_id: raw for record_id, raw in page.rows.items() if record_id not in self._seen}
        self._seen.update(fresh)
        self.kept.update((record_id, raw) for record_id, raw in fresh.items() if self.keep(record_id, raw))
        moved = page.cursor is not None and page.cursor != self._cursor
        self._cursor = page.cursor
        # A page of rows of other categories has no fresh row, but may have a next page.
        if not page.full or not moved or (page.rows and not fresh):
            self._windows.popleft()
            self._cursor = None

    def _has_enough(self) -> bool:
        if self.at_most is None or len(self.kept) < self.at_most:
            return False
        # Pages come newest first: the oldest records of a window are known when it has been read to its end.
        return self.since_ms is None or self._cursor is None

    def _plan(self, api: Api) -> list[TimeSpan]:
        """Return the windows in the order of reading; none for a span that lies outside of the accessible time."""
        oldest_ms = self.now_ms - ACCESS_MS + CLOCK_MARGIN_MS
        start_ms = oldest_ms if self.since_ms is None else max(self.since_ms, oldest_ms)
        latest_ms = self.now_ms + CLOCK_MARGIN_MS
        end_ms = latest_ms if self.until_ms is None else min(self.until_ms, latest_ms)
        if start_ms > end_ms:
            return []
        is_open = end_ms == latest_ms and not api.NEEDS_END
        from_oldest = self.since_ms is not None and self.at_most is not None
        cut = _upward if from_oldest else _downward
        spans = cut(start_ms, end_ms, api.RECORD_WINDOW_MS)
        return [TimeSpan(s.start_ms, None) if is_open and s.end_ms == end_ms else s for s in spans]


def _downward(start_ms: int, end_ms: int, width_ms: int) -> list[TimeSpan]:
    spans = []
    while end_ms >= start_ms:
        first_ms = max(start_ms, end_ms - width_ms)
        spans.append(TimeSpan(first_ms, end_ms))
        end_ms = first_ms - 1
    return spans


def _upward(start_ms: int, end_ms: int, width_max_ms: int) -> list[TimeSpan]:
    spans = []
    width_ms = DAY_MS
    while start_ms <= end_ms:
        last_ms = min(end_ms, start_ms + width_ms)
        spans.append(TimeSpan(start_ms, last_ms))
        start_ms = last_ms + 1
        width_ms = min(width_ms * _GROWTH, width_max_ms)
    return spans

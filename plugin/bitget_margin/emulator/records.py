"""The requests that arrived, all together and by account."""

from __future__ import annotations

from collections import defaultdict, deque

from bitget_margin.emulator.message import RequestRecord


class Records:
    """The latest requests; older ones are forgotten, so that a long run does not fill the memory.

    :param most: how many are kept
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: deque[RequestRecord] = deque()
        self._of: dict[str, deque[RequestRecord]] = defaultdict(deque)

    def add(self, record: RequestRecord) -> None:
        """Take in a request."""
        if len(self._all) == self._most:
            # The oldest of all is the oldest of its account too.
            self._of[self._all.popleft().uid].popleft()
        self._all.append(record)
        self._of[record.uid].append(record)

    def everything(self) -> tuple[RequestRecord, ...]:
        """Return all of them, oldest first."""
        return tuple(self._all)

    def of(self, uid: str) -> tuple[RequestRecord, ...]:
        """Return those of an account, oldest first, without a look at the others."""
        return tuple(self._of.get(uid, ()))

    def clear(self) -> None:
        """Forget them."""
        self._all.clear()
        self._of.clear()

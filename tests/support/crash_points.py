"""Crashes of a bot in the process of the test, at any step that changes what outlives it.

A step is a commit that writes, or a request that changes something at the venue. The bot is killed just before one:
between two steps it makes no difference when. From then on every further step raises, too: nothing is sent or stored
until the bot is started again.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

_READS = ("SELECT", "PRAGMA")
_HAS_WRITTEN = "has_written"


class Killed(BaseException):
    """The bot was killed: nothing handles it."""


class CrashPoints:
    """Steps of a bot, counted from `begin` on."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        """Names of the steps so far: `commit`, or the last part of the path of a request."""
        self._kills: Callable[[Sequence[str]], bool] = lambda _: False
        self._is_counting = self._is_dead = False
        self._lock = threading.Lock()

    def begin(self, kills: Callable[[Sequence[str]], bool] = lambda _: False) -> None:
        """Count from here on, and kill the bot before a step.

        :param kills: returns whether the bot is killed after these steps
        """
        self.steps, self._kills, self._is_counting, self._is_dead = [], kills, True, False

    def end(self) -> None:
        """Count no longer."""
        self._is_counting = self._is_dead = False

    def step(self, name: str) -> None:
        """Take a step, or be killed at it."""
        with self._lock:
            if not self._is_counting:
                return
            if not self._is_dead:
                self._is_dead = self._kills(self.steps)
                self.steps.append(name)
            if self._is_dead:
                raise Killed(name)


@contextmanager
def crash_points() -> Iterator[CrashPoints]:
    """Watch the requests and the commits of this process."""
    points = CrashPoints()
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if request.method == "POST":
            points.step(str(request.path_url).rsplit("/", 1)[1])
        return send(session, request, **options)

    def executes(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(_READS):
            connection.info[_HAS_WRITTEN] = True

    def commits(connection: Connection) -> None:
        if connection.info.pop(_HAS_WRITTEN, False):
            points.step("commit")

    def rolls_back(connection: Connection) -> None:
        connection.info.pop(_HAS_WRITTEN, None)

    listeners = (("before_cursor_execute", executes), ("commit", commits), ("rollback", rolls_back))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", watched)
        for name, listener in listeners:
            event.listen(Engine, name, listener)
        try:
            yield points
        finally:
            for name, listener in listeners:
                event.remove(Engine, name, listener)

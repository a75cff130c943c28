"""A look that fails ends no watch, and what was known stays shown with its age."""

from typing import Any

import ccxt
import pytest

from bitget_margin.cli.operator.repeat import repeat

DOWN = ccxt.RequestTimeout("too late")
REFUSED = ccxt.AuthenticationError("no such key")


class Watched:
    """Looks in turn, one every five seconds, and what they have shown; Ctrl-C comes after the last one."""

    def __init__(self, *looks: str | ccxt.BaseError) -> None:
        self.looks, self.now_seconds = list(looks), 100.0
        self.given: list[str | None] = []
        self.shown: list[Any] = []

    def look(self, last: str | None) -> str:
        self.given.append(last)
        found = self.looks.pop(0)
        self.now_seconds += 1
        if isinstance(found, ccxt.BaseError):
            raise found
        return found

    def wait(self) -> None:
        if not self.looks:
            raise KeyboardInterrupt
        self.now_seconds += 5

    def run(self) -> None:
        repeat(self.look, lambda *shown: self.shown.append(shown), self.wait, lambda: self.now_seconds)


def test_a_failing_look_shows_the_last_list_with_its_age() -> None:
    """Also one whose keys are refused, once they were not."""
    watched = Watched("a", DOWN, REFUSED, "b")
    with pytest.raises(KeyboardInterrupt):
        watched.run()
    assert watched.shown == [("a", None, 0), ("a", DOWN, 6), ("a", REFUSED, 12), ("b", None, 0)]
    assert watched.given == [None, "a", "a", "a"]


def test_a_first_look_may_fail_but_for_refused_keys() -> None:
    watched = Watched(DOWN, "a")
    with pytest.raises(KeyboardInterrupt):
        watched.run()
    assert watched.shown == [(None, DOWN, 1), ("a", None, 0)]
    with pytest.raises(ccxt.AuthenticationError):
        Watched(REFUSED, "a").run()

"""`orders --watch` lists again and again, at a terminal and without one, whatever a look meets."""

import json
import os
import pty
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bitget_margin.cli.commands import main
from bitget_margin.cli.operator.orders import orders
from bitget_margin.emulator import Emulator
from support.client import rungs
from support.operating import COMMAND, here, keys, process, until

CLEARED = "\x1b[2J"


class Terminal:
    """A terminal of 80 columns in which a command runs."""

    def __init__(self, running: subprocess.Popen[bytes], end: int) -> None:
        self.running, self._end, self.text = running, end, ""

    def holds(self, pattern: str) -> bool:
        """Whether the last screen shows a text."""
        while select.select([self._end], [], [], 0)[0]:
            with suppress(OSError):  # closed by the other end
                self.text += os.read(self._end, 65_536).decode()
        return re.search(pattern, self.text.rpartition(CLEARED)[2]) is not None


@contextmanager
def terminal(venue: Emulator, *args: str) -> Iterator[Terminal]:
    """Run a command in a terminal; it does not outlive the block."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **keys(venue.accounts[0]), "TERM": "xterm", "COLUMNS": "80", "LINES": "40"}
    words = [*COMMAND, *args, "--url", venue.url]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:  # noqa: S603
        os.close(theirs)
        try:
            yield Terminal(running, ours)
        finally:
            running.kill()
    os.close(ours)


@pytest.mark.slow
def test_a_terminal_is_refreshed_until_ctrl_c_whatever_a_look_meets(venue: Emulator) -> None:
    """A look that fails leaves the last list there, with its age and the reason; Ctrl-C ends it with code 0."""
    first = rungs(venue, 1)
    with terminal(venue, "orders", "--watch", "2", "--timeout", "500") as shown:
        until(lambda: shown.holds("1 open order[^s]"))
        until(lambda: shown.holds("every 2 s until Ctrl-C"))
        second = rungs(venue, 1)
        until(lambda: shown.holds("2 open orders"))
        venue.add_fault("html-502", "")
        until(lambda: shown.holds(r"the last list is \d+ s old"))
        until(lambda: shown.holds("the venue does not answer"))
        until(lambda: shown.holds(f"(?s){first[0]}.*{second[0]}"))
        venue.clear_faults()
        venue.cancel(first[0])
        until(lambda: shown.holds("1 open order[^s]"))
        shown.running.send_signal(signal.SIGINT)
        assert shown.running.wait(20) == 0
    assert "Traceback" not in shown.text


@pytest.mark.slow
def test_without_a_terminal_lists_follow_each_other(venue: Emulator) -> None:
    """Separated by an empty line; a look that fails is a line with the reason."""
    rungs(venue, 2)
    with process(venue, "orders", "--watch", "2", "--timeout", "500") as running:
        assert running.stdout is not None
        first = list(iter(running.stdout.readline, "\n"))
        venue.add_fault("html-502", "")
        lines = iter(running.stdout.readline, "")
        failed = next(line for line in lines if "the venue does not answer" in line)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (0, "")
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d, every 2 s until Ctrl-C", first[0])
    assert any("2 open orders" in line for line in first)
    assert "the last list is" in failed
    assert CLEARED not in "".join((*first, failed, out))


@pytest.mark.slow
def test_documents_of_a_watch_are_one_per_line(venue: Emulator) -> None:
    (order_id,) = rungs(venue, 1)
    with process(venue, "orders", "--watch", "2", "--json") as running:
        assert running.stdout is not None
        documents = [json.loads(running.stdout.readline()) for _ in range(2)]
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (0, "")
    assert [[order["id"] for order in found["orders"]] for found in documents] == [[order_id]] * 2
    assert documents[1]["at_ms"] - documents[0]["at_ms"] >= 2_000


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (["--watch"], 5),
        (["--watch", "7"], 7),
        (["--watch=7"], 7),
        (["--watch", "--json"], 5),
        (["--watch", "--symbol", "BTC/USDT"], 5),
        ([], None),
    ],
)
def test_the_pause_of_a_watch_may_be_left_out(words: list[str], seconds: int | None) -> None:
    with main.make_context("bitget-margin", ["orders"]) as context:
        assert orders.make_context("orders", words, parent=context).params["watch_seconds"] == seconds


def test_a_watch_without_a_list_ends_as_one_look_does(venue: Emulator) -> None:
    """Refused keys are code 1 at once, and a pause below the least is bad usage."""
    assert "check BITGET_API_KEY" in here(venue, "orders", "--watch", code=1, BITGET_SECRET="wrong").output
    assert "1 is not in the range 2<=x<=86400" in here(venue, "orders", "--watch", "1", code=2).output

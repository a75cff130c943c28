"""Output that cannot be written stops no command, and the exit code stays that of the orders."""

import errno
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bitget_margin.cli import output
from bitget_margin.cli.commands import main
from bitget_margin.cli.operator import display
from bitget_margin.emulator import DEFAULT_SYMBOLS, Account, AccountKind, Emulator, synthetic_symbols
from support.client import rungs
from support.console import without_versions
from support.operating import COMMAND, cancels, keys, live, process, run, until


class Failing(io.StringIO):
    """A text stream whose flush fails with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


class Stuck(io.StringIO):
    """A pipe or a terminal that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait()
        return super().write(text)


def ascii_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")


def closed() -> io.StringIO:
    made = io.StringIO()
    made.close()
    return made


UNWRITABLE: dict[str, Callable[[], Any]] = {
    "closed pipe": lambda: Failing(BrokenPipeError(errno.EPIPE, "Broken pipe")),
    "full disk": lambda: Failing(OSError(errno.ENOSPC, "No space left on device")),
    "terminal gone": lambda: Failing(OSError(errno.EIO, "Input/output error")),
    "unforeseen": lambda: Failing(RuntimeError("whatever a stream may raise")),
    "ascii": ascii_stream,
    "closed": closed,
    "none": lambda: None,
    "stuck": Stuck,
}


def unwritable(how: str) -> dict[str, Any]:
    """Return both streams; a stuck one goes on after a while."""
    streams = {name: UNWRITABLE[how]() for name in ("stdout", "stderr")}
    for stream in streams.values():
        if isinstance(stream, Stuck):
            threading.Timer(0.5, stream.go.set).start()
    return streams


def go(venue: Emulator, monkeypatch: pytest.MonkeyPatch, *args: str, **streams: Any) -> int:
    """Run a command in this process, with these streams; return its exit code."""
    for name, value in keys(venue.accounts[0]).items():
        monkeypatch.setenv(name, value)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, streams.get(name, io.StringIO()))
    with pytest.raises(SystemExit) as end:
        main.main([*args, "--url", venue.url])
    return int(end.value.code or 0)


@pytest.mark.parametrize("how", UNWRITABLE)
@pytest.mark.parametrize("broken", [("stdout",), ("stderr",), ("stdout", "stderr")], ids="+".join)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["people", "json"])
def test_orders_are_canceled_whether_or_not_output_is_written(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch, how: str, broken: tuple[str, ...], as_json: tuple[str, ...]
) -> None:
    """Code 0, since all of them ended; a stuck stream takes nothing until the orders are gone."""
    rungs(venue, 2)
    streams = {name: UNWRITABLE[how]() for name in broken}
    stuck = [stream for stream in streams.values() if isinstance(stream, Stuck)]
    watch = threading.Thread(target=lambda: (until(lambda: not live(venue)), [s.go.set() for s in stuck]))
    watch.start()
    assert go(venue, monkeypatch, "cancel", "--all", "--yes", *as_json, **streams) == 0
    watch.join()
    assert not live(venue)
    if stuck and (as_json or "stdout" in broken):
        assert "canceled" in "".join(stream.getvalue() for stream in stuck)


@pytest.mark.parametrize("how", UNWRITABLE)
def test_the_exit_code_is_that_of_the_orders(venue: Emulator, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """1 for an order that is refused, and 3 for what is not known."""
    rungs(venue, 1)
    chosen = ("cancel", "--symbol", "BTC/USDT", "--yes")
    venue.knobs(refuse_cancels=4)
    assert go(venue, monkeypatch, *chosen, **unwritable(how)) == 1
    venue.add_fault("reset-before", cancels(venue))
    assert go(venue, monkeypatch, *chosen, "--timeout", "900", **unwritable(how)) == 3


def test_a_failure_of_stdout_is_reported_on_stderr(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Except for a reader that has closed the pipe."""
    full, closed = "standard output cannot be written (No space left on device)", ""
    for how, message in (("full disk", full), ("closed pipe", closed)):
        err = io.StringIO()
        assert go(venue, monkeypatch, "cancel", "--all", "--yes", stdout=UNWRITABLE[how](), stderr=err) == 0
        assert message in err.getvalue()
        if message:
            assert err.getvalue().endswith("; the exit code is correct all the same.\n")
            full_err = io.StringIO()
            assert go(venue, monkeypatch, "orders", stdout=UNWRITABLE[how](), stderr=full_err) == 3
            assert full_err.getvalue().endswith(f"{message}; the exit code says so.\n")
    assert err.getvalue() == ""


def test_a_character_that_an_encoding_lacks_is_written_as_its_number() -> None:
    below = ascii_stream()
    stream = output.Stream(below)
    stream.write("币 ok")
    stream.drain()
    assert below.buffer.getvalue() == b"\\u5e01 ok"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("how", "code"), [("closed pipe", 0), ("full disk", 3), ("closed", 3), ("none", 3), ("ascii", 0)]
)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["people", "json"])
def test_orders_that_could_not_be_shown_are_not_called_shown(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch, how: str, code: int, as_json: tuple[str, ...]
) -> None:
    """A reader that has closed the pipe counts as served."""
    rungs(venue, 2)
    assert go(venue, monkeypatch, "orders", *as_json, stdout=UNWRITABLE[how]()) == code


@pytest.mark.parametrize("function", ["show_plan", "outcome_table", "not_ended_table"])
def test_an_error_in_a_table_stops_no_cancel(venue: Emulator, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """It is reported in a line."""

    def fail(*_: object) -> None:
        raise ValueError("no table for this")

    rungs(venue, 2)
    monkeypatch.setattr(display, function, fail)
    err = io.StringIO()
    assert go(venue, monkeypatch, "cancel", "--all", "--yes", stderr=err) == 0
    assert not live(venue)
    assert "Error: this cannot be shown: ValueError: no table for this" in err.getvalue()


def test_names_are_shown_as_they_are(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that looks like markup or an emoji is neither."""
    out = io.StringIO()
    frozen = {"[/x]": 1.0, ":smile:": 2.0}
    monkeypatch.setattr("bitget_margin.cli.operator.query.frozen", lambda _: frozen)
    assert go(venue, monkeypatch, "cancel", "--side", "buy", "--symbol", "BTC/USDT", "--dry-run", stdout=out) == 0
    assert "1 [/x], 2 :smile:" in out.getvalue()


# -- in processes of their own, with the streams of a shell ------------------------------------------------------------


@contextmanager
def shell(venue: Emulator, line: str, pass_fds: Sequence[int] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a line of bash, in which $CMD is the command and $URL its last words."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BITGET_")}
    variables = {**plain, **keys(venue.accounts[0]), "CMD": " ".join(COMMAND), "URL": f"--url {venue.url}"}
    words = ["bash", "-c", line]
    with subprocess.Popen(  # noqa: S603 - written here
        words,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


LINES = [
    "$CMD cancel --all --yes $URL | head -1; exit ${PIPESTATUS[0]}",
    "$CMD cancel --all --yes $URL > /dev/full 2>&1",
    "$CMD cancel --all --yes $URL <&- >&- 2>&-",
]
SLOW_LINES = [
    "$CMD cancel --all --yes --json $URL 2>&1 | true; exit ${PIPESTATUS[0]}",
    "$CMD cancel --all --yes --json $URL > /dev/full",
    "$CMD cancel --all --yes --json $URL 2> /dev/full",
    "PYTHONIOENCODING=ascii:strict $CMD cancel --all --yes $URL",
]


@pytest.mark.parametrize("line", [*LINES, *(pytest.param(line, marks=pytest.mark.slow) for line in SLOW_LINES)])
def test_a_shell_s_streams_stop_no_cancel(venue: Emulator, line: str) -> None:
    """Also at Python's exit: it writes the buffered rest, and would exit with 120."""
    rungs(venue, 30)
    with shell(venue, line) as running:
        _, err = running.communicate(timeout=50)
    assert (running.returncode, live(venue)) == (0, set()), err
    assert "Traceback" not in err
    assert "Exception ignored" not in err


@pytest.mark.parametrize(
    "command",
    [
        "account",
        "orders --watch 2",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("orders", "orders --json", "account --json")),
    ],
)
def test_a_reader_that_closes_the_pipe_counts_as_served(venue: Emulator, command: str) -> None:
    """Code 0 without a message; a watch ends then."""
    rungs(venue, 30)
    with shell(venue, f"$CMD {command} $URL | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}") as running:
        out, err = running.communicate(timeout=50)
    assert (running.returncode, out, without_versions(err)) == (0, "", "")


@pytest.mark.parametrize("command", ["orders", "account", pytest.param("cancel --all --yes", marks=pytest.mark.slow)])
def test_an_encoding_without_letters_of_a_pair_stops_no_command(kind: AccountKind, command: str) -> None:
    """They are written as their numbers."""
    coin = replace(synthetic_symbols(1)[0], symbol="币安人生USDT", base="币安人生")
    account = Account(kind=kind, balances={"币安人生": "5", "USDT": "100000"})
    with Emulator(accounts=(account,), symbols=(*DEFAULT_SYMBOLS, coin)) as venue:
        rungs(venue, 2, symbol="币安人生USDT", price=90)
        with shell(venue, f"LANG=C LC_ALL=C PYTHONIOENCODING=ascii PYTHONUTF8=0 $CMD {command} $URL") as running:
            out, err = running.communicate(timeout=50)
        assert (running.returncode, without_versions(err)) == (0, "")
        assert r"\u5e01\u5b89\u4eba\u751f" in out
        assert bool(live(venue)) is not command.startswith("cancel")
        assert venue.errors == ()


def test_a_pipe_that_nobody_reads_stops_no_cancel(venue: Emulator) -> None:
    """It is full from the start: the orders end first, and the output is complete for a later reader."""
    rungs(venue, 3)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)
    os.write(writing, b"x" * 4_096)
    with (
        os.fdopen(reading, encoding="utf-8") as pipe,
        shell(venue, f"exec $CMD cancel --all --yes $URL >&{writing}", pass_fds=[writing]) as running,
    ):
        os.close(writing)
        until(lambda: not live(venue))
        out = pipe.read()
        assert running.wait(50) == 0
    assert out.endswith("Nothing is frozen on the account any more.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_reader_with_the_code_that_is_decided(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Where everything is written, it changes nothing."""
    stuck, codes = Stuck(), list[int]()
    stream = output.Stream(stuck)
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(stream, "drain", lambda: signal.raise_signal(number))
    output._finish(stream, output.Stream(None), SystemExit(3))
    assert codes == []
    stream.write("for a reader who never comes")
    output._finish(stream, output.Stream(None), SystemExit(3))
    assert codes == [3]
    monkeypatch.setattr(sys, "stdout", stream)
    output.code_once_written(0, 3)
    output.code_once_written(4, 3)
    assert codes == [3, 3, 4]
    stuck.go.set()


COMMANDS = {
    "cancel --all --yes": "Nothing is frozen on the account any more.",
    "cancel --id 1 --yes": "1 not_found",
    "cancel --all --dry-run": "frozen on the account: ",
    "orders": "frozen on the account: ",
    "account": " USDT ",
    "doctor": "rate_store: ",
}
"""Commands, and the beginning of their last lines."""


@pytest.mark.parametrize(
    "command",
    [command if "--all --yes" in command else pytest.param(command, marks=pytest.mark.slow) for command in COMMANDS],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_signal_after_the_last_line_changes_no_exit_code(
    venue: Emulator, command: str, number: signal.Signals
) -> None:
    """Python takes up to a second to end, in which the prompt of the shell is not back yet."""
    rungs(venue, 2)
    with process(venue, *command.split()) as running:
        assert running.stdout is not None
        shown = ""
        while COMMANDS[command] not in shown:
            shown = running.stdout.readline()
            assert shown
        while running.poll() is None:
            running.send_signal(number)
            time.sleep(0.01)
    assert running.returncode == (1 if "--id" in command else 0)


def test_a_program_that_runs_a_command_keeps_its_signal_handlers(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    assert go(venue, monkeypatch, "cancel", "--all", "--yes") == 0
    assert [signal.getsignal(number) for number in numbers] == before


def test_standard_input_that_is_closed_is_bad_usage(venue: Emulator) -> None:
    for line in ("$CMD cancel --from - --yes $URL <&-", "$CMD cancel --all $URL <&-"):
        with shell(venue, line) as running:
            _, err = running.communicate(timeout=50)
        assert running.returncode == 2, err
        assert "Traceback" not in err


def test_a_terminal_that_hangs_up_stops_no_cancel(venue: Emulator) -> None:
    rungs(venue, 3)
    rungs(venue, 2, symbol="ETHUSDT", price=2_000)
    rule = venue.add_fault("stall-after", cancels(venue), count=1)
    with shell(venue, "exec $CMD cancel --symbol BTC/USDT --symbol ETH/USDT --yes --timeout 3000 $URL") as running:
        until(lambda: rule not in venue.faults)
        running.send_signal(signal.SIGHUP)
        _, err = running.communicate(timeout=50)
    assert (running.returncode, live(venue)) == (0, set()), err


def test_the_document_is_whole_where_it_can_be_written(venue: Emulator) -> None:
    rungs(venue, 60)
    done = run(venue, "cancel", "--all", "--yes", "--json")
    assert len(json.loads(done.stdout)["orders"]) == 60

"""The command line of the campaign."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from .judge import judge
from .running import play_one, run
from .table import as_markdown, as_table, reasons, shares
from .tally import Tally
from .tracing import trace
from .verdict import Verdict

WORKERS: Final = 16
_SHOWN: Final = 20
_PROGRESS_SECONDS: Final = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, or replay one round; return 1 if anything is wrong."""
    options = _parser().parse_args(arguments)
    if options.round is not None:
        return _replay(options.seed, options.round)
    return _campaign(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/soak/campaign/run.py",
        description="Rounds drawn from a seed against the local venue, each judged by the venue's own books.",
    )
    parser.add_argument("--rounds", type=_positive, default=200, help="how many rounds (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn from (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first round (default: %(default)s)")
    parser.add_argument("--round", type=int, help="replay this round alone, and tell all about it")
    parser.add_argument("--processes", type=_positive, default=2, help="how many processes (default: %(default)s)")
    parser.add_argument(
        "--workers", type=_positive, default=WORKERS, help="rounds side by side in each process (default: %(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _campaign(options: argparse.Namespace) -> int:
    numbers = range(options.first, options.first + options.rounds)
    tally, began = Tally(), time.monotonic()
    progress = _Progress(options.rounds)
    for verdict in run(options.seed, numbers, workers=options.workers, processes=options.processes):
        tally.add(verdict)
        progress.show(tally)
    progress.end()
    seconds = time.monotonic() - began
    if options.markdown:
        sys.stdout.write(as_markdown(tally) + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 260).print(as_table(tally))
    said = [
        f"{options.rounds} rounds of seed {options.seed} in {seconds:.0f} s, {options.rounds / seconds:.1f} per second"
    ]
    if tally.reruns:
        said.append(f"{tally.reruns} were played again alone, since only their time was wrong")
    if tally.busy:
        said.append(f"{len(tally.busy)} are not counted: the machine was too busy for them three times more")
        said += [line for verdict in tally.busy[:_SHOWN] for line in _told(verdict)]
    said += [*shares(tally), *tally.shortfalls()]
    said += ["why orders were not resolved:", *reasons(tally)] if tally.reasons else []
    said += [line for verdict in tally.flawed[:_SHOWN] for line in _told(verdict)]
    said += [f"and {len(tally.flawed) - _SHOWN} more rounds"] if len(tally.flawed) > _SHOWN else []
    sys.stdout.write("\n".join(said) + "\n")
    return 1 if tally.flawed or any(tally.shortfalls()) else 0


def _told(verdict: Verdict) -> list[str]:
    where = f"--seed {verdict.seed} --round {verdict.number}"
    head = f"{where}  {verdict.method}, {verdict.label}, {verdict.lag_ms:.0f} ms late"
    return [head, *(f"    {finding.flaw}: {finding.text}"[:300] for finding in verdict.findings[:4])]


def _replay(seed: int, number: int) -> int:
    evidence = asyncio.run(play_one(seed, number))
    verdict = judge(evidence)
    sys.stdout.write("\n".join(trace(evidence, verdict)) + "\n")
    return 1 if verdict.findings else 0


class _Progress:
    """One line on a terminal, and nothing anywhere else."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._next = 0.0

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now >= self._next:
            self._next = now + _PROGRESS_SECONDS
            sys.stderr.write(f"\r{tally.total.rounds} of {self._rounds} rounds, {len(tally.flawed)} with flaws ")
            sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")

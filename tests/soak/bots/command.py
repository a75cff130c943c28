"""The command line of the stories."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median

from bitget_margin.emulator import AccountKind

from .playing import Result, play
from .story import Story, draw_story

_LOG_LINES = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Play stories, or one of them; return 1 if anything is wrong."""
    options = _parser().parse_args(arguments)
    account = AccountKind(options.account)
    if options.story is not None:
        return _replay(draw_story(options.seed, options.story, account))
    began = time.monotonic()
    results = []
    for result in _play_all(options.seed, range(options.first, options.first + options.stories), account, options):
        results.append(result)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{len(results)} of {options.stories} stories ")
        if result.findings:
            sys.stdout.write(_line(result) + "\n")
            sys.stdout.flush()
            if options.logs is not None:
                options.logs.mkdir(parents=True, exist_ok=True)
                (options.logs / f"{account.value}-{options.seed}-{result.story.number}.txt").write_text(_told(result))
    sys.stdout.write(_summary(results, time.monotonic() - began) + "\n")
    return 1 if any(result.findings for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/soak/bots/run.py",
        description="A real bot under faults on entries, ladders and exits, judged by the local venue's own books.",
    )
    parser.add_argument("--stories", type=_positive, default=20, help="how many stories (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what they are drawn from (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first story (default: %(default)s)")
    parser.add_argument("--story", type=int, help="play this one alone, and tell all about it")
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--account", choices=kinds, default=kinds[0], help="kind of account (default: %(default)s)")
    parser.add_argument("--logs", type=Path, help="folder for the logs of stories that are false")
    parser.add_argument("--processes", type=_positive, default=2, help="how many processes (default: %(default)s)")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _play_all(seed: int, numbers: Sequence[int], account: AccountKind, options: argparse.Namespace) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")
    # A process is young again after a while: what freqtrade leaves behind of a bot adds up.
    with context.Pool(min(options.processes, len(numbers)), _be_silent, maxtasksperchild=50) as pool:
        yield from pool.imap_unordered(partial(_play_one, seed, account), numbers)


def _be_silent() -> None:
    """Drop what freqtrade prints; what a story needs of it is kept with its result."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _play_one(seed: int, account: AccountKind, number: int) -> Result:
    return play(draw_story(seed, number, account), logging.INFO)


def _line(result: Result) -> str:
    found = "; ".join(f"{finding.rule}: {finding.text}" for finding in result.findings[:4])
    return f"{result.story.name}  {found}"


def _summary(results: Sequence[Result], seconds: float) -> str:
    count = len(results)
    times = sorted(result.seconds for result in results)
    rules = Counter(finding.rule for result in results for finding in result.findings)
    due = sum(result.exits_due for result in results)
    flawed, entered = sum(bool(result.findings) for result in results), sum(result.entered for result in results)
    in_trouble = sum(result.entered_in_trouble for result in results)
    exits, settled = sum(result.exits for result in results), max(result.settled_seconds for result in results)
    lines = (
        f"{count} stories in {seconds:.0f} s: {flawed} false ({', '.join(f'{rule} {n}' for rule, n in rules.items())})",
        f"traded: {entered} of {count}, {in_trouble} of them while the faults lasted",
        f"exits: {exits} of {due} that were due",
        f"seconds for a story: {mean(times):.1f} on average, {median(times):.1f} median, {times[-1]:.1f} at most",
        f"seconds until settled, once the faults had ended: {settled:.1f} at most",
        f"loops: {sum(r.loops for r in results)}, {sum(r.cut_loops for r in results)} of them ended early by an error",
    )
    return "\n".join(lines)


def _told(result: Result) -> str:
    findings = [f"{finding.rule}: {finding.text}" for finding in result.findings]
    return "\n".join([str(result.story), *result.log[-_LOG_LINES:], *findings]) + "\n"


def _replay(story: Story) -> int:
    result = play(story, logging.INFO)
    sys.stdout.write(_told(result) + _summary([result], result.seconds) + "\n")
    return 1 if result.findings else 0

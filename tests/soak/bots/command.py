"""Command line of the bot runs."""

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

from soak_command import Progress, create_parser

from bitget_margin.emulator import AccountKind
from bots.play import Result, play
from bots.scenario import Scenario, draw_scenario

_LOG_LINES = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Play bot runs, or replay one of them; return 1 if anything is wrong."""
    options = _parser().parse_args(arguments)
    account = AccountKind(options.account)
    if options.run is not None:
        return _replay(draw_scenario(options.seed, options.run, account))
    began, progress = time.monotonic(), Progress("run", options.runs)
    results: list[Result] = []
    for result in _play_all(options.seed, range(options.first, options.first + options.runs), account, options):
        results.append(result)
        progress.show(len(results), sum(bool(played.findings) for played in results))
        if result.findings:
            sys.stdout.write(_line(result) + "\n")
            sys.stdout.flush()
            if options.logs is not None:
                options.logs.mkdir(parents=True, exist_ok=True)
                name = f"{account.value}-{options.seed}-{result.scenario.number}.txt"
                (options.logs / name).write_text(_full_text(result))
    progress.end()
    sys.stdout.write(_summary(results, time.monotonic() - began) + "\n")
    return 1 if any(result.findings for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        "bots",
        "Run real bots with faults on entries, ladders and exits, and judge them by the emulator's own books.",
        unit="run",
        count=20,
    )
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--account", choices=kinds, default=kinds[0], help="account kind (default: %(default)s)")
    parser.add_argument("--logs", type=Path, help="folder for the logs of runs with findings")
    return parser


def _play_all(seed: int, numbers: Sequence[int], account: AccountKind, options: argparse.Namespace) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")
    # Processes are replaced after a while: memory that freqtrade does not release adds up.
    with context.Pool(min(options.processes, len(numbers)), _silence_stderr, maxtasksperchild=50) as pool:
        yield from pool.imap_unordered(partial(_play_one, seed, account), numbers)


def _silence_stderr() -> None:
    """Discard freqtrade's output; the log of a run is kept with its result."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _play_one(seed: int, account: AccountKind, number: int) -> Result:
    return play(draw_scenario(seed, number, account), logging.INFO)


def _line(result: Result) -> str:
    found = "; ".join(f"{finding.rule}: {finding.text}" for finding in result.findings[:4])
    return f"{result.scenario.name}  {found}"


def _summary(results: Sequence[Result], seconds: float) -> str:
    count = len(results)
    times = sorted(result.seconds for result in results)
    rules = Counter(finding.rule for result in results for finding in result.findings)
    due = sum(result.exits_due for result in results)
    flawed, entered = sum(bool(result.findings) for result in results), sum(result.entered for result in results)
    under_faults = sum(result.entered_under_faults for result in results)
    exits, settled = sum(result.exits for result in results), max(result.settled_seconds for result in results)
    lines = (
        f"{count} runs in {seconds:.0f} s: {flawed} false ({', '.join(f'{rule} {n}' for rule, n in rules.items())})",
        f"traded: {entered} of {count}, {under_faults} of them while the faults lasted",
        f"exits: {exits} of {due} that were due",
        f"seconds per run: {mean(times):.1f} on average, {median(times):.1f} median, {times[-1]:.1f} at most",
        f"seconds until settled, after the faults had ended: {settled:.1f} at most",
        f"loops: {sum(r.loops for r in results)}, {sum(r.cut_loops for r in results)} of them ended early by an error",
    )
    return "\n".join(lines)


def _full_text(result: Result) -> str:
    findings = [f"{finding.rule}: {finding.text}" for finding in result.findings]
    return "\n".join([str(result.scenario), *result.log[-_LOG_LINES:], *findings]) + "\n"


def _replay(scenario: Scenario) -> int:
    result = play(scenario, logging.INFO)
    sys.stdout.write(_full_text(result) + _summary([result], result.seconds) + "\n")
    return 1 if result.findings else 0

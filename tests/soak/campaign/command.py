"""Command line of the campaign."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from soak_command import Progress, create_parser, positive

from bitget_margin.emulator import AccountKind
from campaign.judge import judge
from campaign.table import as_markdown, as_table, reasons, shares
from campaign.tally import Tally
from campaign.trace import trace
from campaign.verdict import Verdict
from campaign.workers import play_one, run

WORKERS: Final = 16
_SHOWN: Final = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign, or replay one round; return 1 if anything is wrong."""
    options = _parser().parse_args(arguments)
    return _campaign(options) if options.round is None else _replay(options)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        "campaign",
        "Play random rounds against the emulator and judge each one by the emulator's own books.",
        unit="round",
        count=200,
    )
    parser.add_argument(
        "--workers", type=positive, default=WORKERS, help="concurrent rounds in each process (default: %(default)s)"
    )
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--account", choices=kinds, help="account kind (default: unified in a quarter of the rounds)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser


def _campaign(options: argparse.Namespace) -> int:
    numbers = range(options.first, options.first + options.rounds)
    tally, began = Tally(), time.monotonic()
    progress = Progress("round", options.rounds)
    kind = _account_of(options)
    for verdict in run(options.seed, numbers, workers=options.workers, processes=options.processes, account=kind):
        tally.add(verdict)
        progress.show(tally.total.rounds, len(tally.flawed))
    progress.end()
    seconds = time.monotonic() - began
    if options.markdown:
        sys.stdout.write(as_markdown(tally) + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 260).print(as_table(tally))
    lines = [
        f"{options.rounds} rounds of seed {options.seed} in {seconds:.0f} s, {options.rounds / seconds:.1f} per second"
    ]
    if tally.reruns:
        lines.append(f"{tally.reruns} rounds were repeated alone, because only their timing was wrong")
    if tally.busy:
        lines.append(f"{len(tally.busy)} rounds do not count: the machine was too busy in three more attempts")
        lines += [line for verdict in tally.busy[:_SHOWN] for line in _lines_of(verdict)]
    lines += [*shares(tally), *tally.shortfalls()]
    lines += ["reasons for unresolved orders:", *reasons(tally)] if tally.reasons else []
    lines += [line for verdict in tally.flawed[:_SHOWN] for line in _lines_of(verdict)]
    lines += [f"and {len(tally.flawed) - _SHOWN} more rounds"] if len(tally.flawed) > _SHOWN else []
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if tally.flawed or any(tally.shortfalls()) else 0


def _account_of(options: argparse.Namespace) -> AccountKind | None:
    return None if options.account is None else AccountKind(options.account)


def _lines_of(verdict: Verdict) -> list[str]:
    where = f"--seed {verdict.seed} --round {verdict.number} --account {verdict.account}"
    head = f"{where}  {verdict.method}, {verdict.label}, {verdict.lag_ms:.0f} ms late"
    return [head, *(f"    {finding.flaw}: {finding.text}"[:300] for finding in verdict.findings[:4])]


def _replay(options: argparse.Namespace) -> int:
    evidence = asyncio.run(play_one(options.seed, options.round, _account_of(options)))
    verdict = judge(evidence)
    sys.stdout.write("\n".join(trace(evidence, verdict)) + "\n")
    return 1 if verdict.findings else 0

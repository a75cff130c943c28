"""Command line of the runs with leverage."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from soak_command import positive

from bitget_margin.emulator import AccountKind
from leverage.play import Result, play


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a bot at random, and print the result as JSON; return 1 if anything is wrong."""
    options = _parser().parse_args(arguments)
    result = play(options.seed, options.steps, AccountKind(options.account))
    sys.stdout.write(json.dumps(_as_json(result)) + "\n")
    if options.logs is not None and result.findings:
        options.logs.mkdir(parents=True, exist_ok=True)
        name = f"leverage-{options.account}-{options.seed}.txt"
        (options.logs / name).write_text("\n".join([*result.findings, *result.log]) + "\n")
    return 1 if result.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/soak/leverage/run.py",
        description="Trade with leverage and short at random, kill the bot now and then, and compare with the venue.",
    )
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--seed", type=int, default=1, help="seed of the run (default: %(default)s)")
    parser.add_argument("--steps", type=positive, default=45, help="number of steps (default: %(default)s)")
    parser.add_argument("--account", choices=kinds, default=kinds[0], help="account kind (default: %(default)s)")
    parser.add_argument("--logs", type=Path, help="folder for the log of a run with findings")
    return parser


def _as_json(result: Result) -> dict[str, object]:
    fields = asdict(result)
    del fields["log"]
    return fields

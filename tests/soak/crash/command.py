"""Command line of the crash drill."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from soak_command import Progress, create_parser

from bitget_margin.emulator import AccountKind
from crash.evidence import Evidence
from crash.pairs import PlayedPair
from crash.play import play
from crash.scenario import Scenario, draw_scenario
from crash.table import table
from support import forked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill, or replay one run; return 1 if a promise is broken."""
    options = _parser().parse_args(arguments)
    account = AccountKind(options.account)
    numbers = range(options.first, options.first + options.runs) if options.run is None else (options.run,)
    began, progress = time.monotonic(), Progress("run", len(numbers))
    forked._server()  # one fork server for all threads
    pairs: list[PlayedPair] = []
    for pair in _play_all([draw_scenario(options.seed, number, account) for number in numbers], options.processes):
        pairs.append(pair)
        progress.show(len(pairs), sum(bool(played.broken) for played in pairs))
        _write(pair, options)
    progress.end()
    sys.stdout.write(table(pairs) + f"\n{len(pairs)} runs in {time.monotonic() - began:.0f} s\n")
    return 1 if any(pair.broken for pair in pairs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        "crash",
        "Let prices fall 20 % under latency, faults and kills, once with ladders and once without, and compare.",
        unit="run",
        count=20,
    )
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--account", choices=kinds, default=kinds[0], help="account kind (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to which one line of JSON per run is appended")
    parser.add_argument("--logs", type=Path, help="folder for requests and logs of runs with findings")
    return parser


def _play_all(scenarios: Sequence[Scenario], bots: int) -> Iterator[PlayedPair]:
    """Play each scenario with and without ladders, that many bots at a time; yield the pairs as they end."""
    with ThreadPoolExecutor(bots) as pool:
        tasks = {}
        for scenario in scenarios:
            for ladders in (True, False):
                tasks[pool.submit(play, scenario, ladders=ladders)] = scenario
        halves: dict[int, Evidence] = {}
        for task in as_completed(tasks):
            scenario, evidence = tasks.pop(task), task.result()
            other = halves.pop(scenario.number, None)
            if other is None:
                halves[scenario.number] = evidence
            else:
                ladders, stock = (evidence, other) if evidence.ladders else (other, evidence)
                yield PlayedPair.of(scenario, ladders, stock)


def _write(pair: PlayedPair, options: argparse.Namespace) -> None:
    """Print the findings of a run, and write its line and its logs."""
    if pair.broken:
        found = "; ".join(f"{finding.rule}: {finding.text}" for finding in pair.broken[:4])
        sys.stdout.write(f"{pair.scenario.name}  {found}\n")
        sys.stdout.flush()
    if options.json is not None:
        with options.json.open("a") as lines:
            lines.write(json.dumps(pair.as_json()) + "\n")
    if options.run is not None:
        sys.stdout.write("\n".join((str(pair.scenario), *pair.log(pair.ladders), *pair.log(pair.stock))) + "\n")
    elif options.logs is not None and pair.broken:
        options.logs.mkdir(parents=True, exist_ok=True)
        name = f"{pair.scenario.account.value}-{pair.scenario.seed}-{pair.scenario.number}"
        for evidence, kind in ((pair.ladders, "with"), (pair.stock, "without")):
            (options.logs / f"{name}-{kind}.txt").write_text("\n".join((str(pair.scenario), *pair.log(evidence))))

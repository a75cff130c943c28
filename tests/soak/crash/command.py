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
    scenarios = [draw_scenario(options.seed, number, account) for number in numbers]
    for pair in _play_all(scenarios, options.processes, ladders=not options.twins):
        pairs.append(pair)
        progress.show(len(pairs), sum(bool(played.broken) for played in pairs))
        _write(pair, options)
    progress.end()
    titles = ("without ladders", "again") if options.twins else ("with ladders", "without")
    sys.stdout.write(table(pairs, titles) + f"\n{len(pairs)} runs in {time.monotonic() - began:.0f} s\n")
    return 1 if not options.twins and any(pair.broken for pair in pairs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(
        "crash",
        "Let prices fall 20 % under latency, faults and kills, once with ladders and once without, and compare.",
        unit="run",
        count=20,
    )
    kinds = [kind.value for kind in AccountKind]
    parser.add_argument("--account", choices=kinds, default=kinds[0], help="account kind (default: %(default)s)")
    parser.add_argument(
        "--twins", action="store_true", help="run the bot without ladders twice: what luck alone makes of the delays"
    )
    parser.add_argument("--json", type=Path, help="file to which one line of JSON per run is appended")
    parser.add_argument("--logs", type=Path, help="folder for requests and logs of runs with findings")
    return parser


def _play_all(scenarios: Sequence[Scenario], bots: int, *, ladders: bool) -> Iterator[PlayedPair]:
    """Play each scenario twice, that many bots at a time; yield the pairs as they end.

    :param ladders: whether the first bot has ladders; the second one has none
    """
    with ThreadPoolExecutor(bots) as pool:
        tasks = {}
        for scenario in scenarios:
            for place, has_ladders in enumerate((ladders, False)):
                tasks[pool.submit(play, scenario, ladders=has_ladders)] = (scenario, place)
        halves: dict[int, dict[int, Evidence]] = {}
        for task in as_completed(tasks):
            (scenario, place), evidence = tasks.pop(task), task.result()
            played = halves.setdefault(scenario.number, {})
            played[place] = evidence
            if len(played) == 2:
                yield PlayedPair.of(scenario, played[0], played[1])
                del halves[scenario.number]


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
        sys.stdout.write("\n".join((str(pair.scenario), *pair.with_ladders.log(), *pair.without.log())) + "\n")
    elif options.logs is not None and pair.broken:
        options.logs.mkdir(parents=True, exist_ok=True)
        name = f"{pair.scenario.account.value}-{pair.scenario.seed}-{pair.scenario.number}"
        for half, kind in ((pair.with_ladders, "with"), (pair.without, "without")):
            (options.logs / f"{name}-{kind}.txt").write_text("\n".join((str(pair.scenario), *half.log())))

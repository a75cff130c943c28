"""The result of a drill as a Markdown table."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from crash.judge import LOOP_SECONDS, Delay
from crash.pairs import LIMIT_MS, Half, PlayedPair

_RULES: Final = (
    ("left", "trades with coins left"),
    ("double", "sold twice"),
    ("borrowed", "coins borrowed"),
    ("foreign", "orders of others touched"),
    ("books", "differences of the books"),
    ("owner", "orders left alive"),
)


def table(pairs: Sequence[PlayedPair], titles: tuple[str, str]) -> str:
    """Return the table and the counts below it.

    :param titles: names of the two bots
    """
    valid = [pair for pair in pairs if not (pair.ladders.error or pair.stock.error)]
    columns = ([pair.with_ladders for pair in valid], [pair.without for pair in valid])
    rows = [
        ("stop-losses due", *(str(sum(len(half.delays) for half in column)) for column in columns)),
        *_delay_rows("first exit order", columns, lambda delay: delay.sent),
        *_delay_rows("stop leaves for all free coins", columns, lambda delay: delay.first),
        *_delay_rows("last coin is sold", columns, lambda delay: delay.last),
        *((text, *(str(sum(half.count(rule) for half in column)) for column in columns)) for rule, text in _RULES),
    ]
    lines = [f"| | {' | '.join(titles)} |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    later = [seconds for pair in valid for seconds in pair.later_seconds.values()]
    due = [(seconds, pair.exits_until[name]) for pair in valid for name, seconds in pair.later_seconds.items()]
    for word, sign in (("later", 1), ("earlier", -1)):
        far = sum(sign * seconds > LOOP_SECONDS for seconds, _ in due)
        queued = sum(sign * seconds > LOOP_SECONDS * exits for seconds, exits in due)
        lines += [
            "",
            f"{far} of {len(due)} stops left more than {LOOP_SECONDS} s {word} than those of the other bot",
            f"{queued} of {len(due)} left more than {LOOP_SECONDS} s {word} for each exit until then",
        ]
    if later:
        lines.append(f"difference: {min(later):.1f} s to {max(later):.1f} s, median {_share(later, 0.5):.1f} s")
    kinds = Counter(finding.rule for pair in pairs for finding in pair.broken)
    killed = sum(pair.scenario.kill_at is not None for pair in valid)
    lines.append(f"{len(valid)} of {len(pairs)} runs count, in {killed} of them the bots were killed")
    lines.append(f"broken: {', '.join(f'{rule} {count}' for rule, count in kinds.items()) or 'nothing'}")
    return "\n".join(lines)


def _delay_rows(
    name: str, columns: Iterable[Sequence[Half]], of: Callable[[Delay], int | None]
) -> list[tuple[str, ...]]:
    """Return the rows of one delay: worst, median and 95 %, in seconds."""
    values = [[_bounded(of(delay)) for half in column for delay in half.delays] for column in columns]
    shares = (("worst", 1.0), ("median", 0.5), ("95 %", 0.95))
    return [(f"{name}: {text}", *(_seconds(column, share) for column in values)) for text, share in shares]


def _bounded(delay_ms: int | None) -> float:
    return LIMIT_MS / 1000 if delay_ms is None else min(delay_ms, LIMIT_MS) / 1000


def _seconds(values: Sequence[float], share: float) -> str:
    if not values:
        return "-"
    seconds = _share(values, share)
    return f"over {seconds:.0f} s" if seconds * 1000 >= LIMIT_MS else f"{seconds:.1f} s"


def _share(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * round(share * 100) // 100) - 1, 0)]

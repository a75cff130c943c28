"""`bitget-margin demo`: see it work, on a local venue."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitget_margin.cli import freqtrade
from bitget_margin.cli.demo import verify
from bitget_margin.cli.demo.bot_process import Bot
from bitget_margin.cli.demo.ccxt_demo import CANCELLED, FILLED, PER_SYMBOL, SYMBOLS, Answer, Round, rounds
from bitget_margin.cli.demo.freqtrade_demo import FUNDS, MARKET, PAIR, RUNGS, Broken, Event, Story, Who, account
from bitget_margin.cli.demo.verify import Comparison, Line, compare, look
from bitget_margin.core.outcome import Outcome
from bitget_margin.emulator import Account, AccountKind, Emulator

_WIDTH: Final = 100
_LOG_LINES: Final = 25
_STYLES: Final = {Outcome.CANCELED.value: "green", Outcome.FILLED.value: "cyan", Outcome.NOT_FOUND.value: "yellow"}
_COLOURS: Final = {Who.BOT: "magenta", Who.REQUEST: "green", Who.VENUE: "cyan", Who.PRICE: "yellow"}


@click.command()
@click.option("--ccxt", "only_ccxt", is_flag=True, help="Without freqtrade: 120 orders cancelled through ccxt.")
@click.option(
    "--account",
    "kind",
    type=click.Choice([kind.value for kind in AccountKind]),
    default=AccountKind.CLASSIC.value,
    show_default=True,
    help="Kind of the account that trades.",
)
@click.option("--all", "show_all", is_flag=True, help="With --ccxt, show also the long runs of like orders.")
def demo(only_ccxt: bool, kind: str, show_all: bool) -> None:
    """See it work on a local venue.

    A real freqtrade process, in live mode, buys, rests a ladder of 12 sells, of which some fill, and exits: one batch
    cancels the rest before the exit order. Then freqtrade's books are held against the venue's. Nothing leaves this
    machine, and nothing stays on it. Exits with 1 if they differ.

    With --ccxt, or where freqtrade is not installed: 120 resting orders, of which some fill and some are cancelled
    behind our back, and one id that nobody knows are cancelled in three ways. Exits with 1 if the venue disagrees with
    any answer.
    """
    console = Console(width=None if Console().is_terminal else _WIDTH)
    if not only_ccxt and not freqtrade.is_installed():
        click.echo(f"freqtrade is not installed ({freqtrade.HOW_TO_INSTALL}): the demo of ccxt alone follows.")
        only_ccxt = True
    started = time.monotonic()
    account_kind = AccountKind(kind)
    played = _ccxt_demo(console, account_kind, show_all=show_all) if only_ccxt else None
    faults = _freqtrade_demo(console, account_kind) if played is None else played
    if faults:
        for fault in faults:
            console.print(Text.assemble(("not as reported: ", "red"), fault))
        raise click.exceptions.Exit(1)
    said = "The venue agrees with every answer, and no other order was touched."
    if not only_ccxt:
        said = "freqtrade's books are the venue's, order by order, and no order lives on."
    took = f"{time.monotonic() - started:.1f} s in all"
    console.print(f"[green]{said}[/] {took}.")


# -- with freqtrade ----------------------------------------------------------------------------------------------------


def _freqtrade_demo(console: Console, kind: AccountKind) -> Sequence[str]:
    console.print(
        f"A local venue, and a real freqtrade process on it: one trade on {PAIR} with a ladder of {RUNGS} resting "
        "sells, while a script moves the price.\n",
        highlight=False,
    )
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="bitget-margin-demo-") as folder,
        Emulator(accounts=(account(kind),)) as venue,
        Bot(Path(folder), venue, PAIR) as bot,
    ):
        started_ms: int | None = None
        try:
            for event in Story(venue, bot).events():
                started_ms = event.at_ms if started_ms is None else started_ms
                _show_event(console, event, started_ms)
        except Broken as broken:
            console.print(Text(f"\n{broken}. The end of its log:", "red"))
            for line in bot.last_lines(_LOG_LINES):
                console.print(Text(line))
            raise click.exceptions.Exit(1) from broken
        comparison = compare(verify.read(bot), look(venue, MARKET, FUNDS))
        errors = [f"the local venue stumbled: {error!r}" for error in venue.errors]
    _show_comparison(console, comparison)
    return (*comparison.faults, *errors)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have the signals that would end us at once raise, as Ctrl-C does, so that no process and no file stays."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    # One that is ignored, as under nohup, stays so.
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _show_event(console: Console, event: Event, started_ms: int) -> None:
    seconds = (event.at_ms - started_ms) / 1_000
    console.print(Text.assemble(f"{seconds:6.2f} s  ", (f"{event.who.value:<11}", _COLOURS[event.who]), event.text))


def _show_comparison(console: Console, comparison: Comparison) -> None:
    console.print()
    table = Table(title="freqtrade's database and the venue, order by order", title_justify="left", expand=True)
    for column in ("order", "id", "side", "filled: freqtrade", "venue", "average: freqtrade", "venue"):
        table.add_column(column, justify="left" if column in {"order", "id", "side"} else "right", overflow="fold")
    for line in comparison.lines:
        table.add_row(*_cells(line), style="red" if line.faults else None)
    console.print(table)
    for check in comparison.checks:
        console.print(Text.assemble(("✓ ", "green") if check.holds else ("✗ ", "red"), check.text))


def _cells(line: Line) -> tuple[str, ...]:
    said, order = line.books, line.venue
    average = f"{order.quote_filled / order.filled:f}" if order.filled else ""
    return (
        "unknown" if said is None else said.name,
        order.order_id,
        order.side.value if said is None or said.side == order.side.value else f"{said.side}, {order.side.value}",
        "" if said is None else f"{said.filled:.10g}",
        f"{order.filled:f}",
        "" if said is None or said.average is None else f"{said.average:.12g}",
        average,
    )


# -- with ccxt alone ---------------------------------------------------------------------------------------------------


def _ccxt_demo(console: Console, kind: AccountKind, *, show_all: bool) -> Sequence[str]:
    console.print(
        f"A local venue; {PER_SYMBOL * len(SYMBOLS)} resting orders over {len(SYMBOLS)} symbols, of which {FILLED} "
        f"fill and {CANCELLED} are cancelled behind our back. Then all are cancelled, and one id that nobody knows.\n",
    )
    faults: list[str] = []
    with Emulator(accounts=(Account(kind=kind), Account(kind=kind))) as venue:
        for played in rounds(venue):
            _show_round(console, played, show_all=show_all)
            faults += played.faults
    return faults


def _show_round(console: Console, played: Round, *, show_all: bool) -> None:
    table = Table(title=f"Cancelled {played.way.value}", title_justify="left", expand=True)
    for column in ("order", "symbol", "outcome", "the venue's words on the cancel", "filled"):
        table.add_column(column, justify="right" if column == "filled" else "left", overflow="fold")
    for _, run in groupby(played.answers, key=lambda answer: (answer.symbol, answer.outcome, answer.reason)):
        like = list(run)
        for answer in like if show_all else like[:1]:
            more = "" if show_all or len(like) == 1 else f" and {len(like) - 1} more"
            style = _STYLES.get(answer.outcome, "red")
            filled = _filled([answer] if show_all else like)
            table.add_row(answer.name + more, answer.symbol, f"[{style}]{answer.outcome}[/]", answer.reason, filled)
    console.print(table)
    console.print("The venue says 'Order Cancelled' of any order that has ended; the outcome rests on its row.")
    console.print(f"{played.requests} requests, {played.elapsed_ms:.0f} ms", highlight=False)
    console.print(f"Stock ccxt, for the same: {played.stock}\n", highlight=False)


def _filled(answers: Sequence[Answer]) -> str:
    amounts = sorted({answer.filled for answer in answers})
    return " … ".join(f"{amount:g}" for amount in amounts)

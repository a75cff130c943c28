"""`bitget-margin demo`: see it work, on a local venue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import groupby

import click
from rich.console import Console
from rich.table import Table

from bitget_margin.cli.scenario import CANCELLED, FILLED, PER_SYMBOL, SYMBOLS, Answer, Round, rounds
from bitget_margin.core.outcome import Outcome
from bitget_margin.emulator import Account, Emulator

_WIDTH = 100
_STYLES = {Outcome.CANCELED.value: "green", Outcome.FILLED.value: "cyan", Outcome.NOT_FOUND.value: "yellow"}


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Show every order, also the long runs of like ones.")
def demo(show_all: bool) -> None:
    """See it work on a local venue.

    120 resting orders, of which some fill and some are cancelled behind our back, and one id that nobody knows are
    cancelled in three ways. Nothing leaves this machine. Exits with 1 if the venue disagrees with any answer.
    """
    console = Console(width=None if Console().is_terminal else _WIDTH)
    started = time.monotonic()
    console.print(
        f"A local venue; {PER_SYMBOL * len(SYMBOLS)} resting orders over {len(SYMBOLS)} symbols, of which {FILLED} "
        f"fill and {CANCELLED} are cancelled behind our back. Then all are cancelled, and one id that nobody knows.\n",
    )
    faults: list[str] = []
    with Emulator(accounts=(Account(), Account())) as venue:
        for played in rounds(venue):
            _show(console, played, show_all=show_all)
            faults += played.faults
    took = f"{time.monotonic() - started:.1f} s in all"
    if faults:
        for fault in faults:
            console.print(f"[red]not as reported:[/] {fault}", highlight=False)
        raise click.exceptions.Exit(1)
    console.print(f"[green]The venue agrees with every answer, and no other order was touched.[/] {took}.")


def _show(console: Console, played: Round, *, show_all: bool) -> None:
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

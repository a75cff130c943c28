"""`bitget-margin demo`: show the plugin at work on a local venue."""

import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitget_margin.cli import freqtrade
from bitget_margin.cli.demo import leverage_demo, snapshots
from bitget_margin.cli.demo.bot_process import BotProcess, bot_process
from bitget_margin.cli.demo.ccxt_demo import CANCELED, FILLED, PER_SYMBOL, SYMBOLS, DemoRound, rounds
from bitget_margin.cli.demo.comparison import Comparison, OrderComparison, compare
from bitget_margin.cli.demo.freqtrade_demo import (
    FUNDS,
    MARKET,
    PAIR,
    RUNGS,
    DemoFailed,
    Event,
    EventSource,
    TradeScript,
    demo_account,
)
from bitget_margin.cli.demo.leverage_comparison import compare_leverage, leverage_books
from bitget_margin.cli.signals import signal_handlers
from bitget_margin.core.outcome import Outcome
from bitget_margin.emulator import Account, AccountKind, Emulator

_WIDTH: Final = 100
_LOG_LINES: Final = 25
_STYLES: Final = {Outcome.CANCELED.value: "green", Outcome.FILLED.value: "cyan", Outcome.NOT_FOUND.value: "yellow"}
_ENDED: Final = frozenset({Outcome.CANCELED.value, Outcome.FILLED.value})
_RESPONSES: Final = {AccountKind.CLASSIC: "Order Cancelled", AccountKind.UNIFIED: "Order does not exist"}
"""Response to the cancel of an order that has ended, by kind of account."""
_COLORS: Final = {
    EventSource.BOT: "magenta",
    EventSource.REQUEST: "green",
    EventSource.VENUE: "cyan",
    EventSource.PRICE: "yellow",
}


@click.command()
@click.option("--ccxt", "only_ccxt", is_flag=True, help="Without freqtrade: 120 orders canceled through ccxt.")
@click.option(
    "--account",
    "kind",
    type=click.Choice([kind.value for kind in AccountKind]),
    default=AccountKind.CLASSIC.value,
    show_default=True,
    help="Kind of the account that trades.",
)
@click.option("--leverage", is_flag=True, help="With leverage: a long and a short that borrow, with ladders.")
@click.option("--all", "show_all", is_flag=True, help="With --ccxt, show also the long runs of like orders.")
def demo(only_ccxt: bool, kind: str, leverage: bool, show_all: bool) -> None:
    """Show the plugin at work on a local venue.

    A real freqtrade process, in live mode, buys, rests a ladder of 12 sells, of which some fill, and exits: one batch
    cancels the rest before the exit order. Then freqtrade's database is compared with the venue. Nothing leaves this
    machine, and nothing stays on it. Exits with 1 if they differ.

    With --leverage, it sells BTC short at 2x and buys ETH at 3x, each with a ladder, and borrows what they lack. Prices
    move against both until the bot warns of its margin level; then they come back, and both trades are closed.

    With --ccxt, or if freqtrade is not installed: 120 resting orders, of which some have filled and some were canceled
    on the venue, and an unknown id are canceled in three ways. Exits with 1 if any result differs from the venue.
    """
    console = Console(width=None if Console().is_terminal else _WIDTH)
    if not only_ccxt and not freqtrade.is_installed():
        if leverage:
            raise freqtrade.FreqtradeMissing
        click.echo(f"freqtrade is not installed ({freqtrade.INSTALL_COMMAND}): the demo of ccxt alone follows.")
        only_ccxt = True
    if leverage and only_ccxt:
        raise click.UsageError("--leverage needs freqtrade, and --ccxt is without: give one of both")
    started = time.monotonic()
    account_kind = AccountKind(kind)
    if only_ccxt:
        differences = _ccxt_demo(console, account_kind, show_all=show_all)
        conclusion = "The venue agrees with every result, and no other order was touched."
    else:
        differences = (_leverage_demo if leverage else _freqtrade_demo)(console, account_kind)
        conclusion = "freqtrade's database agrees with the venue, order by order, and no order lives on."
    for difference in differences:
        console.print(Text.assemble(("not as reported: ", "red"), difference))
    if differences:
        raise click.exceptions.Exit(1)
    console.print(f"[green]{conclusion}[/] {time.monotonic() - started:.1f} s in all.")


# -- with freqtrade ----------------------------------------------------------------------------------------------------


def _freqtrade_demo(console: Console, kind: AccountKind) -> Sequence[str]:
    console.print(
        f"A local venue, and a real freqtrade process on it: one trade on {PAIR} with a ladder of {RUNGS} resting "
        "sells, while a script moves the price.\n",
        highlight=False,
    )
    return _run_bot(
        console,
        Emulator(accounts=(demo_account(kind),)),
        [PAIR],
        TradeScript,
        lambda bot, venue: compare(snapshots.trade_snapshot(bot), snapshots.venue_snapshot(venue, MARKET, FUNDS)),
    )


def _leverage_demo(console: Console, kind: AccountKind) -> Sequence[str]:
    console.print(
        "A local venue, and a real freqtrade process on it: a short and a long that borrow, each with a ladder of "
        f"{leverage_demo.RUNGS} resting orders, while a script moves the prices. Leverage is EXPERIMENTAL.\n",
        highlight=False,
    )
    differences = _run_bot(
        console,
        Emulator(accounts=(demo_account(kind),), knobs=leverage_demo.KNOBS),
        list(leverage_demo.MARKETS),
        leverage_demo.LeverageScript,
        lambda bot, venue: compare_leverage(leverage_books(bot, venue, FUNDS)),
        **leverage_demo.bot_settings(),
    )
    console.print("A buy that closes a short is sent larger by its fee: freqtrade has the coins that it has closed.")
    return differences


def _run_bot(
    console: Console,
    emulator: Emulator,
    pairs: Sequence[str],
    script: type[TradeScript],
    comparison_of: Callable[[BotProcess, Emulator], Comparison],
    **settings: Any,
) -> Sequence[str]:
    """Run a bot by a script, show what happens, and return the differences of both sides at the end."""
    # They raise, as Ctrl-C does, so that no process and no file is left behind; ignored ones, as under nohup, stay so.
    numbers = (signal.SIGTERM, signal.SIGHUP)
    fatal = {number: _end for number in numbers if signal.getsignal(number) is signal.SIG_DFL}
    with (
        signal_handlers(fatal),
        tempfile.TemporaryDirectory(prefix="bitget-margin-demo-") as folder,
        emulator as venue,
        bot_process(Path(folder), venue, *pairs, **settings) as bot,
    ):
        started_ms: int | None = None
        try:
            for event in script(venue, bot).events():
                started_ms = event.at_ms if started_ms is None else started_ms
                _show_event(console, event, started_ms)
        except DemoFailed as failure:
            console.print(Text(f"\n{failure}. The end of its log:", "red"))
            for line in bot.last_lines(_LOG_LINES):
                console.print(Text(line))
            raise click.exceptions.Exit(1) from failure
        comparison = comparison_of(bot, venue)
        errors = [f"the local venue failed: {error!r}" for error in venue.errors]
    _show_comparison(console, comparison)
    return (*comparison.differences, *errors)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _show_event(console: Console, event: Event, started_ms: int) -> None:
    seconds = (event.at_ms - started_ms) / 1_000
    console.print(
        Text.assemble(f"{seconds:6.2f} s  ", (f"{event.source.value:<11}", _COLORS[event.source]), event.text)
    )


def _show_comparison(console: Console, comparison: Comparison) -> None:
    console.print()
    columns = ("order", "id", "side", ">filled: freqtrade", ">venue", ">average: freqtrade", ">venue")
    table = _table("freqtrade's database and the venue, order by order", columns)
    for order in comparison.orders:
        table.add_row(*_cells(order), style="red" if order.differences else None)
    console.print(table)
    for check in comparison.checks:
        console.print(Text.assemble(("✓ ", "green") if check.holds else ("✗ ", "red"), check.text))
        if check.note:
            console.print(Text(f"  {check.note}", "dim"))


def _cells(compared: OrderComparison) -> tuple[str, ...]:
    ours, order = compared.in_freqtrade, compared.on_venue
    average = f"{order.quote_filled / order.filled:f}" if order.filled else ""
    if ours is None:
        return "unknown", order.order_id, order.side.value, "", f"{order.filled:f}", "", average
    side = order.side.value if ours.side == order.side.value else f"{ours.side}, {order.side.value}"
    our_average = "" if ours.average is None else f"{ours.average:.12g}"
    return ours.name, order.order_id, side, f"{ours.filled:.10g}", f"{order.filled:f}", our_average, average


# -- with ccxt alone ---------------------------------------------------------------------------------------------------


def _ccxt_demo(console: Console, kind: AccountKind, *, show_all: bool) -> Sequence[str]:
    console.print(
        f"A local venue; {PER_SYMBOL * len(SYMBOLS)} resting orders over {len(SYMBOLS)} symbols, of which {FILLED} "
        f"have filled and {CANCELED} were canceled on the venue. All are canceled, and one unknown id.\n",
    )
    differences: list[str] = []
    with Emulator(accounts=(Account(kind=kind), Account(kind=kind))) as venue:
        for finished in rounds(venue):
            _show_round(console, finished, show_all=show_all)
            differences += finished.differences
    return differences


def _show_round(console: Console, finished: DemoRound, *, show_all: bool) -> None:
    table = _table(
        f"Canceled {finished.call.value}", ("order", "symbol", "outcome", "response to the cancel", ">filled")
    )
    for _, run in groupby(finished.results, key=lambda result: (result.symbol, result.outcome, result.reason)):
        like = list(run)
        for result in like if show_all else like[:1]:
            more = "" if show_all or len(like) == 1 else f" and {len(like) - 1} more"
            style = _STYLES.get(result.outcome, "red")
            amounts = sorted({each.filled for each in ([result] if show_all else like) if each.filled is not None})
            filled = " … ".join(f"{amount:g}" for amount in amounts)
            table.add_row(result.name + more, result.symbol, f"[{style}]{result.outcome}[/]", result.reason, filled)
    console.print(table)
    console.print(_about_responses(finished))
    console.print(f"{finished.requests} requests, {finished.elapsed_ms:.0f} ms", highlight=False)
    console.print(f"Stock ccxt, for the same: {finished.stock}\n", highlight=False)


def _about_responses(finished: DemoRound) -> str:
    """Return what the responses to the cancels of ended orders prove: nothing."""
    ended = [result for result in finished.results if result.outcome in _ENDED]
    response = _RESPONSES[finished.kind]
    if any(result.reason == response for result in ended):
        return f"The response is '{response}' for any order that has ended; the outcome rests on its row."
    return "ccxt's order structure has no field for the response; the outcome rests on the order's row."


def _table(title: str, columns: Sequence[str]) -> Table:
    """Return an empty table; a column whose name begins with > is right-aligned."""
    table = Table(title=title, title_justify="left", expand=True)
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return table

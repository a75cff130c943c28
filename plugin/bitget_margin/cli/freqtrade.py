"""`bitget-margin freqtrade …`: freqtrade, knowing the exchange `bitgetcross`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Final

import click

HOW_TO_INSTALL: Final = "pip install 'bitget-margin[freqtrade]'"


def is_installed() -> bool:
    """Whether freqtrade could be imported; it takes seconds, so it is not."""
    return importlib.util.find_spec("freqtrade") is not None


@click.command(
    # Everything is freqtrade's, also --help, and -- after its command.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []},
    options_metavar="",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def freqtrade(arguments: tuple[str, ...]) -> None:
    """Run freqtrade with the exchange bitgetcross."""
    if not is_installed():
        raise click.ClickException(f"freqtrade is not installed: {HOW_TO_INSTALL}")
    # Not at the top: it takes seconds, and freqtrade may be absent.
    importlib.import_module("bitget_margin.freqtrade.launcher").main(arguments)

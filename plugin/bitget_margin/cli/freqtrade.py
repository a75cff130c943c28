"""`bitget-margin freqtrade …`: run freqtrade with the exchange `bitgetcross` registered."""

import importlib
import importlib.util
from typing import Final

import click

from bitget_margin.adapter.declared_parts import PartMoved

INSTALL_COMMAND: Final = "pip install 'bitget-margin[freqtrade]'"


class FreqtradeMissing(click.ClickException):
    """Refusal of a command that needs freqtrade, with the exit code of bad usage."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(f"freqtrade is not installed: {INSTALL_COMMAND}")


def is_installed() -> bool:
    """Whether freqtrade can be imported; an actual import would take seconds."""
    return importlib.util.find_spec("freqtrade") is not None


@click.command(
    # Every argument is passed on to freqtrade, also --help and --.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []},
    options_metavar="",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def freqtrade(arguments: tuple[str, ...]) -> None:
    """Run freqtrade with the exchange bitgetcross."""
    if not is_installed():
        raise FreqtradeMissing
    # Imported here since it takes seconds and freqtrade may be absent.
    try:
        importlib.import_module("bitget_margin.freqtrade.launcher").main(arguments)
    except PartMoved as moved:
        raise click.ClickException(str(moved)) from None

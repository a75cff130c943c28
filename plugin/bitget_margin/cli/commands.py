"""Commands of `bitget-margin`."""

import click

from bitget_margin.cli.demo.command import demo
from bitget_margin.cli.emulator import emulator
from bitget_margin.cli.freqtrade import freqtrade
from bitget_margin.cli.operator.account_command import account
from bitget_margin.cli.operator.cancel import cancel
from bitget_margin.cli.operator.doctor import doctor
from bitget_margin.cli.operator.forget import forget
from bitget_margin.cli.operator.orders import orders
from bitget_margin.cli.output import Commands
from bitget_margin.cli.start.init import init
from bitget_margin.cli.start.up import up
from bitget_margin.version import __version__


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version")
def main() -> None:
    """Bitget's cross margin account: batch cancels with a proven final state for each order."""


for command in (account, cancel, demo, doctor, emulator, forget, freqtrade, init, orders, up):
    main.add_command(command)

"""Commands of `bitget-margin`, each loaded when it is run: `cancel` does not wait for what `demo` needs."""

import gc
import importlib
from typing import Any, Final

import click

from bitget_margin.cli.output import Commands
from bitget_margin.version import __version__

_MODULES: Final = {
    "account": "operator.account_command",
    "cancel": "operator.cancel",
    "demo": "demo.command",
    "doctor": "operator.doctor",
    "emulator": "emulator",
    "forget": "operator.forget",
    "freqtrade": "freqtrade",
    "init": "start.init",
    "orders": "operator.orders",
    "up": "start.up",
}
"""Module of each command, in which it has its own name."""


class _LoadedWhenRun(Commands):
    """Group that imports the module of a command as it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _MODULES and cmd_name not in self.commands:
            self.add_command(getattr(_load(f"bitget_margin.cli.{_MODULES[cmd_name]}"), cmd_name))
        return super().get_command(ctx, cmd_name)


def _load(module: str) -> Any:
    """Import a module; without the collector of garbage, which takes a fifth of the 0.8 s and finds none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        if was_enabled:
            gc.enable()


@click.group(cls=_LoadedWhenRun, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version")
def main() -> None:
    """Bitget's cross margin account: batch cancels with a proven final state for each order."""

"""The command `bitget-margin`."""

import importlib


def main() -> None:
    """Run the command; Ctrl-C while it is being loaded ends it as quietly as later."""
    try:
        commands = importlib.import_module("bitget_margin.cli.commands")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    commands.main()

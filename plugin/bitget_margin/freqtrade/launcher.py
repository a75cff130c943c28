"""`bitget-margin freqtrade …`: freqtrade itself, with every one of its commands, knowing `bitgetcross`."""

from __future__ import annotations

from collections.abc import Sequence

from bitget_margin.freqtrade import convert_db
from bitget_margin.freqtrade.base import freqtrade_main
from bitget_margin.freqtrade.registration import register


def main(arguments: Sequence[str] | None = None) -> None:
    """Register, and run freqtrade with these arguments; ends with freqtrade's own exit code."""
    register()
    convert_db.install()
    freqtrade_main(None if arguments is None else list(arguments))

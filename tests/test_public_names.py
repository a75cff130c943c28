"""Promise: the public names are exactly those in `__all__`."""

import subprocess
import sys

import bitget_margin


def test_all_names_exist_and_no_other_is_public() -> None:
    public = {name for name in vars(bitget_margin) if not name.startswith("_")} | {"__version__"}
    modules = {
        "adapter",
        "client_order_ids",
        "drivers",
        "rate_limit",
        "annotations",
        "cli",
        "core",
        "emulator",
        "freqtrade",
        "importlib",
        "own_command",
        "sync",
        "version",
        "Any",
        "TYPE_CHECKING",
    }
    assert all(hasattr(bitget_margin, name) for name in bitget_margin.__all__)
    assert public - modules <= set(bitget_margin.__all__)


def test_the_async_flavours_are_loaded_on_first_use() -> None:
    code = (
        "import sys, bitget_margin\n"
        "assert bitget_margin.bitget().id == 'bitget' and bitget_margin.CancelUnresolved\n"
        "assert 'aiohttp' not in sys.modules and 'ccxt.pro' not in sys.modules\n"
        "assert bitget_margin.async_support.bitget.__mro__[1].__name__ == 'AsyncCrossedMargin'\n"
        "assert bitget_margin.pro.bitget().id == 'bitget'\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)  # noqa: S603 - our own code

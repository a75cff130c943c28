"""Draw the table at the end of `bitget-margin demo`, as it was printed: `python docs/pictures/demo.py`."""

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.adaptive_svg import terminal

WIDTH = 100
PICTURE = Path(__file__).with_suffix(".svg")


def main() -> None:
    """Run the demo, and keep what it says from the table on."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "COLORTERM": "truecolor"}
    command = [sys.executable, "-m", "bitget_margin", "demo"]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    _, heading, table = said.partition("freqtrade's database and the venue")
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(heading + table))
    PICTURE.write_text(terminal(console.export_svg(title="bitget-margin demo")), encoding="utf-8")


if __name__ == "__main__":
    main()

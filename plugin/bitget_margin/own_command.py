"""Name of this program in a shell, for commands that a message or a file asks the reader to run."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

SCRIPT: Final = "bitget-margin"


def own_command() -> str:
    """Return the words that start this program in a shell: `bitget-margin`, or a path to it."""
    program = sys.argv[0] if sys.argv else ""
    if Path(program).name != SCRIPT:
        return shlex.join([sys.executable, "-m", "bitget_margin"])
    found = shutil.which(SCRIPT)
    is_found = found is not None and os.path.realpath(found) == os.path.realpath(program)
    return SCRIPT if is_found else shlex.quote(program)

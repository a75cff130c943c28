"""Start runs with leverage: `python tests/soak/leverage/run.py --seed 1 --steps 45 --account classic`."""

import os
import sys
from pathlib import Path

# The package is found beside the tests; its own folder would offer its modules under bare names.
sys.path[:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
os.environ.setdefault("COLUMNS", "200")

if __name__ == "__main__":
    from leverage.command import main

    sys.exit(main())

"""Start the benchmarks: `python tests/benchmarks/run.py --help`."""

import sys
from pathlib import Path

# The package is found beside the tests; its own folder would offer its modules under bare names.
sys.path[0] = str(Path(__file__).parents[1])

if __name__ == "__main__":
    from benchmarks.command import main

    sys.exit(main())

"""Start the campaign: `python tests/soak/campaign/run.py --rounds 200 --seed 1`."""

import sys
from pathlib import Path

# The package is found beside the tests; its own folder would offer its modules under bare names.
sys.path[:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

if __name__ == "__main__":
    from campaign.command import main

    sys.exit(main())

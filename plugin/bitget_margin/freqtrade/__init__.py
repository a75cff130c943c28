"""freqtrade on Bitget's crossed margin account: resting orders for every trade, and exits that clean up.

`CrossedMarginMixin` goes into the strategy; `bitget-margin freqtrade …` starts freqtrade with the exchange
`bitgetcross`.
"""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("freqtrade") is None:
    raise ModuleNotFoundError(
        "bitget_margin.freqtrade needs freqtrade: pip install 'bitget-margin[freqtrade]'", name="freqtrade"
    )

from bitget_margin.freqtrade.ladder_spec import LadderRefused
from bitget_margin.freqtrade.launcher import register, unregister
from bitget_margin.freqtrade.mixin import CrossedMarginMixin

__all__ = ["CrossedMarginMixin", "LadderRefused", "register", "unregister"]

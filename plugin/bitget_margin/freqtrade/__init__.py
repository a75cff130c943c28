"""freqtrade on Bitget's cross margin account: ladders of resting orders, which every exit cancels first.

`CrossedMarginMixin` goes into the strategy; `bitget-margin freqtrade …` starts freqtrade with the exchange
`bitgetcross`.
"""

import importlib.util

if importlib.util.find_spec("freqtrade") is None:
    raise ModuleNotFoundError(
        "bitget_margin.freqtrade needs freqtrade: pip install 'bitget-margin[freqtrade]'", name="freqtrade"
    )

from bitget_margin.freqtrade.ladder_spec import LadderRefused
from bitget_margin.freqtrade.launcher import register, unregister
from bitget_margin.freqtrade.mixin import CrossedMarginMixin

__all__ = ["CrossedMarginMixin", "LadderRefused", "register", "unregister"]

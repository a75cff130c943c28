"""The strategy's own hooks, with ours around them, whether or not they call `super()`.

What is wrapped is what the class resolves, so a base class that forgets `super()` does not cut us off. Where several
classes of one strategy are wrapped, only the outermost acts: after the strategy's own last word.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from bitget_margin.freqtrade import runtime

_MARK: Final = "bitget_margin_wrapped"
_Hook = Callable[..., Any]


def wrap_hooks(strategy: type) -> None:
    """Put our hooks around those that a strategy class resolves."""
    for name, around in _AROUND.items():
        resolved = getattr(strategy, name)
        if not getattr(resolved, _MARK, False):
            setattr(strategy, name, _outermost(resolved, around))


def _outermost(resolved: _Hook, around: Callable[..., Any]) -> _Hook:
    @wraps(resolved)
    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        nested = runtime.NESTED.get()
        if resolved.__name__ in nested:
            return resolved(self, *args, **kwargs)
        token = runtime.NESTED.set(nested | {resolved.__name__})
        try:
            return around(self, lambda: resolved(self, *args, **kwargs), kwargs)
        finally:
            runtime.NESTED.reset(token)

    setattr(hook, _MARK, True)
    return hook


def _confirm_trade_exit(strategy: Any, own: Callable[[], Any], given: dict[str, Any]) -> bool:
    # An exception of the strategy's own goes to freqtrade, which exits: the third point cancels then.
    return bool(own()) and strategy.confirm_crossed_exit(given["trade"], given.get("exit_reason", ""))


def _bot_loop_start(strategy: Any, own: Callable[[], Any], _given: dict[str, Any]) -> None:
    strategy.process_resting_orders()
    try:
        own()
    finally:
        # After the strategy's own: rows that are opened for freqtrade make the trade look larger than it is.
        strategy.hand_over_ended_orders()


def _custom_exit(strategy: Any, own: Callable[[], Any], given: dict[str, Any]) -> Any:
    return strategy.rest_of_exit(given["trade"]) or own()


def _plot_annotations(strategy: Any, own: Callable[[], Any], given: dict[str, Any]) -> list[Any]:
    asked = (given["pair"], given["start_date"], given["end_date"], given["dataframe"])
    return [*(own() or []), *strategy.batch_annotations(*asked)]


_AROUND: Final[dict[str, Callable[..., Any]]] = {
    "confirm_trade_exit": _confirm_trade_exit,
    "bot_loop_start": _bot_loop_start,
    "custom_exit": _custom_exit,
    "plot_annotations": _plot_annotations,
}

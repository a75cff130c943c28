"""Wrappers of strategy callbacks, which act whether or not the strategy calls `super()`.

The wrapped callback is the one that the class resolves, so a base class that omits `super()` does not disable the
mixin. Where several classes of one strategy are wrapped, only the outermost wrapper acts: it sees the final result.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from bitget_margin.freqtrade import runtime
from bitget_margin.freqtrade.compat import IStrategy

_MARK: Final = "bitget_margin_wrapped"
_Callback = Callable[..., Any]
_Wrapper = Callable[[Any, Callable[[], Any], Mapping[str, Any]], Any]


def wrap_hooks(strategy: type) -> None:
    """Replace the callbacks that a strategy class resolves by wrapped ones."""
    for name, wrapper in _WRAPPERS.items():
        callback = getattr(strategy, name)
        if name in _IF_OVERRIDDEN and callback is getattr(IStrategy, name):
            continue
        if not getattr(callback, _MARK, False):
            setattr(strategy, name, _outermost(callback, wrapper))


def asks_nobody(strategy: Any) -> bool:
    """Whether a strategy leaves the confirmation of exits to freqtrade, which confirms all of them."""
    found: Any = getattr(strategy.confirm_trade_exit, "__func__", None)
    return getattr(found, _MARK, False) and found.__wrapped__ is IStrategy.confirm_trade_exit


def _outermost(callback: _Callback, wrapper: _Wrapper) -> _Callback:
    """Return the callback with the wrapper around it, unless a wrapper of the same callback is active."""

    @wraps(callback)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        active = runtime.ACTIVE_HOOKS.get()
        if callback.__name__ in active:
            return callback(self, *args, **kwargs)
        token = runtime.ACTIVE_HOOKS.set(active | {callback.__name__})
        try:
            return wrapper(self, lambda: callback(self, *args, **kwargs), kwargs)
        finally:
            runtime.ACTIVE_HOOKS.reset(token)

    setattr(wrapped, _MARK, True)
    return wrapped


def _confirm_trade_exit(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> bool:
    trade, reason = kwargs["trade"], kwargs.get("exit_reason", "")
    simulated = strategy.simulated_ladders()
    if simulated is None:
        # freqtrade exits where the strategy's own callback raises: `create_order` cancels then.
        return bool(own()) and bool(strategy.cancel_before_exit(trade, reason))
    try:
        is_confirmed = bool(own())
    except Exception:
        if not simulated.confirm(trade, reason, is_confirmed=True):
            return False
        raise
    return bool(simulated.confirm(trade, reason, is_confirmed=is_confirmed))


def _order_filled(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> None:
    simulated = strategy.simulated_ladders()
    if simulated is not None:
        simulated.begin_order_filled(kwargs["order"], kwargs["current_time"])
    own()


def _adjust_trade_position(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    simulated = strategy.simulated_ladders()
    if simulated is None:
        return own()
    simulated.now = kwargs["current_time"]
    return simulated.partial_exit(kwargs, own())


def _bot_loop_start(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> None:
    simulated = strategy.simulated_ladders()
    if simulated is not None:
        simulated.now = kwargs["current_time"]
    strategy.process_resting_orders()
    try:
        own()
    finally:
        # After the strategy's own: an opened row makes the trade look larger than it is.
        strategy.hand_over_ended_orders()


def _custom_exit(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    return strategy.reason_to_exit_again(kwargs["trade"]) or own()


def _adjust_order_price(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    price = own()
    return strategy.price_of_entry(price, kwargs) if kwargs["is_entry"] else price


def _adjust_entry_price(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    # freqtrade cancels the order where the price is another one, and deletes its trade if it is not gone at once.
    return strategy.price_of_entry(own(), kwargs)


def _leverage(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    return strategy.leverage_of_entry(own(), kwargs)


def _custom_stake_amount(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> Any:
    # freqtrade enters nothing with a stake of 0.
    return 0.0 if strategy.refuses_entry(kwargs) else own()


def _plot_annotations(strategy: Any, own: Callable[[], Any], kwargs: Mapping[str, Any]) -> list[Any]:
    chart = (kwargs["pair"], kwargs["start_date"], kwargs["end_date"], kwargs["dataframe"])
    return [*(own() or []), *strategy.annotations(*chart)]


_WRAPPERS: Final[dict[str, _Wrapper]] = {
    "confirm_trade_exit": _confirm_trade_exit,
    "order_filled": _order_filled,
    "adjust_trade_position": _adjust_trade_position,
    "bot_loop_start": _bot_loop_start,
    "custom_exit": _custom_exit,
    "adjust_order_price": _adjust_order_price,
    "adjust_entry_price": _adjust_entry_price,
    "leverage": _leverage,
    "custom_stake_amount": _custom_stake_amount,
    "plot_annotations": _plot_annotations,
}
_IF_OVERRIDDEN: Final = frozenset({"adjust_order_price", "adjust_entry_price"})
"""Callbacks that are wrapped where the strategy has its own: freqtrade refuses a strategy that overrides both."""

"""Promise: the mixin acts around the callbacks of a strategy, once, after their result, with or without `super()`."""

from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.strategy import IStrategy

from bitget_margin.freqtrade import CrossedMarginMixin
from bitget_margin.freqtrade.hooks import asks_nobody, wrap_hooks


class Base:
    """freqtrade's callbacks, and the methods of the mixin that the wrappers call."""

    def __init_subclass__(cls) -> None:
        wrap_hooks(cls)

    def __init__(self) -> None:
        self.calls: list[str] = []

    def confirm_trade_exit(self, **kwargs: Any) -> bool:
        self.calls.append("base confirms")
        return True

    def bot_loop_start(self, **kwargs: Any) -> None:
        self.calls.append("base loop")

    def order_filled(self, **kwargs: Any) -> None:
        self.calls.append("filled")

    def adjust_trade_position(self, **kwargs: Any) -> Any:
        return -5.0

    def simulated_ladders(self) -> Any:
        return None

    def custom_exit(self, **kwargs: Any) -> Any:
        return None

    def plot_annotations(self, **kwargs: Any) -> Any:
        return ["theirs"]

    def adjust_order_price(self, **kwargs: Any) -> float | None:
        return 100.0

    def adjust_entry_price(self, **kwargs: Any) -> float | None:
        return 50.0

    def leverage(self, **kwargs: Any) -> float:
        return 9.0

    def cancel_before_exit(self, trade: Any, exit_reason: str) -> bool:
        self.calls.append(f"cancel {exit_reason}")
        return not trade.sold_out

    def process_resting_orders(self) -> None:
        self.calls.append("process")

    def hand_over_ended_orders(self) -> None:
        self.calls.append("hand over")

    def reason_to_exit_again(self, trade: Any) -> str | None:
        return trade.again

    def price_of_entry(self, wanted: float | None, request: Any) -> float | None:
        self.calls.append(f"{request['pair']} at {wanted}")
        return request["current_order_rate"]

    def leverage_of_entry(self, wanted: float, request: Any) -> float:
        return float(min(wanted, request["max_leverage"]))

    def custom_stake_amount(self, **kwargs: Any) -> float:
        return 70.0

    def refuses_entry(self, request: Any) -> bool:
        return bool(request["side"] == "short")

    def annotations(self, *chart: Any) -> list[Any]:
        return ["ours", *chart]


class Plain(Base):
    """Defines no callback."""


class WithoutSuper(Base):
    """Defines callbacks that do not call super()."""

    def confirm_trade_exit(self, **kwargs: Any) -> bool:
        self.calls.append("own confirms")
        return kwargs.get("agree", True)

    def bot_loop_start(self, **kwargs: Any) -> None:
        self.calls.append("own loop")
        if kwargs.get("fails"):
            raise ValueError("own")

    def custom_exit(self, **kwargs: Any) -> Any:
        return "own reason"

    def plot_annotations(self, **kwargs: Any) -> Any:
        return None

    def adjust_order_price(self, **kwargs: Any) -> float | None:
        return None


class WithSuper(WithoutSuper):
    """Calls super(), and decides after it."""

    def confirm_trade_exit(self, **kwargs: Any) -> bool:
        agreed = super().confirm_trade_exit(**kwargs)
        self.calls.append("outer decides")
        return agreed and kwargs.get("outer", True)


def exit_of(*, sold_out: bool = False, again: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the arguments of freqtrade's call."""
    return {"trade": SimpleNamespace(sold_out=sold_out, again=again), "exit_reason": "roi", **more}


@pytest.mark.parametrize(
    ("strategy", "calls"),
    [
        (Plain, ["base confirms"]),
        (WithoutSuper, ["own confirms"]),
        (WithSuper, ["own confirms", "outer decides"]),
    ],
)
def test_an_exit_cancels_once_after_the_last_confirmation(strategy: type[Base], calls: list[str]) -> None:
    made = strategy()
    for _ in range(2):
        assert made.confirm_trade_exit(**exit_of()) is True
    assert made.calls == [*calls, "cancel roi"] * 2
    assert made.confirm_trade_exit(**exit_of(sold_out=True)) is False


@pytest.mark.parametrize("refusal", [{"agree": False}, {"outer": False}])
def test_an_exit_that_the_strategy_refuses_cancels_nothing(refusal: dict[str, bool]) -> None:
    made = WithSuper()
    assert made.confirm_trade_exit(**exit_of(**refusal)) is False
    assert made.calls == ["own confirms", "outer decides"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_loop_processes_orders_first_and_hands_them_over_last(fails: bool) -> None:
    made = WithoutSuper()
    try:
        made.bot_loop_start(fails=fails)
    except ValueError:
        assert fails
    assert made.calls == ["process", "own loop", "hand over"]


@pytest.mark.parametrize(
    ("strategy", "again", "reason"),
    [(Plain, None, None), (WithoutSuper, None, "own reason"), (WithoutSuper, "stop_loss", "stop_loss")],
)
def test_the_rest_of_an_exit_comes_before_the_strategy_s_own_reason(
    strategy: type[Base], again: str | None, reason: str | None
) -> None:
    assert strategy().custom_exit(**exit_of(again=again)) == reason


@pytest.mark.parametrize(("strategy", "own"), [(Plain, ["theirs"]), (WithoutSuper, [])])
def test_charts_show_the_strategy_s_annotations_first(strategy: type[Base], own: list[str]) -> None:
    chart = {"pair": "P", "start_date": 1, "end_date": 2, "dataframe": "D"}
    assert strategy().plot_annotations(**chart) == [*own, "ours", "P", 1, 2, "D"]


@pytest.mark.parametrize(("strategy", "wanted"), [(Plain, 100.0), (WithoutSuper, None), (WithSuper, None)])
def test_the_price_of_an_entry_is_decided_after_the_strategy_s_and_that_of_an_exit_is_the_strategy_s(
    strategy: type[Base], wanted: float | None
) -> None:
    made = strategy()
    request = {"pair": "P", "current_order_rate": 90.0}
    assert made.adjust_order_price(**request, is_entry=True) == 90.0
    assert made.calls == [f"P at {wanted}"]
    assert made.adjust_order_price(**request, is_entry=False) == wanted
    assert len(made.calls) == 1


def test_the_price_of_an_entry_alone_is_decided_the_same_way() -> None:
    made = Plain()
    assert made.adjust_entry_price(pair="P", current_order_rate=90.0) == 90.0
    assert made.calls == ["P at 50.0"]


@pytest.mark.parametrize("strategy", [Plain, WithoutSuper])
def test_the_stake_of_an_entry_that_is_refused_is_none(strategy: type[Base]) -> None:
    assert [strategy().custom_stake_amount(side=side) for side in ("long", "short")] == [70.0, 0.0]


@pytest.mark.parametrize("strategy", [Plain, WithoutSuper])
def test_the_leverage_of_a_strategy_is_limited(strategy: type[Base]) -> None:
    assert strategy().leverage(max_leverage=3.0) == 3.0


@pytest.mark.parametrize("own", [(), ("adjust_order_price",), ("adjust_entry_price",), ("adjust_exit_price",)])
def test_a_strategy_overrides_no_price_that_it_has_not_itself(own: tuple[str, ...]) -> None:
    """The bot refuses one that overrides the price of orders together with that of entries or exits."""
    body = {name: lambda _self, **_: 1.0 for name in own}
    strategy = type("Strategy", (CrossedMarginMixin, IStrategy), body)
    names = {"adjust_order_price", "adjust_entry_price", "adjust_exit_price"}
    assert {name for name in names if getattr(strategy, name) != getattr(IStrategy, name)} == set(own)


class Named(CrossedMarginMixin, IStrategy):
    """A strategy that confirms nothing by itself."""

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        return dataframe


class Asked(Named):
    """A strategy with a word of its own."""

    def confirm_trade_exit(self, *args: Any, **kwargs: Any) -> bool:
        return super().confirm_trade_exit(*args, **kwargs)


@pytest.mark.parametrize(("strategy", "asks"), [(Named, False), (Asked, True), (type("Sub", (Asked,), {}), True)])
def test_a_strategy_without_a_confirmation_of_its_own_refuses_no_exit(strategy: Any, asks: bool) -> None:
    made = object.__new__(strategy)
    assert asks_nobody(made) is not asks
    assert IStrategy.confirm_trade_exit(made, *[None] * 8) is True, "freqtrade's own"
    made.confirm_trade_exit = lambda **_: False
    assert not asks_nobody(made), "set by hand"

"""Promise: the mixin acts around the strategy's own hooks, once, after its last word, with or without `super()`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.hooks import wrap_hooks


class Base:
    """Stands for freqtrade's base class, with our side of the mixin."""

    def __init_subclass__(cls) -> None:
        wrap_hooks(cls)

    def __init__(self) -> None:
        self.calls: list[str] = []

    def confirm_trade_exit(self, **given: Any) -> bool:
        self.calls.append("base confirms")
        return True

    def bot_loop_start(self, **given: Any) -> None:
        self.calls.append("base loop")

    def custom_exit(self, **given: Any) -> Any:
        return None

    def plot_annotations(self, **given: Any) -> list[Any]:
        return ["theirs"]

    def cancel_before_exit(self, trade: Any, exit_reason: str) -> bool:
        self.calls.append(f"cancel {exit_reason}")
        return not trade.sold_out

    def process_resting_orders(self) -> None:
        self.calls.append("tend")

    def hand_over_ended_orders(self) -> None:
        self.calls.append("settle")

    def reason_to_exit_again(self, trade: Any) -> str | None:
        return trade.rest

    def cancel_annotations(self, *asked: Any) -> list[Any]:
        return ["ours"]


class Silent(Base):
    """Defines nothing."""


class Forgetful(Base):
    """Does not call super()."""

    def confirm_trade_exit(self, **given: Any) -> bool:
        self.calls.append("own confirms")
        return given.get("agree", True)

    def bot_loop_start(self, **given: Any) -> None:
        self.calls.append("own loop")


class Polite(Forgetful):
    """Calls super(), and decides after it."""

    def confirm_trade_exit(self, **given: Any) -> bool:
        agreed = super().confirm_trade_exit(**given)
        self.calls.append("polite decides")
        return agreed and given.get("polite", True)


def exit_of(**more: Any) -> dict[str, Any]:
    trade = SimpleNamespace(sold_out=False, rest=None, **more.pop("trade", {}))
    return {"trade": trade, "exit_reason": "roi", **more}


@pytest.mark.parametrize(
    ("strategy", "calls"),
    [
        (Silent, ["base confirms", "cancel roi"]),
        (Forgetful, ["own confirms", "cancel roi"]),
        (Polite, ["own confirms", "polite decides", "cancel roi"]),
    ],
)
def test_one_cancel_after_the_last_word(strategy: type[Base], calls: list[str]) -> None:
    made = strategy()
    assert made.confirm_trade_exit(**exit_of())
    assert made.calls == calls


@pytest.mark.parametrize("words", [{"agree": False}, {"polite": False}])
def test_nothing_is_cancelled_where_the_strategy_says_no(words: dict[str, bool]) -> None:
    made = Polite()
    assert not made.confirm_trade_exit(**exit_of(**words))
    assert not any(call.startswith("cancel") for call in made.calls)


def test_a_sold_out_trade_needs_no_exit_order() -> None:
    given = exit_of()
    given["trade"].sold_out = True
    assert Silent().confirm_trade_exit(**given) is False


def test_the_loop_tends_first_and_hands_over_last() -> None:
    made = Forgetful()
    made.bot_loop_start(current_time=None)
    assert made.calls == ["tend", "own loop", "settle"]


def test_the_rest_of_an_exit_comes_before_the_strategy_s_own_reason() -> None:
    given = exit_of()
    assert Silent().custom_exit(**given) is None
    given["trade"].rest = "stop_loss"
    assert Silent().custom_exit(**given) == "stop_loss"


def test_charts_show_the_strategy_s_annotations_first() -> None:
    asked = {"pair": "", "start_date": None, "end_date": None, "dataframe": None}
    assert Silent().plot_annotations(**asked) == ["theirs", "ours"]

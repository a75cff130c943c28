"""Promise: a high margin level warns in time; liquidation prices stop where the venue's amounts are others."""

from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks
from support.botless import Messages


class Api:
    """An exchange object that shows this level, or raises it."""

    def __init__(self) -> None:
        self.level: float | Exception | None = 0.1
        self.asked: list[dict[str, Any]] = []

    def fetch_cross_margin_level(self, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(params)
        if isinstance(self.level, Exception):
            raise self.level
        return {"marginLevel": self.level}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def levels(api: Api) -> Any:
    return MarginLevels(api=lambda: api, timeout_ms=lambda: 900.0, alerts=Messages())  # type: ignore[arg-type]


def books(owed: float, worth: float = 10_000.0) -> MarginBooks:
    """Return the books of an account with this debt and worth."""
    return MarginBooks(AccountSnapshot({"USDT": worth + owed}, {}, {"USDT": owed}), (), "USDT", lambda _: None)


def test_a_level_is_read_within_its_time_and_kept(levels: Any, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    assert levels.last is None
    assert levels.agrees, "until something else is seen"
    assert levels.read() == levels.last == 0.1
    api.level = ccxt.RequestTimeout("no answer")
    assert levels.read() is None
    assert levels.last == 0.1
    assert "The margin level of the account could not be read: no answer" in caplog.text
    assert api.asked == [{"timeout": 900.0}] * 2


def test_an_account_without_debts_has_no_level_and_asks_for_none(levels: Any, api: Api) -> None:
    levels.last, levels.agrees = 0.9, False
    levels.check(books(0.0), 1.0)
    assert (levels.last, levels.agrees, api.asked) == (0.0, True, [])


@pytest.mark.parametrize(("level", "warns"), [(0.639, False), (0.64, True), (1.2, True)])
def test_a_level_warns_before_the_venue_does(levels: Any, api: Api, level: float, warns: bool) -> None:
    api.level = level
    levels.check(books(0.01), None)
    assert levels.last == level
    if not warns:
        assert levels.alerts.cleared == ["margin level"]
        assert levels.alerts.warnings == []
        return
    ((text, about),) = levels.alerts.warnings
    assert about == "margin level"
    assert text.startswith(f"The margin level of the account is {level:.3f}. The venue warns at 0.8 and liquidates")


@pytest.mark.parametrize("level", [None, ccxt.BadResponse("x")])
def test_a_level_that_is_not_shown_warns_of_nothing(levels: Any, api: Api, level: Any) -> None:
    api.level = level
    levels.check(books(5.0), 10_000.0)
    assert (levels.alerts.warnings, levels.agrees) == ([], True)


@pytest.mark.parametrize(
    ("venue", "agrees"), [(10_000.0, True), (9_500.0, True), (9_499.0, False), (10_527.0, False), (-10_000.0, False)]
)
def test_a_worth_that_differs_by_more_than_five_percent_stops_liquidation_prices(
    levels: Any, venue: float, agrees: bool
) -> None:
    levels.check(books(5.0), venue)
    assert levels.agrees is agrees
    if agrees:
        assert "worth of the account" in levels.alerts.cleared
        return
    ((text, about),) = levels.alerts.warnings
    assert about == "worth of the account"
    assert text.startswith(
        f"By the venue's own amounts the account is worth {venue:.2f}, and the bot computes 10000.00"
    )
    levels.check(books(5.0), None)
    assert not levels.agrees, "without the venue's amounts, nothing is known"
    levels.check(books(5.0), 10_000.0)
    assert levels.agrees

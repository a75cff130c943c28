"""Promise: a wrong setting of the plugin is refused with its name, its value and the values that are allowed."""

import pytest

from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import (
    BotSettings,
    CancelScope,
    LeverageSettings,
    PartialExits,
    SwitchSettings,
    parse_config,
)

GATE = "sqlite:////tmp/windows.db"


@pytest.mark.parametrize(
    ("section", "settings"),
    [
        ({}, BotSettings(CancelScope.TRADE, PartialExits.LEAVE, 1_000, None)),
        (
            {"cancel_scope": "pair", "partial_exits": "cancel", "wait_ms": 100, "rate_gate": GATE},
            BotSettings(CancelScope.PAIR, PartialExits.CANCEL, 100, {"url": GATE, "whenDown": "fail"}),
        ),
        (
            {"rate_gate": {"url": GATE, "timeout": 100}},
            BotSettings(rate_gate={"url": GATE, "timeout": 100, "whenDown": "fail"}),
        ),
        (
            {"rate_gate": {"url": GATE, "whenDown": "wait"}},
            BotSettings(rate_gate={"url": GATE, "whenDown": "wait"}),
        ),
        ({"wait_ms": 30_000, "rate_gate": None}, BotSettings(wait_ms=30_000)),
        ({"dead_mans_switch": False}, BotSettings()),
        ({"dead_mans_switch": True}, BotSettings(dead_mans_switch=SwitchSettings(30, 60))),
        (
            {"dead_mans_switch": {"seconds": 10, "loop_seconds": 600, "beside_other_orders": True}},
            BotSettings(dead_mans_switch=SwitchSettings(10, 600, beside_other_orders=True)),
        ),
        (
            {"dead_mans_switch": {"others_use_it": True}},
            BotSettings(dead_mans_switch=SwitchSettings(others_use_it=True)),
        ),
        ({"leverage": None}, BotSettings()),
        ({"leverage": {"max": 3}}, BotSettings(leverage=LeverageSettings(3.0, 0.5, 0.01, 0.05, 0.0002, {}))),
        (
            {
                "leverage": {
                    "max": 1,
                    "max_risk": 0.7,
                    "cover_price_ratio": 0.02,
                    "maintenance_rate": 0,
                    "default_interest": 0.001,
                    "daily_interest": {"USDT": 0.0003, "BTC": 0},
                }
            },
            BotSettings(leverage=LeverageSettings(1.0, 0.7, 0.02, 0.0, 0.001, {"USDT": 0.0003, "BTC": 0.0})),
        ),
    ],
)
def test_settings_are_read(section: object, settings: BotSettings) -> None:
    assert parse_config({"bitget_margin": section}) == settings


def test_a_configuration_without_the_section_has_the_defaults() -> None:
    assert parse_config({}) == BotSettings()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ([], '"bitget_margin" in the configuration is []; give an object'),
        (None, '"bitget_margin" in the configuration is None; give an object'),
        (
            {"scope": "trade", "a": 1},
            (
                '"bitget_margin" in the configuration has a, scope; known are cancel_scope, '
                "partial_exits, wait_ms, rate_gate, dead_mans_switch, strategy_orders, order_pushes, simulated_fills, "
                "leverage"
            ),
        ),
        ({"cancel_scope": "all"}, "\"bitget_margin.cancel_scope\" is 'all'; give one of 'trade', 'pair'"),
        ({"cancel_scope": ["pair"]}, "\"bitget_margin.cancel_scope\" is ['pair']; give one of 'trade', 'pair'"),
        (
            {"rate_gate": "file:///windows"},
            (
                '"bitget_margin.rate_gate": its URL does not begin with one of sqlite, redis, rediss, unix; give '
                "sqlite:///path, redis://host:port/0, rediss:// or unix://"
            ),
        ),
        ({"dead_mans_switch": "on"}, "\"bitget_margin.dead_mans_switch\" is 'on'; give true, false or an object"),
        (
            {"dead_mans_switch": {"time": 5}},
            (
                '"bitget_margin.dead_mans_switch" has time; known are seconds, loop_seconds, '
                "beside_other_orders, others_use_it"
            ),
        ),
        *(
            (
                {"dead_mans_switch": {"seconds": value}},
                f'"bitget_margin.dead_mans_switch.seconds" is {value!r}; give whole seconds from 10 to 60',
            )
            for value in (9, 61, 30.0, "30", True, None)
        ),
        (
            {"dead_mans_switch": {"others_use_it": 1}},
            '"bitget_margin.dead_mans_switch.others_use_it" is 1; give true or false',
        ),
        *(
            (
                {"leverage": value},
                f'"bitget_margin.leverage" is {value!r}; give an object with "max", such as {{"max": 3}}',
            )
            for value in (True, False, 3, [])
        ),
        (
            {"leverage": {"max_risk": 0.5}},
            '"bitget_margin.leverage" has no "max"; give the highest leverage of a trade, such as {"max": 3}',
        ),
        (
            {"leverage": {"max": 3, "risk": 1, "a": 2}},
            (
                '"bitget_margin.leverage" has a, risk; known are max, max_risk, cover_price_ratio, maintenance_rate, '
                "default_interest, daily_interest"
            ),
        ),
        *(
            ({"leverage": {"max": value}}, f'"bitget_margin.leverage.max" is {value!r}; give a number from 1 to 10')
            for value in (0.5, 11, "3", True, None, float("nan"), [3])
        ),
        (
            {"leverage": {"max": 3, "cover_price_ratio": 0.03}},
            '"bitget_margin.leverage.cover_price_ratio" is 0.03; give a number from 0.0005 to 0.02',
        ),
        (
            {"leverage": {"max": 3, "daily_interest": 0.0002}},
            '"bitget_margin.leverage.daily_interest" is 0.0002; give rates by coin, such as {"USDT": 0.0002}',
        ),
        (
            {"leverage": {"max": 3, "daily_interest": {"USDT": -1}}},
            (
                '"bitget_margin.leverage.daily_interest.USDT" is -1; give a number from 0 to 0.005, such as 0.0002 for '
                "0.02 % a day"
            ),
        ),
        (
            {"leverage": {"max": 3, "daily_interest": {"USDT": 0.0002, "BTC": 0.02}}},
            (
                '"bitget_margin.leverage.daily_interest.BTC" is 0.02; give a number from 0 to 0.005, such as 0.0002 '
                "for 0.02 % a day"
            ),
        ),
        (
            {"leverage": {"max": 3, "default_interest": 0.02}},
            '"bitget_margin.leverage.default_interest" is 0.02; give a number from 0 to 0.005',
        ),
        ({"partial_exits": True}, "\"bitget_margin.partial_exits\" is True; give one of 'leave', 'cancel'"),
        *(
            ({"wait_ms": value}, f'"bitget_margin.wait_ms" is {value!r}; give milliseconds from 100 to 30000')
            for value in (99, 30_001, -1, 3_000.0, "3000", True, None)
        ),
    ],
    ids=repr,
)
def test_a_wrong_setting_is_refused(section: object, message: str) -> None:
    with pytest.raises(OperationalException) as refused:
        parse_config({"bitget_margin": section})
    assert str(refused.value) == message


def test_a_rate_gate_is_not_shown() -> None:
    """Its URL may have a password."""
    assert "sesame" not in repr(BotSettings(rate_gate="redis://:sesame@host"))

"""Promise: a wrong setting of the plugin is refused with its name, its value and the values that are allowed."""

import pytest

from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import BotSettings, CancelScope, PartialExits, SwitchSettings, parse_config

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
                "partial_exits, wait_ms, rate_gate, dead_mans_switch, strategy_orders, order_pushes, simulated_fills"
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

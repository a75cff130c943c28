"""Settings of the plugin: the section `bitget_margin` of a freqtrade configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Final, TypeVar

from bitget_margin.freqtrade.candle_fills import FillRule
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.rate_limit import BadLimiterConfig, LimiterConfig, WhenDown

NAME: Final = "bitgetcross"
TITLE: Final = "Bitget crossed margin"
"""Name of the exchange for people."""
"""The exchange's name in a configuration."""
SECTION: Final = "bitget_margin"
WAIT_MAX_MS: Final = 30_000
_E = TypeVar("_E", bound=Enum)
_S = TypeVar("_S")


class CancelScope(Enum):
    """The orders that an exit cancels."""

    TRADE = "trade"
    """The resting orders of the trade."""
    PAIR = "pair"
    """Every open order on the pair, including orders of others."""


class PartialExits(Enum):
    """The treatment of resting orders at a partial exit."""

    LEAVE = "leave"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """The settings of the venue's timer that cancels every order of the account.

    `seconds` is its time, `loop_seconds` the longest time between two loops. `beside_other_orders` confirms that orders
    of others are canceled, too; `others_use_it` that other programs start the timer as well, so that it is not ended.
    """

    seconds: int = 30
    loop_seconds: int = 60
    beside_other_orders: bool = False
    others_use_it: bool = False


@dataclass(frozen=True, slots=True)
class PushSettings:
    """The settings of the websocket that reports changed orders.

    `max_age_seconds` is the longest time for which a pair without a push is not looked up.
    """

    max_age_seconds: int = 60


@dataclass(frozen=True, slots=True)
class LeverageSettings:
    """The settings of leverage and shorts; a bot without them borrows nothing.

    `max` is the highest leverage of a trade, and no entry is placed that would take the risk ratio of the account above
    `max_risk`. `cover_price_ratio` is the part of the price by which a market exit of a short may be worse.
    `maintenance_rate` is the maintenance margin of liquidation prices. `daily_interest` has the rates of coins, and
    `default_interest` that of others, for backtesting, hyperopt and dry runs.
    """

    max: float
    max_risk: float = 0.5
    cover_price_ratio: float = 0.01
    maintenance_rate: float = 0.05
    default_interest: float = 0.0002
    daily_interest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BotSettings:
    """The settings of one bot.

    `leverage` is None where nothing may be borrowed.
    `order_pushes` is None where no websocket is used.
    `simulated_fills` is the rule by which a backtest fills resting orders.
    `wait_ms` is the time that an exit waits for the ends of its resting orders, beside the round trips.
    `strategy_orders` allows stop-losses that wait at the venue of a unified account, which are experimental.
    `rate_gate` is ccxt's option `rateGate`: a rate window that is shared with other bots; `whenDown` is `fail` here.
    """

    cancel_scope: CancelScope = CancelScope.TRADE
    partial_exits: PartialExits = PartialExits.LEAVE
    wait_ms: int = 1_000
    rate_gate: object = field(default=None, repr=False)
    dead_mans_switch: SwitchSettings | None = None
    strategy_orders: bool = False
    order_pushes: PushSettings | None = PushSettings()
    simulated_fills: FillRule = FillRule.THROUGH
    leverage: LeverageSettings | None = None


_KNOWN: Final = tuple(setting.name for setting in fields(BotSettings))
_SWITCH_SECONDS: Final = {"seconds": (10, 60), "loop_seconds": (10, 600)}
"""Least and most seconds of each setting of the timer; the venue takes 5 to 60."""
_SWITCH_FLAGS: Final = ("beside_other_orders", "others_use_it")
_PUSH_SECONDS: Final = {"max_age_seconds": (5, 600)}
_LEVERAGE_NUMBERS: Final = {
    "max": (1.0, 10.0),
    "max_risk": (0.05, 0.95),
    "cover_price_ratio": (0.0005, 0.02),
    "maintenance_rate": (0.0, 0.5),
    "default_interest": (0.0, 0.005),
}
"""Least and most of each number.

The venue refuses limit prices that are more than about 2 % off the market. Its documents have daily rates of 0.0001 to
0.0005: ten times that is a percentage by mistake.
"""
_DAILY: Final = "daily_interest"


def parse_config(config: Mapping[str, Any]) -> BotSettings:
    """Return the settings of a configuration.

    :raises OperationalException: a setting is unknown or invalid; freqtrade does not start then
    """
    section = config.get(SECTION, {})
    if not isinstance(section, Mapping):
        raise OperationalException(f'"{SECTION}" in the configuration is {section!r}; give an object')
    unknown = sorted(set(section) - set(_KNOWN))
    if unknown:
        raise OperationalException(
            f'"{SECTION}" in the configuration has {", ".join(unknown)}; known are {", ".join(_KNOWN)}'
        )
    defaults = BotSettings()
    return BotSettings(
        cancel_scope=_choice(section, "cancel_scope", CancelScope, defaults.cancel_scope),
        partial_exits=_choice(section, "partial_exits", PartialExits, defaults.partial_exits),
        wait_ms=_wait_ms(section.get("wait_ms", defaults.wait_ms)),
        rate_gate=_rate_gate(section.get("rate_gate")),
        dead_mans_switch=_section(
            section.get("dead_mans_switch", False), "dead_mans_switch", SwitchSettings, _SWITCH_SECONDS, _SWITCH_FLAGS
        ),
        strategy_orders=_flag(section, SECTION, "strategy_orders"),
        simulated_fills=_choice(section, "simulated_fills", FillRule, defaults.simulated_fills),
        order_pushes=_section(section.get("order_pushes", True), "order_pushes", PushSettings, _PUSH_SECONDS),
        leverage=_leverage(section.get("leverage")),
    )


def _choice(section: Mapping[str, Any], name: str, kind: type[_E], default: _E) -> _E:
    try:
        return kind(section.get(name, default.value))
    except ValueError:
        choices = ", ".join(repr(member.value) for member in kind)
        raise OperationalException(f'"{SECTION}.{name}" is {section[name]!r}; give one of {choices}') from None


def _flag(values: Mapping[str, Any], where: str, name: str) -> bool:
    """Return a value that is true or false, false if it is missing; `where` is for the message."""
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise OperationalException(f'"{where}.{name}" is {value!r}; give true or false')
    return value


def _rate_gate(value: object) -> object:
    if value is None:
        return None
    try:
        LimiterConfig.parse(value)
    except BadLimiterConfig as error:
        raise OperationalException(f'"{SECTION}.rate_gate": {error}') from None
    given: Mapping[Any, Any] = value if isinstance(value, Mapping) else {"url": value}
    # An entry that waits for the store holds up the exits of the next loop, which would try the entry again anyway.
    return {**given, "whenDown": given.get("whenDown") or WhenDown.FAIL.value}


def _wait_ms(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= WAIT_MAX_MS:  # noqa: PLR2004
        raise OperationalException(f'"{SECTION}.wait_ms" is {value!r}; give milliseconds from 100 to {WAIT_MAX_MS}')
    return value


def _section(
    value: object,
    setting: str,
    kind: type[_S],
    seconds: Mapping[str, tuple[int, int]],
    flags: Sequence[str] = (),
) -> _S | None:
    """Return the settings of a section: True for its defaults, None for False or null.

    :param seconds: least and most seconds of each setting that is a time
    :param flags: names of the settings that are true or false
    """
    name = f"{SECTION}.{setting}"
    if value is None or isinstance(value, bool):
        return kind() if value else None
    if not isinstance(value, Mapping):
        raise OperationalException(f'"{name}" is {value!r}; give true, false or an object')
    known = (*seconds, *flags)
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise OperationalException(f'"{name}" has {", ".join(unknown)}; known are {", ".join(known)}')
    for key, (least, most) in seconds.items():
        given = value.get(key, most)
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            raise OperationalException(f'"{name}.{key}" is {given!r}; give whole seconds from {least} to {most}')
    for key in flags:
        _flag(value, name, key)
    return kind(**value)


def _leverage(value: object) -> LeverageSettings | None:
    """Return the settings of leverage, None for null or where they are missing."""
    if value is None:
        return None
    name = f"{SECTION}.leverage"
    if not isinstance(value, Mapping):
        raise OperationalException(f'"{name}" is {value!r}; give an object with "max", such as {{"max": 3}}')
    known = (*_LEVERAGE_NUMBERS, _DAILY)
    unknown = sorted(map(str, set(value) - set(known)))
    if unknown:
        raise OperationalException(f'"{name}" has {", ".join(unknown)}; known are {", ".join(known)}')
    if "max" not in value:
        raise OperationalException(f'"{name}" has no "max"; give the highest leverage of a trade, such as {{"max": 3}}')
    numbers = {
        key: _number(f"{name}.{key}", value[key], *bounds) for key, bounds in _LEVERAGE_NUMBERS.items() if key in value
    }
    rates = value.get(_DAILY, {})
    if not isinstance(rates, Mapping):
        raise OperationalException(f'"{name}.{_DAILY}" is {rates!r}; give rates by coin, such as {{"USDT": 0.0002}}')
    least, most = _LEVERAGE_NUMBERS["default_interest"]
    example = ", such as 0.0002 for 0.02 % a day"
    daily = {str(coin): _number(f"{name}.{_DAILY}.{coin}", rate, least, most, example) for coin, rate in rates.items()}
    return LeverageSettings(**numbers, daily_interest=daily)


def _number(name: str, value: object, least: float, most: float, example: str = "") -> float:
    """Return a number within these bounds; `name` and `example` are for the message."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise OperationalException(f'"{name}" is {value!r}; give a number from {least:g} to {most:g}{example}')
    return float(value)

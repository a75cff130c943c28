"""Checks before the bot trades: each refusal is one line that names the setting to change."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import ccxt

from bitget_margin.adapter.ccxt_errors import verdict_of_exception
from bitget_margin.adapter.margin_markets import supports_cross_margin
from bitget_margin.adapter.params import shared_limiter_of
from bitget_margin.adapter.rate_limits import learn_uid
from bitget_margin.core.account_level import describe_settings, missing_margin, read_level
from bitget_margin.core.error_codes import Verdict
from bitget_margin.freqtrade.compat import OperationalException, is_trading
from bitget_margin.freqtrade.leverage_notice import live_notice

if TYPE_CHECKING:
    from bitget_margin.freqtrade.alerts import Alerts
    from bitget_margin.freqtrade.config import LeverageSettings

_CLOCK: Final = "40008"
_CREDENTIALS: Final = {"apiKey": "key", "secret": "secret", "password": "password"}
"""The names in freqtrade's configuration, by ccxt's."""
_TRIES: Final = 4
"""Number of tries to read the account, as many as freqtrade's."""
_PAUSE_SECONDS: Final = 1.0
_PORT_TRIES: Final = 10
_PORT_PAUSE_SECONDS: Final = 0.5
_FUTURES: Final = "futures"
_FUTURES_NAME: Final = re.compile(r"[^:]+/[^:]+:\w+")
"""A pair with its settlement coin, or a pattern of such pairs."""
_RATE: Final = "10 requests per 1.05 s and endpoint"
_FEES: Final = "If you hold coins of a pair yourself, the fee of each entry on it is sold out of yours."


def refuse_modes(config: Mapping[str, Any]) -> None:
    """Refuse trading modes other than spot, and futures without the settings of leverage, and other margin modes."""
    mode = _text(config.get("trading_mode", "spot"))
    margin = _text(config.get("margin_mode"))
    if mode not in {"spot", _FUTURES}:
        raise OperationalException(
            f'bitgetcross: "trading_mode" is {mode!r}: set "spot" (longs without leverage) or "futures" (leverage and '
            'shorts on the same spot pairs), and "margin_mode": "cross".',
        )
    if mode == _FUTURES:
        _refuse_without_leverage(config)
    # Commands that only list or download need no margin mode.
    if margin != "cross" and (margin or is_trading(dict(config))):
        raise OperationalException(
            f'bitgetcross: "margin_mode" is {repr(margin) if margin else "not set"}; it trades the cross margin '
            'account: set "margin_mode": "cross".',
        )


def is_leveraged(config: Mapping[str, Any]) -> bool:
    """Whether the configuration is of the futures mode, in which trades may be leveraged or short."""
    return _text(config.get("trading_mode", "spot")) == _FUTURES


def _refuse_without_leverage(config: Mapping[str, Any]) -> None:
    """Refuse the futures mode without leave to borrow, and settings that it leaves no use for."""
    section = config.get("bitget_margin")
    section = section if isinstance(section, Mapping) else {}
    if section.get("leverage") is None:
        raise OperationalException(
            "bitgetcross: \"trading_mode\" is 'futures', in which entries BORROW, and the configuration does not say "
            'how much: add "bitget_margin": {"leverage": {"max": 3}}, or set "trading_mode": "spot" (longs without '
            "leverage).",
        )
    if section.get("strategy_orders"):
        raise OperationalException(
            'bitgetcross: "bitget_margin.strategy_orders" is true, and stop-losses do not wait at the venue in '
            '"trading_mode": "futures": set it to false; freqtrade then watches the stop-loss itself.',
        )


def refuse_stops_with_leverage(order_types: Mapping[str, Any]) -> None:
    """Refuse a stop-loss on the exchange in the futures mode."""
    if order_types.get("stoploss_on_exchange"):
        raise OperationalException(
            'bitgetcross: "stoploss_on_exchange" is true, and stop-losses do not wait at the venue in "trading_mode": '
            '"futures": set "stoploss_on_exchange": false; freqtrade then watches the stop-loss itself.',
        )


def refuse_stoploss_on_exchange(order_types: Mapping[str, Any], *, strategy_orders: bool) -> None:
    """Refuse a stop-loss on the exchange, unless strategy orders are enabled; they place market orders only."""
    if not order_types.get("stoploss_on_exchange"):
        return
    if not strategy_orders:
        raise OperationalException(
            'bitgetcross: "stoploss_on_exchange" is true, and the cross margin account has no trigger orders: '
            'set "stoploss_on_exchange": false; freqtrade then watches the stop-loss itself. (On a unified account, '
            '"bitget_margin.strategy_orders": true enables them; they are experimental.)',
        )
    if order_types.get("stoploss", "market") != "market":
        raise OperationalException(
            f'bitgetcross: "order_types.stoploss" is {order_types["stoploss"]!r}, and a stop-loss on the exchange '
            'places market orders only: set it to "market".',
        )


def refuse_stops_without(*, unified: bool, mixin: bool) -> None:
    """Refuse a stop-loss on the exchange on a classic account, or with a strategy that leaves the price unwatched."""
    if not unified:
        raise OperationalException(
            'bitgetcross: "stoploss_on_exchange" is true, and this is a classic account, which has no trigger orders: '
            'set "stoploss_on_exchange": false; freqtrade then watches the stop-loss itself.',
        )
    if not mixin:
        raise OperationalException(
            'bitgetcross: "stoploss_on_exchange" is true, and the strategy does not use CrossedMarginMixin: freqtrade '
            "alone would watch no stop-loss any more. Let the strategy inherit from it, or set "
            '"stoploss_on_exchange": false.',
        )


def refuse_switch_beside_stops(order_types: Mapping[str, Any], *, switch: bool) -> None:
    """Refuse the timer that cancels all orders together with stop-losses on the exchange."""
    if switch and order_types.get("stoploss_on_exchange"):
        raise OperationalException(
            'bitgetcross: "stoploss_on_exchange" and "bitget_margin.dead_mans_switch" are on: whether the timer '
            "cancels stop-losses, too, is not known, and a bot that is down would have none: switch one of them off.",
        )


def refuse_pairs(config: Mapping[str, Any], markets: Mapping[str, Any]) -> None:
    """Refuse pairs of the whitelist without cross margin; those of other pairlists are not known yet."""
    listed = config.get("exchange", {}).get("pair_whitelist", [])
    wrong = [pair for pair in listed if pair in markets and not supports_cross_margin(markets[pair])]
    if wrong:
        raise OperationalException(
            f"bitgetcross: {', '.join(wrong)} cannot be traded on cross margin: take "
            f'{"it" if len(wrong) == 1 else "them"} out of "exchange.pair_whitelist".',
        )


def refuse_futures_names(config: Mapping[str, Any]) -> None:
    """Refuse names of futures contracts in the lists of pairs: freqtrade would run on without them."""
    exchange = config.get("exchange", {})
    for setting in ("pair_whitelist", "pair_blacklist"):
        wrong = [pair for pair in exchange.get(setting) or [] if _FUTURES_NAME.fullmatch(str(pair))]
        if wrong:
            right = ", ".join(f'"{pair}" is "{pair.rsplit(":", 1)[0]}"' for pair in wrong)
            raise OperationalException(
                f'bitgetcross: "exchange.{setting}" has names of futures contracts, and leverage and shorts trade the '
                f"spot pairs here: {right}.",
            )


def refuse_coins_of_rates(daily_interest: Iterable[str], markets: Mapping[str, Any]) -> None:
    """Refuse interest rates of coins that are written in another way by ccxt: nothing would be charged by them."""
    known = {str(market.get(side)) for market in markets.values() for side in ("base", "quote")}
    by_letters = {coin.upper(): coin for coin in known}
    for coin in daily_interest:
        right = by_letters.get(coin.upper())
        if coin not in known and right is not None:
            raise OperationalException(
                f'bitgetcross: "bitget_margin.leverage.daily_interest" has a rate of "{coin}": write "{right}".',
            )


def refuse_taken_api_port(config: Mapping[str, Any], pause: Callable[[float], object] = time.sleep) -> None:
    """Refuse an API server that cannot listen: freqtrade would wait for its start forever, and watch no stop-loss.

    A process that is ending may hold the port for a moment longer: it gets seconds.
    """
    server = config.get("api_server")
    if not isinstance(server, Mapping) or not server.get("enabled"):
        return
    host, port = server.get("listen_ip_address"), server.get("listen_port")
    if not isinstance(host, str) or not isinstance(port, int):
        return  # freqtrade's own check of the configuration names it
    error = _listening_error(host, port)
    for _ in range(_PORT_TRIES):
        if error is None:
            return
        pause(_PORT_PAUSE_SECONDS)
        error = _listening_error(host, port)
    if error is not None:
        raise OperationalException(
            f"bitgetcross: freqtrade's API server cannot listen on {host}:{port} ({error.strerror or error}): set "
            '"api_server.listen_port" to a port that is free, or end the other program; two bots need two ports.',
        ) from error


def _listening_error(host: str, port: int) -> OSError | None:
    """Return why nothing can listen on a port; None if it can."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As the server itself: connections that have ended do not keep a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def check_account(
    api: Any,
    alerts: Alerts,
    leverage: LeverageSettings | None = None,
    read_rates: Callable[[], Mapping[str, float]] = dict,
) -> Mapping[str, Any] | None:
    """Log the account that is traded, and what its orders may borrow, and warn about loans on it.

    :param leverage: the settings of a bot whose trades may be leveraged or short; None in spot mode
    :param read_rates: returns the daily interest rates of what such a bot borrows, by coin
    :returns: account information of a classic account, None of a unified one
    :raises OperationalException: the credentials are missing or refused, or the account cannot be read
    """
    _refuse_missing_credentials(api)
    unified, info, balance = _read_account(api)
    data = info.get("data") or {}
    uid = str(data.get("uid" if unified else "userId") or "unknown")
    if uid != "unknown":
        learn_uid(api, uid)
    if unified:
        _refuse_level(api, data)
    kind = describe_settings(data) if unified else "a classic account"
    loans = _loans(unified=unified) if leverage is None else live_notice(leverage, read_rates(), unified=unified)
    alerts.info(
        f"Trading on Bitget's CROSS MARGIN account: {kind}, UID {uid}, wallet {_wallet(balance)}; "
        f"rate window: {_RATE}, {_sharing(api)}. {loans}",
    )
    debts = {coin: debt for coin, debt in (balance.get("debt") or {}).items() if debt}
    owed = ", ".join(f"{debt:.8g} {coin}" for coin, debt in debts.items())
    if debts and leverage is not None:
        # The database, which has the trades, is opened later.
        alerts.info(
            f"The cross margin account owes {owed}. What open trades of this bot have borrowed belongs to them. Any "
            "other debt is in no books of freqtrade, and entries that would borrow the same coin are refused beside it."
        )
    elif debts:
        alerts.warn(
            f"The cross margin account carries loans: {owed}. Interest runs, freqtrade does not count it, and a "
            "liquidation would sell this bot's coins too. Repay, or use an account without loans.",
        )
    return None if unified else data


def _refuse_level(api: Any, settings: Mapping[str, Any]) -> None:
    """Remember the level of a unified account; refuse one without spot margin."""
    api.learn_level(settings)
    level = read_level(settings)
    if level is not None and not level.has_margin:
        raise OperationalException(f"bitgetcross: {missing_margin(level)}.")


def _read_account(api: Any) -> tuple[bool, Mapping[str, Any], Mapping[str, Any]]:
    """Return whether the account is unified, its settings and its balance.

    Tried again where the venue fails: a bot that starts again after a crash has stop-losses to watch.
    """
    for tries in range(1, _TRIES + 1):
        try:
            unified, _ = api.handle_uta_and_params({}, "fetchBalance")
            info = api.privateUtaGetV3AccountSettings({}) if unified else api.privateSpotGetV2SpotAccountInfo({})
            return unified, info, api.fetch_balance({"marginMode": "cross"})
        except ccxt.BaseError as error:
            if tries == _TRIES or not _may_pass(error):
                raise OperationalException(_refusal(error)) from error
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError("unreachable: the last try returns or raises")


def _may_pass(error: ccxt.BaseError) -> bool:
    """Whether an error is no refusal of the key or the clock; ccxt takes some timeouts for one of the key."""
    if verdict_of_exception(error) in {Verdict.AMBIGUOUS, Verdict.LIMITED}:
        return True
    return not isinstance(error, ccxt.AuthenticationError | ccxt.PermissionDenied) and _CLOCK not in str(error)


def _refuse_missing_credentials(api: Any) -> None:
    missing = [name for ccxt_name, name in _CREDENTIALS.items() if not getattr(api, ccxt_name, None)]
    if missing:
        fields = ", ".join(f"exchange.{name}" for name in missing)
        variables = ", ".join(f"FREQTRADE__EXCHANGE__{name.upper()}" for name in missing)
        raise OperationalException(
            f"bitgetcross: {fields} not set: give the API key of an account that may trade margin, in the "
            f"configuration or as {variables}.",
        )


def _sharing(api: Any) -> str:
    try:
        gate = shared_limiter_of(api)
    except ccxt.BadRequest as error:
        raise OperationalException(f"bitgetcross: {error}") from error
    return "in this process" if gate is None else f"shared through {gate.url}"


def _loans(*, unified: bool) -> str:
    """Return what keeps the orders of the bot from borrowing, and what freqtrade takes of coins beside its own."""
    if unified:
        rule = "Margin orders of such an account borrow what they lack; the bot orders no more than is free."
    else:
        rule = "No order of this bot borrows."
    return f"{rule} {_FEES}"


def _wallet(balance: Mapping[str, Any]) -> str:
    held = {coin: total for coin, total in (balance.get("total") or {}).items() if total}
    return ", ".join(f"{total:.8g} {coin}" for coin, total in held.items()) or "empty"


def _refusal(error: ccxt.BaseError) -> str:
    message = " ".join(str(error).split())
    if _CLOCK in message:
        return f"bitgetcross: the venue refuses this machine's clock ({message}): set it right, for example with NTP."
    if isinstance(error, ccxt.AuthenticationError | ccxt.PermissionDenied):
        return (
            f"bitgetcross: the venue refuses the API key ({message}): check exchange.key, exchange.secret and "
            "exchange.password (the key's passphrase), and that the key may read and trade margin from this address."
        )
    return f"bitgetcross: the account could not be read ({message}): start again once the venue answers."


def _text(value: object) -> str:
    return str(getattr(value, "value", value) or "")

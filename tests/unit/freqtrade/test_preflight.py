"""Promise: a bot that cannot trade as configured is refused at its start, with the setting to change."""

import socket
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade import preflight
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import LeverageSettings

MARKETS = {
    "A/USDT": {"marginModes": {"cross": False, "isolated": True}, "margin": True},
    "B/USDT": {"marginModes": {"cross": True, "isolated": False}, "margin": True},
    "C/USDT": {"marginModes": None, "margin": False},
    "D/USDT": {"marginModes": None, "margin": True},
}


def refusal(check: Callable[..., None], *args: Any) -> str:
    """Return the message of a refusal."""
    with pytest.raises(OperationalException) as refused:
        check(*args)
    return str(refused.value)


def live(**changes: Any) -> dict[str, Any]:
    """Return the modes of a live bot."""
    return {"trading_mode": "spot", "margin_mode": "cross", "runmode": "live", "dry_run": False, **changes}


def test_an_api_server_that_cannot_listen_is_refused_and_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": taken.getsockname()[1]}
        pauses: list[float] = []
        message = refusal(preflight.refuse_taken_api_port, {"api_server": server}, pauses.append)
        assert sum(pauses) == pytest.approx(5.0)
        assert f"127.0.0.1:{server['listen_port']} (Address already in use)" in message
        assert '"api_server.listen_port"' in message
        preflight.refuse_taken_api_port({"api_server": {**server, "enabled": False}})
        for wrong in ([], {"enabled": True}, {**server, "listen_port": "8080"}):
            preflight.refuse_taken_api_port({"api_server": wrong})
    preflight.refuse_taken_api_port({"api_server": server})
    preflight.refuse_taken_api_port({})


def test_an_api_port_that_becomes_free_is_waited_for() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": taken.getsockname()[1]}
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            taken.close()

    preflight.refuse_taken_api_port({"api_server": server}, pause)
    assert len(pauses) == 3


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_api_server_may_listen_on_ipv6() -> None:
    for host in ("::1", "::"):
        preflight.refuse_taken_api_port({"api_server": {"enabled": True, "listen_ip_address": host, "listen_port": 0}})


def test_other_trading_modes_are_refused() -> None:
    assert refusal(preflight.refuse_modes, live(trading_mode=SimpleNamespace(value="margin"))) == (
        'bitgetcross: "trading_mode" is \'margin\': set "spot" (longs without leverage) or "futures" (leverage and '
        'shorts on the same spot pairs), and "margin_mode": "cross".'
    )


@pytest.mark.parametrize("section", [{}, {"bitget_margin": {"leverage": None}}, {"bitget_margin": []}], ids=repr)
@pytest.mark.parametrize("run", [{}, {"runmode": "backtest"}, {"runmode": "util_exchange"}], ids=repr)
def test_leverage_needs_settings(section: dict[str, Any], run: dict[str, Any]) -> None:
    message = refusal(preflight.refuse_modes, live(trading_mode="futures", **section, **run))
    assert message == (
        "bitgetcross: \"trading_mode\" is 'futures', in which entries BORROW, and the configuration does not say how "
        'much: add "bitget_margin": {"leverage": {"max": 3}}, or set "trading_mode": "spot" (longs without leverage).'
    )


def test_leverage_needs_the_cross_margin_mode() -> None:
    config = live(trading_mode="futures", margin_mode="isolated", bitget_margin={"leverage": {"max": 3}})
    assert "\"margin_mode\" is 'isolated'" in refusal(preflight.refuse_modes, config)
    preflight.refuse_modes({**config, "margin_mode": "cross"})


def test_stop_losses_at_the_venue_are_refused_with_leverage() -> None:
    section = {"leverage": {"max": 3}, "strategy_orders": True}
    config = live(trading_mode="futures", bitget_margin=section)
    assert '"bitget_margin.strategy_orders" is true' in refusal(preflight.refuse_modes, config)
    preflight.refuse_modes({**config, "trading_mode": "spot"})
    check = preflight.refuse_stops_with_leverage
    assert 'set "stoploss_on_exchange": false' in refusal(check, {"stoploss_on_exchange": True})
    check({"stoploss_on_exchange": False})


@pytest.mark.parametrize("run", [{}, {"runmode": "dry_run", "dry_run": True}], ids=["live", "dry-run"])
@pytest.mark.parametrize(("mode", "shown"), [("isolated", "'isolated'"), ("", "not set"), (None, "not set")])
def test_other_margin_modes_are_refused(mode: str | None, shown: str, run: dict[str, Any]) -> None:
    assert refusal(preflight.refuse_modes, live(margin_mode=mode, **run)) == (
        f'bitgetcross: "margin_mode" is {shown}; it trades the cross margin account: set "margin_mode": "cross".'
    )


@pytest.mark.parametrize(
    "config",
    [
        live(),
        {"margin_mode": "cross"},
        {"runmode": "util_exchange"},
        {"runmode": "backtest", "trading_mode": "spot"},
        # Leverage needs a mode of its own: in this one, its settings have no effect.
        live(bitget_margin={"leverage": {"max": 3}}),
    ],
)
def test_a_bot_in_cross_margin_mode_and_a_command_that_does_not_trade_are_accepted(config: dict[str, Any]) -> None:
    preflight.refuse_modes(config)


def test_a_stop_loss_on_the_exchange_is_refused() -> None:
    check = preflight.refuse_stoploss_on_exchange
    assert refusal(partial(check, strategy_orders=False), {"stoploss_on_exchange": True}) == (
        'bitgetcross: "stoploss_on_exchange" is true, and the cross margin account has no trigger orders: set '
        '"stoploss_on_exchange": false; freqtrade then watches the stop-loss itself. (On a unified account, '
        '"bitget_margin.strategy_orders": true enables them; they are experimental.)'
    )
    check({"stoploss_on_exchange": False}, strategy_orders=False)
    check({}, strategy_orders=False)


def test_a_stop_loss_on_the_exchange_needs_a_market_order_a_unified_account_and_the_mixin() -> None:
    check = partial(preflight.refuse_stoploss_on_exchange, strategy_orders=True)
    check({"stoploss_on_exchange": True, "stoploss": "market"})
    limit = {"stoploss_on_exchange": True, "stoploss": "limit"}
    assert "a stop-loss on the exchange places market orders only" in refusal(check, limit)
    preflight.refuse_stops_without(unified=True, mixin=True)
    with pytest.raises(OperationalException, match="this is a classic account"):
        preflight.refuse_stops_without(unified=False, mixin=True)
    with pytest.raises(OperationalException, match="does not use CrossedMarginMixin"):
        preflight.refuse_stops_without(unified=True, mixin=False)


@pytest.mark.parametrize(
    ("pairs", "listed", "them"),
    [([*MARKETS, "E/USDT", ".*/USDT"], "A/USDT, C/USDT", "them"), (["B/USDT", "C/USDT"], "C/USDT", "it")],
)
def test_pairs_without_cross_margin_are_named_and_unknown_ones_are_left_to_freqtrade(
    pairs: list[str], listed: str, them: str
) -> None:
    assert refusal(preflight.refuse_pairs, {"exchange": {"pair_whitelist": pairs}}, MARKETS) == (
        f'bitgetcross: {listed} cannot be traded on cross margin: take {them} out of "exchange.pair_whitelist".'
    )
    preflight.refuse_pairs({"exchange": {"pair_whitelist": ["B/USDT", "E/USDT"]}}, MARKETS)
    preflight.refuse_pairs({}, MARKETS)


@pytest.mark.parametrize("setting", ["pair_whitelist", "pair_blacklist"])
def test_names_of_futures_contracts_are_refused_with_the_right_ones(setting: str) -> None:
    pairs = ["ETH/USDT", "BTC/USDT:USDT", "(?:A|B)/USDT", ".*/USDC:USDC"]
    assert refusal(preflight.refuse_futures_names, {"exchange": {setting: pairs}}) == (
        f'bitgetcross: "exchange.{setting}" has names of futures contracts, and leverage and shorts trade the spot '
        'pairs here: "BTC/USDT:USDT" is "BTC/USDT", ".*/USDC:USDC" is ".*/USDC".'
    )
    preflight.refuse_futures_names({"exchange": {setting: ["ETH/USDT", "(?:A|B)/(?:USDT|USDC)", ".*/.*"]}})
    preflight.refuse_futures_names({"exchange": {setting: None}})
    preflight.refuse_futures_names({})


def test_a_coin_of_the_rates_has_the_letters_of_its_markets() -> None:
    markets = {"BTC/USDT": {"base": "BTC", "quote": "USDT"}, "kX/USDT": {"base": "kX", "quote": "USDT"}}
    assert refusal(preflight.refuse_coins_of_rates, {"BTC": 0.0001, "usdt": 0.0002}, markets) == (
        'bitgetcross: "bitget_margin.leverage.daily_interest" has a rate of "usdt": write "USDT".'
    )
    preflight.refuse_coins_of_rates({"BTC": 0.0001, "kX": 0.0001, "GONE": 0.0001}, markets)


class Api:
    """The requests and attributes that `check_account` uses."""

    id = "bitget"
    apiKey = secret = password = "set"  # noqa: N815 - names of ccxt

    def __init__(self, *, unified: bool = False, error: ccxt.BaseError | None = None, **balance: Any) -> None:
        self.options: dict[str, Any] = {}
        self.urls = {"api": {"margin": "http://127.0.0.1"}}
        self.unified, self.error, self.balance = unified, error, balance
        self.params: dict[str, Any] = {}
        self.settings: dict[str, Any] = {"accountLevel": "advanced"}
        self.learned: Mapping[str, Any] = {}

    def handle_uta_and_params(self, params: dict[str, Any], _method: str) -> tuple[bool, dict[str, Any]]:
        return self.unified, params

    def privateUtaGetV3AccountSettings(self, _params: object) -> dict[str, Any]:  # noqa: N802
        return {"data": {"uid": "3", **self.settings}}

    def learn_level(self, settings: Mapping[str, Any]) -> None:
        self.learned = settings

    def privateSpotGetV2SpotAccountInfo(self, _params: object) -> dict[str, Any]:  # noqa: N802
        return {"data": {"userId": 2}}

    def fetch_balance(self, params: dict[str, Any]) -> Mapping[str, Any]:
        self.params = params
        if self.error:
            raise self.error
        return self.balance


@pytest.fixture
def logged() -> list[str]:
    return []


def check(api: Api, logged: list[str], *leverage: Any) -> None:
    alerts: Any = SimpleNamespace(
        info=lambda text: logged.append(f"INFO {text}"), warn=lambda text: logged.append(f"WARNING {text}")
    )
    preflight.check_account(api, alerts, *leverage)


@pytest.mark.parametrize(
    ("unified", "balance", "account"),
    [
        (False, {"total": {"USDT": 100.5, "BTC": 0, "ETH": 2}}, "a classic account, UID 2, wallet 100.5 USDT, 2 ETH"),
        (True, {}, "a unified account in advanced mode, UID 3, wallet empty"),
    ],
)
def test_the_account_is_logged(logged: list[str], unified: bool, balance: dict[str, Any], account: str) -> None:
    api = Api(unified=unified, **balance)
    check(api, logged)
    loans = "Margin orders of such an account borrow what they lack; the bot orders no more than is free."
    fees = "If you hold coins of a pair yourself, the fee of each entry on it is sold out of yours."
    assert logged == [
        (
            f"INFO Trading on Bitget's CROSS MARGIN account: {account}; rate window: 10 requests per 1.05 s and "
            f"endpoint, in this process. {loans if unified else 'No order of this bot borrows.'} {fees}"
        )
    ]
    assert api.learned.get("accountLevel") == ("advanced" if unified else None)
    assert api.options["uid"] == ("3" if unified else "2")
    assert api.params == {"marginMode": "cross"}


@pytest.mark.parametrize("level", ["basic", "isolated"])
def test_a_unified_account_without_spot_margin_is_refused(logged: list[str], level: str) -> None:
    api = Api(unified=True)
    api.settings = {"accountLevel": level}
    assert refusal(check, api, logged) == (
        f"bitgetcross: the unified account is in {level} mode, which has no spot margin: switch it to advanced mode in "
        "the account settings of Bitget's website."
    )


@pytest.mark.parametrize("settings", [{}, {"accountLevel": "new"}, {"accountLevel": None}])
def test_an_account_whose_level_is_not_known_is_not_refused(logged: list[str], settings: dict[str, Any]) -> None:
    api = Api(unified=True)
    api.settings = settings
    check(api, logged)
    assert "a unified account" in logged[0]


def test_loans_are_warned_of(logged: list[str]) -> None:
    check(Api(debt={"USDT": 100.5, "BTC": 0.0, "ADA": 3}), logged)
    assert logged[1:] == [
        (
            "WARNING The cross margin account carries loans: 100.5 USDT, 3 ADA. Interest runs, freqtrade does not "
            "count it, and a liquidation would sell this bot's coins too. Repay, or use an account without loans."
        )
    ]


@pytest.mark.parametrize("unified", [False, True], ids=["classic", "unified"])
def test_leverage_is_called_experimental_with_its_limits_and_rates(logged: list[str], unified: bool) -> None:
    rates = {"USDT": 0.00024, "BTC": 0.0001, "ETH": 0.00024}
    check(Api(unified=unified), logged, LeverageSettings(max=3.0, max_risk=0.4), lambda: rates)
    assert len(logged) == 1
    by_themselves = " Margin orders of such an account borrow and repay by themselves." if unified else ""
    assert logged[0].endswith(
        "EXPERIMENTAL: its entries BORROW what they lack, up to a leverage of 3, or to the venue's own limit of the "
        "pair where that is lower (3 unless it was raised), and one less for shorts, and up to a margin level of 0.4 "
        f"(the venue liquidates at 1). Interest a day: 0.024 % of USDT, ETH; 0.01 % of BTC.{by_themselves}"
    )


def test_debts_beside_leverage_may_be_those_of_trades(logged: list[str]) -> None:
    check(Api(debt={"USDT": 100.5, "BTC": 0.0}), logged, LeverageSettings(max=3.0), dict)
    assert logged[1:] == [
        (
            "INFO The cross margin account owes 100.5 USDT. What open trades of this bot have borrowed belongs to "
            "them. Any other debt is in no books of freqtrade, and entries that would borrow the same coin are refused "
            "beside it."
        )
    ]


def test_rates_are_not_asked_for_where_the_account_is_refused(logged: list[str]) -> None:
    asked: list[bool] = []
    api = Api(error=ccxt.AuthenticationError("wrong key"))
    refusal(check, api, logged, LeverageSettings(max=3.0), lambda: asked.append(True) or {})
    assert asked == []


@pytest.mark.parametrize("missing", [("apiKey", "secret", "password"), ("password",)], ids=",".join)
@pytest.mark.parametrize("nothing", ["", None], ids=["empty", "null"])
def test_missing_credentials_are_named_with_their_variables(
    logged: list[str], missing: tuple[str, ...], nothing: str | None
) -> None:
    api = Api(error=ccxt.ExchangeError("requested"))
    for name in missing:
        setattr(api, name, nothing)
    names = ["key" if name == "apiKey" else name for name in missing]
    assert refusal(check, api, logged) == (
        f"bitgetcross: {', '.join(f'exchange.{name}' for name in names)} not set: give the API key of an account that "
        f"may trade margin, in the configuration or as {', '.join(f'FREQTRADE__EXCHANGE__{n.upper()}' for n in names)}."
    )
    assert logged == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ccxt.InvalidNonce('bitget {"code":"40008"}'),
            'the venue refuses this machine\'s clock (bitget {"code":"40008"}): set it right, for example with NTP.',
        ),
        *(
            (
                kind("no\n entry"),
                (
                    "the venue refuses the API key (no entry): check exchange.key, exchange.secret and "
                    "exchange.password (the key's passphrase), and that the key may read and trade margin from this "
                    "address."
                ),
            )
            for kind in (ccxt.AuthenticationError, ccxt.PermissionDenied)
        ),
        (
            ccxt.ExchangeNotAvailable("bitget <html>\n  <b>Bad gateway</b>\n</html>"),
            (
                "the account could not be read (bitget <html> <b>Bad gateway</b> </html>): start again once "
                "the venue answers."
            ),
        ),
    ],
    ids=repr,
)
def test_a_refused_request_is_one_line_with_its_remedy(logged: list[str], error: ccxt.BaseError, message: str) -> None:
    assert refusal(check, Api(error=error), logged) == f"bitgetcross: {message}"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("bitget_margin.freqtrade.preflight.time.sleep", made.append)
    return made


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (ccxt.ExchangeNotAvailable("bad gateway"), 4),
        (ccxt.RequestTimeout("no answer"), 4),
        (ccxt.ExchangeError("bitget 50031"), 4),
        (ccxt.AuthenticationError("wrong key"), 1),
        (ccxt.PermissionDenied("not this one"), 1),
        (ccxt.InvalidNonce('bitget {"code":"40008"}'), 1),
    ],
    ids=repr,
)
def test_a_bot_starts_as_soon_as_the_venue_answers_and_a_refusal_is_final(
    logged: list[str], pauses: list[float], error: ccxt.BaseError, tries: int
) -> None:
    refusal(check, Api(error=error), logged)
    assert pauses == [1.0] * (tries - 1)


def test_an_account_that_was_read_at_last_is_traded(logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(error=ccxt.RequestTimeout("no answer"))
    monkeypatch.setattr("bitget_margin.freqtrade.preflight.time.sleep", lambda _: setattr(api, "error", None))
    check(api, logged)
    assert logged


def test_a_wrong_rate_gate_is_refused(logged: list[str]) -> None:
    api = Api()
    api.options["rateGate"] = "file:///windows"
    assert refusal(check, api, logged).startswith("bitgetcross: ")

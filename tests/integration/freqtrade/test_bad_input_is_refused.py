"""Promise: a configuration that cannot work is refused before anything is traded, with the setting to change."""

import asyncio
import gc
import importlib
import logging
import pickle
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import freqtrade.exchange
import pytest
from freqtrade.enums import CandleType, MarginMode, RunMode, TradingMode
from freqtrade.exceptions import OperationalException
from freqtrade.exchange import Exchange
from freqtrade.resolvers import ExchangeResolver
from freqtrade.strategy import IStrategy

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from bitget_margin.freqtrade import CrossedMarginMixin, preflight, register, runtime, unregister
from bitget_margin.freqtrade import exchange as bot_exchange
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.resting_orders import RestingOrders
from support import bot as support
from support.bot import signed_requests
from support.client import close
from support.console import other_exchange

CHECKS = ["clock:", "permissions:", "versions:"]
"""Checks that the log has after the account, as "Check of the start: clock: …"."""
OLD_CCXT = ccxt.__version__ == "4.5.60"
MODULES = (ccxt, ccxt.async_support, ccxt.pro)


@pytest.fixture(scope="module")
def shop() -> Iterator[Emulator]:
    """Run a venue for the tests that change nothing on it."""
    with Emulator(accounts=(Account(),)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register, and take everything back; freqtrade closes no exchange that refused to start."""
    made: list[Any] = []
    start = Exchange.__init__

    def started(exchange: Any, *args: Any, **named: Any) -> None:
        made.append(exchange)
        start(exchange, *args, **named)

    monkeypatch.setattr(Exchange, "__init__", started)
    register()
    yield
    unregister()
    for exchange in made:
        if hasattr(exchange, "_api_async"):
            exchange.loop.run_until_complete(close(exchange._api_async))
        exchange.loop.close()
    # freqtrade has set it; later tests must not find it.
    asyncio.set_event_loop(None)


def config(venue: Emulator, **changes: Any) -> dict[str, Any]:
    """Return the configuration of a live bot as freqtrade has it once it has read it."""
    made = support.config(venue, ["BTC/USDT"], Path(), **changes)
    made["exchange"]["ccxt_config"]["enableRateLimit"] = False
    made["trading_mode"] = TradingMode(made["trading_mode"])
    made["margin_mode"] = made["margin_mode"] and MarginMode(made["margin_mode"])
    return {"runmode": RunMode.LIVE, "candle_type_def": CandleType.SPOT, **made}


def load(venue: Emulator, **changes: Any) -> Any:
    """Load the exchange as a live bot does."""
    return ExchangeResolver.load_exchange(config(venue, **changes), validate=True)


def refusal(venue: Emulator, **changes: Any) -> str:
    """Return the one line with which a live bot refuses to start; only the account settings were requested."""
    since = len(signed_requests(venue))
    with pytest.raises(OperationalException) as refused:
        load(venue, **changes)
    message = str(refused.value)
    assert "\n" not in message
    assert not any(secret in message for secret in secrets_of(venue, changes))
    assert {record.path for record in signed_requests(venue)[since:]} <= {
        "/api/v3/account/settings",
        "/api/v2/spot/account/info",
    }
    return message


def secrets_of(venue: Emulator, changes: dict[str, Any]) -> list[str]:
    """Return the secrets that no message may show: those of the accounts, and those that were typed wrong."""
    own = [secret for each in venue.accounts for secret in (each.secret, each.password)]
    typed = changes.get("exchange", {})
    return [*own, *(typed[name] for name in ("secret", "password") if typed.get(name))]


@pytest.mark.usefixtures("registered")
class TestTheAccount:
    @pytest.mark.parametrize(
        ("wrong", "code"),
        [({"key": "bg_wrong"}, "40006"), ({"secret": "wrong-secret"}, "40009"), ({"password": "wrong-pass"}, "40012")],
        ids=["key", "secret", "passphrase"],
    )
    def test_wrong_credentials_are_named(self, shop: Emulator, wrong: dict[str, str], code: str) -> None:
        message = refusal(shop, exchange=wrong)
        assert message.startswith("bitgetcross: the venue refuses the API key (bitget {")
        assert f'"code":"{code}"' in message
        assert "check exchange.key, exchange.secret and exchange.password (the key's passphrase)" in message

    def test_missing_credentials_are_named_and_nothing_is_requested(self, shop: Emulator) -> None:
        since = len(shop.requests)
        assert refusal(shop, exchange={"password": ""}).startswith("bitgetcross: exchange.password not set: ")
        assert not any("account" in record.path for record in shop.requests[since:])

    @pytest.mark.parametrize("kind", list(AccountKind))
    def test_the_kind_of_the_account_is_logged(self, caplog: pytest.LogCaptureFixture, kind: AccountKind) -> None:
        caplog.set_level(logging.INFO)
        with Emulator(accounts=(Account(kind=kind),)) as venue:
            exchange = load(venue)
        assert exchange.batch_max == {AccountKind.CLASSIC: 50, AccountKind.UNIFIED: 20}[kind]
        message, *checks = bot_records(caplog, logging.INFO)
        assert [check.split()[4] for check in checks] == CHECKS
        mode = " in advanced mode" if kind is AccountKind.UNIFIED else ""
        assert f"account: a {kind.value} account{mode}, UID {venue.accounts[0].uid}, wallet 100000 USDT" in message

    def test_where_the_list_of_margin_pairs_is_down_pairs_stay_offered_with_one_warning(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        with Emulator(accounts=(Account(),)) as venue:
            crossed = set(load(venue).get_markets(tradable_only=True))
            assert crossed == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
            venue.add_fault(FaultKind.UNAVAILABLE, path="margin/currencies")
            assert set(load(venue).get_markets(tradable_only=True)) == {*crossed, "XRP/USDT"}
        (warned,) = [record for record in caplog.records if record.name == "bitget_margin.markets"]
        assert warned.getMessage().startswith("The list of margin pairs could not be read")

    def test_an_account_in_basic_mode_is_refused_with_what_to_change(self) -> None:
        unified = Account(kind=AccountKind.UNIFIED)
        with Emulator(accounts=(unified,)) as venue:
            venue.knobs(account_level="basic")
            with pytest.raises(OperationalException, match=r"is in basic mode, .*: switch it to advanced mode"):
                load(venue)

    def test_a_wrong_clock_is_named(self) -> None:
        with Emulator(clock=lambda: time.time_ns() // 1_000_000 + 60_000) as venue:
            message = refusal(venue)
        assert message.startswith('bitgetcross: the venue refuses this machine\'s clock (bitget {"code":"40008"')
        assert message.endswith("set it right, for example with NTP.")

    def test_loans_are_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        with Emulator(accounts=(Account(debts={"USDT": "100.5", "ADA": "3"}),)) as venue:
            load(venue)
        (warning,) = bot_records(caplog, logging.WARNING)
        assert warning == (
            "The cross margin account carries loans: 100.5 USDT, 3 ADA. Interest runs, freqtrade does not count it, "
            "and a liquidation would sell this bot's coins too. Repay, or use an account without loans."
        )

    def test_a_good_account_is_introduced_without_a_warning(
        self, shop: Emulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        assert type(load(shop)) is Bitgetcross
        assert bot_records(caplog, logging.WARNING) == []
        message, *checks = bot_records(caplog, logging.INFO)
        assert [check.split()[4] for check in checks] == CHECKS
        assert message.startswith(
            "Trading on Bitget's CROSS MARGIN account: a classic account, "
            f"UID {shop.accounts[0].uid}, wallet 100000 USDT, 2 BTC, 20 ETH, 500 SOL; "
        )
        assert not any(secret in caplog.text for secret in secrets_of(shop, {}))


@pytest.mark.usefixtures("registered")
class TestTheConfiguration:
    @pytest.mark.skipif(OLD_CCXT, reason="this ccxt takes every pair with margin for one with cross margin")
    def test_a_pair_without_crossed_margin_is_named(self, shop: Emulator) -> None:
        message = refusal(shop, exchange={"pair_whitelist": ["BTC/USDT", "XRP/USDT"]})
        assert message == (
            'bitgetcross: XRP/USDT cannot be traded on cross margin: take it out of "exchange.pair_whitelist".'
        )

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"trading_mode": "futures"}, "\"trading_mode\" is 'futures'"),
            ({"margin_mode": "isolated"}, "\"margin_mode\" is 'isolated'"),
            ({"runmode": RunMode.DRY_RUN, "dry_run": True, "margin_mode": None}, '"margin_mode" is not set'),
            ({"order_types": {"stoploss_on_exchange": True}}, '"stoploss_on_exchange" is true'),
            ({"bitget_margin": {"wait_ms": 99}}, '"bitget_margin.wait_ms" is 99'),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_wrong_setting_is_named(self, shop: Emulator, change: dict[str, Any], name: str) -> None:
        assert name in refusal(shop, **change)

    @pytest.mark.slow
    def test_a_taken_port_of_the_api_server_is_named(self, shop: Emulator) -> None:
        """Alone, freqtrade would wait for its API server forever, and watch no stop-loss."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": taken.getsockname()[1]}
            assert '"api_server.listen_port"' in refusal(shop, api_server=server)


@pytest.mark.usefixtures("registered")
class TestNoOtherClass:
    """freqtrade reads an AttributeError as a missing class, and continues with one that trades the spot wallet."""

    @pytest.mark.parametrize(
        ("holder", "name"),
        [
            (preflight, "refuse_modes"),
            (bot_exchange, "parse_config"),
            (RestingOrders, "__init__"),
            (preflight, "refuse_pairs"),
            (preflight, "check_account"),
            (Bitgetcross, "additional_exchange_init"),
            (Exchange, "validate_config"),
        ],
        ids=lambda value: value if isinstance(value, str) else value.__name__.rsplit(".", 1)[-1],
    )
    def test_an_attribute_error_at_the_start_stops_the_bot(
        self, shop: Emulator, monkeypatch: pytest.MonkeyPatch, holder: object, name: str
    ) -> None:
        def missing(*_: object, **__: object) -> None:
            raise AttributeError("no attribute of that name")

        monkeypatch.setattr(holder, name, missing)
        assert refusal(shop) == ("bitgetcross could not be started: AttributeError('no attribute of that name')")

    def test_a_refused_start_raises_nothing_when_it_is_collected(self, shop: Emulator) -> None:
        """What other tests have left behind may be collected at any time: one start of three has to be clean."""

        def raised() -> list[Any]:
            ignored: list[Any] = []
            hook, sys.unraisablehook = sys.unraisablehook, ignored.append
            try:
                gc.collect()
                ignored.clear()
                refusal(shop, margin_mode="isolated")
                gc.collect()
            finally:
                sys.unraisablehook = hook
            return [unraisable.exc_value for unraisable in ignored]

        found = raised() and raised() and raised()
        assert found == []


class TestRegistration:
    def test_it_can_be_done_twice_and_undone_twice(self) -> None:
        unregister()  # a test before this one may have registered
        before = names()
        register()
        once = names()
        register()
        assert names() == once != before
        flavours = (bitget_margin.bitget, bitget_margin.async_support.bitget, bitget_margin.pro.bitget)
        for module, flavour in zip(MODULES, flavours, strict=True):
            assert issubclass(module.bitgetcross, flavour)
            assert pickle.loads(pickle.dumps(module.bitgetcross)) is module.bitgetcross  # noqa: S301 - hyperopt does
            assert (module.bitgetcross().id, module.bitgetcross().name) == ("bitget", "Bitget crossed margin")
            assert flavour().name == "Bitget"
        listed = {each["classname"]: each["name"] for each in freqtrade.exchange.list_available_exchanges(False)}
        assert (listed["bitgetcross"], listed["bitget"]) == ("Bitget crossed margin", "Bitget")
        assert [module.exchanges.count("bitgetcross") for module in MODULES] == [1, 1, 1]
        assert freqtrade.exchange.Bitgetcross is Bitgetcross
        unregister()
        assert names() == before
        unregister()
        assert names() == before

    def test_importing_registers_nothing(self) -> None:
        before = names()
        importlib.reload(importlib.import_module("bitget_margin.freqtrade"))
        assert names() == before


def names() -> list[Any]:
    """Return the names that registering changes: in ccxt's modules and lists, and in freqtrade's exchanges."""
    return [*((list(module.exchanges), set(dir(module))) for module in MODULES), set(dir(freqtrade.exchange))]


class TestTheStrategy:
    def test_the_mixin_after_istrategy_is_refused_by_python(self) -> None:
        with pytest.raises(TypeError, match="method resolution"):
            type("Wrong", (IStrategy, CrossedMarginMixin), {})
        type("Right", (CrossedMarginMixin, IStrategy), {})
        type("Short", (CrossedMarginMixin,), {})

    @pytest.mark.parametrize("dry", [True, False], ids=["dry-run", "live"])
    def test_another_exchange_is_warned_of_in_a_dry_run_and_refused_live(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, dry: bool
    ) -> None:
        monkeypatch.setattr(runtime, "current_exchange", lambda: None)  # an earlier test's may be alive still
        strategy = stock_strategy({"runmode": RunMode.DRY_RUN if dry else RunMode.LIVE, "dry_run": dry})
        message = other_exchange("Mine")
        if dry:
            strategy.ft_bot_start()
            assert bot_records(caplog, logging.WARNING) == [message]
        else:
            with pytest.raises(OperationalException) as refused:
                strategy.ft_bot_start()
            assert str(refused.value) == message

    def test_backtesting_on_another_exchange_is_allowed(self, caplog: pytest.LogCaptureFixture) -> None:
        stock_strategy({"runmode": RunMode.BACKTEST, "dry_run": True}).ft_bot_start()
        assert bot_records(caplog, logging.WARNING) == []


def stock_strategy(config: dict[str, Any]) -> Any:
    """Return a strategy with the mixin, on stock bitget."""
    made = type("Mine", (CrossedMarginMixin, IStrategy), {"populate_indicators": lambda *args: args[1]})
    return made({"exchange": {"name": "bitget"}, **config})


def bot_records(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return the messages of the plugin at a level."""
    ours = [record for record in caplog.records if record.name == "bitget_margin" and record.levelno == level]
    return [record.getMessage() for record in ours]

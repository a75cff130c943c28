"""Promise: each part of freqtrade that the plugin uses is where `compat` declares it.

`test_freqtrade_parts` compares them as a bot does at its start; here is what only sources show.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.freqtrade import compat, simulation_compat

MODULES = (compat, simulation_compat)


def declared() -> list[tuple[ast.ClassDef, ast.stmt]]:
    """Return the members that the modules declare for the type checker, with their classes."""
    blocks = [
        node
        for module in MODULES
        for node in ast.parse(Path(module.__file__ or "").read_text()).body
        if isinstance(node, ast.If)
    ]
    declarations = [node for block in blocks for node in block.body]
    classes = [node for node in declarations if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    return [(owner, member) for owner in classes for member in owner.body if not isinstance(member, ast.Expr)]


def resolved(owner: str) -> Any:
    """Return the class of freqtrade behind a declared one."""
    return next(getattr(module, owner) for module in MODULES if hasattr(module, owner))


def name_of(member: ast.stmt) -> str:
    """Return the name of a member: an attribute or a method."""
    if isinstance(member, ast.FunctionDef):
        return member.name
    assert isinstance(member, ast.AnnAssign)
    assert isinstance(member.target, ast.Name)
    return member.target.id


def sources_of(cls: type) -> str:
    """Return the sources of a class and of its bases, those of freqtrade."""
    return "".join(inspect.getsource(base) for base in cls.__mro__ if base.__module__.startswith("freqtrade"))


MEMBERS = {f"{owner.name}.{name_of(member)}": (owner.name, member) for owner, member in declared()}
# Read before the first test: Python 3.11 cannot parse a source while its collector ends the bots of earlier ones.
SOURCES = {owner: sources_of(resolved(owner)) for owner in {owner for owner, _ in MEMBERS.values()}}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_declared_member_is_there(member: str) -> None:
    owner, declaration = MEMBERS[member]
    cls, name = resolved(owner), name_of(declaration)
    # An instance attribute is annotated in the body of the class, or set by a constructor.
    set_or_annotated = re.compile(rf"^    (    self\.)?{name}(: | = )", re.MULTILINE)
    assert hasattr(cls, name) or set_or_annotated.search(SOURCES[owner])


PAIR = "BTC/USDT"
RETRIES_OF = {f"BitgetExchange.{name}": parameter for name, parameter in compat.DECORATED.items()}
"""Methods that freqtrade's decorator repeats, and the parameter with the number of repeats, which it takes out."""


def has_parameters(member: ast.stmt) -> bool:
    """Whether a member is a method with parameters of its own, and no property or classmethod of the language."""
    return isinstance(member, ast.FunctionDef) and bool(member.args.args[1:] or member.args.kwonlyargs)


@pytest.mark.parametrize("member", [name for name, (_, member) in MEMBERS.items() if has_parameters(member)])
def test_a_declared_method_takes_the_declared_parameters(member: str) -> None:
    owner, declaration = MEMBERS[member]
    assert isinstance(declaration, ast.FunctionDef)
    parameters = inspect.signature(getattr(resolved(owner), declaration.name)).parameters.values()
    wanted = {argument.arg for argument in (*declaration.args.args, *declaration.args.kwonlyargs)} - {"self", "cls"}
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    assert takes_any or wanted - {RETRIES_OF.get(member)} <= {parameter.name for parameter in parameters}


@pytest.mark.parametrize("member", RETRIES_OF)
def test_the_number_of_retries_is_taken_by_freqtrade_s_decorator(member: str) -> None:
    owner, name = member.split(".")
    method: Any = getattr(resolved(owner), name)
    calls: list[object] = []

    def failing(*given: object) -> None:
        calls.append(given)
        raise ccxt.RequestTimeout("x")

    api = SimpleNamespace(fetch_balance=failing, fetch_ticker=failing, fetch_l2_order_book=failing)
    exchange = mock.MagicMock(_api=api, log_responses=False, markets={PAIR: {"active": True}})
    with pytest.raises(compat.TemporaryError):
        method(exchange, {} if name == "get_balances" else PAIR, count=0)
    assert len(calls) == 1


def test_an_exit_asks_for_funding_fees_first() -> None:
    """`Exits.begin` depends on it: fills of resting orders are booked before freqtrade computes the amount."""
    bot: Any = importlib.import_module("freqtrade.freqtradebot").FreqtradeBot
    source = inspect.getsource(bot.execute_trade_exit)
    asks = source.index("get_funding_fees")
    for later in ("_safe_exit_amount", "confirm_trade_exit", "create_order"):
        assert asks < source.index(later), later


def test_the_update_of_all_funding_fees_is_told_from_an_exit_by_its_caller() -> None:
    """It calls with the arguments of an exit, and only an exit looks up resting orders and takes known interest."""
    bot: Any = importlib.import_module("freqtrade.freqtradebot").FreqtradeBot

    class Exchange:
        def get_funding_fees(self, *_: Any, **__: Any) -> bool:
            return compat.is_funding_update()

    noted: list[bool] = []
    trade = SimpleNamespace(
        pair="BTC/USDT", amount=1.0, is_short=False, date_last_filled_utc=None, set_funding_fees=noted.append
    )
    itself = SimpleNamespace(trading_mode=compat.FUTURES, exchange=Exchange())
    with mock.patch.object(compat.Trade, "get_open_trades", staticmethod(lambda: [trade]), create=True):
        bot.update_funding_fees(itself)
    assert noted == [True]

    def execute_trade_exit() -> bool:
        return itself.exchange.get_funding_fees()

    assert not execute_trade_exit()
    for asks in (bot.execute_trade_exit, bot.execute_entry):
        assert "self.exchange.get_funding_fees(" in inspect.getsource(asks)
    assert "self.update_funding_fees()" in inspect.getsource(bot.__init__)
    assert "self.update_funding_fees()" in inspect.getsource(bot.startup)


def test_an_exit_follows_at_once_on_its_reasons_and_is_of_all_coins() -> None:
    """`Exits.announce` depends on it, and that nothing but the confirmation and an open order can refuse it."""
    bot: Any = importlib.import_module("freqtrade.freqtradebot").FreqtradeBot
    source = inspect.getsource(bot._check_and_execute_exit)
    follows = source[source.index("self.strategy.should_exit(") :]
    (call,) = re.findall(r"self\.execute_trade_exit\((.*)\)", follows)
    assert "sub_trade_amt" not in call
    left_out = follows[: follows.index("self.execute_trade_exit(")]
    assert left_out.count("continue") == 1
    assert left_out.index("if trade.has_open_orders") < left_out.index("continue")


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        ("freqtradebot.FreqtradeBot.execute_trade_exit", "reduceOnly=self.trading_mode == TradingMode.FUTURES"),
        ("optimize.backtesting.Backtesting._load_bt_data_detail", 'self.exchange.get_option("mark_ohlcv_timeframe")'),
    ],
)
def test_freqtrade_calls_it_with_the_values_that_are_overridden(function: str, calls: str) -> None:
    module, cls, method = function.rsplit(".", 2)
    owner = getattr(importlib.import_module(f"freqtrade.{module}"), cls)
    assert calls in inspect.getsource(getattr(owner, method))


@pytest.mark.parametrize(
    "find",
    [
        lambda: importlib.import_module("freqtrade.main").main,
        lambda: compat.commands_module().start_convert_db,
        lambda: importlib.import_module("freqtrade.configuration.config_setup").setup_utils_configuration,
        lambda: compat.exchange_module.Bitget,
        lambda: compat.SPOT,
        lambda: compat.FUTURES,
        lambda: compat.CROSS,
    ],
)
def test_a_function_or_module_that_is_loaded_late_is_there(find: Callable[[], object]) -> None:
    assert find() is not None


def test_the_user_interface_is_looked_for_where_freqtrade_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deploy: Any = importlib.import_module("freqtrade.commands.deploy_commands")
    ui: Any = importlib.import_module("freqtrade.commands.deploy_ui")
    server: Any = importlib.import_module("freqtrade.rpc.api_server")
    folders: list[Path] = []
    monkeypatch.setattr(ui, "get_ui_download_url", lambda *_: ("", ""))
    monkeypatch.setattr(ui, "download_and_install_ui", lambda folder, *_: folders.append(folder))
    monkeypatch.setattr(ui, "clean_ui_subdir", lambda _: None)
    deploy.start_install_ui({"ui_prerelease": False})
    assert folders == [Path(server.__file__).parent / "ui" / "installed"]
    monkeypatch.setattr(server, "__file__", str(tmp_path / "__init__.py"))
    assert not compat.is_ui_installed()
    (tmp_path / "ui" / "installed").mkdir(parents=True)
    (tmp_path / "ui" / "installed" / "index.html").touch()
    assert compat.is_ui_installed()


def test_the_last_configuration_file_wins(tmp_path: Path) -> None:
    texts = {"a.json": '{"x": 1, "y": {"z": 1}, "add_config_files": ["c.json"]}', "b.json": '{"y": {"z": 2}}'}
    for name, text in {**texts, "c.json": '{"y": {"w": 3}, "x": 2}'}.items():
        (tmp_path / name).write_text(text)
    found = compat.load_config([str(tmp_path / name) for name in ("a.json", "b.json")])
    assert (found["x"], found["y"]) == (1, {"z": 2, "w": 3})


def test_usage_and_help_show_another_name_and_keep_their_texts(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the program and of each command, also of one whose help freqtrade chooses by its own name."""
    own = importlib.import_module("freqtrade.commands").Arguments
    named = compat.named_arguments(own, "any program")
    for words in (["--help"], ["trade", "--help"], ["backtesting", "--help"], ["download-data", "--help"]):
        shown = []
        for arguments in (own, named):
            with pytest.raises(SystemExit):
                arguments(list(words)).get_parsed_arg()
            shown.append(capsys.readouterr().out)
        first = "usage: any program " + " ".join(words[:-1])
        assert shown[1].startswith(first)
        assert "freqtrade" not in shown[1].partition("\n\n")[0].replace("--freqaimodel", "")
        texts = [" ".join(text.partition("\n\n")[2].split()) for text in shown]
        assert texts[0] == texts[1]
    assert named(["list-exchanges", "-a"]).get_parsed_arg()["list_exchanges_all"] is True


def test_freqtrade_s_main_is_given_its_arguments_for_one_run() -> None:
    main = importlib.import_module("freqtrade.main")
    own = main.Arguments
    with mock.patch.object(main, "main", lambda given: seen.append((given, main.Arguments))):
        seen: list[Any] = []
        compat.freqtrade_main(["trade"], "any program")
    ((given, arguments),) = seen
    assert given == ["trade"]
    assert issubclass(arguments, own)
    assert main.Arguments is own

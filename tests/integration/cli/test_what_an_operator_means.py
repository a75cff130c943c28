"""What an operator asks for is read as it is meant, or refused in words before anything is sent."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import bitget_margin
from bitget_margin import client_order_ids
from bitget_margin.cli import main
from bitget_margin.cli.operator import account, freqtrade_config, query, selection
from bitget_margin.cli.operator.account import connect
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.operator.selection import Name, Selection, pick, select, symbol_of
from bitget_margin.core.order_ref import IdKind
from bitget_margin.emulator import ccxt_urls

NOW_MS = 10_000_000
KEYS = {"BITGET_API_KEY": "a-key", "BITGET_SECRET": "a-secret", "BITGET_PASSWORD": "a-passphrase"}
VARIABLES = [name for names in (*account.VARIABLES.values(),) for name in names]


def order(order_id: str, **more: Any) -> dict[str, Any]:
    known = {"symbol": "BTC/USDT", "clientOrderId": f"c{order_id}", "side": "buy", "timestamp": NOW_MS - 60_000}
    return {"id": order_id, **known, **more}


BOOK = (
    order("1", clientOrderId="k3x9ab12-7-0a1b2c3d-0", side="sell"),
    order("2", clientOrderId="k3x9ab12-o0123456789abcdef", timestamp=NOW_MS - 7_200_001),
    order("3", symbol="ETH/USDT", side="sell", timestamp=NOW_MS - 7_200_000),
    order("4", symbol="ETH/USDT", clientOrderId=None, timestamp=None),
)


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        ({"everything": True}, "1234"),
        ({"symbols": ["BTC/USDT"]}, "12"),
        ({"symbols": ["BTC/USDT", "ETH/USDT"]}, "1234"),
        ({"side": "sell"}, "13"),
        ({"side": "sell", "symbols": ["ETH/USDT"]}, "3"),
        ({"prefixes": ["k3x9ab12-"]}, "12"),
        ({"prefixes": ["k3x9ab12-o", "c"]}, "23"),
        ({"prefixes": ["K3"]}, ""),
        ({"older_than_ms": 7_200_000}, "2"),
        ({"older_than_ms": 1}, "123"),
        ({"ids": ["3", "1", "3"]}, "31"),
        ({"ids": ["1"], "client_ids": ["k3x9ab12-7-0a1b2c3d-0"]}, "1"),
        ({"ids": ["1", "2"], "side": "sell"}, "1"),
        ({"client_ids": ["c3"], "symbols": ["ETH/USDT"]}, "3"),
        ({"listed": ["# old", "", "3 ETH/USDT  # mine", "1"]}, "31"),
    ],
)
def test_filters_combine_and_nothing_else_is_meant(chosen: dict[str, Any], ids: str) -> None:
    assert "".join(order["id"] for order in pick(select(**chosen), BOOK, NOW_MS).orders) == ids


LISTED = (
    "BTC/USDT",
    "TON/USDT",
    "omni/USDT",
    "AstroPepeX/USDT",
    "DegenReborn/USDT",
    "Evadore/USDT",
    "Jade Protocol/USDT",
    "币安人生/USDT",
    "Ab/USDT",
    "aB/USDT",
)
"""As ccxt has some of Bitget's."""


@pytest.mark.parametrize("known", [LISTED, ()], ids=["listed", "not listed"])
@pytest.mark.parametrize("symbol", LISTED[:8])
def test_a_symbol_is_named_as_it_is_shown_or_in_any_case(symbol: str, known: tuple[str, ...]) -> None:
    """Also where the venue's list is not there: ccxt's own names of coins are known without it."""
    account = listing_of(known)
    for way in (symbol, symbol.lower(), symbol.upper(), f"  {symbol} ", symbol.replace(" ", "  ")):
        typed = symbol_of(way, "--symbol")
        assert query.spelling(account, [typed]) == {typed: symbol}
    chosen = select(ids=["1"], symbols=[symbol.lower()])
    spelled = chosen.spelled(query.spelling(account, chosen.all_symbols))
    assert (spelled.symbols, spelled.names) == ((symbol,), (Name(IdKind.ORDER, "1", symbol),))
    (named,) = select(listed=[f"1 {symbol}  # mine"]).names
    assert named.symbol == symbol


def test_a_symbol_that_could_be_several_is_not_guessed() -> None:
    """Written as one of them, it is that one."""
    account = listing_of(LISTED)
    assert query.spelling(account, ["Ab/USDT", "aB/USDT"]) == {"Ab/USDT": "Ab/USDT", "aB/USDT": "aB/USDT"}
    with pytest.raises(BadUsage, match="ab/usdt could be Ab/USDT or aB/USDT: write it as one of them"):
        query.spelling(account, ["ab/usdt"])
    with pytest.raises(BadUsage, match="the venue has no spot market NOPE/USDT"):
        query.spelling(account, ["NOPE/USDT"])


def test_a_symbol_written_in_two_ways_is_one() -> None:
    chosen = select(symbols=["btc/usdt", "BTC/USDT"], listed=["1 Btc/Usdt", "1 BTC/USDT"])
    spelled = chosen.spelled(query.spelling(listing_of(LISTED), chosen.all_symbols))
    assert (spelled.symbols, spelled.names) == (("BTC/USDT",), (Name(IdKind.ORDER, "1", "BTC/USDT"),))


def listing_of(symbols: tuple[str, ...]) -> Any:
    """Return an account on a venue that has these spot pairs, and a contract."""
    exchange: Any = bitget_margin.bitget()
    contract = {"BTC/USDT:USDT": {"spot": False}} if symbols else {}
    exchange.markets = {**{symbol: {"spot": True} for symbol in symbols}, **contract}
    return SimpleNamespace(exchange=exchange)


def test_named_orders_that_are_not_open_or_filtered_out_are_told() -> None:
    picked = pick(select(ids=["1", "2", "9"], side="sell"), BOOK, NOW_MS)
    assert [order["id"] for order in picked.orders] == ["1"]
    assert picked.spared == (Name(IdKind.ORDER, "2"),)
    assert picked.absent == (Name(IdKind.ORDER, "9"),)
    # Under another symbol it is another order.
    assert pick(select(ids=["1"], symbols=["ETH/USDT"]), BOOK, NOW_MS).absent == (Name(IdKind.ORDER, "1", "ETH/USDT"),)


def test_one_symbol_is_that_of_every_name() -> None:
    """Of several, each order is searched in all."""
    assert select(ids=["1"], symbols=["BTC/USDT"]).names == (Name(IdKind.ORDER, "1", "BTC/USDT"),)
    assert select(ids=["1"], symbols=["BTC/USDT", "ETH/USDT"]).names == (Name(IdKind.ORDER, "1"),)
    assert select(everything=True) == Selection(everything=True)


BAD = [
    ([], "nothing is chosen"),
    (["--all", "--symbol", "BTC/USDT"], "--all is every open order of the account"),
    (["--all", "--side", "buy"], "--all is every open order of the account"),
    (["--all", "--from", "FILE"], "--all is every open order of the account"),
    (["--from", "EMPTY"], "there is no order id in it"),
    (["--from", "WORDS"], "--from, line 1"),
    (["--from", "OTHER", "--symbol", "BTC/USDT"], "1 is said to be of ETH/USDT, which no --symbol names"),
    (["--from", "ABSENT"], "does not exist"),
    (["--from", "-"], "there is no order id in it"),
    (["--symbol", ""], "'' is no symbol"),
    (["--symbol", "BTCUSDT"], "'BTCUSDT' is no symbol; give one such as BTC/USDT"),
    (["--symbol", "BTC/USDT:USDT"], "is a contract"),
    (["--id", ""], "--id is ''"),
    (["--id", "1 2"], "--id is '1 2'"),
    (["--client-id", "ä"], "--client-id is 'ä'"),
    (["--prefix", ""], "--prefix is ''"),
    (["--client-id", "abc", "--prefix", "x"], "--client-id abc does not begin with --prefix x"),
    (["--side", "long"], "'long' is not one of 'buy', 'sell'"),
    (["--older-than", "10"], "'10' is no age"),
    (["--older-than", "0m"], "'0m' is no age"),
    (["--older-than", "-5m"], "'-5m' is no age"),
    (["--all", "--timeout", "0"], "0 is not in the range"),
    (["--all", "--url", "ftp://x"], "give an address such as http://127.0.0.1:8787"),
    (["--all", "--url", "http://127.0.0.1:99999"], "give an address"),
    (["--all", "--proxy", "127.0.0.1:1"], "give an address"),
    (["--all", "--key", "k"], "No such option"),
    (["--all", "--secret", "k"], "No such option"),
    (["--all"], "nobody can be asked here"),
    (["--all", "--json"], "nobody can be asked here"),
    (["--from", "FILE"], "nobody can be asked here"),
]


@pytest.mark.parametrize(("args", "says"), BAD, ids=[" ".join(args) or "nothing" for args, _ in BAD])
def test_what_cannot_be_meant_is_bad_usage(args: list[str], says: str, tmp_path: Path) -> None:
    """Exit code 2, in words, and nothing is sent: no venue is asked here, which pytest-socket would notice."""
    for name, text in {"FILE": "1", "EMPTY": "# none\n\n", "WORDS": "1 BTC/USDT 5", "OTHER": "1 ETH/USDT"}.items():
        (tmp_path / name).write_text(text)
    given = [str(tmp_path / arg) if arg.isupper() and arg.isalpha() and arg != "BTCUSDT" else arg for arg in args]
    done = CliRunner().invoke(main, ["cancel", *given], env=KEYS)
    assert done.exit_code == 2, done.output
    assert says in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output


def test_ids_from_standard_input_leave_nobody_to_be_asked() -> None:
    done = CliRunner().invoke(main, ["cancel", "--from", "-"], env=KEYS, input="1\n")
    assert done.exit_code == 2
    assert "add --yes or --dry-run" in done.output


@pytest.mark.parametrize("command", [["orders"], ["cancel", "--all", "--yes"]])
@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "no keys: set BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD"),
        ({"BITGET_API_KEY": "a-key"}, "BITGET_SECRET and BITGET_PASSWORD are not set"),
        ({**KEYS, "BITGET_PASSWORD": ""}, "BITGET_PASSWORD is not set"),
        ({**KEYS, "BITGET_API_SECRET": "another"}, "are set to different values"),
    ],
)
def test_missing_keys_are_told_in_one_line(command: list[str], environment: dict[str, str], says: str) -> None:
    """It says what to set, and shows no key."""
    clean = dict.fromkeys(VARIABLES)
    done = CliRunner().invoke(main, command, env={**clean, **environment})
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
    assert says in done.output
    assert not any(value in done.output for value in ("a-key", "a-secret", "a-passphrase", "another"))


def test_bitgets_own_words_for_the_variables_are_known() -> None:
    given = {"BITGET_API_KEY": "k", "BITGET_API_SECRET": "s", "BITGET_API_PASSPHRASE": "p"}
    assert account.from_environment(given).keys == {"apiKey": "k", "secret": "s", "password": "p"}


PUBLIC = """{
    // a comment, and "exchange" in it
    "add_config_files": ["private.json"],
    "exchange": {
        "name": "bitgetcross", /* not
        bitget */
        "secret": "over // the other",
        "ccxt_config": {"httpsProxy": "http://me:hidden@127.0.0.1:1", "options": {"uid": "7"}, "verbose": true,},
    },
}"""
PRIVATE = '{"exchange": {"key": "k", "secret": "s", "password": "p, ]"}}'


def test_a_freqtrade_configuration_is_read_as_freqtrade_does(tmp_path: Path) -> None:
    """Comments, trailing commas, files that name files, later ones over earlier ones, and variables over all."""
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    (tmp_path / "more.json").write_text('{"exchange": {"ccxt_sync_config": {"options": {"uid": "8"}}}}')
    files = [tmp_path / "config.json", tmp_path / "more.json"]
    found = account.from_config(files, {"FREQTRADE__EXCHANGE__KEY": "from-outside", **KEYS})
    assert found.keys == {"apiKey": "from-outside", "secret": "over // the other", "password": "p, ]"}
    assert found.ccxt_config["httpsProxy"] == "http://me:hidden@127.0.0.1:1"
    assert found.ccxt_config["options"] == {"uid": "8"}
    assert "over" not in repr(found)


def test_freqtrade_reads_the_same(tmp_path: Path) -> None:
    """Its own loader, on the same files."""
    load = pytest.importorskip("freqtrade.configuration.load_config")
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    (tmp_path / "more.json").write_text('{"exchange": {"key": null, "pair_whitelist": ["A/B"]}, "a": [1,]}')
    files = [tmp_path / "config.json", tmp_path / "more.json"]
    theirs = load.load_from_files([str(file) for file in files])
    theirs.pop("config_files")
    assert freqtrade_config.read(files) == theirs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        ('{"exchange": {"key": "sesame" "secret"}}', "is not JSON"),
        ("[]", "is not a configuration"),
        ("{}", 'there is no section "exchange"'),
        ('{"exchange": {"name": "binance", "key": "sesame"}}', "\"exchange.name\" is 'binance'"),
        ('{"exchange": {"name": "bitgetcross", "key": "sesame"}}', "no exchange.secret, exchange.password; write it"),
        ('{"exchange": {"name": "bitget", "ccxt_config": 5}}', "no exchange.key"),
        ('{"add_config_files": ["config.json"]}', "leads in a circle"),
        ('{"add_config_files": "sesame.json"}', "add_config_files is not a list"),
        ('{"add_config_files": ["absent.json"]}', "absent.json cannot be read: No such file"),
    ],
)
def test_a_configuration_that_is_none_is_bad_usage(text: str, says: str, tmp_path: Path) -> None:
    """In one line, without what is in it."""
    path = tmp_path / "config.json"
    path.write_text(text)
    done = CliRunner().invoke(main, ["orders", "--config", str(path)], env=KEYS)
    assert done.exit_code == 2, done.output
    assert says in done.output
    assert len(done.output.splitlines()) == 1
    assert "sesame" not in done.output


def test_a_bot_s_settings_for_ccxt_are_taken_but_for_what_would_print(tmp_path: Path) -> None:
    """Its proxy too, unless another one is named; what is secret in it does not show."""
    (tmp_path / "config.json").write_text(PUBLIC)
    (tmp_path / "private.json").write_text(PRIVATE)
    files = [tmp_path / "config.json"]
    found = connect(files, None, None, 500)
    exchange: Any = found.exchange
    assert (exchange.apiKey, exchange.httpsProxy, exchange.verbose) == ("k", "http://me:hidden@127.0.0.1:1", False)
    assert exchange.options["uid"] == "7"
    assert found.where == f"keys from {files[0]}, api.bitget.com"
    assert "hidden" not in found.clean("no way to http://me:hidden@127.0.0.1:1")
    other: Any = connect(files, "http://127.0.0.1:8787", "http://127.0.0.1:2", 500).exchange
    assert other.httpsProxy == "http://127.0.0.1:2"
    assert other.urls["api"]["margin"] == ccxt_urls("http://127.0.0.1:8787")["api"]["margin"]


def test_a_bot_is_recognised_by_the_names_that_it_gives() -> None:
    """The form that is read is the form that is written."""
    key = client_order_ids.new_key()
    assert client_order_ids.bot(
        client_order_ids.rung(key, 7, 1_700_000_000_000, "take-profit", 3)
    ) == client_order_ids.Bot(key, 7, 4)
    assert client_order_ids.bot(client_order_ids.own(key)) == client_order_ids.Bot(key)
    for other in (None, "", "mine", f"{key}-7", f"{key}-7-0a1b2c3-1", f"x{client_order_ids.own(key)}", key):
        assert client_order_ids.bot(other) is None
    assert str(client_order_ids.Bot("k3x9ab12", 7, 4)) == "k3x9ab12, trade 7, rung 4"
    assert str(client_order_ids.Bot("k3x9ab12")) == "k3x9ab12, entry or exit"


@pytest.mark.parametrize(
    ("text", "ms", "told"),
    [
        ("90s", 90_000, "1m 30s"),
        ("10m", 600_000, "10m 00s"),
        ("2h", 7_200_000, "2h 00m"),
        ("3d", 259_200_000, "3d 00h"),
    ],
)
def test_ages_are_read_and_told(text: str, ms: int, told: str) -> None:
    assert selection.read(text) == ms
    assert selection.told(ms) == told
    assert selection.told(None) == ""
    assert selection.told(-5) == "0s"


def test_a_symbol_is_not_guessed() -> None:
    with pytest.raises(BadUsage):
        select(symbols=["BTC-USDT"])


def test_the_help_tells_variables_exit_codes_and_examples() -> None:
    for command in ("orders", "cancel"):
        said = " ".join(CliRunner().invoke(main, [command, "--help"]).output.split())
        for word in ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD", "--config", "Exit codes: 0 ", "130"):
            assert word in said
    assert "bitget-margin cancel --all" in said

"""Options are read as they are meant, or refused with a message before anything is sent."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bitget_margin
from bitget_margin.cli.operator import display, query
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.operator.selection import NamedOrder, Selection, pick, select, symbol_of
from bitget_margin.core.order_ref import IdKind
from support.operating import KEYS, invoke

NOW_MS = 10_000_000


def order(order_id: str, **more: Any) -> dict[str, Any]:
    known = {"symbol": "BTC/USDT", "clientOrderId": f"c{order_id}", "side": "buy", "timestamp": NOW_MS - 60_000}
    return {"id": order_id, **known, **more}


ORDERS = (
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
        ({"older_than": "2h"}, "2"),
        ({"older_than": "1s"}, "123"),
        ({"ids": ["3", "1", "3"]}, "31"),
        ({"ids": ["1"], "client_ids": ["k3x9ab12-7-0a1b2c3d-0"]}, "1"),
        ({"ids": ["1", "2"], "side": "sell"}, "1"),
        ({"client_ids": ["c3"], "symbols": ["ETH/USDT"]}, "3"),
        ({"listed": ["# old", "", "3 ETH/USDT  # mine", "1"]}, "31"),
    ],
)
def test_filters_combine_and_nothing_else_is_meant(chosen: dict[str, Any], ids: str) -> None:
    assert "".join(order["id"] for order in pick(select(**chosen), ORDERS, NOW_MS).orders) == ids


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
    """Also without the list of markets: ccxt's own names of coins are known without it."""
    connection = connection_with(known)
    for way in (symbol, symbol.lower(), symbol.upper(), f"  {symbol} ", symbol.replace(" ", "  ")):
        typed = symbol_of(way, "--symbol")
        assert query.spelling(connection, [typed]) == {typed: symbol}
    chosen = select(ids=["1"], symbols=[symbol.lower()])
    spelled = chosen.with_symbols(query.spelling(connection, chosen.all_symbols))
    assert (spelled.symbols, spelled.names) == ((symbol,), (NamedOrder(IdKind.ORDER, "1", symbol),))
    (named,) = select(listed=[f"1 {symbol}  # mine"]).names
    assert named.symbol == symbol


def test_a_symbol_that_could_be_several_is_not_guessed() -> None:
    """Written as one of them, it is that one."""
    connection = connection_with(LISTED)
    assert query.spelling(connection, ["Ab/USDT", "aB/USDT"]) == {"Ab/USDT": "Ab/USDT", "aB/USDT": "aB/USDT"}
    with pytest.raises(BadUsage, match="ab/usdt could be Ab/USDT or aB/USDT: write it as one of them"):
        query.spelling(connection, ["ab/usdt"])
    with pytest.raises(BadUsage, match="the venue has no spot market NOPE/USDT"):
        query.spelling(connection, ["NOPE/USDT"])
    with pytest.raises(BadUsage, match="ABUSDT could be Ab/USDT or aB/USDT: write it as one of them"):
        query.spelling(connection, ["ABUSDT"])


def test_a_symbol_of_a_file_is_refused_with_its_line() -> None:
    connection = connection_with(LISTED)
    for lines, problem in (
        (["1 BTC/USDT", "2 NOPE/USDT", "3 NOPE/USDT"], "--from, line 2: the venue has no spot market NOPE/USDT"),
        (["1 ab/usdt"], "--from, line 1: ab/usdt could be Ab/USDT or aB/USDT"),
    ):
        chosen = select(listed=lines)
        with pytest.raises(BadUsage, match=f"^{problem}"):
            query.spelling(connection, chosen.all_symbols, chosen.origins)
    chosen = select(listed=["1", "2 BTC/USDT"], symbols=["BTC/USDT"])
    assert chosen.origins == {"BTC/USDT": "--from, line 2"}


def test_a_symbol_without_a_slash_is_the_venue_s_own_or_ccxt_s() -> None:
    """One that is both, of two pairs, is refused by name; without the list of markets any is."""
    connection = connection_with(LISTED)
    connection.exchange.markets["TON/USDT"]["id"] = "TONCOINUSDT"
    for typed, symbol in (
        ("BTCUSDT", "BTC/USDT"),
        ("btcusdt", "BTC/USDT"),
        ("toncoinusdt", "TON/USDT"),
        ("TONUSDT", "TON/USDT"),
        ("币安人生usdt", "币安人生/USDT"),
    ):
        assert query.spelling(connection, [symbol_of(typed, "--symbol")]) == {typed: symbol}
    connection.exchange.markets["TONS/DT"] = {"spot": True, "id": "TONUSDT"}
    with pytest.raises(BadUsage, match="TONUSDT could be TON/USDT or TONS/DT: write it as one of them"):
        query.spelling(connection, ["TONUSDT"])
    with pytest.raises(BadUsage, match="the venue has no spot market BTC"):
        query.spelling(connection, ["BTC"])
    with pytest.raises(BadUsage, match="BTCUSDT: the venue's lists of pairs are down, write it with a slash"):
        query.spelling(connection_with(()), ["BTCUSDT"])
    (named,) = select(symbols=["btcusdt"], listed=["1 BTC/USDT"]).names
    assert named.symbol == "BTC/USDT"


def test_a_symbol_written_in_two_ways_is_one() -> None:
    chosen = select(symbols=["btc/usdt", "BTC/USDT"], listed=["1 Btc/Usdt", "1 BTC/USDT"])
    spelled = chosen.with_symbols(query.spelling(connection_with(LISTED), chosen.all_symbols))
    assert (spelled.symbols, spelled.names) == (("BTC/USDT",), (NamedOrder(IdKind.ORDER, "1", "BTC/USDT"),))


def connection_with(symbols: tuple[str, ...]) -> Any:
    """Return a connection to a venue with these spot pairs, and a contract."""
    exchange: Any = bitget_margin.bitget()
    contract = {"BTC/USDT:USDT": {"spot": False}} if symbols else {}
    exchange.markets = {**{symbol: {"spot": True} for symbol in symbols}, **contract}
    return SimpleNamespace(exchange=exchange)


def test_named_orders_that_are_not_open_or_filtered_out_are_reported() -> None:
    picked = pick(select(ids=["1", "2", "9"], side="sell"), ORDERS, NOW_MS)
    assert [order["id"] for order in picked.orders] == ["1"]
    assert picked.filtered_out == (NamedOrder(IdKind.ORDER, "2"),)
    assert picked.not_open == (NamedOrder(IdKind.ORDER, "9"),)
    # Under another symbol it is another order.
    assert pick(select(ids=["1"], symbols=["ETH/USDT"]), ORDERS, NOW_MS).not_open == (
        NamedOrder(IdKind.ORDER, "1", "ETH/USDT"),
    )


def test_one_symbol_is_that_of_every_name() -> None:
    """Of several, each order is searched in all."""
    assert select(ids=["1"], symbols=["BTC/USDT"]).names == (NamedOrder(IdKind.ORDER, "1", "BTC/USDT"),)
    assert select(ids=["1"], symbols=["BTC/USDT", "ETH/USDT"]).names == (NamedOrder(IdKind.ORDER, "1"),)
    assert select(everything=True) == Selection(everything=True)


BAD = [
    ([], "nothing is chosen: give --all for every open order, or choose by --symbol, --side"),
    (["--all", "--symbol", "BTC/USDT"], "--all is every open order of the account"),
    (["--all", "--side", "buy"], "--all is every open order of the account"),
    (["--all", "--from", "FILE"], "--all is every open order of the account"),
    (["--from", "EMPTY"], "there is no order id in it"),
    (["--from", "WORDS"], "--from, line 1"),
    (["--from", "OTHER", "--symbol", "BTC/USDT"], "1 is listed with ETH/USDT, which no --symbol names"),
    (["--from", "ABSENT"], "does not exist"),
    (["--from", "-"], "there is no order id in it"),
    (["--symbol", ""], "'' is no symbol"),
    (["--symbol", "BTC USDT"], "'BTC USDT' is no symbol; give one such as BTC/USDT"),
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


@pytest.mark.parametrize(("args", "message"), BAD, ids=[" ".join(args) or "nothing" for args, _ in BAD])
def test_contradictory_or_malformed_options_are_bad_usage(args: list[str], message: str, tmp_path: Path) -> None:
    """Exit code 2 and a message, and no request: pytest-socket would refuse it."""
    for name, text in {"FILE": "1", "EMPTY": "# none\n\n", "WORDS": "1 BTC/USDT 5", "OTHER": "1 ETH/USDT"}.items():
        (tmp_path / name).write_text(text)
    given = [str(tmp_path / arg) if arg.isupper() and arg.isalpha() else arg for arg in args]
    done = invoke("cancel", *given, code=2, env=KEYS)
    assert message in " ".join(done.output.replace("│", " ").split())


def test_ids_from_standard_input_leave_nobody_to_be_asked() -> None:
    done = invoke("cancel", "--from", "-", code=2, env=KEYS, input="1\n")
    assert "add --yes or --dry-run" in done.output


@pytest.mark.parametrize(
    ("text", "ms", "shown"),
    [
        ("90s", 90_000, "1m 30s"),
        ("10m", 600_000, "10m 00s"),
        ("2h", 7_200_000, "2h 00m"),
        ("3d", 259_200_000, "3d 00h"),
    ],
)
def test_ages_are_read_and_shown(text: str, ms: int, shown: str) -> None:
    assert select(older_than=text).older_than_ms == ms
    assert display._age(ms, 0) == shown
    assert display._age(ms, None) == ""
    assert display._age(0, 5) == "0s"


def test_the_help_has_variables_exit_codes_and_examples() -> None:
    for command in ("orders", "cancel"):
        shown = " ".join(invoke(command, "--help").output.split())
        for word in ("BITGET_API_KEY", "BITGET_SECRET", "BITGET_PASSWORD", "--config", "Exit codes: 0 ", "130"):
            assert word in shown
    assert "bitget-margin cancel --all" in shown

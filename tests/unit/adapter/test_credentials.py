"""No key, secret, passphrase or signature is printed or logged, at any level."""

import logging
import pickle
import socket
import threading
from typing import Any, Final

import pytest
import requests.structures

from bitget_margin import report_of
from bitget_margin.adapter.credentials import Secret, mask, unfit
from bitget_margin.core.settings import Pacing, Settings
from bitget_margin.emulator import Account, Emulator, ccxt_urls
from support.broken import Speak, broken_venue, silent
from support.client import CROSS, Client, Flavour, config, rungs
from support.secret_scan import SecretScan

BTC: Final = "BTC/USDT"
WRONG: Final = {"apiKey": "bg_wrong-key", "secret": "wrong-secret", "password": "wrong-passphrase"}
BUY: Final = (BTC, "limit", "buy", 0.001, 50_000)
FAULTS: Final = ("stall-after", "reset-after", "html-200", "html-502", "truncated-json", "server-error", "clock-skew")
BRIEF: Final = CROSS | {"timeout": 100}
RAISED: Final = {
    "CancelUnresolved",
    "PlaceUnresolved",
    "AuthenticationError",
    "BadSymbol",
    "BadRequest",
    "NotSupported",
}


def calls(ids: list[str], params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return a call of every method, with these orders to be cancelled."""
    request = dict(zip(("symbol", "type", "side", "amount", "price"), BUY, strict=True)) | {"params": CROSS}
    confirmed = {key: value for key, value in params.items() if key == "timeout"}
    return [
        ("create_order", *BUY, params),
        ("create_orders", [request], params),
        ("edit_order", "1", *BUY, CROSS),
        ("fetch_order", ids[0], BTC, params),
        ("fetch_open_orders", BTC, None, None, params),
        ("fetch_balance", params),
        ("cancel_order", ids[1], BTC, params),
        ("cancel_orders", ids[2:4], BTC, params),
        ("cancel_orders_for_symbols", [{"id": ids[4], "symbol": BTC}], params),
        ("batch_cancel", ids[5:7], BTC, (), confirmed),
        ("cancel_all_orders", BTC, params),
    ]


def garbled(connection: socket.socket, over: threading.Event) -> None:
    """Answer with something that is no HTTP."""
    connection.recv(65_536)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16 no HTTP at all\r\n\r\n")


def going_round(connection: socket.socket, over: threading.Event) -> None:
    """Send the client to the same place again."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /api/again\r\nContent-Length: 0\r\n\r\n")


class Run:
    """A client whose results, errors and output are scanned for secrets."""

    def __init__(self, flavour: Flavour, venue: Emulator) -> None:
        self.client = Client(flavour, config(venue) | {"verbose": True, "enableRateLimit": False})
        self.client.exchange.options["batchCancel"] = {"pacing": Pacing(limited_ms=50, polls_ms=(60,))}
        self.scan = SecretScan()
        account = venue.accounts[0]
        self.scan.secrets |= {account.api_key, account.secret, account.password, *WRONG.values()}
        self.scan.watch_signatures(self.client.exchange)

    def call(self, method: str, *args: Any) -> None:
        """Call a method and record its result or exception."""
        try:
            self.scan.record_objects("results", self.client(method, *args))
        except Exception as error:  # noqa: BLE001 - no exception may contain a secret
            self.scan.record_error(error)
            self.scan.record_objects("reports", report_of(error))

    def call_server(self, speak: Speak, method: str, *args: Any) -> None:
        """Call a method against a server with this behaviour."""
        exchange = self.client.exchange
        urls = exchange.urls
        with broken_venue(speak) as url:
            exchange.urls = urls | ccxt_urls(url)
            self.call(method, *args)
        exchange.urls = urls


def test_a_full_debug_run_prints_no_secret(
    venue: Emulator,
    flavour: Flavour,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every method, and failures of all sorts, with all that verbose mode and debug logging have to say."""
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "urllib3", "aiohttp", "ccxt", "bitget_margin"):
        caplog.set_level(logging.DEBUG, logger=name)
    run = Run(flavour, venue)
    run.client._loop.set_debug(True)
    for call in calls(rungs(venue, 8), CROSS):
        run.call(*call)
    assert len(run.scan.errors) == 1  # no crossed order can be edited
    fails(run, venue)
    exchange = run.client.exchange
    run.scan.record_objects(
        "objects", exchange, exchange.options, exchange.last_request_headers, venue, venue.requests, Settings()
    )
    run.client.close()
    assert "ACCESS-SIGN" in run.scan.record_printed(capfd, caplog)
    assert "ACCESS-SIGN" in caplog.text
    assert len(run.scan.signatures) > 30
    assert {type(error).__name__ for error in run.scan.errors} >= RAISED
    assert run.scan.leaks() == {}


def fails(run: Run, venue: Emulator) -> None:
    """Have everything fail that can: the request, the way to the venue, the answer, the way back."""
    some = [call for call in calls(rungs(venue, 8, price=49_000), BRIEF) if call[0] != "edit_order"]
    cancel, place, ask = ("cancel_orders", ["1"], BTC, BRIEF), ("create_order", *BUY, BRIEF), ("fetch_balance", BRIEF)
    run.call("cancel_orders", ["1"], "NOPE/USDT", CROSS)
    run.call("cancel_orders", ["1"], BTC, CROSS | {"unknown": 1})
    for fault, call in zip(FAULTS, some, strict=False):
        venue.add_fault(fault)
        run.call(*call)
        run.call(*cancel)
        venue.clear_faults()
    for name, value in WRONG.items():
        right = getattr(run.client.exchange, name)
        setattr(run.client.exchange, name, value)
        for method, *args in (cancel, place, ask):
            run.call(method, *args[:-1], CROSS)
        setattr(run.client.exchange, name, right)
    for speak in (garbled, going_round, silent):
        run.call_server(speak, *cancel)
        run.call_server(speak, *place)
    run.call("load_markets", True)


def test_headers_reach_the_venue_and_hide_in_print() -> None:
    """The value is whole, only its repr is not."""
    secret = Secret("abc")
    assert secret == "abc"
    assert f"{secret}" == "abc"
    assert str({"ACCESS-KEY": secret}) == "{'ACCESS-KEY': '***'}"
    assert repr(requests.structures.CaseInsensitiveDict({"ACCESS-KEY": secret})) == "{'ACCESS-KEY': '***'}"
    assert pickle.loads(pickle.dumps(secret)) == "abc"  # noqa: S301 - our own bytes


def test_a_websocket_login_is_masked() -> None:
    """Ccxt prints the message as text."""
    text = '{"op":"login","args":[{"apiKey":"K1","passphrase":"P1","timestamp":"1","sign":"c2ln"}]}'
    assert mask(text, ["K1", "S1", "P1", None, ""]) == (
        '{"op":"login","args":[{"apiKey":"***","passphrase":"***","timestamp":"1","sign":"***"}]}'
    )


def test_a_secret_of_a_letter_is_masked_as_a_word_alone() -> None:
    """Else every `e` of a message is gone; a longer one is masked wherever it stands."""
    assert mask("exchange e, key=e, 'e' and abcd in xabcdx", ["e", "abcd"]) == (
        "exchange ***, key=***, '***' and *** in x***x"
    )


def test_an_account_of_the_local_venue_shows_no_credentials() -> None:
    """It is printed by whoever prints what he set up."""
    account = Account()
    scan = SecretScan()
    scan.secrets |= {account.api_key, account.secret, account.password}
    scan.record_objects("account", account, [account])
    assert scan.leaks() == {}


def test_a_line_that_cannot_be_printed_tells_nothing(
    venue: Emulator, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads the output has gone; a tool that shows local variables shows ours."""
    run = Run(flavour, venue)
    account = venue.accounts[0]
    login = {"op": "login", "args": [{"apiKey": account.api_key, "passphrase": account.password}]}

    def gone(*_: object) -> None:
        raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr("builtins.print", gone)
        with pytest.raises(BrokenPipeError) as caught:
            run.client.exchange.log("sending", login)
    run.scan.record_error(caught.value)
    run.client.close()
    assert "log: " in "".join(run.scan.outputs.values())
    assert run.scan.leaks() == {}


@pytest.mark.parametrize("name", ["apiKey", "secret", "password"])
@pytest.mark.parametrize("text", ["0123\n", "01\r23", "0123\u2026", "\u200b0123", "01\t23", "0123 ", " 0123"])
def test_characters_that_no_request_can_carry_are_named_without_the_others(name: str, text: str) -> None:
    keys = {"apiKey": "a key", "secret": "a secret", "password": "a passphrase"}
    assert unfit(keys) is None
    found = unfit(keys | {name: text})
    assert found is not None
    assert (found[0], "no key has there" in found[1], "01" in found[1], "23" in found[1]) == (name, True, False, False)

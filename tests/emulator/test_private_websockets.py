"""Promise: the private websocket lets in who has signed, answers what the venue documents, and survives the rest."""

import json
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Account, AccountKind, Emulator
from bitget_margin.emulator.api.private_feed import Push
from bitget_margin.emulator.server.websocket_session import WebSocketSession
from support.fuzzing import examples

from .client import FakeClock
from .websocket_client import LOGGED_IN, arg, connected, login, subscribed


def subscribe(*args: object) -> dict[str, Any]:
    """Return a subscription."""
    return {"op": "subscribe", "args": list(args)}


async def test_a_signed_login_is_let_in(venue: Emulator, clock: FakeClock) -> None:
    """Then pings are answered, and repeated subscriptions confirmed."""
    async with connected(venue) as connection:
        assert await connection.request(login(venue.accounts[0], clock.now_ms)) == LOGGED_IN
        assert await connection.request("ping") == "pong"
        for _ in range(2):
            assert await connection.request(subscribe(arg())) == {"event": "subscribe", "arg": arg()}
        assert await connection.request({"op": "unsubscribe", "args": [arg()]}) == {
            "event": "unsubscribe",
            "arg": arg(),
        }


@pytest.mark.parametrize("seconds", [-30, 30])
async def test_a_clock_may_be_half_a_minute_off(venue: Emulator, clock: FakeClock, seconds: int) -> None:
    async with connected(venue) as connection:
        assert await connection.request(login(venue.accounts[0], clock.now_ms + seconds * 1000)) == LOGGED_IN


@pytest.mark.parametrize(
    ("replaced", "code"),
    [
        ({"apiKey": "bg_nobody"}, 30011),
        ({"apiKey": None}, 30011),
        ({"apiKey": ["x"]}, 30011),
        ({"passphrase": "wrong"}, 30012),
        ({"passphrase": 1}, 30012),
        ({"passphrase": "\ud800"}, 30012),
        ({"timestamp": ""}, 30013),
        ({"timestamp": "now"}, 30013),
        ({"timestamp": "9" * 5000}, 30013),
        ({"timestamp": {}}, 30013),
        ({"timestamp": "1"}, 30014),
        ({"sign": "AAAA"}, 30015),
        ({"sign": None}, 30015),
        ({"sign": "\ud800"}, 30015),
    ],
)
async def test_a_bad_login_is_refused(
    venue: Emulator, clock: FakeClock, replaced: dict[str, object], code: int
) -> None:
    async with connected(venue) as connection:
        refused = await connection.request(login(venue.accounts[0], clock.now_ms, **replaced))
        assert (refused["event"], refused["code"]) == ("error", code)
        assert refused["msg"]
        assert (await connection.request(subscribe(arg())))["code"] == 30004
        assert await connection.request(login(venue.accounts[0], clock.now_ms)) == LOGGED_IN


@pytest.mark.parametrize("seconds", [-32, 32])
async def test_a_login_from_another_time_has_expired(venue: Emulator, clock: FakeClock, seconds: int) -> None:
    async with connected(venue) as connection:
        refused = await connection.request(login(venue.accounts[0], clock.now_ms + seconds * 1000))
        assert refused == {"event": "error", "code": 30014, "msg": "Request timestamp expired"}


@pytest.mark.parametrize(
    "wrong",
    [
        arg("default"),
        arg("NOSUCH"),
        arg(""),
        arg(instId=None),
        arg(instId=["BTCUSDT"]),
        arg("\ud800"),
        arg("X" * 10_000),
        arg(channel="orders"),
        arg(channel="orders-isolated"),
        arg(instType="SPOT"),
        {},
    ],
)
async def test_unknown_channels_and_symbols_are_refused(
    venue: Emulator, clock: FakeClock, wrong: dict[str, object]
) -> None:
    """It is named in the response, and does not affect the other subscriptions of the message."""
    async with connected(venue) as connection:
        assert await connection.request(login(venue.accounts[0], clock.now_ms)) == LOGGED_IN
        refused = await connection.request(subscribe(wrong, arg("ETHUSDT")))
        assert (refused["event"], refused["code"]) == ("error", 30001)
        assert refused["msg"].endswith("doesn't exist")
        assert len(refused["msg"]) < 500
        assert await connection.receive() == {"event": "subscribe", "arg": arg("ETHUSDT")}


@pytest.mark.parametrize("op", ["subscribe", "unsubscribe"])
async def test_subscriptions_need_a_login(venue: Emulator, op: str) -> None:
    async with connected(venue) as connection:
        refused = await connection.request({"op": op, "args": [arg()]})
        assert refused == {"event": "error", "code": 30004, "msg": "User needs to log in"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 30002),
        ("pong", 30002),
        (" ping", 30002),
        ("{", 30002),
        ("[" * 10_000, 30002),
        ("[]", 30002),
        ("null", 30002),
        ("1" * 5000, 30002),
        ("\x00", 30002),
        ("{}", 30003),
        ('{"op": ["login"]}', 30003),
        ('{"op": "trade", "args": [{}]}', 30003),
        ('{"op": "login"}', 30016),
        ('{"op": "login", "args": {}}', 30016),
        ('{"op": "login", "args": []}', 30016),
        ('{"op": "subscribe", "args": [1]}', 30016),
        ('{"op": "subscribe", "args": [{}, null]}', 30016),
    ],
)
async def test_malformed_texts_are_refused(venue: Emulator, text: str, code: int) -> None:
    async with connected(venue) as connection:
        refused = await connection.request(text)
        assert (refused["event"], refused["code"]) == ("error", code)
        assert await connection.silent()


NAMES = ("op", "args", "apiKey", "passphrase", "timestamp", "sign", "instType", "channel", "instId", "topic", "coin")
CHANNELS = ("orders-crossed", "account-crossed", "order", "fill", "account")
WORDS = ("login", "subscribe", "unsubscribe", "MARGIN", "UTA", *CHANNELS, "BTCUSDT", "1760000000", "default")
ANYTHING = st.recursive(
    st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=9),
    max_leaves=20,
)


class Deaf:
    """A listener that does not care."""

    def push(self, push: Push) -> None:
        """Nothing is pushed here."""

    def due_in(self, delay_ms: int) -> None:
        """Nothing is due either."""


@pytest.mark.parametrize("kind", AccountKind)
@settings(max_examples=examples(150), deadline=None)
@given(st.fixed_dictionaries({"op": st.sampled_from(WORDS[:3]), "args": st.lists(ANYTHING, max_size=3)}) | ANYTHING)
def test_any_message_gets_a_documented_response(kind: AccountKind, message: object) -> None:
    clock = FakeClock()
    venue = Emulator(clock=clock)
    for known in (False, True):
        session = WebSocketSession(venue._venue, kind, Deaf())
        if known:
            assert session.handle(json.dumps(login(venue.accounts[0], clock.now_ms))) == [json_of(LOGGED_IN)]
        for answer in session.handle(json.dumps(message)):
            assert json.loads(answer)["event"] in {"error", "subscribe", "unsubscribe"}
        session.end()
    assert venue.errors == ()


def json_of(content: object) -> str:
    """Return compact JSON."""
    return json.dumps(content, separators=(",", ":"))


async def test_binary_messages_are_refused(venue: Emulator) -> None:
    async with connected(venue) as connection:
        await connection.socket.send_bytes(b"ping")
        assert (await connection.receive())["code"] == 30002
        assert await connection.silent()


async def test_huge_messages_end_the_connection(venue: Emulator) -> None:
    async with connected(venue) as connection:
        await connection.socket.send_str("x" * 1_000_000)
        assert await connection.ended()
    async with connected(venue) as connection:
        assert await connection.silent()


async def test_the_eleventh_message_of_a_second_ends_the_connection(venue: Emulator, clock: FakeClock) -> None:
    async with connected(venue) as connection:
        for _ in range(2):
            clock.advance(1000)
            for _ in range(10):
                assert await connection.request("ping") == "pong"
        assert (await connection.request("ping"))["code"] == 30007
        assert await connection.ended()


async def test_connections_without_pings_are_closed(venue: Emulator) -> None:
    """Two minutes by default; a changed knob applies from the next ping or connection on."""
    assert venue.knobs().ping_patience_ms == 120_000
    async with connected(venue) as connection:
        assert await connection.silent()
        venue.knobs(ping_patience_ms=50)
        assert await connection.silent()
        assert await connection.ended()
    async with connected(venue) as connection:
        assert await connection.ended()


async def test_other_messages_do_not_count_as_pings(venue: Emulator) -> None:
    venue.knobs(ping_patience_ms=300)
    async with connected(venue) as connection:
        assert await connection.silent()
        venue.knobs(ping_patience_ms=120_000)
        assert (await connection.request({}))["code"] == 30003
        assert await connection.ended()


async def test_a_plain_request_is_refused(venue: Emulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{venue.url}/v2/ws/private", timeout=5)  # noqa: S310, ASYNC210 - our own server
    with caught.value:
        assert caught.value.code == 400


async def test_connections_end_with_the_venue() -> None:
    threads = threading.active_count()
    with Emulator() as venue:
        async with connected(venue) as connection:
            assert await connection.silent()
            venue.stop()
            assert await connection.ended()
            assert threading.active_count() == threads
    assert venue.errors == ()


async def test_a_unified_account_gets_no_pushes(clock: FakeClock) -> None:
    """It can log in and subscribe, but gets no pushes."""
    account = Account(kind=AccountKind.UNIFIED)
    with Emulator(accounts=(account,), clock=clock) as venue:
        async with subscribed(venue, clock) as connection:
            venue.place(account.uid, {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01"})
            assert await connection.silent()
    assert venue.errors == ()


async def test_refused_connections_are_refused_here_too(venue: Emulator, clock: FakeClock) -> None:
    async with subscribed(venue, clock) as connection:
        venue.refuse_connections(1)
        assert await connection.ended()


async def test_no_secret_is_repeated(venue: Emulator, clock: FakeClock) -> None:
    account = venue.accounts[0]
    async with connected(venue) as connection:
        for message in (login(account, clock.now_ms, sign="AAAA"), {"op": "login", "args": login(account, 0)}):
            answer = json.dumps(await connection.request(message))
            assert not any(secret in answer for secret in (account.api_key, account.secret, account.password))

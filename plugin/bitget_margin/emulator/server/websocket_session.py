"""What is said on a private websocket: login, subscriptions, pings.

https://www.bitget.com/api-doc/common/websocket-intro
https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from bitget_margin.emulator.api.auth import TOLERANCE_MS, same, sign_login
from bitget_margin.emulator.api.order_feed import Listener, Topic
from bitget_margin.emulator.api.router import Venue
from bitget_margin.emulator.api.sliding_window import SlidingWindow
from bitget_margin.emulator.market.wallet import Account, AccountKind
from bitget_margin.emulator.messages import encode

PING = "ping"
PONG = "pong"
MESSAGES_PER_SECOND = 10
_INST_TYPE = "MARGIN"
_CHANNEL = "orders-crossed"
_SECONDS_DIGITS = 13
#: The most that is repeated of what a client has sent.
_LONGEST_ECHO = 100


class WebSocketErrorCode(Enum):
    """An error of the websocket: code and text, as ccxt quotes them."""

    NO_SUCH_CHANNEL = (30001, "{0} doesn't exist")
    ILLEGAL_REQUEST = (30002, "Illegal request")
    INVALID_OP = (30003, "Invalid op")
    NOT_LOGGED_IN = (30004, "User needs to log in")
    TOO_MANY_MESSAGES = (30007, "request over limit, connection close")
    UNKNOWN_KEY = (30011, "Invalid ACCESS_KEY")
    BAD_PASSPHRASE = (30012, "Invalid ACCESS_PASSPHRASE")
    BAD_TIMESTAMP = (30013, "Invalid ACCESS_TIMESTAMP")
    EXPIRED_TIMESTAMP = (30014, "Request timestamp expired")
    BAD_SIGNATURE = (30015, "Invalid sign")
    BAD_PARAMETER = (30016, "Param error")

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


class WebSocketError(Exception):
    """A message that the venue refuses.

    :param details: what the text of the objection speaks about
    """

    def __init__(self, objection: WebSocketErrorCode, *details: object) -> None:
        self.objection = objection
        self.details = details
        super().__init__(f"{objection.code} {self.text}")

    @property
    def text(self) -> str:
        """The message."""
        return self.objection.text.format(*self.details)


class WebSocketSession:
    """One connection's talk with the venue: who has logged in, and what it listens to.

    :param listener: told of the changes that the client subscribes to
    """

    def __init__(self, venue: Venue, listener: Listener) -> None:
        self.over = False
        self._venue = venue
        self._listener = listener
        self._account: Account | None = None
        self._window = SlidingWindow(MESSAGES_PER_SECOND)

    def answers(self, text: str) -> list[str]:
        """Return what is answered to a message; nothing that arrives can raise an exception."""
        with self._venue.opened() as now_ms:
            try:
                if not self._window.admit(now_ms):
                    self.over = True
                    raise WebSocketError(WebSocketErrorCode.TOO_MANY_MESSAGES)
                return [PONG] if text == PING else self._answers(_read(text), now_ms)
            except WebSocketError as refused:
                return [_error(refused)]
            except Exception as bug:  # noqa: BLE001 - a bug of ours must look like a refusal, and be found
                self._venue.errors.append(bug)
                return [_error(WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST))]

    def end(self) -> None:
        """Listen to nothing any more."""
        with self._venue.opened():
            self._venue.feed.forget(self._listener)

    @property
    def patience_ms(self) -> int:
        """How long the venue waits for a ping."""
        with self._venue.opened():
            uid = self._account.uid if self._account else ""
            return self._venue.knobs.of(uid).now.ping_patience_ms

    def _answers(self, message: Mapping[str, Any], now_ms: int) -> list[str]:
        op, args = message.get("op"), message.get("args")
        if op not in ("login", "subscribe", "unsubscribe"):
            raise WebSocketError(WebSocketErrorCode.INVALID_OP)
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            raise WebSocketError(WebSocketErrorCode.BAD_PARAMETER)
        if op == "login":
            self._account = self._identified(args[0], now_ms)
            return [_encoded({"event": "login", "code": 0})]
        turn = self._subscribed if op == "subscribe" else self._unsubscribed
        return [_attempted(turn, arg) for arg in args]

    def _identified(self, arg: Mapping[str, Any], now_ms: int) -> Account:
        key, passphrase, timestamp, sign = (arg.get(name) for name in ("apiKey", "passphrase", "timestamp", "sign"))
        account = self._venue.account_with(key) if isinstance(key, str) else None
        if account is None:
            raise WebSocketError(WebSocketErrorCode.UNKNOWN_KEY)
        stamp = str(timestamp) if isinstance(timestamp, str | int) else ""
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _SECONDS_DIGITS):
            raise WebSocketError(WebSocketErrorCode.BAD_TIMESTAMP)
        if abs(now_ms - int(stamp) * 1000) > TOLERANCE_MS:
            raise WebSocketError(WebSocketErrorCode.EXPIRED_TIMESTAMP)
        if not isinstance(passphrase, str) or not same(passphrase, account.password):
            raise WebSocketError(WebSocketErrorCode.BAD_PASSPHRASE)
        if not isinstance(sign, str) or not same(sign, sign_login(account.secret, stamp)):
            raise WebSocketError(WebSocketErrorCode.BAD_SIGNATURE)
        return account

    def _subscribed(self, arg: Mapping[str, Any]) -> str:
        account, topic, named = self._topic(arg)
        # The orders of a unified account are no classic orders: it hears nothing here.
        if account.kind is AccountKind.CLASSIC:
            self._venue.feed.add(self._listener, topic, named)
        return _encoded({"event": "subscribe", "arg": named})

    def _unsubscribed(self, arg: Mapping[str, Any]) -> str:
        _, topic, named = self._topic(arg)
        self._venue.feed.remove(self._listener, topic)
        return _encoded({"event": "unsubscribe", "arg": named})

    def _topic(self, arg: Mapping[str, Any]) -> tuple[Account, Topic, dict[str, str]]:
        """Return whose orders of which symbol are meant, and how the venue calls them, or refuse.

        The symbol is required, by the page; ``default`` is none.
        """
        if self._account is None:
            raise WebSocketError(WebSocketErrorCode.NOT_LOGGED_IN)
        values = {name: arg.get(name) for name in ("instType", "channel", "instId")}
        named = {name: value[:_LONGEST_ECHO] if isinstance(value, str) else "" for name, value in values.items()}
        known = (named["instType"], named["channel"]) == (_INST_TYPE, _CHANNEL)
        if not known or named["instId"] not in self._venue.engine.market.symbols:
            said = ",".join(f"{name}:{value}" for name, value in named.items())
            raise WebSocketError(WebSocketErrorCode.NO_SUCH_CHANNEL, said)
        return self._account, (self._account.uid, named["instId"]), named


def _read(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST) from None
    if not isinstance(message, dict):
        raise WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST)
    return message


def _attempted(turn: Callable[[Mapping[str, Any]], str], arg: Mapping[str, Any]) -> str:
    """Return the answer to one of several arguments: what one is refused for is nothing to the others."""
    try:
        return turn(arg)
    except WebSocketError as refused:
        return _error(refused)


def _error(refused: WebSocketError) -> str:
    return _encoded({"event": "error", "code": refused.objection.code, "msg": refused.text})


def _encoded(content: Mapping[str, Any]) -> str:
    return encode(content).decode()

"""Protocol of the private websockets: login, subscriptions and pings.

https://www.bitget.com/api-doc/common/websocket-intro
https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders
https://www.bitget.com/api-doc/margin/cross/websocket/private/Margin-Cross-Account-Assets
https://www.bitget.com/api-doc/uta/websocket/private/Order-Channel
"""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from bitget_margin.emulator.api.auth import TOLERANCE_MS, same, sign_login
from bitget_margin.emulator.api.channels import ALL_COINS, Channel, Topic, fields_of
from bitget_margin.emulator.api.private_feed import Listener
from bitget_margin.emulator.api.rate_limit import SlidingWindow
from bitget_margin.emulator.api.venue import Venue
from bitget_margin.emulator.market.wallet import Account, AccountKind
from bitget_margin.emulator.messages import encode

PING = "ping"
PONG = "pong"
MESSAGES_PER_SECOND = 10
_SECONDS_DIGITS = 13
_LONGEST_ECHO = 100
"""Most characters of a client's text that are repeated in a response."""


class WebSocketErrorCode(Enum):
    """Error of the websocket: code and text, as in ccxt's source."""

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
    """Message of a client that the venue refuses.

    :param details: values of the placeholders in the error's text
    """

    def __init__(self, error_code: WebSocketErrorCode, *details: object) -> None:
        self.error_code = error_code
        self.details = details
        super().__init__(f"{error_code.code} {self.text}")

    @property
    def text(self) -> str:
        """The message."""
        return self.error_code.text.format(*self.details)


class WebSocketSession:
    """Session of one connection: its account, after the login, and its subscriptions.

    :param kind: the account kind whose channels the websocket has
    :param listener: receives the pushes of the subscriptions
    :ivar over: whether the connection is to be closed
    """

    def __init__(self, venue: Venue, kind: AccountKind, listener: Listener) -> None:
        self.over = False
        self._venue = venue
        self._kind = kind
        self._listener = listener
        self._account: Account | None = None
        self._window = SlidingWindow(MESSAGES_PER_SECOND)

    def handle(self, text: str) -> list[str]:
        """Return the responses to a message; no message can raise an exception."""
        with self._venue.opened() as now_ms:
            try:
                if not self._window.admit(now_ms):
                    self.over = True
                    raise WebSocketError(WebSocketErrorCode.TOO_MANY_MESSAGES)
                return [PONG] if text == PING else self._respond(_read(text), now_ms)
            except WebSocketError as refused:
                return [_error(refused)]
            except Exception as bug:  # noqa: BLE001 - a bug of the emulator looks like a refusal, and is recorded
                self._venue.errors.append(bug)
                return [_error(WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST))]

    def end(self) -> None:
        """End all subscriptions."""
        with self._venue.opened():
            self._venue.feed.remove_all(self._listener)

    @property
    def ping_patience_ms(self) -> int:
        """Time without a ping after which the connection is closed."""
        with self._venue.opened():
            uid = self._account.uid if self._account else ""
            return self._venue.knobs.of(uid).ping_patience_ms

    def _respond(self, message: Mapping[str, Any], now_ms: int) -> list[str]:
        op, args = message.get("op"), message.get("args")
        if op not in ("login", "subscribe", "unsubscribe"):
            raise WebSocketError(WebSocketErrorCode.INVALID_OP)
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            raise WebSocketError(WebSocketErrorCode.BAD_PARAMETER)
        if op == "login":
            self._account = self._log_in(args[0], now_ms)
            return [_encoded({"event": "login", "code": 0})]
        return [self._respond_to_arg(op, arg, now_ms) for arg in args]

    def _log_in(self, arg: Mapping[str, Any], now_ms: int) -> Account:
        key, passphrase, timestamp, sign = (arg.get(name) for name in ("apiKey", "passphrase", "timestamp", "sign"))
        account = self._venue.accounts_by_key.get(key) if isinstance(key, str) else None
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

    def _respond_to_arg(self, op: str, arg: Mapping[str, Any], now_ms: int) -> str:
        """Subscribe or unsubscribe one of several arguments; an error does not affect the others."""
        try:
            account, topic, named = self._topic(arg)
        except WebSocketError as refused:
            return _error(refused)
        if op == "unsubscribe":
            self._venue.feed.remove(self._listener, topic)
        # An account of the other kind gets no pushes here.
        elif self._venue.accounts_by_key[account.api_key].kind is self._kind:
            self._venue.feed.add(self._listener, topic, named, now_ms)
        return _encoded({"event": op, "arg": named})

    def _topic(self, arg: Mapping[str, Any]) -> tuple[Account, Topic, dict[str, str]]:
        """Return the account, the topic of a subscription and its name in messages, or refuse.

        Orders of a classic account require a symbol, as documented; ``default`` is not a symbol.
        """
        if self._account is None:
            raise WebSocketError(WebSocketErrorCode.NOT_LOGGED_IN)
        values = {name: arg[name] for name in fields_of(self._kind) if name in arg}
        named = {name: value[:_LONGEST_ECHO] if isinstance(value, str) else "" for name, value in values.items()}
        channel = next((found for found in Channel if found.kind is self._kind and _names(named, found)), None)
        narrow = "" if channel is None else named.get(channel.narrowed_by or "", "")
        known = channel is not Channel.ORDERS_CROSSED or narrow in self._venue.engine.market.symbols
        known = known and (channel is not Channel.ACCOUNT_CROSSED or narrow == ALL_COINS)
        if channel is None or not known:
            echo = ",".join(f"{name}:{value}" for name, value in named.items())
            raise WebSocketError(WebSocketErrorCode.NO_SUCH_CHANNEL, echo)
        symbol = narrow if channel is Channel.ORDERS_CROSSED else ""
        return self._account, Topic(self._account.uid, channel, symbol), named


def _names(named: Mapping[str, str], channel: Channel) -> bool:
    return (named.get("instType"), named.get(channel.field)) == (channel.inst_type, channel.label)


def _read(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST) from None
    if not isinstance(message, dict):
        raise WebSocketError(WebSocketErrorCode.ILLEGAL_REQUEST)
    return message


def _error(refused: WebSocketError) -> str:
    return _encoded({"event": "error", "code": refused.error_code.code, "msg": refused.text})


def _encoded(content: Mapping[str, Any]) -> str:
    return encode(content).decode()

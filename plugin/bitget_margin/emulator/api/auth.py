"""Authentication: the account of a request, and its signature."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.wallet import Account
from bitget_margin.emulator.messages import HttpRequest

TOLERANCE_MS = 30_000


def identify(accounts: Mapping[str, Account], request: HttpRequest) -> Account:
    """Return the account whose key the request carries.

    :param accounts: accounts by API key
    """
    key = request.headers.get("access-key", "")
    if not key:
        raise VenueError(Refusal.EMPTY_KEY)
    if key not in accounts:
        raise VenueError(Refusal.UNKNOWN_KEY)
    return accounts[key]


def verify(account: Account, request: HttpRequest, now_ms: int) -> None:
    """Refuse a request whose time, passphrase or signature is wrong."""
    timestamp = request.headers.get("access-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len(str(now_ms)) + 1):
        raise VenueError(Refusal.BAD_TIMESTAMP)
    if abs(now_ms - int(timestamp)) > TOLERANCE_MS:
        raise VenueError(Refusal.EXPIRED_TIMESTAMP)
    if not same(request.headers.get("access-passphrase", ""), account.password):
        raise VenueError(Refusal.BAD_PASSPHRASE)
    if not same(request.headers.get("access-sign", ""), sign(account.secret, request, timestamp)):
        raise VenueError(Refusal.BAD_SIGNATURE)


def sign(secret: str, request: HttpRequest, timestamp: str) -> str:
    """Return the signature of a request, which covers the decoded query string and the raw body.

    :param timestamp: ms since the epoch, as sent in the header
    """
    query = f"?{unquote(request.query)}" if request.query else ""
    head = f"{timestamp}{request.method}{request.path}{query}"
    return _signature(secret, head.encode("utf-8", "surrogateescape") + (request.body or b""))


def sign_login(secret: str, timestamp: str) -> str:
    """Return the signature of a websocket's login.

    :param timestamp: seconds since the epoch, as sent
    """
    return _signature(secret, f"{timestamp}GET/user/verify".encode())


def same(given: str, expected: str) -> bool:
    """Return whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _signature(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()

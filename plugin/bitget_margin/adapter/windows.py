"""The rate windows of this process: one per account and endpoint, shared by all instances."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bitget_margin.adapter.asking import RATE_GATE, UID
from bitget_margin.adapter.clock import now_ms
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.window import Window

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

QUOTA_HEADER: Final = "x-mbx-used-remain-limit"
"""How many requests to this endpoint are left: https://www.bitget.com/api-doc/common/faq, question 11."""
_ENDPOINTS: Final = {f"/api/{endpoint.path}": endpoint for endpoint in Endpoint}
_logger: Final = logging.getLogger("bitget_margin.windows")

_windows: Final[dict[tuple[str, Endpoint], Window]] = {}
_uids: Final[dict[str, str]] = {}
"""What the venue has said of whose account it is, by the name that goes by the key."""
_lock = Lock()


def window(account: str, endpoint: Endpoint) -> Window:
    """Return the window of an account's endpoint."""
    with _lock:
        return _windows.setdefault((account, endpoint), Window(endpoint.per_second))


def window_of(exchange: CrossedMargin, endpoint: Endpoint) -> Window:
    """Return the window that counts for an exchange object."""
    return window(_account(exchange), endpoint)


def shared_name(exchange: CrossedMargin, endpoint: Endpoint) -> str:
    """Return the name of the window among processes."""
    return f"{_account(exchange)} {endpoint.path}"


def account_name(uid: object, api_key: object, url: object) -> str:
    """Name the account whose window counts: its UID, else a hash of its key; `url` keeps venues apart."""
    who = f"uid {uid}" if uid else hashlib.sha256(str(api_key).encode()).hexdigest()
    return f"{url} {who}"


def learn(exchange: CrossedMargin, status: int, url: object, headers: object) -> None:
    """Take in what an answer says of the quota: the only sign of other programs on the account.

    :param status: the HTTP status of the answer
    :param url: of the request
    :param headers: of the answer
    """
    endpoint = _ENDPOINTS.get(urlsplit(url).path) if isinstance(url, str) else None
    if endpoint is None or not exchange.enableRateLimit:
        return
    refused = status == HTTPStatus.TOO_MANY_REQUESTS
    left = 0 if refused else _left(headers)
    # What processes take of a window that they share, its store knows better.
    if left is None or (not refused and exchange.options.get(RATE_GATE) is not None):
        return
    strangers = window_of(exchange, endpoint).learn(left, now_ms())
    if refused:
        _logger.warning("%s: the venue's rate limit is used up; %d requests were not ours", endpoint.path, strangers)
    elif strangers:
        _logger.info("%s: %d requests were not ours, %d are left", endpoint.path, strangers, left)


def known_uid(exchange: CrossedMargin) -> str | None:
    """Return the UID that this process has learned for the key."""
    return _uids.get(_account(exchange))


def learn_uid(exchange: CrossedMargin, uid: str) -> None:
    """Remember the UID, for every exchange object with this key."""
    _uids[_account(exchange)] = uid
    exchange.options[UID] = uid


def _left(headers: object) -> int | None:
    if not isinstance(headers, Mapping):
        return None
    value: Any = next((value for name, value in headers.items() if str(name).lower() == QUOTA_HEADER), None)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _account(exchange: CrossedMargin) -> str:
    return account_name(exchange.options.get(UID), exchange.apiKey, exchange.urls["api"]["margin"])


def _forget() -> None:
    """Begin anew in a process that was forked: a lock that was held stays so there."""
    global _lock  # noqa: PLW0603 - the module is what was forked
    _lock = Lock()
    _windows.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

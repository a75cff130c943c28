"""A signing HTTP client and a clock that only moves when told, independent of the emulator's own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlencode, urlsplit

from bitget_margin.emulator import Account

CROSSED = "/api/v2/margin/crossed"
START_MS = 1_760_000_000_000


class FakeClock:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        """Return the time in ms since the epoch."""
        return self.now_ms

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.now_ms += ms


@dataclass(frozen=True)
class Reply:
    """An answer of the venue."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def code(self) -> str:
        """The venue's code."""
        return str(self.content["code"])

    @property
    def data(self) -> Any:
        """The result of a request that must have succeeded."""
        assert (self.status, self.code, self.content["msg"]) == (200, "00000", "success"), self.content
        return self.content["data"]

    def assert_refused(self, code: str, status: int = 400) -> None:
        """Check that this is the venue's envelope of an error."""
        assert (self.status, self.code, self.content["data"]) == (status, code, None), self.content
        assert set(self.content) == {"code", "msg", "requestTime", "data"}
        assert isinstance(self.content["requestTime"], int)
        assert self.content["msg"]


class Client:
    """Signs and sends requests of one account; lets enough time pass in between to never meet a rate limit."""

    def __init__(self, url: str, account: Account, clock: Callable[[], int], pause: Callable[[], object]) -> None:
        self.account = account
        self.clock = clock
        self.pause = pause
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)

    def __enter__(self) -> Self:
        """Connect on first use."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._connection.close()

    def get(self, path: str, **params: object) -> Reply:
        """Send a signed GET request."""
        return self.send("GET", path, query=urlencode(params))

    def post(self, path: str, fields: object) -> Reply:
        """Send a signed POST request with a JSON body."""
        return self.send("POST", path, body=json.dumps(fields, separators=(",", ":")).encode())

    def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a signed request; the given headers replace those of the signature."""
        status, received, content = self.fetch(method, path, query=query, body=body, headers=headers)
        return Reply(status, received, json.loads(content))

    def fetch(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a signed request and return status, headers and body as they are."""
        self.pause()
        timestamp = str(self.clock())
        target = f"{path}?{query}" if query else path
        prehash = (timestamp + method + unquote(target)).encode() + body
        digest = hmac.new(self.account.secret.encode(), prehash, hashlib.sha256).digest()
        own = {
            "ACCESS-KEY": self.account.api_key,
            "ACCESS-SIGN": base64.b64encode(digest).decode(),
            "ACCESS-TIMESTAMP": timestamp,
            "ACCESS-PASSPHRASE": self.account.password,
            "Content-Type": "application/json",
        }
        self._connection.request(method, target, body=body or None, headers={**own, **(headers or {})})
        response = self._connection.getresponse()
        return response.status, dict(response.headers), response.read()

    def place(self, **fields: object) -> Reply:
        """Place an order: unless told otherwise, a small limit buy far below the price."""
        order = {
            "symbol": "BTCUSDT",
            "side": "buy",
            "orderType": "limit",
            "force": "gtc",
            "loanType": "normal",
            "price": "50000",
            "baseSize": "0.01",
        }
        return self.post(f"{CROSSED}/place-order", order | fields)

    def placed(self, **fields: object) -> str:
        """Place an order and return its id."""
        return str(self.place(**fields).data["orderId"])

    def cancel_batch(self, *items: object, symbol: str = "BTCUSDT") -> Reply:
        """Cancel orders; a text stands for an order id."""
        listed = [{"orderId": item} if isinstance(item, str) else item for item in items]
        return self.post(f"{CROSSED}/batch-cancel-order", {"symbol": symbol, "orderIdList": listed})

    def open_orders(self, **params: object) -> Reply:
        """List open orders of the last days."""
        return self._list("open-orders", params)

    def history(self, **params: object) -> Reply:
        """List ended orders of the last days."""
        return self._list("history-orders", params)

    def fills(self, **params: object) -> Reply:
        """List trades of the last days."""
        return self._list("fills", params)

    def open_ids(self, **params: object) -> list[str]:
        """Return the ids of open orders, newest first."""
        return [row["orderId"] for row in self.open_orders(**params).data["orderList"]]

    def history_ids(self, **params: object) -> list[str]:
        """Return the ids of ended orders, newest first."""
        return [row["orderId"] for row in self.history(**params).data["orderList"]]

    def _list(self, name: str, params: dict[str, object]) -> Reply:
        defaults = {"symbol": "BTCUSDT", "startTime": START_MS - 86_400_000}
        wanted = {key: value for key, value in (defaults | params).items() if value is not None}
        return self.get(f"{CROSSED}/{name}", **wanted)

"""Signing HTTP clients of both kinds of account, and a clock that only moves by `advance`.

They share no code with the emulator.
"""

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlencode, urlsplit

from bitget_margin.emulator import Account

CROSSED = "/api/v2/margin/crossed"
V3 = "/api/v3"
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
    """Response of the venue."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def code(self) -> str:
        """Code of the response."""
        return str(self.content["code"])

    @property
    def data(self) -> Any:
        """Data of a response that must be a success."""
        assert (self.status, self.code, self.content["msg"]) == (200, "00000", "success"), self.content
        return self.content["data"]

    def assert_refused(self, code: str, status: int = 400) -> None:
        """Check that this is an error in the venue's format."""
        assert (self.status, self.code, self.content["data"]) == (status, code, None), self.content
        assert set(self.content) == {"code", "msg", "requestTime", "data"}
        assert isinstance(self.content["requestTime"], int)
        assert self.content["msg"]


Row = dict[str, Any]


def row(order_id: str, client_oid: str, **more: str) -> Row:
    """Return the row of a batch item."""
    return {"orderId": order_id, "clientOid": client_oid, **more}


class Client:
    """Client of a classic account, which pauses before each request so that it meets no rate limit.

    The class variables are the codes and texts of failed items.
    """

    UNKNOWN: ClassVar = {"code": "43001", "text": "The order does not exist"}
    ENDED: ClassVar = {"code": "50062", "text": "Order Cancelled"}
    FREQUENT: ClassVar = {"code": "45129", "text": "Cancel too frequent"}
    DUPLICATE = "50060"

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
        """Place an order, by default a small limit buy far below the price."""
        return self.post(f"{CROSSED}/place-order", {"symbol": "BTCUSDT", **self.order(**fields)})

    def order(self, **changes: object) -> dict[str, object]:
        """Return the fields of an order, by default a small limit buy far below the price."""
        order = {"side": "buy", "orderType": "limit", "force": "gtc", "loanType": "normal", "price": "50000"}
        return order | {"baseSize": "0.01"} | changes

    def place_batch(self, *orders: dict[str, object]) -> Reply:
        """Place several orders."""
        return self.post(f"{CROSSED}/batch-place-order", {"symbol": "BTCUSDT", "orderList": orders})

    def bought(self, amount: str, **fields: object) -> str:
        """Place a market buy for an amount of quote coins and return its id."""
        return self.placed(orderType="market", quoteSize=amount, **fields)

    def placed(self, **fields: object) -> str:
        """Place an order and return its id."""
        return str(self.place(**fields).data["orderId"])

    def cancel(self, **ids: str) -> Reply:
        """Cancel one order."""
        return self.post(f"{CROSSED}/cancel-order", {"symbol": "BTCUSDT", **ids})

    def canceled(self, *items: object) -> tuple[list[Row], list[Row]]:
        """Cancel orders, and return the rows of successes and of failures; the latter with `code` and `text`."""
        data = self.cancel_batch(*items).data
        return data["successList"], [
            row(failure["orderId"], failure["clientOid"], code=failure.get("errorCode"), text=failure["errorMsg"])
            for failure in data["failureList"]
        ]

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
        return [item["orderId"] for item in self.open_orders(**params).data["orderList"]]

    def history_ids(self, **params: object) -> list[str]:
        """Return the ids of ended orders, newest first."""
        return [item["orderId"] for item in self.history(**params).data["orderList"]]

    def fill_ids(self, **params: object) -> list[str]:
        """Return the order ids of trades, newest first."""
        return [item["orderId"] for item in self.fills(**params).data["fills"]]

    def _list(self, name: str, params: dict[str, object]) -> Reply:
        defaults = {"symbol": "BTCUSDT", "startTime": START_MS - 86_400_000}
        wanted = {key: value for key, value in (defaults | params).items() if value is not None}
        return self.get(f"{CROSSED}/{name}", **wanted)


class UnifiedClient(Client):
    """Client of a unified account."""

    UNKNOWN: ClassVar = {"code": "25204", "text": "Order does not exist"}
    ENDED: ClassVar = UNKNOWN
    FREQUENT: ClassVar = {"code": "25004", "text": "Operation too frequent, please try again later"}
    DUPLICATE = "25212"

    def place(self, **fields: object) -> Reply:
        """Place an order, by default a small limit buy far below the price."""
        return self.post(f"{V3}/trade/place-order", self.order(**fields))

    def order(self, **changes: object) -> dict[str, object]:
        """Return the fields of an order, by default a small limit buy far below the price."""
        fields = {"category": "MARGIN", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "50000"}
        return {name: value for name, value in (fields | {"qty": "0.01"} | changes).items() if value is not None}

    def place_batch(self, *orders: dict[str, object]) -> Reply:
        """Place several orders."""
        return self.post(f"{V3}/trade/place-batch", orders)

    def bought(self, amount: str, **fields: object) -> str:
        """Place a market buy for an amount of quote coins and return its id."""
        return self.placed(orderType="market", qty=amount, **fields)

    def cancel(self, **ids: str) -> Reply:
        """Cancel one order."""
        return self.post(f"{V3}/trade/cancel-order", ids)

    def canceled(self, *items: object) -> tuple[list[Row], list[Row]]:
        """Cancel orders, and return the rows of successes and of failures; the latter with `code` and `text`."""
        rows = self.cancel_batch(*items).data
        return [item for item in rows if "code" not in item], [
            row(item["orderId"], item["clientOid"], code=item["code"], text=item["msg"])
            for item in rows
            if "code" in item
        ]

    def cancel_batch(self, *items: object, symbol: str = "BTCUSDT") -> Reply:
        """Cancel orders; a text stands for an order id."""
        named = [{"orderId": item} if isinstance(item, str) else item for item in items]
        listed = [
            {"category": "MARGIN", "symbol": symbol, **item} if isinstance(item, dict) else item for item in named
        ]
        return self.post(f"{V3}/trade/cancel-batch", listed)

    def info(self, **ids: str) -> Reply:
        """Query one order."""
        return self.get(f"{V3}/trade/order-info", **ids)

    def open_ids(self, **params: object) -> list[str]:
        """Return the ids of open orders, newest first."""
        return [item["orderId"] for item in self.page("unfilled-orders", **params)["list"]]

    def history_ids(self, **params: object) -> list[str]:
        """Return the ids of ended orders, newest first."""
        return [item["orderId"] for item in self.page("history-orders", **params)["list"]]

    def fill_ids(self, **params: object) -> list[str]:
        """Return the order ids of trades, newest first."""
        return [item["orderId"] for item in self.page("fills", **params)["list"]]

    def page(self, name: str, **params: object) -> dict[str, list[dict[str, str]]]:
        """Return a page of orders or fills."""
        return self.listed(name, **params).data

    def listed(self, name: str, **params: object) -> Reply:
        """Request a page of orders or fills, by default of category margin."""
        wanted = {"category": "MARGIN", **params}
        return self.get(f"{V3}/trade/{name}", **{key: value for key, value in wanted.items() if value is not None})

"""Fake venue whose responses are documented ones with parts changed or replaced by anything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from support.fuzzing import HUGE, Choices, copied, spoiled
from support.wire import NOW_MS, row

STATUSES: Final = (
    *("cancelled", "filled", "live", "partially_fill", "partial_fill", "canceled", "reject", "partially_filled"),
    *("new", "init", "cancel", "full_fill", "executed", "FILLED", "unheard of", ""),
)
CODES: Final = (
    *("43001", "40010", "429", "40008", "40014", "40017", "40808", "45001", "50031", "45129", "31007", "22001"),
    *("40009", "40015", "40725", "00001", "0", "500", "503", "25204", "40085", "99999", "", "40034", "40084"),
)
TEXTS: Final = (
    *("The order does not exist", "Order Cancelled", "Cancel order error", "订单不存在", "notExistend", "", "success"),
    *("Request timed out", "Too Many Requests", "Parameter error", "no order to cancel", "Insufficient balance", "{}"),
)
PAGE: Final = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass
class Served:
    """Request and its response; `body` is None where the response is no JSON."""

    path: str
    params: Any
    status: int
    body: Any

    @property
    def unified(self) -> bool:
        """Whether the request went to an endpoint of a unified account."""
        return "v3/" in self.path


@dataclass
class Hostile:
    """Venue with orders that it may or may not know, and all of its responses."""

    choices: Choices
    symbol: str = "BTCUSDT"
    ids: Sequence[str] = ()
    client_ids: Sequence[str] = ()
    huge: Sequence[str] = HUGE
    served: list[Served] = field(default_factory=list)
    attitudes: dict[str, str] = field(default_factory=dict)
    """Attitude to each order, which all responses have before they are changed: see `_attitude`."""

    @property
    def values(self) -> Sequence[Any]:
        """Values that are valid in some field: ids, symbols, states, codes."""
        known = [*self.ids, *self.client_ids, *(int(one) for one in self.ids if one.isdecimal())]
        known += [*known, *self.huge]
        return (*known, self.symbol, "ETHUSDT", *STATUSES[:8], *CODES[:8], *TEXTS[:5], "00000", str(NOW_MS), "MARGIN")

    def answer(self, path: str, params: Any) -> Any:
        """Return the body for a request, as a tree: often the right one, often with parts of it changed."""
        body: dict[str, Any] = {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": None}
        attitude = self._attitude(self._item(params)) if path.endswith("cancel-order") and "symbol" in params else "any"
        if self.choices.once_in(6):
            body |= {"code": self.choices.pick(CODES), "msg": self.choices.pick(TEXTS)}
        elif attitude != "any":
            body |= {"code": "43001", "msg": TEXTS[0]} if attitude == "gone" else {"code": "45129", "msg": TEXTS[2]}
        else:
            body |= {"data": self._data(path, params), "requestTime": NOW_MS + self.choices.pick((0, 5))}
        changed = spoiled(body, self.choices, self.values)
        return bounded(changed) if path.endswith("symbols") else changed

    # -- documented responses -----------------------------------------------------------------------------------------

    def _data(self, path: str, params: Any) -> Any:
        given: Mapping[str, Any] = params if isinstance(params, Mapping) else {}
        name = path.rsplit("/", 1)[-1]
        match name:
            case "batch-cancel-order" | "batch-place-order":
                return self._lists(given.get("orderIdList") or given.get("orderList") or [])
            case "cancel-batch" | "place-batch":
                return [self._unified_item(self._item(item)) for item in params]
            case "cancel-order" | "place-order" | "modify-order":
                return self._item(given)
            case "open-orders" | "history-orders" | "unfilled-orders":
                listed = self._rows(given, ended="history" in name, unified="v3/" in path)
                if "v3/" not in path:
                    return {"orderList": listed}
                return {"list": listed, "cursor": self.choices.pick((None, "", "11", "77"))}
            case "order-info":
                return next(iter(self._rows(given, ended=True, unified=True)), None)
            case "assets":
                return self._assets(path)
        return copied(PUBLISHED.get(name, {}))

    def _lists(self, items: Sequence[Mapping[str, Any]]) -> Any:
        lists: dict[str, list[Any]] = {"successList": [], "failureList": []}
        for requested in items:
            item = self._item(requested)
            where = self.choices.pick(("success", "success", "success", "failure", "both", "neither"))
            where = where if self._attitude(item) == "any" else "failure"
            if where in {"success", "both"}:
                lists["successList"].append(item)
            if where in {"failure", "both"}:
                lists["failureList"].append(item | self._refusal("errorCode", "errorMsg", item))
        return lists

    def _unified_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an entry of a unified account, where failures are in the same list."""
        refused = self._attitude(item) != "any" or self.choices.once_in(3)
        return item | self._refusal("code", "msg", item) if refused else item

    def _refusal(self, code: str, text: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reason why an order was not canceled, sometimes with a code."""
        reason = {"any": self.choices.pick(TEXTS), "gone": TEXTS[0], "stubborn": TEXTS[2]}[self._attitude(item)]
        coded = {code: self.choices.pick(CODES)} if code == "code" or self.choices.once_in(5) else {}
        return {text: reason, **coded}

    def _attitude(self, item: Mapping[str, Any]) -> str:
        """Return the attitude to an order: unknown, not to be canceled, or anything at any time."""
        key = str(item["orderId"])
        if key not in self.attitudes:
            self.attitudes[key] = self.choices.pick(("any", "any", "any", "gone", "stubborn"))
        return self.attitudes[key]

    def _item(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry for an order, with both of its ids."""
        ids = {name: str(7_000 + i) for i, name in enumerate(self.client_ids)}
        name, order_id = query.get("clientOid"), query.get("orderId")
        if order_id is None:
            order_id = ids.get(str(name), "77")
        if name is None:
            name = next((known for known, known_id in ids.items() if known_id == order_id), f"c{order_id}")
        return {"orderId": order_id, "clientOid": name}

    def _rows(self, query: Mapping[str, Any], *, ended: bool, unified: bool) -> list[Any]:
        if "orderId" in query or "clientOid" in query:
            items = [self._item(query)]
        else:
            items = [self._item({"orderId": one}) for one in self.ids]
            items += [self._item({"clientOid": name}) for name in self.client_ids]
        rows = []
        for item in items:
            state = self._state(item, ended=ended)
            if state is None:
                continue
            order_id, name = str(item["orderId"]), str(item["clientOid"])
            symbol = "ETHUSDT" if self.choices.once_in(12) else self.symbol
            moved = str(NOW_MS + self.choices.pick((10, 0, -5_000, -100_000, 10**6)))
            made = row(order_id, state, clientOid=name, symbol=symbol, cTime=str(NOW_MS - 10_000), uTime=moved)
            rows.append(_unified(made) if unified else made)
        if self.choices.once_in(10):
            rows = (rows * 60)[:100]
        return rows

    def _state(self, item: Mapping[str, Any], *, ended: bool) -> str | None:
        """Return the state of an order in this list; None where the list does not show it."""
        match self._attitude(item):
            case "gone":
                return None
            case "stubborn":
                return None if ended else "live"
            case _ if ended:
                return self.choices.pick(STATUSES)
            case _:
                return self.choices.pick((None, None, *STATUSES[2:4], *STATUSES))

    def _assets(self, path: str) -> Any:
        frozen = self.choices.pick(("0", "0", "1", "0.5", "-1", "1e-9"))
        rows = [
            {"coin": coin, "totalAmount": "9", "available": "9", "frozen": frozen, "locked": frozen, "borrow": "0"}
            | {"interest": "0", "net": "9", "coupon": "0", "cTime": "1", "uTime": "1"}
            for coin in ("BTC", "USDT")
        ]
        return {"assets": rows} if "v3/" in path else rows


SYMBOL: Final[dict[str, Any]] = {
    "quoteCoin": "USDT",
    "minTradeAmount": "0",
    "maxTradeAmount": "10000000000",
    "takerFeeRate": "0.002",
    "makerFeeRate": "0.002",
    "pricePrecision": "2",
    "quantityPrecision": "6",
    "quotePrecision": "6",
    "status": "online",
    "minTradeUSDT": "5",
    "buyLimitPriceRatio": "0.05",
    "sellLimitPriceRatio": "0.05",
}


LOAN: Final = {"coin": "USDT", "cTime": str(NOW_MS), "uTime": str(NOW_MS)}


PUBLISHED: Final[Mapping[str, Any]] = {
    "time": {"serverTime": str(NOW_MS)},
    "symbols": [SYMBOL | {"symbol": f"{coin}USDT", "baseCoin": coin} for coin in ("BTC", "ETH")],
    "settings": {"accountMode": "unified", "assetMode": "multi", "holdMode": "one_way_mode"},
    "currencies": [{"symbol": "BTCUSDT", "isBorrowable": True, "maxCrossedLeverage": "3"}],
    "borrow": {"loanId": "77", "coin": "USDT", "borrowAmount": "10"},
    "repay": {"repayId": "77", "coin": "USDT", "repayAmount": "10", "remainDebtAmount": "0", "result": "YES"},
    "borrow-history": {"resultList": [LOAN | {"loanId": "77", "borrowAmount": "10", "borrowType": "manual_loan"}]},
    "repay-history": {"resultList": [LOAN | {"repayId": "77", "repayAmount": "10", "repayType": "manual_repay"}]},
    "interest-history": {
        "resultList": [LOAN | {"interestId": "77", "interestCoin": "USDT", "interestAmount": "0.1"}],
        "minId": "77",
        "maxId": "77",
    },
    "interest-rate-and-limit": [{"coin": "USDT", "leverage": "3", "dailyInterestRate": "0.0001"}],
    "margin-loans": {"dailyInterest": "0.0001", "annualInterest": "0.03", "limit": "9"},
    "set-leverage": "success",
}


def _unified(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in the words of a unified account."""
    kept = {key: made[key] for key in ("orderId", "clientOid", "symbol", "orderType", "side", "price")}
    filled = {"cumExecQty": made["size"], "cumExecValue": made["amount"], "avgPrice": made["priceAvg"]}
    moved = {"orderStatus": made["status"], "createdTime": made["cTime"], "updatedTime": made["uTime"]}
    rest = {"category": "MARGIN", "timeInForce": made["force"], "feeDetail": [{"feeCoin": "BTC", "fee": "-0.1"}]}
    return {**kept, **filled, **moved, **rest, "qty": made["baseSize"], "amount": "0", "reduceOnly": "NO"}


def bounded(value: Any) -> Any:
    """Return a list of pairs without a precision of very many digits, over which ccxt never ends."""
    if isinstance(value, dict):
        return {
            key: "6" if "recision" in key and len(str(inner)) > 3 else bounded(inner) for key, inner in value.items()
        }
    return [bounded(inner) for inner in value] if isinstance(value, list) else value


def written(body: Any, choices: Choices) -> bytes:
    """Return the body as bytes; now and then as no JSON at all."""
    text = json.dumps(body)
    if not choices.once_in(8):
        return text.encode()
    cut = choices.below(len(text) + 1)
    return choices.pick(
        (
            PAGE.encode(),
            b"",
            text[:cut].encode(),
            b"\xef\xbb\xbf" + text.encode(),
            b"\xff\xfe\x00\x80" + text.encode(),
            text.encode() + text.encode(),
            b"[" * 100_000,
            b'{"code":"00000","data":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
            b'{"code":"00000","data":' + b"9" * 5_000 + b"}",
            b"[" + text.encode() + b"]",
            json.dumps(text).encode(),
            b'{"code":"00000","code":"43001","data":null}',
            b" \r\n " + text.encode() + b" \x00",
            text.encode("utf-16"),
        ),
    )

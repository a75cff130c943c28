"""Documented responses, for tests without a venue."""

from typing import Any

HOST = "https://api.bitget.com"
MARGIN = f"{HOST}/api/v2/margin/crossed"
CROSS = {"marginMode": "cross"}

NOW_MS = 1_800_000_000_000

EMPTY = {
    "code": "00000",
    "msg": "success",
    "requestTime": NOW_MS,
    "data": {"orderList": [], "maxId": None, "minId": None},
}


def market(symbol: str, base: str) -> dict[str, Any]:
    """Return a market as ccxt's own tests write one."""
    return {
        "id": symbol,
        "symbol": f"{base}/USDT",
        "base": base,
        "quote": "USDT",
        "type": "spot",
        "spot": True,
        "active": True,
        "precision": {"amount": 1e-6, "price": 0.01},
        "limits": {},
    }


def answer(*, success: Any = (), failure: Any = ()) -> dict[str, Any]:
    """Return a response to a batch cancel."""
    data = {"successList": list(success), "failureList": list(failure)}
    return {"code": "00000", "msg": "success", "requestTime": 1, "data": data}


def row(order_id: str, status: str, **more: str) -> dict[str, str]:
    """Return an order row as the documents show one."""
    return {
        "orderId": order_id,
        "symbol": "BTCUSDT",
        "orderType": "limit",
        "enterPointSource": "API",
        "clientOid": f"c{order_id}",
        "loanType": "normal",
        "price": "32111",
        "side": "buy",
        "status": status,
        "baseSize": "0.01",
        "quoteSize": "321.11",
        "priceAvg": "0",
        "size": "0",
        "amount": "0",
        "force": "gtc",
        "cTime": "1695629859821",
        "uTime": "1695629890839",
        **more,
    }


def page(*rows: dict[str, str]) -> dict[str, Any]:
    """Return a page of orders."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": {"orderList": list(rows)}}


def assets(**frozen: str) -> dict[str, Any]:
    """Return balances with these frozen amounts."""
    rows = [{"coin": coin, "totalAmount": "9", "available": "9", "frozen": amount} for coin, amount in frozen.items()]
    return {"code": "00000", "msg": "success", "requestTime": 1, "data": rows}

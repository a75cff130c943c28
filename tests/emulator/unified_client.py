"""The client of a unified account."""

from __future__ import annotations

from .client import Client, Reply

V3 = "/api/v3"


class UnifiedClient(Client):
    """Speaks the endpoints of a unified account."""

    def place(self, **fields: object) -> Reply:
        """Place an order: unless told otherwise, a small limit buy far below the price."""
        return self.post(f"{V3}/trade/place-order", order_fields(**fields))

    def cancel_batch(self, *items: object, symbol: str = "BTCUSDT") -> Reply:
        """Cancel orders; a text stands for an order id."""
        named = [{"orderId": item} if isinstance(item, str) else item for item in items]
        listed = [
            {"category": "MARGIN", "symbol": symbol, **item} if isinstance(item, dict) else item for item in named
        ]
        return self.post(f"{V3}/trade/cancel-batch", listed)

    def info(self, **ids: str) -> Reply:
        """Ask for one order."""
        return self.get(f"{V3}/trade/order-info", **ids)

    def open_ids(self, **params: object) -> list[str]:
        """Return the ids of open orders, newest first."""
        return [row["orderId"] for row in self.page("unfilled-orders", **params)["list"]]

    def history_ids(self, **params: object) -> list[str]:
        """Return the ids of ended orders, newest first."""
        return [row["orderId"] for row in self.page("history-orders", **params)["list"]]

    def page(self, name: str, **params: object) -> dict[str, list[dict[str, str]]]:
        """Return a page of orders or fills."""
        return self.listed(name, **params).data

    def listed(self, name: str, **params: object) -> Reply:
        """Ask for a page of margin orders or fills, unless told otherwise."""
        wanted = {"category": "MARGIN", **params}
        return self.get(f"{V3}/trade/{name}", **{key: value for key, value in wanted.items() if value is not None})


def order_fields(**changes: object) -> dict[str, object]:
    """Return the fields of an order: unless told otherwise, a small limit buy far below the price."""
    fields = {
        "category": "MARGIN",
        "symbol": "BTCUSDT",
        "side": "buy",
        "orderType": "limit",
        "price": "50000",
        "qty": "0.01",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def row(order_id: str, client_oid: str, **more: str) -> dict[str, str]:
    """Return a row of a cancel's answer."""
    return {"orderId": order_id, "clientOid": client_oid, **more}


#: What the row of an order that cannot be cancelled says.
GONE = {"code": "25204", "msg": "Order does not exist"}

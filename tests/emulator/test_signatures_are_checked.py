"""Promise: a private request is believed only with the right key, time, passphrase and signature."""

from collections.abc import Mapping

import pytest

from bitget_margin.emulator import Account, Emulator

from .client import CROSSED, START_MS, V3, Client, UnifiedClient, row

ASSETS = f"{CROSSED}/account/assets"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ACCESS-KEY": ""}, "40001"),
        ({"ACCESS-KEY": "nobody"}, "40006"),
        ({"ACCESS-TIMESTAMP": ""}, "40005"),
        ({"ACCESS-TIMESTAMP": "yesterday"}, "40005"),
        ({"ACCESS-TIMESTAMP": "9" * 5000}, "40005"),
        ({"ACCESS-TIMESTAMP": str(START_MS - 60_000)}, "40008"),
        ({"ACCESS-TIMESTAMP": str(START_MS + 60_000)}, "40008"),
        ({"ACCESS-PASSPHRASE": "wrong"}, "40012"),
        ({"ACCESS-SIGN": "wrong"}, "40009"),
        ({"ACCESS-SIGN": ""}, "40009"),
        ({"ACCESS-SIGN": "é", "ACCESS-PASSPHRASE": "é"}, "40012"),
        ({"ACCESS-TIMESTAMP": str(START_MS + 1)}, "40009"),
        ({"ACCESS-TIMESTAMP": "", "ACCESS-PASSPHRASE": "wrong", "ACCESS-SIGN": "wrong"}, "40005"),
        ({"ACCESS-PASSPHRASE": "wrong", "ACCESS-SIGN": "wrong"}, "40012"),
    ],
)
def test_wrong_headers_are_refused_in_order(client: Client, headers: Mapping[str, str], code: str) -> None:
    """Each wrong header has its code, and the first one in the venue's order decides."""
    client.send("GET", ASSETS, headers=headers).assert_refused(code)


def test_signature_covers_the_raw_body(client: Client) -> None:
    body = b'{ "symbol" : "BTCUSDT",\n "orderIdList": [ {"clientOid": "\xe4\xbd\xa0\\u597d"} ] }'
    reply = client.send("POST", f"{CROSSED}/batch-cancel-order", body=body)
    assert reply.data["failureList"][0]["clientOid"] == "你好"


def test_signature_covers_the_decoded_query(client: Client) -> None:
    assert client.send("GET", ASSETS, query="coin=%55SDT&x=%2B%20%E4%BD%A0").data[0]["coin"] == "USDT"


def test_refused_requests_are_recorded_without_effect(venue: Emulator, client: Client) -> None:
    client.send("POST", f"{CROSSED}/place-order", body=b"{}", headers={"ACCESS-SIGN": "wrong"}).assert_refused("40009")
    assert venue.orders() == []
    assert [(record.uid, record.status) for record in venue.requests] == [("1001", 400)]


def test_account_kind_is_decided_before_the_signature(venue: Emulator, client: Client) -> None:
    for method, path in (("GET", "account/settings"), ("POST", "trade/cancel-batch"), ("GET", "no/such/path")):
        client.send(method, f"/api/v3/{path}", headers={"ACCESS-SIGN": "wrong"}).assert_refused("40084")
    client.send("GET", "/api/v3/account/settings", headers={"ACCESS-KEY": ""}).assert_refused("40001")
    assert len(venue.requests) == 4


def test_unified_account_is_turned_away_from_classic_endpoints(unified: UnifiedClient) -> None:
    """A unified account gets its settings, 40085 from classic endpoints, and 404 from unknown ones."""
    assert unified.get(f"{V3}/account/settings").data["uid"] == unified.account.uid
    unified.send("GET", ASSETS, headers={"ACCESS-SIGN": "wrong"}).assert_refused("40085")
    unified.get(f"{V3}/trade/no-such-orders").assert_refused("40404", 404)


def test_accounts_do_not_see_each_other(venue: Emulator, either: Client, other_of_kind: Client) -> None:
    venue.knobs(failure_code=True)
    resting, filled = either.placed(clientOid="a"), either.bought("100")
    assert other_of_kind.open_ids() == other_of_kind.history_ids() == other_of_kind.fill_ids() == []
    assert other_of_kind.canceled(resting, filled) == (
        [],
        [row(order_id, "", **either.UNKNOWN) for order_id in (resting, filled)],
    )
    other_of_kind.cancel(clientOid="a").assert_refused(either.UNKNOWN["code"])
    assert venue.order(resting).live


def test_unified_accounts_do_not_see_each_other(
    venue: Emulator, unified: UnifiedClient, other_unified: UnifiedClient
) -> None:
    resting = unified.placed()
    other_unified.info(orderId=resting).assert_refused("25204")
    other_unified.post(f"{V3}/trade/cancel-symbol-order", {"category": "MARGIN"})
    assert venue.order(resting).live


def test_secrets_stay_out_of_sight() -> None:
    account = Account()
    assert account.secret not in repr(account)
    assert account.password not in repr(account)
    assert account != Account()

"""Promise: a client id belongs to one live order, for six hours at most in a classic account."""

import pytest

from bitget_margin.emulator import Emulator

from .client import Client, FakeClock, UnifiedClient, row

SIX_HOURS_MS = 6 * 3_600_000


def test_second_live_order_with_a_client_id_is_refused(either: Client, other_of_kind: Client) -> None:
    """The same client id is refused on any symbol of the account, and free for other accounts."""
    either.placed(clientOid="twin")
    either.place(clientOid="twin").assert_refused(either.DUPLICATE)
    either.place(clientOid="twin", symbol="ETHUSDT", price="2000").assert_refused(either.DUPLICATE)
    assert other_of_kind.place(clientOid="twin").status == 200


def test_partly_filled_order_keeps_its_client_id(venue: Emulator, either: Client) -> None:
    venue.fill(either.placed(clientOid="twin"), "0.005")
    either.place(clientOid="twin").assert_refused(either.DUPLICATE)


def test_ended_order_frees_its_client_id(venue: Emulator, either: Client) -> None:
    """After a fill or a cancel, the client id can be used again, and then identifies the new order."""
    venue.fill(either.placed(clientOid="twin"))
    venue.cancel(either.placed(clientOid="twin"))
    order_id = either.placed(clientOid="twin")
    assert either.canceled({"clientOid": "twin"}) == ([row(order_id, "twin")], [])


def test_client_id_is_forgotten_after_six_hours(client: Client, clock: FakeClock) -> None:
    client.placed(clientOid="twin")
    clock.advance(SIX_HOURS_MS - 1000)
    client.place(clientOid="twin").assert_refused("50060")
    clock.advance(1000)
    assert client.place(clientOid="twin").status == 200


def test_client_id_of_a_unified_account_is_never_forgotten(unified: UnifiedClient, clock: FakeClock) -> None:
    unified.placed(clientOid="twin")
    clock.advance(30 * 86_400_000)
    unified.place(clientOid="twin").assert_refused("25212")


@pytest.mark.parametrize(
    ("client_oid", "code"), [("x" * 51, "40304"), ("a b", "40305"), ("你好", "40305"), ("a.b", "40305"), ([], "40020")]
)
def test_client_ids_outside_the_charset_are_refused(client: Client, client_oid: object, code: str) -> None:
    client.place(clientOid=client_oid).assert_refused(code)


def test_longest_client_id_with_every_character_is_taken(client: Client) -> None:
    client_oid = ("aZ09-+_#" * 7)[:50]
    order_id = client.placed(clientOid=client_oid)
    assert client.open_ids(clientOid=client_oid) == [order_id]

"""Promise: a right of a key is known by the documented words alone, and unknown without them."""

from typing import Any

import pytest

from bitget_margin.core.key_rights import KeyRights, classic_rights, unified_rights

NOTHING = KeyRights()


@pytest.mark.parametrize(
    ("fields", "rights"),
    [
        ({"authorities": ["stor", "smor", "stow", "smow"], "ips": "1.2.3.4"}, (True, True, False, ("1.2.3.4",))),
        ({"authorities": ["smow"], "ips": "1.2.3.4,::1"}, (True, True, False, ("1.2.3.4", "::1"))),
        ({"authorities": ["smor", "wwow"], "ips": ""}, (True, False, True, ())),
        ({"authorities": ["STOW", "wtow"]}, (False, False, False, None)),
        # The words of the page's example, which it does not explain.
        ({"authorities": ["trade", "readonly"], "ips": "1.2.3.4"}, (None, None, None, ("1.2.3.4",))),
        ({"authorities": []}, (None, None, None, None)),
        ({"authorities": "smow"}, (None, None, None, None)),
        ({"authorities": [7]}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_rights_of_a_classic_key(fields: dict[str, Any], rights: tuple[Any, ...]) -> None:
    assert classic_rights(fields) == KeyRights(*rights)


@pytest.mark.parametrize(
    ("writes", "names", "rights"),
    [
        ("read-and-write", ["uta_mgt", "uta_trade"], (True, True, False)),
        ("read_and_write", ["uta_trade", "withdraw"], (True, True, True)),
        ("read-only", ["uta_mgt", "uta_trade", "withdraw"], (True, False, False)),
        ("read-and-write", ["uta_mgt"], (True, False, False)),
        (None, ["uta_trade", "withdraw"], (True, None, None)),
        (None, ["uta_mgt"], (True, False, False)),
        ("read-and-write", ["copy_futures_order"], (None, None, None)),
        ("read-only", None, (None, False, None)),
        ("new", None, (None, None, None)),
    ],
)
def test_rights_of_a_unified_key(writes: Any, names: Any, rights: tuple[Any, ...]) -> None:
    fields = {"permType": writes, "permissions": names, "ips": "1.2.3.4, 5.6.7.8"}
    assert unified_rights(fields) == KeyRights(*rights, ("1.2.3.4", "5.6.7.8"))


def test_addresses_may_be_a_list_or_missing() -> None:
    assert unified_rights({"ips": ["1.2.3.4"]}).addresses == ("1.2.3.4",)
    assert unified_rights({"ips": None}) == unified_rights({"ips": 7}) == NOTHING

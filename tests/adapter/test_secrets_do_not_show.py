"""No key, secret, passphrase or signature is printed or logged, at any level."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import ccxt
import pytest
import requests.structures

from bitget_margin.adapter.secret import Secret, mask
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config, rungs

BTC = "BTC/USDT"


def test_a_full_debug_run_prints_no_secret(
    venue: Emulator,
    flavour: Flavour,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Verbose mode and debug logging of a whole call, its failures and its exceptions."""
    account = venue.accounts[0]
    signed: list[str] = []
    client = Client(flavour, config(venue) | {"verbose": True})
    sign = client.exchange.sign

    def remembering(*args: Any, **named: Any) -> Any:
        request = sign(*args, **named)
        signed.append(str.__str__((request["headers"] or {}).get("ACCESS-SIGN", "")))
        return request

    client.exchange.sign = remembering
    with caplog.at_level(logging.DEBUG):
        client("batch_cancel", rungs(venue, 2), BTC)
        client.exchange.password = "wrong-passphrase"
        with pytest.raises(ccxt.AuthenticationError) as caught:
            client("cancel_orders", ["1"], BTC, CROSS)
        # Freed here, since the exchange's own destructor prints too.
        client.close()
    printed = capsys.readouterr()
    shown = "\n".join(
        [caplog.text, printed.out, printed.err, repr(caught.value), str(caught.value), repr(client.exchange)]
    )
    assert "batch-cancel-order" in printed.out
    assert "ACCESS-KEY" in shown
    secrets = {account.api_key, account.secret, account.password, "wrong-passphrase", *filter(None, signed)}
    assert len(secrets) > 5
    assert {secret for secret in secrets if secret in shown} == set()


def test_headers_reach_the_venue_and_hide_in_print() -> None:
    """The value is whole, only its repr is not."""
    secret = Secret("abc")
    assert secret == "abc"
    assert f"{secret}" == "abc"
    assert str({"ACCESS-KEY": secret}) == "{'ACCESS-KEY': '***'}"
    assert repr(requests.structures.CaseInsensitiveDict({"ACCESS-KEY": secret})) == "{'ACCESS-KEY': '***'}"
    assert pickle.loads(pickle.dumps(secret)) == "abc"  # noqa: S301 - our own bytes


def test_a_websocket_login_is_masked() -> None:
    """Ccxt prints the message as text."""
    text = '{"op":"login","args":[{"apiKey":"K1","passphrase":"P1","timestamp":"1","sign":"c2ln"}]}'
    assert mask(text, ["K1", "S1", "P1", None, ""]) == (
        '{"op":"login","args":[{"apiKey":"***","passphrase":"***","timestamp":"1","sign":"***"}]}'
    )

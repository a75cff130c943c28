"""Promise: the login of a websocket prints no secret."""

import logging
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Emulator
from support.client import CROSS
from support.secret_scan import SecretScan
from support.watching import BTC, soon, streaming, watching

WRONG = "wrong-secret"


async def test_watching_orders_prints_no_secret(
    venue: Emulator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Covers a refused login, an accepted one and an unreadable message, in verbose mode and debug logs."""
    caplog.set_level(logging.DEBUG)
    scan, account = SecretScan(), venue.accounts[0]
    scan.secrets |= {account.api_key, account.secret, account.password, WRONG}
    async with streaming(venue, verbose=True, options={"uta": False}) as exchange:
        sign = exchange.hmac

        def signed(*args: Any) -> Any:
            signature = sign(*args)
            scan.signatures.add(signature)
            return signature

        exchange.hmac = signed
        exchange.secret = WRONG
        with pytest.raises(ccxt.AuthenticationError) as caught:
            await soon(exchange.watch_orders(BTC, params=CROSS))
        scan.record_error(caught.value)
        scan.record_objects("objects", exchange, exchange.clients)
        exchange.secret = account.secret
        call = await watching(venue, exchange)
        assert len(scan.signatures) == 2
        scan.record_objects("objects", exchange, exchange.clients, call)
        exchange.handle_message(next(iter(exchange.clients.values())), {"arg": {"channel": "orders-crossed"}})
        with pytest.raises(ccxt.BadResponse) as unreadable:
            await soon(call)
        scan.record_error(unreadable.value)
    printed = scan.record_printed(capfd, caplog)
    assert "login" in printed
    assert "***" in printed
    assert scan.leaks() == {}

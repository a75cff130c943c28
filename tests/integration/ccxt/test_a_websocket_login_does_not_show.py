"""The login of a websocket, which has the same secrets in another form, does not show either."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import ccxt
import pytest
from aiohttp import WSMsgType, web

import bitget_margin
from bitget_margin.emulator import Emulator
from support.client import CROSS, close
from support.overheard import Overheard
from support.watching import BTC, soon, streaming, until

ACCOUNT = {"apiKey": "bg_some-key", "secret": "some-secret", "password": "some-passphrase"}
REFUSED = {"event": "error", "code": 30005, "msg": "error"}


async def test_a_refused_websocket_login_prints_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Verbose, at debug level, with the exception that it ends in."""
    caplog.set_level(logging.DEBUG)
    heard = Overheard()
    heard.secrets |= set(ACCOUNT.values())

    async def refuse(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data != "ping":
                heard.signatures.add(message.json()["args"][0]["sign"])
                await socket.send_json(REFUSED)
        return socket

    app = web.Application()
    app.router.add_get("/", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    config: Any = {**ACCOUNT, "verbose": True}
    exchange: Any = bitget_margin.pro.bitget(config)
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    with pytest.raises(ccxt.AuthenticationError) as caught:
        await exchange.authenticate({"url": url})
    heard.catch(caught.value)
    heard.show("objects", exchange, exchange.clients)
    await close(exchange)
    await runner.cleanup()
    printed = capfd.readouterr()
    heard.hear("stdout", printed.out)
    heard.hear("stderr", printed.err)
    heard.hear("log", caplog.text)
    assert "login" in printed.out
    assert "***" in printed.out
    assert len(heard.signatures) == 1
    assert heard.leaks() == {}


async def test_watching_orders_prints_no_secret(
    venue: Emulator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of a login that is refused, of one that is not, and of what comes after it."""
    caplog.set_level(logging.DEBUG)
    heard, account = Overheard(), venue.accounts[0]
    heard.secrets |= {account.api_key, account.secret, account.password}
    async with streaming(venue, verbose=True, options={"uta": False}) as exchange:
        sign = exchange.hmac

        def listening(*args: Any) -> Any:
            signature = sign(*args)
            heard.signatures.add(signature)
            return signature

        exchange.hmac = listening
        exchange.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError) as caught:
            await soon(exchange.watch_orders(BTC, params=CROSS))
        heard.catch(caught.value)
        exchange.secret = account.secret
        call = asyncio.ensure_future(exchange.watch_orders(BTC, params=CROSS))
        await until(lambda: len(exchange.clients) == 1 and len(heard.signatures) == 2)
        heard.show("objects", exchange, exchange.clients, call)
        exchange.handle_message(next(iter(exchange.clients.values())), {"arg": {"channel": "orders-crossed"}})
        with pytest.raises(ccxt.BadResponse) as unreadable:
            await soon(call)
        heard.catch(unreadable.value)
    printed = capfd.readouterr()
    heard.hear("stdout", printed.out)
    heard.hear("stderr", printed.err)
    heard.hear("log", caplog.text)
    assert "login" in printed.out
    assert heard.leaks() == {}

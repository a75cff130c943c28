"""Pool of exchange objects: markets are loaded once, credentials change from round to round."""

from typing import Any

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator, ccxt_urls
from campaign.scenario import PACING, Flavour

_CLASSES = {Flavour.ASYNC: lambda: bitget_margin.async_support.bitget, Flavour.SYNC: lambda: bitget_margin.bitget}


class Clients:
    """Pool of exchange objects for one event loop."""

    def __init__(self, markets: list[dict[str, Any]]) -> None:
        self._markets = markets
        self._idle: list[Any] = []
        self._made: list[Any] = []

    def of(self, flavour: Flavour, venue: Emulator, account: Account) -> Any:
        """Return an exchange object on this account.

        A sync exchange is new each time: an abandoned thread may still use the previous one.
        """
        kept = flavour is Flavour.ASYNC and bool(self._idle)
        exchange = self._idle.pop() if kept else self._make(flavour)
        exchange.apiKey, exchange.secret, exchange.password = account.api_key, account.secret, account.password
        exchange.urls["api"] = ccxt_urls(venue.url)["api"]
        exchange.options.update(
            uid=account.uid, uta=account.kind is AccountKind.UNIFIED, timeDifference=0, adjustForTimeDifference=False
        )
        return exchange

    def release(self, exchange: Any) -> None:
        """Make the exchange available to another round."""
        if not exchange.synchronous:
            self._idle.append(exchange)

    async def close(self) -> None:
        """Close all connections."""
        for exchange in self._made:
            exchange.timeout_on_exit = 0
            await exchange.close(True)

    def _make(self, flavour: Flavour) -> Any:
        options = {"fetchMarkets": {"types": ["spot"], "uta": False}, "batchCancel": {"pacing": PACING}}
        exchange = _CLASSES[flavour]()({"options": options})
        exchange.set_markets([dict(market) for market in self._markets])
        if flavour is Flavour.ASYNC:
            self._made.append(exchange)
        return exchange


def load_markets(venue: Emulator) -> list[dict[str, Any]]:
    """Return the markets of a venue, as ccxt parses them."""
    options = {"fetchMarkets": {"types": ["spot"], "uta": False}, "uta": False}
    exchange = bitget_margin.bitget({"urls": ccxt_urls(venue.url), "options": options})
    return list(exchange.load_markets().values())

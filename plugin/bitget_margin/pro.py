"""The websocket flavour: `bitget_margin.pro.bitget`; its REST calls are those of the async one."""

from __future__ import annotations

import ccxt.pro

from bitget_margin.async_support import AsyncCrossedMargin


class bitget(AsyncCrossedMargin, ccxt.pro.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's pro `bitget`, whose crossed margin orders can be cancelled in batches, with one true answer each."""

"""What a unified account trades with one wallet; here, margin alone."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.errors import Refusal, VenueError


class Category(StrEnum):
    """A kind of trading."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    USDT_FUTURES = "USDT-FUTURES"
    COIN_FUTURES = "COIN-FUTURES"
    USDC_FUTURES = "USDC-FUTURES"

    @property
    def on_spot_market(self) -> bool:
        """Whether it trades coins for coins, so that this venue has a market for it."""
        return self in (Category.SPOT, Category.MARGIN)


def read_category(params: Params) -> Category:
    """Return the required category of a request, which the venue's own examples also write in small letters."""
    return params.choice("category", Category)


def read_any_category(params: Params) -> Category:
    """Return the category of a request that may leave it out: all orders here are margin orders."""
    return params.choice("category", Category, Category.MARGIN)


def read_common_category(items: Iterable[Params]) -> Category:
    """Return the category of a batch, which must be the same for all of it."""
    categories = {read_category(item) for item in items}
    if len(categories) > 1:
        raise VenueError(Refusal.BAD_PARAMETER, "category")
    return categories.pop()

"""Categories of trading in a unified account, of which the emulator trades margin only."""

from collections.abc import Iterable
from enum import StrEnum

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.behaviour.knobs import CategoryCase
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.orders import Order


class Category(StrEnum):
    """Category of trading."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    USDT_FUTURES = "USDT-FUTURES"
    COIN_FUTURES = "COIN-FUTURES"
    USDC_FUTURES = "USDC-FUTURES"
    OTHER = "OTHER"

    @property
    def on_spot_market(self) -> bool:
        """Whether it trades coins for coins, so that the emulator has a market for it."""
        return self in (Category.SPOT, Category.MARGIN)


def in_case(category: str, case: CategoryCase) -> str:
    """Return the category of a row in the letter case of the knob."""
    spellings = {
        CategoryCase.UPPER: str.upper,
        CategoryCase.LOWER: str.lower,
        CategoryCase.TITLE: str.title,
    }
    return spellings[case](category) if case in spellings else category


def category_of(order: Order) -> Category:
    """Return the category of an order."""
    return Category.SPOT if order.is_spot else Category.MARGIN


def is_requested(order: Order, category: Category | None) -> bool:
    """Whether an order is of the requested category; without one, orders of all are requested."""
    return category in (None, category_of(order))


def read_category(params: Params) -> Category:
    """Return the required category of a request, in any letter case, as in the documents' examples."""
    return params.choice("category", Category)


def read_optional_category(params: Params) -> Category | None:
    """Return the optional category of a request."""
    return None if params.optional_text("category") is None else read_category(params)


def read_common_category(items: Iterable[Params]) -> Category:
    """Return the category of a batch, which must be the same for all of it."""
    categories = {read_category(item) for item in items}
    if len(categories) > 1:
        raise VenueError(Refusal.BAD_PARAMETER, "category")
    return categories.pop()

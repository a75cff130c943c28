"""A round drawn from its seed and its number."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final

from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.emulator import AccountKind, FaultKind

from .scenario import (
    PAIRS,
    By,
    Deed,
    Event,
    Fate,
    Flavour,
    Method,
    Naming,
    Pair,
    Plan,
    Scenario,
    Trouble,
    Wish,
)
from .troubles import draw_parts, meets, trouble_of

_METHODS: Final = {
    Method.BATCH_CANCEL: 34,
    Method.CANCEL_ORDERS: 8,
    Method.CANCEL_ORDERS_CONFIRMED: 8,
    Method.CANCEL_FOR_SYMBOLS: 10,
    Method.CANCEL_ORDER: 10,
    Method.CANCEL_ALL: 10,
    Method.CREATE_ORDER: 40,
    Method.CREATE_ORDERS: 40,
}
_FATES: Final = {Fate.LIVE: 62, Fate.PARTLY: 14, Fate.FILLED: 12, Fate.CANCELLED: 12}
_SIZES: Final = ((1, 4), (1, 4), (2, 20), (5, 30), (21, 70))
"""How many orders there are, from and to: each range as likely as the others."""
_TIMEOUTS_MS: Final = (300, 350, 400, 450, 500, 500, 500, 1_300, 1_300)
"""The long ones leave time for a second rate window, and to see whether a call gives up before it has to."""
_PLACING_TIMEOUTS_MS: Final = (1_300, 1_300, 1_300, 2_500, 2_500, 2_500)
"""Beside the rate windows of the venue, which are as they are, shorter ones would be none that anybody gives."""
_UNKNOWN: Final = "10000000000000001"
_CLOCKS_APART_MS: Final = int(CLOCKS_APART_MS) + 20
"""By how much orders have to be older than a call that places others to be told from these."""
_FUNDS: Final = Decimal(100_000_000)
"""How many quote coins an account has."""
NEIGHBOURS: Final = 3
"""How many orders of another account there are on every venue."""


def draw_scenario(seed: int, number: int) -> Scenario:
    """Return the round of that number."""
    dice = Random(f"{seed}-{number}")  # noqa: S311 - repeatable, not secret
    account = AccountKind.UNIFIED if dice.random() < 0.25 else AccountKind.CLASSIC
    flavour = Flavour.SYNC if dice.random() < 0.15 else Flavour.ASYNC
    places = dice.random() < 0.5
    parts = draw_parts(dice, places=places)
    methods = [method for method in _METHODS if method.places is places and meets(parts, method)]
    method = dice.choices(methods, [_METHODS[method] for method in methods])[0]
    trouble = trouble_of(dice, parts, method, account)
    looks_on = places and dice.random() < 0.04
    pairs = tuple(dice.sample(PAIRS, dice.choice((*[1] * 14, 2, 3) if places else (1, 1, 2, 3))))
    plans = _plans(dice, pairs)
    timeout_ms = dice.choice(_PLACING_TIMEOUTS_MS if places else _TIMEOUTS_MS)
    namings = () if method.places or method is Method.CANCEL_ALL else _namings(dice, method, pairs, plans)
    disturbed = () if method.places else _events(dice, method, pairs[0], plans, namings)
    told = method is Method.CANCEL_ALL and dice.random() < 0.85
    return Scenario(
        seed=seed,
        number=number,
        account=account,
        flavour=flavour,
        method=method,
        pair=pairs[0],
        plans=plans,
        trouble=trouble,
        timeout_ms=timeout_ms,
        namings=namings,
        wishes=_wishes(dice, method, pairs[0], () if looks_on else plans, trouble) if places else (),
        events=disturbed,
        batch_size=dice.choice((None, None, None, None, 10, 30)),
        others=tuple(pair.symbol for pair in PAIRS if pair is not pairs[0]) if told else (),
        # A name that has gone to a younger order names that one, the second time.
        apart_ms=_CLOCKS_APART_MS if places and plans and dice.random() > 0.05 else 5,
        looks_on=looks_on,
        asks_again=not method.places and dice.random() < 0.1 and not any(e.deed is Deed.SUCCEED for e in disturbed),
    )


def _plans(dice: Random, pairs: tuple[Pair, ...]) -> tuple[Plan, ...]:
    plans: list[Plan] = []
    for i in range(dice.randint(*dice.choice(_SIZES))):
        pair = pairs[0] if dice.random() < 0.6 else dice.choice(pairs)
        side, price, size = _order(dice, pair)
        fate = dice.choices(list(_FATES), list(_FATES.values()))[0]
        part = _rounded(Decimal(size) * Decimal(dice.randint(5, 95)) / 100, pair.size_decimals)
        if fate is Fate.PARTLY and not Decimal(part):
            fate = Fate.LIVE
        plans.append(Plan(pair, side, price, size, part, _name(dice, i, plans), fate))
    return tuple(plans)


def _order(dice: Random, pair: Pair) -> tuple[str, str, str]:
    """Return side, price and size of an order that rests."""
    side = "buy" if dice.random() < 0.7 else "sell"
    away = dice.uniform(0.02, 0.2)
    price = _rounded(Decimal(pair.price) * Decimal(1 - away if side == "buy" else 1 + away), 2)
    size = _rounded(Decimal(dice.uniform(*pair.dollars)) / Decimal(price), pair.size_decimals)
    return side, price, size


def _rounded(number: Decimal, decimals: int) -> str:
    return format(number.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN), "f")


def _name(dice: Random, i: int, plans: list[Plan]) -> str | None:
    """Return a client order id, at times one whose order has ended; None for an order that gets one of the venue's."""
    chance = dice.random()
    live = {plan.name for plan in plans if plan.fate.lives}
    free = sorted({plan.name for plan in plans if plan.name is not None} - live)
    if free and chance < 0.2:
        return dice.choice(free)
    return f"n{i}" if chance < 0.65 else None


def _namings(dice: Random, method: Method, pairs: tuple[Pair, ...], plans: tuple[Plan, ...]) -> tuple[Naming, ...]:
    wanted = set(pairs) if method is Method.CANCEL_FOR_SYMBOLS else {pairs[0]}
    by_name = dice.choice((0.0, 0.3, 0.6, 1.0))
    share = dice.choice((0.5, 0.9, 1.0))
    named: list[Naming] = []
    for i, plan in enumerate(plans):
        if plan.pair not in wanted or dice.random() > share:
            continue
        by = By.CLIENT_ID if plan.name is not None and dice.random() < by_name else By.ID
        named.append(Naming(plan.pair.symbol, by, plan=i))
        if plan.name is not None and dice.random() < 0.03:
            named.append(Naming(plan.pair.symbol, By.ID if by is By.CLIENT_ID else By.CLIENT_ID, plan=i))
    if dice.random() < 0.4 or not named:
        named += [_nobody(dice, pairs[0], plans, i) for i in range(dice.randint(1, 3))]
    dice.shuffle(named)
    if method is Method.CANCEL_ORDER:
        return (named[0],)
    if dice.random() < 0.1:
        named += dice.choices(named, k=2)
    return tuple(named)


def _nobody(dice: Random, pair: Pair, plans: tuple[Plan, ...], i: int) -> Naming:
    """Return an id that is nobody's, of somebody else, or of an order on another pair."""
    elsewhere = [j for j, plan in enumerate(plans) if plan.pair is not pair]
    chance = dice.random()
    if chance < 0.25 and elsewhere:
        j = dice.choice(elsewhere)
        by_name = plans[j].name is not None and dice.random() < 0.5
        return Naming(pair.symbol, By.CLIENT_ID if by_name else By.ID, plan=j)
    if chance < 0.5:
        return Naming(pair.symbol, By.ID, neighbour=dice.randrange(NEIGHBOURS))
    if chance < 0.75:
        return Naming(pair.symbol, By.CLIENT_ID, value=f"nobody-{i}")
    return Naming(pair.symbol, By.ID, value=f"{_UNKNOWN}{i:02}")


def _events(
    dice: Random, method: Method, pair: Pair, plans: tuple[Plan, ...], namings: tuple[Naming, ...]
) -> tuple[Event, ...]:
    if dice.random() > 0.3:
        return ()
    if method is Method.CANCEL_ALL:
        live = [i for i, plan in enumerate(plans) if plan.pair is pair and plan.fate.lives]
    else:
        named = {(naming.plan, naming.symbol) for naming in namings}
        live = [i for i, plan in enumerate(plans) if (i, plan.pair.symbol) in named and plan.fate.lives]
    by_name = {naming.plan for naming in namings if naming.by is By.CLIENT_ID}
    chosen = dice.sample(live, min(len(live), dice.randint(1, 6)))
    events = [(int(dice.expovariate(1 / 40)), i, dice.choice(list(Deed))) for i in chosen]
    return tuple(Event(at, i, deed) for at, i, deed in events if deed is not Deed.SUCCEED or i in by_name)


def _wishes(dice: Random, method: Method, pair: Pair, plans: tuple[Plan, ...], trouble: Trouble) -> tuple[Wish, ...]:
    live = sorted({plan.name for plan in plans if plan.name is not None and plan.fate.lives})
    free = sorted({plan.name for plan in plans if plan.name is not None}.difference(live))
    repeated = trouble.has(FaultKind.REPEAT)
    if repeated and method is Method.CREATE_ORDER and dice.random() < 0.5:
        # It fills at once, and there is not enough left for a second one: that is what the second answer says.
        size = _rounded(_FUNDS * Decimal(dice.uniform(0.6, 0.9)) / pair.price, pair.size_decimals)
        return (Wish("buy", _rounded(Decimal(pair.price) * Decimal("1.01"), 2), size, None),)
    wishes: list[Wish] = []
    for i in range(1 if method is Method.CREATE_ORDER else dice.randint(1, 20)):
        side, price, size = _order(dice, pair)
        order_type = "limit"
        # An order that fills at once is placed by every repetition, since its name is free again.
        if dice.random() < 0.75 and not repeated:
            # It trades as it arrives, and so is in history at once.
            price = _rounded(Decimal(pair.price) * Decimal("1.01" if side == "buy" else "0.99"), 2)
            order_type = dice.choice(("limit", "market"))
        if dice.random() < 0.05:
            size = "90000000"  # more than the account has
        chance = dice.random()
        if free and chance < 0.15:
            name: str | None = free.pop(dice.randrange(len(free)))
        elif live and chance > 0.985:
            name = live.pop(dice.randrange(len(live)))
        else:
            name = f"w{i}" if chance < 0.6 else None
        wishes.append(Wish(side, price, size, name, order_type))
    return tuple(wishes)

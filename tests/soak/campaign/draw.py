"""Draw a round from its seed and number."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final

from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.emulator import AccountKind, FaultKind
from campaign.faults import draw_parts, faults_of, meets
from campaign.scenario import (
    PAIRS,
    By,
    Event,
    Faults,
    Flavour,
    InitialState,
    Method,
    NewOrder,
    OrderReference,
    OwnerAction,
    Pair,
    Plan,
    Scenario,
    SpotPlan,
    StopPlan,
)

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
_STATES: Final = {InitialState.LIVE: 62, InitialState.PARTLY: 14, InitialState.FILLED: 12, InitialState.CANCELLED: 12}
_SIZES: Final = ((1, 4), (1, 4), (2, 20), (5, 30), (21, 70))
"""Ranges of the number of orders, each equally likely."""
_TIMEOUTS_MS: Final = (300, 350, 400, 450, 500, 500, 500, 1_300, 1_300)
"""The long ones leave time for a second rate window, and show calls that give up too early."""
_PLACING_TIMEOUTS_MS: Final = (1_300, 1_300, 1_300, 2_500, 2_500, 2_500)
"""The venue's rate windows are not scaled down: shorter timeouts would be unrealistic."""
_UNKNOWN: Final = "10000000000000001"
_CLOCKS_APART_MS: Final = int(CLOCKS_APART_MS) + 20
"""Minimum age of older orders, so that a call can distinguish its own orders from them."""
_FUNDS: Final = Decimal(100_000_000)
"""Quote coins of an account."""
FOREIGN_ORDERS: Final = 3
"""Number of orders of the foreign account on every emulator."""


def draw_scenario(seed: int, number: int, account: AccountKind | None = None) -> Scenario:
    """Return the round of that number; on a unified account, with spot and strategy orders of its owner.

    :param account: account kind; by default a quarter of the rounds is on unified accounts
    """
    scenario = _draw_round(seed, number, account)
    if scenario.account is AccountKind.CLASSIC:
        return scenario
    dice = Random(f"{seed}-{number}-owner")  # noqa: S311 - repeatable, not secret
    return _with_owner_orders(dice, scenario)


def _with_owner_orders(dice: Random, scenario: Scenario) -> Scenario:
    """Add the owner's spot and strategy orders, sometimes with a reference of the call to one of them."""
    spot_orders = tuple(_spot_plan(dice, i) for i in range(dice.choice((0, 1, 2, 5, 12))))
    stops = tuple(_stop_plan(dice, i) for i in range(dice.choice((0, 1, 1, 3))))
    references = list(scenario.references)
    for listed, field in ((spot_orders, "spot"), (stops, "stop")):
        if listed and references and scenario.method is not Method.CANCEL_ORDER and dice.random() < 0.15:
            i = dice.randrange(len(listed))
            by = dice.choice(list(By))
            references.append(OrderReference(scenario.pair.symbol, by, **{field: i}))
    return replace(
        scenario,
        spot_orders=spot_orders,
        stops=stops,
        references=tuple(references),
        owner_knobs=(
            ("margin_locks", dice.random() < 0.5),
            ("strategy_freezes", dice.random() < 0.5),
            # A gateway that repeats a request must find too little for a second order, and no loan for it.
            ("auto_borrow", not scenario.faults.has(FaultKind.REPEAT)),
        ),
    )


def _spot_plan(dice: Random, i: int) -> SpotPlan:
    pair = dice.choice(PAIRS)
    side, price, size = _order(dice, pair)
    part = _rounded(Decimal(size) * Decimal(dice.randint(5, 95)) / 100, pair.size_decimals)
    return SpotPlan(pair, side, price, size, part if dice.random() < 0.2 else "0", f"s{i}")


def _stop_plan(dice: Random, i: int) -> StopPlan:
    pair = dice.choice(PAIRS)
    price = _rounded(Decimal(pair.price) * Decimal(1 - dice.uniform(0.05, 0.3)), 2)
    size = _rounded(Decimal(dice.uniform(*pair.dollars)) / Decimal(price), pair.size_decimals)
    return StopPlan(pair, price, size, f"t{i}")


def _draw_round(seed: int, number: int, given: AccountKind | None) -> Scenario:
    dice = Random(f"{seed}-{number}")  # noqa: S311 - repeatable, not secret
    drawn = AccountKind.UNIFIED if dice.random() < 0.25 else AccountKind.CLASSIC
    account = given or drawn
    flavour = Flavour.SYNC if dice.random() < 0.15 else Flavour.ASYNC
    places = dice.random() < 0.5
    parts = draw_parts(dice, places=places)
    methods = [method for method in _METHODS if method.places is places and meets(parts, method)]
    method = dice.choices(methods, [_METHODS[method] for method in methods])[0]
    faults = faults_of(dice, parts, method, account)
    ends_when_missed = places and dice.random() < 0.04
    pairs = tuple(dice.sample(PAIRS, dice.choice((*[1] * 14, 2, 3) if places else (1, 1, 2, 3))))
    plans = _plans(dice, pairs)
    timeout_ms = dice.choice(_PLACING_TIMEOUTS_MS if places else _TIMEOUTS_MS)
    references = () if method.places or method is Method.CANCEL_ALL else _references(dice, method, pairs, plans)
    events = () if method.places else _events(dice, method, pairs[0], plans, references)
    names_others = method is Method.CANCEL_ALL and dice.random() < 0.85
    return Scenario(
        seed=seed,
        number=number,
        account=account,
        flavour=flavour,
        method=method,
        pair=pairs[0],
        plans=plans,
        faults=faults,
        timeout_ms=timeout_ms,
        references=references,
        new_orders=_new_orders(dice, method, pairs[0], () if ends_when_missed else plans, faults) if places else (),
        events=events,
        batch_size=dice.choice((None, None, None, None, 10, 30)),
        others=tuple(pair.symbol for pair in PAIRS if pair is not pairs[0]) if names_others else (),
        # A second call would cancel the younger order that has taken a name over.
        apart_ms=_CLOCKS_APART_MS if places and plans and dice.random() > 0.05 else 5,
        ends_when_missed=ends_when_missed,
        cancels_again=not method.places
        and dice.random() < 0.1
        and not any(e.action is OwnerAction.SUCCEED for e in events),
    )


def _plans(dice: Random, pairs: tuple[Pair, ...]) -> tuple[Plan, ...]:
    plans: list[Plan] = []
    for i in range(dice.randint(*dice.choice(_SIZES))):
        pair = pairs[0] if dice.random() < 0.6 else dice.choice(pairs)
        side, price, size = _order(dice, pair)
        state = dice.choices(list(_STATES), list(_STATES.values()))[0]
        part = _rounded(Decimal(size) * Decimal(dice.randint(5, 95)) / 100, pair.size_decimals)
        if state is InitialState.PARTLY and not Decimal(part):
            state = InitialState.LIVE
        plans.append(Plan(pair, side, price, size, part, _name(dice, i, plans), state))
    return tuple(plans)


def _order(dice: Random, pair: Pair) -> tuple[str, str, str]:
    """Return side, price and size of a resting order."""
    side = "buy" if dice.random() < 0.7 else "sell"
    away = dice.uniform(0.02, 0.2)
    price = _rounded(Decimal(pair.price) * Decimal(1 - away if side == "buy" else 1 + away), 2)
    size = _rounded(Decimal(dice.uniform(*pair.dollars)) / Decimal(price), pair.size_decimals)
    return side, price, size


def _rounded(number: Decimal, decimals: int) -> str:
    return format(number.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN), "f")


def _name(dice: Random, i: int, plans: list[Plan]) -> str | None:
    """Return a client order id, sometimes one of an ended order; None lets the venue choose."""
    chance = dice.random()
    live = {plan.name for plan in plans if plan.state.lives}
    free = sorted({plan.name for plan in plans if plan.name is not None} - live)
    if free and chance < 0.2:
        return dice.choice(free)
    return f"n{i}" if chance < 0.65 else None


def _references(
    dice: Random, method: Method, pairs: tuple[Pair, ...], plans: tuple[Plan, ...]
) -> tuple[OrderReference, ...]:
    wanted = set(pairs) if method is Method.CANCEL_FOR_SYMBOLS else {pairs[0]}
    by_name = dice.choice((0.0, 0.3, 0.6, 1.0))
    share = dice.choice((0.5, 0.9, 1.0))
    named: list[OrderReference] = []
    for i, plan in enumerate(plans):
        if plan.pair not in wanted or dice.random() > share:
            continue
        by = By.CLIENT_ID if plan.name is not None and dice.random() < by_name else By.ID
        named.append(OrderReference(plan.pair.symbol, by, plan=i))
        if plan.name is not None and dice.random() < 0.03:
            named.append(OrderReference(plan.pair.symbol, By.ID if by is By.CLIENT_ID else By.CLIENT_ID, plan=i))
    if dice.random() < 0.4 or not named:
        named += [_unmatched_reference(dice, pairs[0], plans, i) for i in range(dice.randint(1, 3))]
    dice.shuffle(named)
    if method is Method.CANCEL_ORDER:
        return (named[0],)
    if dice.random() < 0.1:
        named += dice.choices(named, k=2)
    return tuple(named)


def _unmatched_reference(dice: Random, pair: Pair, plans: tuple[Plan, ...], i: int) -> OrderReference:
    """Return an id that does not exist, is foreign, or belongs to an order on another pair."""
    elsewhere = [j for j, plan in enumerate(plans) if plan.pair is not pair]
    chance = dice.random()
    if chance < 0.25 and elsewhere:
        j = dice.choice(elsewhere)
        by_name = plans[j].name is not None and dice.random() < 0.5
        return OrderReference(pair.symbol, By.CLIENT_ID if by_name else By.ID, plan=j)
    if chance < 0.5:
        return OrderReference(pair.symbol, By.ID, foreign=dice.randrange(FOREIGN_ORDERS))
    if chance < 0.75:
        return OrderReference(pair.symbol, By.CLIENT_ID, value=f"absent-{i}")
    return OrderReference(pair.symbol, By.ID, value=f"{_UNKNOWN}{i:02}")


def _events(
    dice: Random, method: Method, pair: Pair, plans: tuple[Plan, ...], references: tuple[OrderReference, ...]
) -> tuple[Event, ...]:
    if dice.random() > 0.3:
        return ()
    if method is Method.CANCEL_ALL:
        live = [i for i, plan in enumerate(plans) if plan.pair is pair and plan.state.lives]
    else:
        named = {(reference.plan, reference.symbol) for reference in references}
        live = [i for i, plan in enumerate(plans) if (i, plan.pair.symbol) in named and plan.state.lives]
    by_name = {reference.plan for reference in references if reference.by is By.CLIENT_ID}
    chosen = dice.sample(live, min(len(live), dice.randint(1, 6)))
    events = [(int(dice.expovariate(1 / 40)), i, dice.choice(list(OwnerAction))) for i in chosen]
    return tuple(Event(at, i, action) for at, i, action in events if action is not OwnerAction.SUCCEED or i in by_name)


def _new_orders(
    dice: Random, method: Method, pair: Pair, plans: tuple[Plan, ...], faults: Faults
) -> tuple[NewOrder, ...]:
    live = sorted({plan.name for plan in plans if plan.name is not None and plan.state.lives})
    free = sorted({plan.name for plan in plans if plan.name is not None}.difference(live))
    repeated = faults.has(FaultKind.REPEAT)
    if repeated and method is Method.CREATE_ORDER and dice.random() < 0.5:
        # It fills at once and leaves too little for a second one: the second response is about that.
        size = _rounded(_FUNDS * Decimal(dice.uniform(0.6, 0.9)) / pair.price, pair.size_decimals)
        return (NewOrder("buy", _rounded(Decimal(pair.price) * Decimal("1.01"), 2), size, None),)
    new_orders: list[NewOrder] = []
    for i in range(1 if method is Method.CREATE_ORDER else dice.randint(1, 20)):
        side, price, size = _order(dice, pair)
        order_type = "limit"
        # A repeated request places another order that fills at once, since its name is free again.
        if dice.random() < 0.75 and not repeated:
            # It fills on arrival, so it is in the history at once.
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
        new_orders.append(NewOrder(side, price, size, name, order_type))
    return tuple(new_orders)

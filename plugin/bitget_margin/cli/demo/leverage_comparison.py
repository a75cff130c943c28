"""Comparison of the demo with leverage: every order of both trades, the profit, interest and debts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bitget_margin.cli.demo.bot_process import BotProcess
from bitget_margin.cli.demo.comparison import Check, Comparison, OrderComparison, compare_order
from bitget_margin.cli.demo.leverage_demo import LAST_PRICES, MARKETS, WARNING
from bitget_margin.cli.demo.request_log import RequestKind, kind_of, symbol_of
from bitget_margin.cli.demo.snapshots import TradeSnapshot, trade_snapshots
from bitget_margin.emulator import Emulator, Order, Symbol

_PROFIT_TOLERANCE: Final = 1e-5
"""Tolerance of the profit relative to the value of a trade, as without leverage."""
_INTEREST_TOLERANCE: Final = 0.05
"""Relative tolerance of the interest: that of a short is owed in coins, whose price has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageBooks:
    """Both sides at the end: freqtrade's trades, and the only account of the venue.

    :param orders: those of the account, by the venue's symbol
    :param sent: requests that placed or canceled orders, by the venue's symbol, oldest first
    :param gained: worth of the account, less that at the start, in quote coins
    :param borrowed: coins that its orders have borrowed
    :param interest: interest that it was charged, in quote coins at the last prices
    :param owed: coins that it owes
    :param warnings: warnings of the margin level
    """

    trades: Sequence[TradeSnapshot]
    orders: Mapping[str, Sequence[Order]]
    sent: Mapping[str, Sequence[RequestKind]]
    gained: Decimal
    borrowed: Mapping[str, Decimal]
    interest: float
    owed: Mapping[str, Decimal]
    warnings: Sequence[str]


def leverage_books(bot: BotProcess, venue: Emulator, funds: str) -> LeverageBooks:
    """Read both sides."""
    (account,) = venue.accounts
    orders, symbols = venue.orders(), [market.symbol for market in MARKETS.values()]
    sent: dict[str, list[RequestKind]] = {symbol: [] for symbol in symbols}
    for record in venue.requests:
        kind = kind_of(record) if record.uid else None
        symbol = None if kind is None else symbol_of(record)
        if kind is not None and symbol in sent:
            sent[symbol].append(kind)
    prices = {coin: float(price) for coin, price in LAST_PRICES.items()}
    return LeverageBooks(
        trades=trade_snapshots(bot),
        orders={symbol: [order for order in orders if order.symbol == symbol] for symbol in symbols},
        sent=sent,
        gained=venue.worth() - Decimal(funds),
        borrowed=venue.borrowed(account.uid),
        interest=sum(float(charge.amount) * prices.get(charge.coin, 1.0) for charge in venue.interest()),
        owed={coin: debt.total for coin, debt in venue.debts().items()},
        warnings=[text for _, text in bot.log() if WARNING.match(text)],
    )


def compare_leverage(books: LeverageBooks) -> Comparison:
    """Compare both sides order by order, and check both trades and the account."""
    compared: list[OrderComparison] = []
    checks: list[Check] = []
    for trade in books.trades:
        market = MARKETS[trade.pair]
        compared += [compare_order(trade, order, market.taker_fee_rate) for order in books.orders[market.symbol]]
        checks += _checks_of_trade(trade, market, books.sent[market.symbol])
    pairs = sorted(trade.pair for trade in books.trades)
    checks.append(Check(f"trades: {', '.join(pairs) or 'none'}", pairs == sorted(MARKETS)))
    return Comparison(tuple(compared), (*checks, *_checks_of_account(books)))


def _checks_of_trade(trade: TradeSnapshot, market: Symbol, sent: Sequence[RequestKind]) -> Iterator[Check]:
    name = f"{market.base} {'short' if trade.is_short else 'long'}"
    yield Check(f"the {name} is {'still open' if trade.open else 'closed'}", not trade.open)
    last = max((i for i, kind in enumerate(sent) if kind is RequestKind.PLACE), default=-1)
    cancels = [i for i, kind in enumerate(sent) if kind in {RequestKind.CANCEL, RequestKind.BATCH_CANCEL}]
    holds = len(cancels) == 1 and cancels[0] < last and sent.count(RequestKind.BATCH_PLACE) == 1
    yield Check(f"requests of the {name}, in order: {', '.join(kind.value for kind in sent)}", holds)


def _checks_of_account(books: LeverageBooks) -> Iterator[Check]:
    lent = ", ".join(f"{amount:f} {coin}" for coin, amount in books.borrowed.items() if amount)
    yield Check(f"the venue has lent {lent or 'nothing'}", bool(lent))
    yield Check(f"warnings of the margin level: {len(books.warnings)}", bool(books.warnings))
    interest = sum(trade.interest for trade in books.trades)
    yield Check(
        f"interest: freqtrade has {interest:.6f}, the venue {books.interest:.6f} USDT",
        abs(interest - books.interest) <= _INTEREST_TOLERANCE * books.interest,
    )
    profit, gained = sum(trade.profit for trade in books.trades), float(books.gained)
    value = sum(float(order.quote_filled) for orders in books.orders.values() for order in orders)
    yield Check(
        f"realised profit: freqtrade has {profit:+.6f}, the venue's account {gained:+.6f} USDT",
        abs(profit - gained) <= _PROFIT_TOLERANCE * value,
    )
    owed = ", ".join(f"{amount:f} {coin}" for coin, amount in books.owed.items())
    yield Check(f"owed at the end: {owed or 'nothing'}", not owed)
    live = [order.order_id for orders in books.orders.values() for order in orders if order.live]
    yield Check(f"live orders left on the venue: {', '.join(live) or 'none'}", not live)

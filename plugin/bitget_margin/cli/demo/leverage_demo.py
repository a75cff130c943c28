"""Demo with leverage: a short at 2x and a long at 3x with ladders, of which a script moves the prices."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from bitget_margin.cli.demo import request_log
from bitget_margin.cli.demo.freqtrade_demo import Event, EventSource, TradeScript, epoch_ms
from bitget_margin.cli.demo.request_log import RequestKind
from bitget_margin.emulator import DEFAULT_SYMBOLS, Knobs, Order, RequestRecord, Symbol
from bitget_margin.emulator.behaviour.knobs import RiskFormula

SHORT, LONG = (next(market for market in DEFAULT_SYMBOLS if market.base == base) for base in ("BTC", "ETH"))
MARKETS: Final[Mapping[str, Symbol]] = {f"{market.base}/{market.quote}": market for market in (SHORT, LONG)}
RUNGS: Final = 4
"""Number of rungs that the strategy places for each trade."""
KNOBS: Final = Knobs(risk_formula=RiskFormula.LIABILITIES)
"""The higher one of the two margin levels that the venue documents."""
WARNING: Final = re.compile(r"The margin level of the account is .*")
_ENTRY_SIDES: Final = {SHORT.symbol: "sell", LONG.symbol: "buy"}
LAST_PRICES: Final = {SHORT.base: "59950", LONG.base: "3005"}
"""Prices at the exits, which the account is valued by."""
_REPAYMENTS: Final = frozenset({"repay", "flash-repay"})


def bot_settings() -> dict[str, Any]:
    """Return the configuration of the bot, as far as it differs from that of the demo without leverage."""
    return {
        "trading_mode": "futures",
        "max_open_trades": len(MARKETS),
        "stake_amount": 5_700,
        "entry_pricing": {"price_side": "other", "use_order_book": False},
        "bitget_margin": {"leverage": {"max": 3, "max_risk": 0.9}},
        "strategy": "DemoLeverage",
    }


class LeverageScript(TradeScript):
    """Script of both trades: entries, a loss that raises the margin level, ladders partly filled, exits."""

    notable: ClassVar = re.compile(f"{TradeScript.notable.pattern}|{WARNING.pattern}|Trading on Bitget's .*")

    def events(self) -> Iterator[Event]:
        """Run the script and yield its events.

        :raises DemoFailed: freqtrade has ended, or a step took too long
        """
        yield Event(epoch_ms(), EventSource.BOT, "starts in live mode, on the exchange bitgetcross, with leverage")
        yield from self._until(lambda: self._resting() == 2 * RUNGS, "freqtrade has both trades with their ladders")
        yield from self._debts()
        self._venue.charge_interest()
        yield Event(epoch_ms(), EventSource.VENUE, "charges an hour of interest")
        yield from self._move_both("67200", "2640")
        yield from self._until(self._has_warned, "freqtrade warns of the margin level")
        yield from self._move_both("59000", "3050")
        yield from self._until(self._fills_recorded, "freqtrade records the fills of the rungs")
        yield Event(epoch_ms(), EventSource.BOT, "has recorded the fills: two rungs of each ladder")
        yield from self._move_both(LAST_PRICES[SHORT.base], LAST_PRICES[LONG.base])
        yield from self._until(self._closed, "freqtrade closes both trades")
        yield Event(epoch_ms(), EventSource.BOT, "both trades closed")
        yield from self._until(lambda: not self._venue.debts(), "all debts are paid back")
        yield from self._debts()
        self._bot.stop()
        yield from self._new_events()

    def _resting(self) -> int:
        return len([order for order in self._venue.orders(live_only=True) if not order.filled])

    def _debts(self) -> Iterator[Event]:
        owed = ", ".join(f"{debt.total:f} {coin}" for coin, debt in self._venue.debts().items()) or "nothing"
        risk = f"{self._venue.risk():.3f}"
        yield Event(epoch_ms(), EventSource.VENUE, f"the account owes {owed}; its margin level is {risk}")

    def _move_both(self, short: str, long: str) -> Iterator[Event]:
        for market, price in ((SHORT, short), (LONG, long)):
            at_ms = epoch_ms()
            self._venue.set_price(market.symbol, price)
            yield Event(at_ms, EventSource.PRICE, f"{price} {market.quote} for {market.base}")
        yield from self._new_events()

    def _has_warned(self) -> bool:
        return any(WARNING.match(text) for _, text in self._bot.log())

    def _fills_recorded(self) -> bool:
        rows = self._bot.rows("select 1 from bitget_margin_orders where kind = 'rung' and filled > 0")
        return len(rows) == 2 * len(MARKETS)

    def _closed(self) -> object:
        return len(self._bot.rows("select id from trades where is_open = 0")) == len(MARKETS)

    def _of_request(self, record: RequestRecord) -> Event:
        orders, endpoint = request_log.orders_of(record), request_log.endpoint_name(record)
        symbol = request_log.symbol_of(record)
        base = next((market.base for market in MARKETS.values() if market.symbol == symbol), "")
        match request_log.kind_of(record):
            case RequestKind.PLACE:
                (order,) = orders
                name = "entry" if symbol is not None and order["side"] == _ENTRY_SIDES[symbol] else "exit"
                amount = order.get("baseSize", order.get("qty"))
                text = f"{base} {name} order: {order['side']} {amount} at {order['price']}"
                text += f", {order['loanType']}" if "loanType" in order else ""
            case RequestKind.BATCH_PLACE:
                prices = f"from {orders[0]['price']} to {orders[-1]['price']}"
                text = f"{base} ladder: {len(orders)} {orders[0]['side']}s {prices}"
            case RequestKind.BATCH_CANCEL:
                text = f"{base} batch cancel of {len(orders)} resting orders"
            case _:
                text = "the rest of a debt is paid back" if endpoint in _REPAYMENTS else "request"
        return Event(record.at_ms, EventSource.REQUEST, f"{text} (1 request: {endpoint})")

    def _name(self, number: int, order: Order) -> str:
        before = [known for known in self._venue.orders()[:number] if known.symbol == order.symbol]
        base = next(market.base for market in MARKETS.values() if market.symbol == order.symbol)
        rung = f"rung {len(before)}" if len(before) <= RUNGS else "exit"
        return f"{base} {rung if before else 'entry'}"

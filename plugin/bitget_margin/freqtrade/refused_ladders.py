"""Messages about ladders that were refused: freqtrade only logs what a strategy's callback raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.ladder_spec import LadderRefused
from bitget_margin.freqtrade.tracked_order import TradeKey
from bitget_margin.freqtrade.trade_rows import key_of


@dataclass(eq=False)
class RefusedLadders:
    """Messages about refused ladders: one a ladder, as a strategy may ask for it again in each loop."""

    alerts: Alerts
    _reported: set[tuple[TradeKey, str]] = field(default_factory=set, init=False)

    @contextmanager
    def reported(self, trade: Trade, key: object) -> Iterator[None]:
        """Send a message where a ladder is refused here, and raise the refusal as before."""
        try:
            yield
        except LadderRefused as refused:
            ladder = key_of(trade), str(key)
            if ladder not in self._reported:
                self._reported.add(ladder)
                self.alerts.warn(
                    f"Ladder {key!r} of trade {trade.id} on {trade.pair} was refused, and nothing of it was sent: "
                    f"{refused}."
                )
            raise

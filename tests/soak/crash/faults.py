"""Faults of the drill: one request in twenty fails, and the n-th request of a kind fails alike in both bots."""

import re
from collections import Counter
from random import Random
from typing import Any, Final

from bitget_margin.emulator import Emulator, FaultKind, FaultRule
from bitget_margin.emulator.behaviour.faults import FaultBoard
from bitget_margin.emulator.messages import HttpRequest, HttpResponse

SHARE: Final = 0.05
"""Share of the requests that fail."""
_F: Final = FaultKind
_WEIGHTS: Final = {
    _F.HTML_502: 4,
    _F.UNAVAILABLE: 3,
    _F.RESET_BEFORE: 3,
    _F.RESET_AFTER: 2,
    _F.TOO_MANY: 3,
    _F.STALL_BEFORE: 1,
    _F.STALL_AFTER: 1,
    _F.CODE_40010: 1,
    _F.SERVER_ERROR: 1,
    _F.TRUNCATED_JSON: 1,
}
_SYMBOL: Final = re.compile(r"symbol\"?[:=]\"?([A-Z0-9]+)")
_SIDE: Final = re.compile(r"\"side\":\"(buy|sell)\"")


class DrawnFaults(FaultBoard):
    """Faults drawn from a seed and from the request's number among those of its path, symbol and side.

    Two bots send different requests. Counting each kind apart gives the first exit order of a pair the same fault in
    both, and the first lookup of a balance too, whatever else one of them asks.

    :param seed: seed of the run
    """

    def __init__(self, seed: str, share: float = SHARE) -> None:
        super().__init__(0)
        self.active = False
        self._run = seed
        self._share = share
        self._counts: Counter[str] = Counter()
        self._request = ""

    def begin_request(self, request: HttpRequest) -> None:
        """Remember the request that is handled next."""
        self._request = f"{request.query} {(request.body or b'').decode('utf-8', 'replace')}"

    def draw(self, path: str, uid: str, *, public: bool) -> FaultRule | None:
        """Return the fault of the request, or None."""
        if not self.active:
            return None
        symbol, side = _SYMBOL.search(self._request), _SIDE.search(self._request)
        kind = f"{path} {symbol and symbol[1]} {side and side[1]}"
        self._counts[kind] += 1
        dice = Random(f"{self._run}/{kind}/{self._counts[kind]}")  # noqa: S311 - repeatable, not secret
        if dice.random() >= self._share:
            return None
        return FaultRule(dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0])


class DrillVenue(Emulator):
    """An emulator whose requests meet drawn faults, public ones too.

    :param faults: the faults, which begin when they are made active
    """

    def __init__(self, faults: DrawnFaults, **options: Any) -> None:
        self.drawn = faults
        super().__init__(**options)
        self._venue.faults = faults

    def _handle(self, request: HttpRequest) -> HttpResponse:
        self.drawn.begin_request(request)
        return super()._handle(request)

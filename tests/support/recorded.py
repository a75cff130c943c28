"""A venue that keeps records, and pages them as documented for each kind of account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from support.script import EPOCH_MS, Script, fault

DAY_MS = 86_400_000
CLASSIC, UNIFIED = AccountKind.CLASSIC, AccountKind.UNIFIED
_LISTS = {
    Endpoint.HISTORY_ORDERS: ("orderList", "orderId", "cTime"),
    Endpoint.FILLS: ("fills", "tradeId", "cTime"),
    Endpoint.FINANCIAL_RECORDS: ("resultList", "marginId", "cTime"),
    Endpoint.LIQUIDATIONS: ("resultList", "liqId", "cTime"),
    Endpoint.UNIFIED_HISTORY_ORDERS: ("list", "orderId", "createdTime"),
    Endpoint.UNIFIED_FILLS: ("list", "execId", "createdTime"),
    Endpoint.UNIFIED_FINANCIAL_RECORDS: ("list", "id", "ts"),
}


@dataclass(slots=True)
class RecordVenue:
    """Records by id and age in ms; ids grow with time."""

    ages: Mapping[int, int]
    kind: AccountKind = CLASSIC
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of each row."""
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self.respond)

    @property
    def asked(self) -> list[Mapping[str, Any]]:
        """Parameters of the requests."""
        return [call.params for call in self.script.calls if isinstance(call.params, Mapping)]

    def respond(self, call: Call) -> object:
        """Return the page that a request asks for, or the refusal of its span."""
        if call.endpoint.kind is not self.kind:
            return fault("40085" if self.kind is UNIFIED else "40084", "the other mode")
        params: Any = call.params
        name, id_field, time_field = _LISTS[call.endpoint]
        start_ms = int(params["startTime"])
        end_ms = int(params["endTime"]) if "endTime" in params else None
        longest_ms = (30 if self.kind is UNIFIED else 90) * DAY_MS
        if start_ms < EPOCH_MS - 90 * DAY_MS:
            return fault("40704", "Can only check the data of the last three months")
        if end_ms is not None and not 0 <= end_ms - start_ms <= longest_ms:
            return fault("00001", "startTime and endTime interval")
        cursor = params.get("cursor") if self.kind is UNIFIED else params.get("idLessThan") if end_ms is None else None
        below = None if cursor is None else int(cursor)
        found = [
            {id_field: str(number), time_field: str(EPOCH_MS - age), **self.more}
            for number, age in sorted(self.ages.items(), reverse=True)
            if EPOCH_MS - age >= start_ms
            and (end_ms is None or EPOCH_MS - age <= end_ms)
            and (below is None or number < below)
        ][: int(params["limit"])]
        return {name: found, "cursor": found[-1][id_field] if found and self.kind is UNIFIED else None}

"""Faults on demand: their kinds, and the rules by which requests meet them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Self

from bitget_margin.emulator.errors import Refusal

FAULT_DURATION_MS = 1000
FAULT_CODE = "45001"
FAULT_TEXT = "refused by a fault"
FAULT_STATUS = 400
"""Defaults of the fields of `FaultRule`."""
_STATUSES = range(200, 600)


class FaultKind(StrEnum):
    """Kind of failure of a request or its response.

    :ivar executes: whether the request is executed
    :ivar meaning: effect in one line
    """

    executes: bool
    meaning: str

    def __new__(cls, value: str, executes: bool, meaning: str) -> Self:
        """Create a member with its attributes."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.executes = executes
        member.meaning = meaning
        return member

    REFUSE = ("refuse", False, "every connection is reset, and new ones are refused for duration_ms")
    RESET_BEFORE = ("reset-before", False, "the connection is reset")
    RESET_AFTER = ("reset-after", True, "the connection is reset instead of a response")
    STALL_BEFORE = ("stall-before", False, "no response for as long as the client waits")
    STALL_AFTER = ("stall-after", True, "no response for as long as the client waits")
    SLOW_BYTES = ("slow-bytes", True, "the response is sent byte by byte, over duration_ms")
    TRUNCATED_JSON = ("truncated-json", True, "HTTP 200, the JSON ends in the middle, the headers fit what is there")
    HTML_200 = ("html-200", True, "HTTP 200 with a page instead of JSON")
    HTML_502 = ("html-502", True, "HTTP 502 with a gateway's page")
    EMPTY_BODY = ("empty-body", True, "HTTP 200 with nothing")
    SERVER_ERROR = ("server-error", True, "HTTP 500 with the venue's 50031")
    UNAVAILABLE = ("unavailable", False, "HTTP 503 with a gateway's page")
    TOO_MANY = ("too-many", False, "HTTP 429 with the venue's body, though there is room")
    CODE_40010 = ("code-40010", True, "40010 'Request timed out'")
    CODE_40015 = ("code-40015", True, "40015 'System is abnormal, please try again later'")
    CODE_40725 = ("code-40725", True, "40725 'service return an error'")
    CODE_45001 = ("code-45001", True, "45001 'Unknown error'")
    CODE_BEFORE = ("code-before", False, "the code and the text of the rule, under its HTTP status")
    CODE_AFTER = ("code-after", True, "the code and the text of the rule, under its HTTP status")
    ITEM_CODE_BEFORE = (
        "item-code-before",
        False,
        "items of a batch fail with the code and the text of the rule; the others are executed",
    )
    ITEM_CODE_AFTER = ("item-code-after", True, "items of a batch that succeeded are reported as failed likewise")
    REPEAT = ("repeat", True, "a gateway repeats the request: the second response is sent")
    LATE = ("late", True, "HTTP 502 with a gateway's page, or the code of the rule; executed duration_ms later")
    NULL_DATA = ("null-data", True, "the data is null")
    NULL_LISTS = ("null-lists", True, "every list in the data is null")
    MISSING_LISTS = ("missing-lists", True, "the data is {}")
    UNASKED_IDS = (
        "unasked-ids",
        True,
        "each list, except that of failures, has one more row, of an order that does not exist",
    )
    OTHER_ANSWER = ("other-answer", True, "success, as for a request about an order that does not exist")
    OTHER_ANSWER_BEFORE = (
        "other-answer-before",
        False,
        "success, as for a request about an order that does not exist",
    )
    TWICE = ("twice", True, "each row of each list is sent twice")
    WRONG_SYMBOL = ("wrong-symbol", True, "listed orders are of another symbol, and canceled")
    CLOCK_SKEW = ("clock-skew", False, "40008 'Request timestamp expired', whatever the timestamp")
    UNIFIED = ("unified", False, "40085 as for a unified account; under /api/v3/ 40084 as for a classic one")


FAULT_REFUSALS: Mapping[FaultKind, Refusal] = MappingProxyType(
    {
        FaultKind.SERVER_ERROR: Refusal.SYSTEM_ERROR,
        FaultKind.TOO_MANY: Refusal.TOO_MANY_REQUESTS,
        FaultKind.CODE_40010: Refusal.TIMED_OUT,
        FaultKind.CODE_40015: Refusal.SYSTEM_ABNORMAL,
        FaultKind.CODE_40725: Refusal.SERVICE_FAILED,
        FaultKind.CODE_45001: Refusal.UNKNOWN_ERROR,
        FaultKind.CLOCK_SKEW: Refusal.EXPIRED_TIMESTAMP,
    }
)
"""Errors of the kinds that respond with one of the venue's own; that of UNIFIED depends on the path."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Rule by which requests meet a fault.

    :param path: end of the request's path; empty for every private request, since public ones must be named
    :param count: number of requests that meet it, None for no end
    :param probability: probability with which a request meets it, above 0 and up to 1
    :param uid: the account, empty for all
    :param duration_ms: duration of the kinds that last, and delay of a late request's execution
    :param code: code of the kinds that respond with one; None is 45001 for a request, no code for an item, and an HTML
        page for a late request
    :param text: message beside the code
    :param status: HTTP status of a response with the code
    :param items: number of items of a batch that fail, the first ones; None for all
    """

    kind: FaultKind
    path: str = ""
    count: int | None = None
    probability: float = 1.0
    uid: str = ""
    duration_ms: int = FAULT_DURATION_MS
    code: str | None = None
    text: str = FAULT_TEXT
    status: int = FAULT_STATUS
    items: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", read_fault_kind(self.kind))
        for name in ("path", "uid", "text"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"fault {name} must be text, not {getattr(self, name)!r}")  # noqa: TRY004
        if self.code == "" or not isinstance(self.code, str | None):
            raise ValueError(f"fault code must be text like '43012', or None, not {self.code!r}")
        for name in ("count", "items"):
            number = getattr(self, name)
            if number is not None and not _is_positive(number):
                raise ValueError(f"fault {name} must be a whole number from 1 on, or None, not {number!r}")
        if not (_is_positive(self.status) and self.status in _STATUSES):
            raise ValueError(f"fault status must be a status of HTTP like 400, not {self.status!r}")
        probability: object = self.probability
        if (
            not isinstance(probability, int | float | Decimal)
            or isinstance(probability, bool)
            or not 0 < probability <= 1
        ):
            raise ValueError(f"fault probability must be a number above 0 and up to 1, not {probability!r}")
        object.__setattr__(self, "probability", float(probability))
        check_duration_ms(self.duration_ms)

    @property
    def response_code(self) -> str | None:
        """Code of the whole response; None if the rule does not set one."""
        if self.kind in (FaultKind.CODE_BEFORE, FaultKind.CODE_AFTER):
            return self.code or FAULT_CODE
        return self.code if self.kind is FaultKind.LATE else None

    def matches(self, path: str, uid: str, *, public: bool) -> bool:
        """Return whether a request can meet this fault.

        :param uid: the account, empty for a public request
        """
        return path.endswith(self.path) and self.uid in ("", uid) and bool(self.path or not public)


class FaultBoard:
    """Fault rules of a running venue, in the order in which they were added.

    Each account has a random generator of its own, so that its faults do not depend on requests of others.

    :param seed: the same requests of an account meet the same faults under the same seed
    """

    def __init__(self, seed: int) -> None:
        self.rules: tuple[FaultRule, ...] = ()
        self._seed = seed
        self._random: dict[str, Random] = {}

    def add(self, rule: FaultRule) -> None:
        """Add a rule behind the others."""
        self.rules = (*self.rules, rule)

    def clear(self, uid: str | None = None) -> None:
        """Remove all rules, or only those for one account."""
        self.rules = () if uid is None else tuple(rule for rule in self.rules if rule.uid != uid)

    def draw(self, path: str, uid: str, *, public: bool) -> FaultRule | None:
        """Return the first rule that applies to a request, and count it; a rule that is used up is removed."""
        for index, rule in enumerate(self.rules):
            if rule.matches(path, uid, public=public) and self._applies(rule, uid):
                left = None if rule.count is None else rule.count - 1
                rest = () if left == 0 else (replace(rule, count=left),)
                self.rules = (*self.rules[:index], *rest, *self.rules[index + 1 :])
                return rule
        return None

    def _applies(self, rule: FaultRule, uid: str) -> bool:
        random = self._random.setdefault(uid, Random(f"{self._seed}/{uid}"))  # noqa: S311 - repeatable, not secret
        # A certain rule draws no number, and so does not change the draws of the other rules.
        return rule.probability >= 1 or random.random() < rule.probability


def read_fault_kind(kind: object) -> FaultKind:
    """Return the kind of that name, or raise a ValueError that lists all kinds."""
    for member in FaultKind:
        if kind == member.value:
            return member
    raise ValueError(f"fault kind must be one of {', '.join(FaultKind)}, not {kind!r}")


def check_duration_ms(duration_ms: object) -> None:
    """Refuse anything but a whole number of at least 1."""
    if not _is_positive(duration_ms):
        raise ValueError(f"duration_ms must be a whole number from 1 on, not {duration_ms!r}")


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

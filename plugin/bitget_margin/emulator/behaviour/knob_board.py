"""Knobs in force: those of all accounts, and those of single accounts."""

from bitget_margin.emulator.behaviour.knobs import Knobs


class KnobBoard:
    """Current knobs of a venue: those of all accounts, and those of accounts with knobs of their own.

    In each method, a `uid` of None or of an account without own knobs stands for the knobs of all accounts.
    """

    def __init__(self, knobs: Knobs) -> None:
        self._general = knobs
        self._own: dict[str | None, Knobs] = {}

    def of(self, uid: str | None) -> Knobs:
        """Return the knobs of an account."""
        return self._own.get(uid, self._general)

    def change(self, uid: str | None, **changes: object) -> Knobs:
        """Change some knobs and return all; the first change of an account gives it a copy of the general knobs."""
        knobs = self.of(uid).with_changes(**changes)
        if uid is None:
            self._general = knobs
        elif changes:
            self._own[uid] = knobs
        return knobs

    def take(self, uid: str, name: str) -> bool:
        """Decrement a counting knob, and return whether it was above 0."""
        left: int = getattr(self.of(uid), name)
        if left:
            self.change(uid if uid in self._own else None, **{name: left - 1})
        return left > 0

    def reset(self, uid: str) -> None:
        """Remove the own knobs of an account."""
        self._own.pop(uid, None)

"""Versions of ccxt and freqtrade that the tests have run with, and the warning about any other."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bitget_margin.version import __version__

_logger: Final = logging.getLogger("bitget_margin.versions")
_VERSION: Final = re.compile(r"\d+(\.\d+)*")
_warned: Final[set[str]] = set()


@dataclass(frozen=True, slots=True)
class TestedPackage:
    """Package with the oldest and the newest version that the tests have run with."""

    # pytest would take a class of this name for one of tests.
    __test__ = False

    name: str
    oldest: str
    newest: str

    @property
    def install_command(self) -> str:
        """Command that installs the newest tested version."""
        return f"pip install '{self.name}=={self.newest}'"

    def difference(self, version: str) -> str | None:
        """Return how a version lies outside of the tested range; None if it is within."""
        numbers = _numbers(version)
        if numbers is None:
            return f"is not one of the releases {self.oldest} to {self.newest}, with which the tests have run"
        if numbers > (_numbers(self.newest) or ()):
            return f"is newer than {self.newest}, the newest with which the tests have run"
        if numbers < (_numbers(self.oldest) or ()):
            return f"is older than {self.oldest}, the oldest with which the tests have run"
        return None


CCXT: Final = TestedPackage("ccxt", "4.5.60", "4.5.90")
FREQTRADE: Final = TestedPackage("freqtrade", "2026.6", "2026.9")
"""Tested as pairs: the oldest with the oldest ccxt, the newest with the newest. setup.cfg has the same floors."""


def untested_text(versions: Iterable[tuple[TestedPackage, str]], checked: int) -> str | None:
    """Return the warning about versions outside of the tested range; None if there is none.

    :param versions: installed versions
    :param checked: number of parts that were compared, and are as they were
    """
    outside = [
        (package, f"{package.name} {version} {difference}")
        for package, version in versions
        if (difference := package.difference(version)) is not None
    ]
    if not outside:
        return None
    commands = " and ".join(package.install_command for package, _ in outside)
    return (
        f"{'; '.join(text for _, text in outside)}. All {checked} parts that bitget-margin {__version__} uses were "
        f"compared, and none has moved. If something goes wrong: {commands}"
    )


def warn_if_untested(versions: Iterable[tuple[TestedPackage, str]], checked: int) -> None:
    """Log one warning in this process about each version outside of the tested range."""
    unknown = [(package, version) for package, version in versions if package.name not in _warned]
    text = untested_text(unknown, checked)
    if text is not None:
        _warned.update(package.name for package, _ in unknown)
        _logger.warning(text)


def _numbers(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a release; None for a development version, or what is no version."""
    return tuple(map(int, version.split("."))) if _VERSION.fullmatch(version) else None

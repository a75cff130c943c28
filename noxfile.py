"""The checks in environments of their own: `nox -s tests-3.13`, or `nox -l` for all of them."""

import configparser
import re
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "docs", "tests"]

PYTHONS = ["3.11", "3.12", "3.13"]
# What stands on ccxt and freqtrade; the core and the local venue know neither.
PAIRED = [
    "tests/unit/adapter",
    "tests/unit/freqtrade",
    "tests/integration/ccxt",
    "tests/integration/freqtrade",
    "tests/emulator/test_stock_ccxt_works.py",
]


def bound(name: str, end: str) -> str:
    """Return the oldest (`>=`) or the newest (`<=`) version of a library that setup.cfg allows."""
    metadata = configparser.ConfigParser()
    metadata.read(Path(__file__).with_name("setup.cfg"), "utf-8")
    wanted = metadata["options"]["install_requires"] + metadata["options.extras_require"]["freqtrade"]
    (version,) = re.findall(rf"^{name}.*{end}([\d.]+)", wanted, re.MULTILINE)
    return f"{name}=={version}"


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, with the newest versions that are allowed."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", *session.posargs)


@nox.session
@nox.parametrize("end", [nox.param(">=", id="oldest"), nox.param("<=", id="newest")])
def pairs(session: nox.Session, end: str) -> None:
    """Run the tests of what stands on ccxt and freqtrade, with the oldest or the newest pair of them."""
    session.install("-e", ".[test]", bound("ccxt", end), bound("freqtrade", end))
    # The oldest leave what they opened to the collector, which meets it in whatever test comes next.
    old = ["-W", "ignore::pytest.PytestUnraisableExceptionWarning"] if end == ">=" else []
    session.run("pytest", "-q", *old, *(session.posargs or PAIRED))


@nox.session
def lint(session: nox.Session) -> None:
    """Look at form, and at who imports whom."""
    session.install("-e", ".[test]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Have two type checkers read the code, and the API as a user writes it."""
    session.install("-e", ".[test,dev]")
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python", "tests/typing")


@nox.session
def docs(session: nox.Session) -> None:
    """Make pages of the documents."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "-E", "-b", "html", "docs", "build/docs")


@nox.session
def package(session: nox.Session) -> None:
    """Build the package, and use it as others get it."""
    session.install("-e", ".[dev]")
    session.run(".ci/package", "python", external=True)

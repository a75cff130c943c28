"""Promise: docs/faults.md and the fault tests have the same rows, for every kind of fault."""

import re
from pathlib import Path

from bitget_margin.emulator import FaultKind
from support.faults import ANSWERS, CANCELS, LEVERAGE, LOOKUPS, OTHERS, PLACINGS

DOCUMENT = Path(__file__).parents[3] / "docs" / "faults.md"
TESTED = [*(row.name for row in (*CANCELS, *LOOKUPS, *ANSWERS, *PLACINGS)), *OTHERS, *LEVERAGE]
TESTS = Path(__file__).parents[2]


def test_the_document_and_the_tests_have_the_same_rows() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if re.match(r"\| (?!fault )[^-]", line)]
    assert [re.findall("`([^`]*)`", row)[0] for row in rows] == TESTED


def test_the_rows_of_leverage_have_their_tests() -> None:
    for name, test in LEVERAGE.items():
        file, _, function = test.partition("::")
        assert f"\ndef {function}(" in (TESTS / file).read_text("utf-8"), name


def test_every_kind_of_fault_has_its_rows() -> None:
    kinds = set(FaultKind)
    assert {f"cancel/{kind}" for kind in kinds} <= set(TESTED)
    assert {row.kind_for(how) for row in PLACINGS for how in row.hows} == kinds
    assert {fault.kind for case in LOOKUPS for fault in case.faults} == kinds

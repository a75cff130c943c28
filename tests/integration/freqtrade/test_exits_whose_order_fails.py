"""Promise: however the request of an exit's order fails, its coins are sold, once, and the books agree."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind, FaultKind
from support.measured_exits import kinds
from support.single_faults import LADDERS, ExitRequest, single_faults

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

F = FaultKind
REPRESENTATIVES = (F.RESET_AFTER, F.UNAVAILABLE, F.LATE)
"""Faults of the default suite: executed without an answer, not executed, and executed after its answer."""
REFUSED = ("40014", "25201")
"""Codes that are trusted: an order that they refuse is not looked up."""
CODES = ("25001", "40010", "40808", "43012", "25202", "50060", "40918", "99999")
"""Codes of the other verdicts: maybe executed, unsettled, funds, duplicate, too many, and unknown."""
all_accounts = pytest.mark.parametrize("account", list(AccountKind), ids=lambda kind: kind.value)
all_ladders = pytest.mark.parametrize("ladder", LADDERS)
both_wallets = pytest.mark.parametrize("others", ["0", "5"], ids=["alone", "beside coins of others"])


def exits_leave(
    folder: Path,
    account: AccountKind,
    ladder: str,
    faults: Sequence[tuple[FaultKind, str]],
    *,
    others: str = "0",
    restarts_each_time: bool = False,
) -> None:
    """Check that the coins of one exit after the other are sold under these faults, each with its code."""
    with single_faults(folder, account, others=others, restarts_each_time=restarts_each_time) as exits:
        for fault, code in faults:
            exits.exit_under(fault, ExitRequest.PLACE, LADDERS[ladder], code=code)
        exits.restart()


@pytest.mark.slow
@pytest.mark.parametrize("account", kinds(AccountKind.UNIFIED))
@pytest.mark.parametrize("ladder", ["half", pytest.param("none", marks=pytest.mark.drill)])
def test_an_exit_whose_order_fails_sells_once(tmp_path: Path, account: AccountKind, ladder: str) -> None:
    exits_leave(tmp_path, account, ladder, [(fault, "99999") for fault in REPRESENTATIVES])


@pytest.mark.drill
@pytest.mark.timeout(900)
@all_accounts
@all_ladders
@both_wallets
def test_an_exit_whose_order_fails_in_any_way_sells_once(
    tmp_path: Path, account: AccountKind, ladder: str, others: str
) -> None:
    faults = [(fault, "99999") for fault in FaultKind if others == "0" or fault is not FaultKind.REPEAT]
    exits_leave(tmp_path, account, ladder, faults, others=others, restarts_each_time=True)


@pytest.mark.drill
@pytest.mark.timeout(900)
@all_accounts
@both_wallets
@pytest.mark.parametrize("fault", [F.CODE_BEFORE, F.CODE_AFTER, F.LATE], ids=lambda fault: fault.value)
def test_an_exit_whose_order_is_refused_by_any_code_sells_once(
    tmp_path: Path, account: AccountKind, others: str, fault: FaultKind
) -> None:
    codes = (*CODES, *REFUSED) if fault is F.CODE_BEFORE else CODES
    exits_leave(tmp_path, account, "half", [(fault, code) for code in codes], others=others, restarts_each_time=True)

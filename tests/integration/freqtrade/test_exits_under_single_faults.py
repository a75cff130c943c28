"""Promise: whichever request before an exit's order fails, and however, the exit is sent, once, and the books agree."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind, FaultKind
from support.measured_exits import kinds
from support.single_faults import LADDERS, ExitRequest, single_faults

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own

F = FaultKind
REPRESENTATIVES = {
    ExitRequest.OPEN_ORDERS: (F.RESET_BEFORE, F.NULL_LISTS),
    ExitRequest.HISTORY: (F.HTML_502, F.WRONG_SYMBOL),
    ExitRequest.ASSETS: (F.RESET_BEFORE, F.MISSING_LISTS),
    ExitRequest.CANCEL: (F.RESET_BEFORE, F.ITEM_CODE_BEFORE),
}
"""Faults of the default suite: a request that is not executed, and an answer that is not true."""
OF_LADDERS = {ExitRequest.OPEN_ORDERS, ExitRequest.HISTORY, ExitRequest.CANCEL}
"""Requests that an exit sends only where there are resting orders."""
CASES = [
    pytest.param(request, name, id=f"{request.name.lower()}-{name}")
    for request in REPRESENTATIVES
    for name in LADDERS
    if name != "none" or request not in OF_LADDERS
]
"""Each request with each ladder that makes an exit send it."""
all_accounts = pytest.mark.parametrize("account", list(AccountKind), ids=lambda kind: kind.value)
all_requests = pytest.mark.parametrize(("failing", "ladder"), CASES)


def exits_leave(
    folder: Path,
    account: AccountKind,
    failing: ExitRequest,
    ladder: str,
    faults: Sequence[FaultKind],
    *,
    count: int | None = 1,
    restarts_each_time: bool = False,
) -> None:
    """Check that one exit after the other leaves under these faults.

    :param count: number of requests that meet each of them; None for all of one loop
    """
    with single_faults(folder, account, restarts_each_time=restarts_each_time) as exits:
        for fault in faults:
            exits.exit_under(fault, failing, LADDERS[ladder], count=count)
        exits.restart()


@pytest.mark.parametrize("account", kinds(AccountKind.CLASSIC))
@pytest.mark.parametrize(
    ("failing", "ladder"),
    [
        pytest.param(ExitRequest.CANCEL, "half", id="cancel-half"),
        *(
            pytest.param(*case.values, id=case.id, marks=pytest.mark.drill)
            for case in CASES
            if case.id != "cancel-half"
        ),
    ],
)
def test_an_exit_leaves_though_one_of_its_requests_fails(
    tmp_path: Path, account: AccountKind, failing: ExitRequest, ladder: str
) -> None:
    exits_leave(tmp_path, account, failing, ladder, REPRESENTATIVES[failing])


@pytest.mark.drill
@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [1, None], ids=["one", "all of a loop"])
@all_accounts
@all_requests
def test_an_exit_leaves_though_requests_of_it_fail_in_any_way(
    tmp_path: Path, account: AccountKind, failing: ExitRequest, ladder: str, count: int | None
) -> None:
    exits_leave(tmp_path, account, failing, ladder, list(FaultKind), count=count, restarts_each_time=True)

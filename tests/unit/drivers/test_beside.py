"""Promise: work beside other requests has a result or an error for its caller, and holds nobody up."""

import threading
from contextvars import ContextVar

import pytest

from bitget_margin.drivers.beside import Beside

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="nothing")


def test_work_goes_on_beside_its_caller() -> None:
    """Each waits for the other one."""
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert goes_on.wait(5)
        return 7

    beside = Beside(work)
    assert begun.wait(5)
    assert not beside.ended(0.01)
    assert not beside.ended(-1.0)
    goes_on.set()
    assert beside.ended(5)
    assert beside.ended(0.0)
    assert beside.result() == beside.result() == 7


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt("x")])
def test_an_error_is_raised_where_the_result_is_wanted(error: BaseException) -> None:
    def fail() -> None:
        raise error

    beside = Beside(fail)
    assert beside.ended(5)
    with pytest.raises(type(error), match="x"):
        beside.result()


def test_the_result_is_waited_for() -> None:
    goes_on = threading.Event()
    beside = Beside(lambda: goes_on.wait(5))
    threading.Timer(0.05, goes_on.set).start()
    assert beside.result() is True


def test_work_has_the_context_of_its_caller_and_ends_with_the_process() -> None:
    token = VARIABLE.set("mine")
    try:
        beside = Beside(lambda: (VARIABLE.get(), threading.current_thread().daemon, threading.get_ident()))
        value, is_daemon, thread = beside.result()
    finally:
        VARIABLE.reset(token)
    assert (value, is_daemon) == ("mine", True)
    assert thread != threading.get_ident()

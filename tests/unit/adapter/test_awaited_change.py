"""Promise: the effect of a change is asked for once it is sent, and nobody waits for one that has come to nothing."""

from functools import partial
from unittest import mock

import pytest

from bitget_margin.adapter import transport
from bitget_margin.adapter.awaited_change import AwaitedChange
from bitget_margin.core.effects import Call, Send
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.drivers.beside import Beside


def send(call: Call) -> Send:
    """Return a request."""
    return Send(call, 3_000, 10_000)


def test_what_shows_the_effect_of_a_change_is_told_when_that_is_sent() -> None:
    """Not at a query before it, also from another thread of the same context, and in any case at the end."""
    change, cancel = AwaitedChange(), send(Call(Endpoint.BATCH_CANCEL, {}))
    with change.made_here():
        transport.request(mock.Mock(), send(Call(Endpoint.ASSETS, {})))
        assert not change.wait(0)
        Beside(partial(transport.request, mock.Mock(), cancel)).result()
        assert change.wait(0)
    failed = AwaitedChange()
    waiting = Beside(partial(failed.wait, 60))
    with pytest.raises(OSError, match="no way"), failed.made_here():
        raise OSError("no way")
    transport.request(mock.Mock(), cancel)
    assert waiting.ended(5)
    assert not waiting.result(), "it has come to nothing"

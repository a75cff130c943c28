"""A running bot folds the warnings that its log repeats; the next one of the process begins anew."""

import logging
from unittest import mock

import pytest

from bitget_margin.freqtrade.compat import BitgetExchange
from support.in_process_bot import InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


def test_a_running_bot_folds_what_its_log_repeats(bot: InProcessBot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def warn() -> int:
        for _ in range(3):
            bot.exchange.alerts.warn("no answer", "look BTC/USDT")
        return caplog.messages.count("no answer")

    assert warn() == 1
    bot.exchange.alerts.clear("look BTC/USDT")
    assert caplog.messages[-1].startswith("Over: no answer (3 times since")
    bot.restart()
    assert warn() == 2
    with mock.patch.object(BitgetExchange, "close"):  # the end of the test closes it
        bot.exchange.close()
    assert warn() == 5

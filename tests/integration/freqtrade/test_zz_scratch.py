from pathlib import Path
import json, time, logging
import pytest
from bitget_margin.emulator import AccountKind
from support.borrowing_bot import *
from support.in_process_bot import CONTROLS
pytestmark = pytest.mark.filterwarnings("default")
def rungs(count, share=1.0):
    def ladder(trade):
        better = -1 if trade.is_short else 1
        prices = [trade.open_rate * (1 + better * step / 100) for step in range(1, count + 1)]
        return [{"side": trade.exit_side, "price": price, "share": share / count} for price in prices]
    return ladder
def show(bot, what):
    v=bot.venue; uid=v.accounts[0].uid
    print("\n#", what, "| open", [(t.id,t.is_open,t.amount,t.exit_reason,t.nr_of_successful_exits) for t in bot.trades()], "| debts", {c:(str(d.principal),str(d.interest)) for c,d in v.debts().items()}, "| bal", {c:(str(b.available),str(b.frozen)) for c,b in v.balances(uid).items()}, "| live", len(bot.live()), "worth", v.worth())
@KINDS
@WAYS
def test_no_repay(tmp_path, kind, leverage, short):
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, leverage, short=short); bot.venue.knobs(auto_repays=False)
        bot.loop(); show(bot,"before")
        leave(bot, 2); show(bot,"left"); bot.loop(2); show(bot,"after")

@KINDS
@WAYS
@pytest.mark.parametrize("n",[0,3])
@pytest.mark.parametrize("down",[0,1])
def test_liq(tmp_path, kind, leverage, short, n, down):
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, leverage, short=short, ladder=rungs(n) if n else None); show(bot,"in")
        bot.venue.set_price("BTCUSDT", 61_000)
        if down: bot.restart(bot.venue.liquidate)
        else: bot.venue.liquidate()
        show(bot,"liq")
        for i in range(3): bot.loop(); show(bot,f"loop {i}")
        bot.bot.wallets.update()
        for i in range(3): bot.loop(); show(bot,f"loop {i}")
        print(bot.venue.liquidations())

@KINDS
@WAYS
def test_half(tmp_path, kind, leverage, short):
    with borrowing_bot(tmp_path, kind) as bot:
        t=enter(bot, leverage, short=short); show(bot,"in")
        uid=bot.venue.accounts[0].uid
        half=f"{t.amount/2:.5f}"
        bot.venue.place(uid, {"symbol":"BTCUSDT","side":"buy" if short else "sell","price":"60100" if short else "59900","baseSize":half,"loanType":"autoRepay"})
        show(bot,"half")
        bot.loop(2); show(bot,"loop")
        leave(bot,1); show(bot,"leave"); bot.loop(2); show(bot,"more")
@KINDS
def test_debt_gone(tmp_path, kind):
    for leverage, short in ((3,False),(2,True)):
      d=tmp_path/str(short); d.mkdir()
      with borrowing_bot(d, kind) as bot:
        t=enter(bot, leverage, short=short); show(bot,"in")
        bot.venue.set_debt("BTC" if short else "USDT","0")
        show(bot,"gone")
        bot.loop(2); show(bot,"loop")
        leave(bot,1); show(bot,"leave"); bot.loop(2); show(bot,"more")

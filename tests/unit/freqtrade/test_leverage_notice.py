"""Promise: a bot with leverage says at its start what it may borrow."""

from bitget_margin.freqtrade.config import LeverageSettings
from bitget_margin.freqtrade.leverage_notice import simulated_notice


def test_a_dry_run_says_by_which_rates_it_is_charged_and_what_it_leaves_out() -> None:
    assert simulated_notice(LeverageSettings(max=10.0), {"USDT": 0.0005}) == (
        "EXPERIMENTAL: a dry run with leverage. Its entries are simulated as if they borrowed what they lack, up to a "
        "leverage of 10, or to the venue's own limit of the pair where that is lower (3 unless it was raised), and one "
        'less for shorts; "max_risk" is not simulated. Interest a day: 0.05 % of USDT.'
    )

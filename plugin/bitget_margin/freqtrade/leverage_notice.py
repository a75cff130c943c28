"""Lines in the log of a bot with leverage, as it starts: what its entries borrow, and what that costs."""

from collections.abc import Mapping

from bitget_margin.freqtrade.config import LeverageSettings


def live_notice(settings: LeverageSettings, rates: Mapping[str, float], *, unified: bool) -> str:
    """Return what the orders of a bot with leverage may borrow, and what it costs."""
    return (
        f"EXPERIMENTAL: its entries BORROW what they lack, {_limit(settings)}, and up to a margin level of "
        f"{settings.max_risk:g} (the venue liquidates at 1). {_interest(rates)}"
        + (" Margin orders of such an account borrow and repay by themselves." if unified else "")
    )


def simulated_notice(settings: LeverageSettings, rates: Mapping[str, float]) -> str:
    """Return what the entries of a dry run with leverage would borrow, and by which rates it is charged."""
    return (
        "EXPERIMENTAL: a dry run with leverage. Its entries are simulated as if they borrowed what they lack, "
        f'{_limit(settings)}; "max_risk" is not simulated. {_interest(rates)}'
    )


def _limit(settings: LeverageSettings) -> str:
    return (
        f"up to a leverage of {settings.max:g}, or to the venue's own limit of the pair where that is lower (3 unless "
        "it was raised), and one less for shorts"
    )


def _interest(rates: Mapping[str, float]) -> str:
    coins: dict[float, list[str]] = {}
    for coin, rate in rates.items():
        coins.setdefault(rate, []).append(coin)
    listed = "; ".join(f"{rate * 100:.4g} % of {', '.join(named)}" for rate, named in coins.items())
    return f"Interest a day: {listed}."

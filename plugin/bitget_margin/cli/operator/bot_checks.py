"""Checks of a bot's configuration: settings, pairs, database and rate store. Nothing is changed here."""

import importlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.health import CheckStatus, HealthCheck
from bitget_margin.adapter.margin_markets import is_paused, supports_cross_margin, with_margin_numbers
from bitget_margin.adapter.params import RATE_GATE
from bitget_margin.cli.operator import query
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.errors import MORE_TIME
from bitget_margin.rate_limit import BadLimiterConfig, LimiterDown, open_limiter

SETTINGS: Final = "settings"
PAIRS: Final = "pairs"
DATABASE: Final = "database"
RATE_STORE: Final = "rate_store"
NO_CONFIG: Final = "no --config is given"
NO_FREQTRADE: Final = "freqtrade is not installed"
_PATTERN: Final = re.compile(r"[*+?\[\](){}|^$\\]")
"""Characters of a pattern in a list of pairs, which names none."""
_SHOWN: Final = 5
"""Number of problems that a message names."""
_OWN: Final = "bitget_margin"
_RUN_AGAIN: Final = "run it again"


def settings_check(config: Mapping[str, Any]) -> HealthCheck:
    """Check the settings as a live bot does at its start; freqtrade has to be installed."""
    preflight = importlib.import_module("bitget_margin.freqtrade.preflight")
    parse_config = importlib.import_module("bitget_margin.freqtrade.config").parse_config
    refused = importlib.import_module("bitget_margin.freqtrade.compat").OperationalException
    name = (config.get("exchange") or {}).get("name")
    try:
        preflight.refuse_modes({**config, "runmode": "live", "dry_run": False})
        parse_config(config)
    except refused as error:
        return HealthCheck(SETTINGS, CheckStatus.FAILED, str(error).removeprefix("bitgetcross: "))
    if name != "bitgetcross":
        message = f'"exchange.name" is {name!r}: this configuration trades the spot wallet'
        return HealthCheck(SETTINGS, CheckStatus.FAILED, message, "set it to 'bitgetcross'")
    return HealthCheck(SETTINGS, CheckStatus.OK, "a bot would start with them")


def pairs_check(connection: Connection, config: Mapping[str, Any]) -> HealthCheck:
    """Check that the pairs of the whitelist trade on cross margin, with orders of the stake."""
    listed = (config.get("exchange") or {}).get("pair_whitelist") or []
    named = [pair for pair in listed if isinstance(pair, str) and not _PATTERN.search(pair)]
    if not named:
        return HealthCheck(PAIRS, CheckStatus.SKIPPED, "the whitelist names no pairs")
    query.load_markets(connection)
    markets = connection.exchange.markets or {}
    if not markets:
        return HealthCheck(PAIRS, CheckStatus.UNKNOWN, "the venue's markets could not be loaded", connection.advice())
    stake = config.get("stake_amount")
    amount = float(stake) if isinstance(stake, int | float) and not isinstance(stake, bool) else None
    known = [pair for pair in named if pair in markets]
    try:
        prices = _prices(connection, known) if known and amount is not None else {}
    except Exception as error:  # noqa: BLE001 - without prices, the other numbers are checked
        why = documented("the prices", error)
        check = judge_pairs(named, markets, amount, None, connection.explain(why))
        return replace(check, hint=check.hint or connection.advice(why))
    return judge_pairs(named, markets, amount, prices)


def judge_pairs(
    named: list[str],
    markets: Mapping[str, Any],
    stake: float | None,
    prices: Mapping[str, float] | None,
    why: str = "",
) -> HealthCheck:
    """Return the check of these pairs.

    :param stake: amount of an entry in quote coins; None where it is not fixed
    :param prices: last price by pair; None where they could not be read
    :param why: why they could not be read
    """
    found = [problem for pair in named for problem in _problems(pair, markets.get(pair), stake, prices or {})]
    statuses = {status for status, _ in found}
    if stake is not None and prices is None:
        unread = "the smallest orders are not all known: the prices could not be read"
        found.append((CheckStatus.UNKNOWN, f"{unread}: {why}" if why else unread))
        statuses.add(CheckStatus.UNKNOWN)
    if not found:
        enough = "" if stake is None else f", and stake_amount {stake:g} is enough for an order of each"
        count = "1 pair trades" if len(named) == 1 else f"{len(named)} pairs trade"
        return HealthCheck(PAIRS, CheckStatus.OK, f"{count} on cross margin{enough}")
    order = (CheckStatus.FAILED, CheckStatus.UNKNOWN, CheckStatus.WARNING)
    worst = next(status for status in order if status in statuses)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    hint = 'take them out of "exchange.pair_whitelist", or raise "stake_amount"' if worst is order[0] else None
    return HealthCheck(PAIRS, worst, "; ".join(text for _, text in found[:_SHOWN]) + more, hint)


def _problems(
    pair: str, market: Mapping[str, Any] | None, stake: float | None, prices: Mapping[str, float]
) -> Iterator[tuple[CheckStatus, str]]:
    if market is None:
        yield CheckStatus.FAILED, f"{pair} is no market of the venue"
        return
    if not supports_cross_margin(market):
        yield CheckStatus.FAILED, f"{pair} does not trade on cross margin"
        return
    if (market.get("marginModes") or {}).get("cross") is None:
        yield CheckStatus.UNKNOWN, f"{pair}: whether it trades on cross margin is not known"
    if is_paused(market) or market.get("active") is False:
        yield CheckStatus.WARNING, f"{pair} is paused at the moment"
    least = _least_stake(with_margin_numbers(dict(market)), prices.get(pair))
    if stake is not None and stake < least:
        yield CheckStatus.FAILED, f"{pair}: stake_amount {stake:g} is below the smallest order of {least:g}"


def _least_stake(market: Mapping[str, Any], price: float | None) -> float:
    """Return the value of the smallest order, as far as it is known; freqtrade adds room for the stop-loss."""
    limits = market.get("limits") or {}
    cost = (limits.get("cost") or {}).get("min") or 0.0
    amount = (limits.get("amount") or {}).get("min") or 0.0
    return max(float(cost), float(amount) * (price or 0.0))


def _prices(connection: Connection, pairs: list[str]) -> Mapping[str, float]:
    tickers: Any = connection.exchange.fetch_tickers(pairs)
    return {pair: float(tickers[pair]["last"]) for pair in pairs}


def database_check(
    url: str, uid: str | None, timeout_ms: float, *, dry_run: bool, is_local: bool = False
) -> HealthCheck:
    """Check the bot's database within a time limit, without making or changing it; freqtrade has to be installed.

    :param uid: UID of the account; None where it is not known
    :param is_local: whether the venue is on this machine
    """
    read = importlib.import_module("bitget_margin.freqtrade.database_inspection").inspect_database
    return bounded(DATABASE, lambda: read(url, uid, dry_run=dry_run, is_local=is_local), timeout_ms)


def rate_store_check(config: Mapping[str, Any], timeout_ms: float) -> HealthCheck:
    """Check that the store of a shared rate window can be used, within a time limit; nothing is reserved."""
    section, exchange = config.get(_OWN), config.get("exchange") or {}
    given = section.get("rate_gate") if isinstance(section, Mapping) else None
    for part in ("ccxt_config", "ccxt_sync_config"):
        options = (exchange.get(part) or {}).get("options") or {}
        given = given if given is not None else options.get(RATE_GATE)
    if given is None:
        return HealthCheck(RATE_STORE, CheckStatus.SKIPPED, "no rate window is shared")

    def read() -> HealthCheck:
        try:
            limiter = open_limiter(given)
            limiter.store.check()
        except BadLimiterConfig as error:
            return HealthCheck(RATE_STORE, CheckStatus.FAILED, str(error))
        except LimiterDown as error:
            hint = "start it, or correct the URL: bots place no entries without it"
            return HealthCheck(RATE_STORE, CheckStatus.FAILED, f"{limiter.url} cannot be used: {error}", hint)
        return HealthCheck(RATE_STORE, CheckStatus.OK, f"{limiter.url} can be used")

    return bounded(RATE_STORE, read, timeout_ms)


def bounded(name: str, read: Callable[[], HealthCheck], timeout_ms: float) -> HealthCheck:
    """Return a check, or that it took too long or failed; a thread that still reads ends with the process."""
    made: list[HealthCheck] = []

    def run() -> None:
        try:
            made.append(read())
        except Exception as error:  # noqa: BLE001 - its text may quote a password
            made.append(HealthCheck(name, CheckStatus.UNKNOWN, type(error).__name__, _RUN_AGAIN))

    thread = threading.Thread(target=run, name=f"check of the {name}", daemon=True)
    thread.start()
    thread.join(timeout_ms / 1_000)
    return made[0] if made else HealthCheck(name, CheckStatus.UNKNOWN, f"no answer in {timeout_ms:.0f} ms", MORE_TIME)

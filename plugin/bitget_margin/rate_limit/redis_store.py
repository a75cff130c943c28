"""Rate windows in Redis: an atomic script that uses the server's clock, not those of the clients."""

import contextlib
import threading
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bitget_margin.rate_limit.shared import LimiterDown, Slot

_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local limit, period, latest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local at = now
if redis.call('TYPE', KEYS[1]).ok == 'list' then
  local newest = string.match(redis.call('LINDEX', KEYS[1], -1), '^%d+ (%d+)$')
  local oldest = redis.call('LINDEX', KEYS[1], -limit)
  if not newest or tonumber(newest) > now then
    redis.call('DEL', KEYS[1])
  elseif oldest then
    at = math.max(now, tonumber(string.match(oldest, '^%d+')) + period)
  end
else
  redis.call('DEL', KEYS[1])
end
if at - now > latest then
  return -1
end
redis.call('RPUSH', KEYS[1], string.format('%.0f %.0f', at, now))
redis.call('LTRIM', KEYS[1], -limit, -1)
redis.call('PEXPIRE', KEYS[1], math.ceil((at - now + period) / 1000))
return at - now
"""
"""Script that reserves a slot: it begins one period after the slot `limit` places before it.

It keeps a list of the latest departures, each with the time of its reservation. Times are in us. A reservation
time in the future shows that the server's clock was set back: the list is dropped.
"""
_PREFIX: Final = "bitget-margin:"
MASK: Final = "***"


class RedisStore:
    """Store on a Redis server. Slots are reserved ahead: one round trip per request; first come, first served.

    :param url: URL in the form of redis-py: `redis://[user:password@]host:port/database`, `rediss://` or `unix://`
    :param timeout_ms: time limit for connecting and for each response
    """

    def __init__(self, url: str, timeout_ms: float) -> None:
        seconds = timeout_ms / 1_000
        # One immediate retry: the server may have closed an idle connection.
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 1),
            protocol=2,  # one round trip less before the first response
        )
        self._secret = unquote(urlsplit(url).password or "")
        self._reserve = self._client.register_script(_SCRIPT)
        # Connect early, so that the first request does not wait for it.
        threading.Thread(target=self._connect, daemon=True).start()

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """See `Store.reserve`; every slot is kept."""
        times_us = [round(ms * 1_000) for ms in (period_ms, max(0.0, latest_ms))]
        try:
            wait_us = self._reserve(keys=[_PREFIX + name], args=[limit, *times_us])
        except Exception as error:  # noqa: BLE001 - the message of any of them may quote the password
            # Not chained: servers quote unknown commands, including a password.
            raise LimiterDown(self._masked(error)) from None
        return None if wait_us < 0 else Slot(wait_us / 1_000)

    def check(self) -> None:
        """See `Store.check`."""
        try:
            self._client.ping()
        except Exception as error:  # noqa: BLE001 - as above
            raise LimiterDown(self._masked(error)) from None

    def _masked(self, error: Exception) -> str:
        text = str(error).partition(", with args")[0]
        return f"{type(error).__name__}: {text.replace(self._secret, MASK) if self._secret else text}"

    def _connect(self) -> None:
        with contextlib.suppress(redis.RedisError):
            self._client.script_load(_SCRIPT)

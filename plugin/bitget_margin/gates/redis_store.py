"""Windows in Redis: one script, which runs alone and goes by the server's clock, so that no client's clock matters."""

from __future__ import annotations

from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bitget_margin.gates.gate import GateDown, Place

_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local limit, period, latest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local at, oldest = now, redis.call('LINDEX', KEYS[1], -limit)
if oldest and oldest + period > now then
  at = oldest + period
  if at - now > tonumber(ARGV[4]) then
    redis.call('DEL', KEYS[1])
    at = now
  end
end
if at - now > latest then
  return -1
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', at))
redis.call('LTRIM', KEYS[1], -limit, -1)
redis.call('PEXPIRE', KEYS[1], math.ceil((at - now + period) / 1000))
return at - now
"""
"""Keeps the latest departures; the next is a period after the one that is `limit` before it. Times are in us."""
_ABSURD_MS: Final = 3_600_000.0
"""Nobody queues for that long: the server's clock was set back, and what the window holds is of no use."""
_PREFIX: Final = "bitget-margin:"


class RedisStore:
    """Places are given ahead of time, so one question is enough for each request, and first come is first served.

    :param url: as redis-py takes it: `redis://[user:password@]host:port/database`, `rediss://` or `unix://`
    :param timeout_ms: what connecting, and each answer, may take
    """

    def __init__(self, url: str, timeout_ms: float) -> None:
        seconds = timeout_ms / 1_000
        # One more try, at once: the server may have closed a connection that was idle.
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 1),
        )
        self._reserve = self._client.register_script(_SCRIPT)

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Place | None:
        """See `Store.reserve`; every place is kept."""
        times_us = [round(ms * 1_000) for ms in (period_ms, max(0.0, latest_ms), _ABSURD_MS)]
        try:
            wait_us = self._reserve(keys=[_PREFIX + name], args=[limit, *times_us])
        except redis.RedisError as error:
            raise GateDown(f"{type(error).__name__}: {error}") from error
        return None if wait_us < 0 else Place(wait_us / 1_000)

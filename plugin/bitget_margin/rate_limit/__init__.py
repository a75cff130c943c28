"""Rate windows that several processes share, behind one URL: a file on one machine, or a Redis server for a fleet."""

from bitget_margin.rate_limit.config import LimiterConfig, open_limiter
from bitget_margin.rate_limit.shared import BadLimiterConfig, LimiterDown, SharedLimiter, Slot, WhenDown

__all__ = ["BadLimiterConfig", "LimiterConfig", "LimiterDown", "SharedLimiter", "Slot", "WhenDown", "open_limiter"]

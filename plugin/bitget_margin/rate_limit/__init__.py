"""Rate limiting: windows of this process, and limiters shared through an SQLite file or a Redis server."""

from bitget_margin.rate_limit.config import LimiterConfig, open_limiter
from bitget_margin.rate_limit.shared import BadLimiterConfig, LimiterDown, SharedLimiter, Slot, WhenDown

__all__ = ["BadLimiterConfig", "LimiterConfig", "LimiterDown", "SharedLimiter", "Slot", "WhenDown", "open_limiter"]

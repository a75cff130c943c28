"""API v2, for classic accounts."""

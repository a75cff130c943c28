"""Runners of flows: one with blocking calls, one with coroutines."""

"""Drivers that run flows: one with blocking calls, one with coroutines."""

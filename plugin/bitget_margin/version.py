"""The version, by itself, so that a build can read it without importing ccxt."""

__version__ = "0.2.0"

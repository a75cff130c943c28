"""Prices, orders and wallets of the venue."""

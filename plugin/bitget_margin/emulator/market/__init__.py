"""Prices, orders and wallets of the venue: trading without any API."""

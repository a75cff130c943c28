"""Leveraged and short trades of a real bot at random, with kills, judged by the worth of the account."""

"""Crash drill: prices fall while the venue is slow and faulty, with and without ladders."""

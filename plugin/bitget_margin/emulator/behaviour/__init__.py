"""Knobs and faults: behaviour of the venue that can be changed while it runs."""

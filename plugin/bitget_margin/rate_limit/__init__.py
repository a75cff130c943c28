"""Rate windows that several processes share, behind one URL: a file on one machine, or a Redis server for a fleet."""

from bitget_margin.rate_limit.config import GateSettings, open_gate
from bitget_margin.rate_limit.shared import BadGate, Gate, GateDown, Place, WhenDown

__all__ = ["BadGate", "Gate", "GateDown", "GateSettings", "Place", "WhenDown", "open_gate"]

"""Rate windows that several processes share, behind one URL: a file on one machine, or a Redis server for a fleet."""

from bitget_margin.gates.gate import BadGate, Gate, GateDown, Place, WhenDown
from bitget_margin.gates.opening import GateSettings, open_gate

__all__ = ["BadGate", "Gate", "GateDown", "GateSettings", "Place", "WhenDown", "open_gate"]

"""The contract itself: plan, wire, evidence, outcome and flow. No ccxt, no I/O, no clock of its own."""

"""Measurements, side by side with stock ccxt, on the local venue; run by hand, see `docs/reports/benchmarks.md`."""

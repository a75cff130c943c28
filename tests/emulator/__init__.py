"""Tests of the local venue."""

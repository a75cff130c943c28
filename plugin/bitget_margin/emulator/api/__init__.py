"""The venue's interface: requests checked, routed and answered."""

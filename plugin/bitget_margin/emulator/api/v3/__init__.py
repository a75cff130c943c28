"""API v3, for unified accounts."""

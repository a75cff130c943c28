"""API of the venue: checks, routes and handles requests."""

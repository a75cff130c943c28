"""HTTP and websocket servers in front of the venue."""

"""HTTP and websocket servers of the venue."""

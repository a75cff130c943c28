"""What the venue can be told to do differently: knobs and faults."""

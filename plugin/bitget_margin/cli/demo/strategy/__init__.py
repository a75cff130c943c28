"""Strategy of the demo, in a folder of its own because freqtrade loads strategies from folders."""

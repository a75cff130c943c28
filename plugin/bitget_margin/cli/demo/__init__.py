"""`bitget-margin demo`: demonstrations of the plugin on a local venue."""

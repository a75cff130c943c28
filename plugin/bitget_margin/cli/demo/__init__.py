"""`bitget-margin demo`: the plugin at work on a local venue."""

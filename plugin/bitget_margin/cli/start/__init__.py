"""Commands for a first bot: `init` writes its files, `up` runs it on the local venue."""

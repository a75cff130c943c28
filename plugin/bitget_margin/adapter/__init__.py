"""Adapter of the core to ccxt: unified structures, ccxt's exceptions and the overrides of all flavours."""

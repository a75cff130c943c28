"""The core in ccxt's terms: unified structures, ccxt's exceptions, and the overrides that all flavours share."""

"""Entry point of `python -m bitget_margin.freqtrade`."""

from bitget_margin.freqtrade.launcher import main

if __name__ == "__main__":  # hyperopt's workers import this module again
    main()

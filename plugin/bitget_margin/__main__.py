"""`python -m bitget_margin` is the command `bitget-margin`."""

from bitget_margin.cli import main

if __name__ == "__main__":
    main()

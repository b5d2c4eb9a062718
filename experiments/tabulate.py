"""The name that `fooljax tabulate` had before version 0.2; it takes the same flags."""

import sys

from fooljax.cli.tabulate import main

if __name__ == "__main__":
    sys.exit(main())

"""The name that `fooljax compare` had before version 0.2; it takes the same flags."""

import sys

from fooljax.cli.compare import main

if __name__ == "__main__":
    sys.exit(main())

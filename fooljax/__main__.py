"""`python -m fooljax` is the command `fooljax`, for where that is not on the path."""

import sys

from fooljax.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m jaxdigits` is the command `jaxdigits`."""

import sys

from jaxdigits.cli import main

if __name__ == "__main__":
    sys.exit(main())

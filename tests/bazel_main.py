"""What BUILD's tests run: pytest on the file that is named."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))

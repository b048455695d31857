"""`jem-tf demo` for a checkout that is not installed as a program."""

import sys

from jem_tf.commands import main

if __name__ == "__main__":
    main.main(["demo", *sys.argv[1:]])

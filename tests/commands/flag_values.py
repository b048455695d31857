"""The flags of a command, as its program parses them."""

from absl import flags


def parsed(define, *words):
    """What `define` defines, given the words of a command line."""
    values = flags.FlagValues()
    define(values)
    values(["command", *words])
    return values

"""The one exception that programs show as a sentence instead of a traceback."""


class InputError(ValueError):
    """What a user gave is wrong; the message names it, its value and what to do."""

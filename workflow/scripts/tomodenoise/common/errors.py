"""The exception for errors of the user."""


class UserError(Exception):
    """Error in the input or the configuration: one line that says what is wrong, where, and how to fix it.

    It is shown to the user without a stack trace. All other exceptions are bugs. Line breaks and other unprintable
    characters in quoted text are escaped. Several errors take one line each.
    """

    def __init__(self, *lines: str) -> None:
        plain = ("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines)
        super().__init__("\ntomodenoise: ".join(plain))

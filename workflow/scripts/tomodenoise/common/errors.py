"""The one exception that a user's mistake becomes."""


class UserError(Exception):
    """A mistake in the input or the configuration: one line with what is wrong, where, and the mend.

    Shown to the user as it is, without a stack trace. Every other exception is a bug of ours. What it quotes may
    hold line breaks and worse: these are written as Python does. Of several errors each has a line.
    """

    def __init__(self, *lines: str) -> None:
        plain = ("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines)
        super().__init__("\ntomodenoise: ".join(plain))

"""Answer of a figure of merit that the data cannot support."""


class Unsupported(Exception):  # noqa: N818 - an answer, not an error
    """The data cannot support a figure; the text is the reason, as shown to the user."""

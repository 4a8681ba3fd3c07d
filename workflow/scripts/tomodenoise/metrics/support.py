"""What a figure says when the data cannot support it."""


class Unsupported(Exception):  # noqa: N818 - it is no error, but an answer
    """The data cannot support a figure; the text is the reason, as a person reads it."""

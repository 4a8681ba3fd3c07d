"""The one exception that a user's mistake becomes."""


class UserError(Exception):
    """A mistake in the input or the configuration: one line with what is wrong, where, and the mend.

    Shown to the user as it is, without a stack trace. Every other exception is a bug of ours.
    """

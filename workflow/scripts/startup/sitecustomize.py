"""Let a job that Ctrl-C reaches end without a stack trace, also while it still imports. Python runs this first."""

import sys
from types import TracebackType

_raised, _unraisable = sys.excepthook, sys.unraisablehook


def _quiet(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _raised(kind, error, trace)


def _quiet_too(unraisable: "sys.UnraisableHookArgs") -> None:
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        _unraisable(unraisable)


sys.excepthook, sys.unraisablehook = _quiet, _quiet_too

"""Figures of merit: functions on arrays, with the truth and without it.

Where data cannot support a figure, its function raises `Unsupported` with the reason; none guesses.
"""

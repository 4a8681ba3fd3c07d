"""Figures of merit: functions on arrays, with and without ground truth.

If the data cannot support a figure, its function raises `Unsupported` with the reason instead of guessing.
"""

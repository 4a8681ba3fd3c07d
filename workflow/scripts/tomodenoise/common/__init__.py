"""Helpers for all stages: errors, logs, paths, devices, formatting."""

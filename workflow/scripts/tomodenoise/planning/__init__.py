"""Preparation of a run before any job: scans, paths, resources and parameters of rules."""

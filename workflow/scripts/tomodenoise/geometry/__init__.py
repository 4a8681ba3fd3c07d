"""Acquisition geometry: angles, rotation axis, field of view and half acquisition."""

"""Angles, the rotation axis, and half acquisition."""

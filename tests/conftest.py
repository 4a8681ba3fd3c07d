"""Settings for every test."""

import os

from hypothesis import settings

# No deadline: the machine may be busy.
settings.register_profile("gate", deadline=None, max_examples=50)
settings.register_profile("nightly", deadline=None, max_examples=500)
settings.load_profile("nightly" if os.environ.get("NIGHTLY") else "gate")

"""What holds for every test."""

from hypothesis import settings

# No test is judged by the clock: the machine may be busy.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

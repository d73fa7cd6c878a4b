"""What all tests share: random tests try the same examples in every run, on one thread each."""

import os

from hypothesis import HealthCheck, settings

# Tests run side by side, a process for each core; the sum of a tensor depends on its threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("repeatable")

"""What all tests share: random tests try other examples with each commit, on one thread each."""

import os

import pytest
from commit_seed import seed
from hypothesis import HealthCheck, settings

# Tests run side by side, a process for each core; the sum of a tensor depends on its threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "of the commit",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("of the commit")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The seed follows from the commit, if none was given by ``--hypothesis-seed``."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(seed())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Says how a failure of a random test is had again, on this commit or a later one."""
    if exitstatus != pytest.ExitCode.OK:
        terminalreporter.write_line(
            f"random tests: --hypothesis-seed={config.option.hypothesis_seed}"
        )

"""What all tests share: random tests try other examples with each commit, on one thread each, and
every network that is elaborated is verified."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from commit_seed import seed
from hypothesis import HealthCheck, settings

from archdsl.elaborate.program import Elaborated, Program
from archdsl.ir.network import Part
from archdsl.ir.verify import problems
from archdsl.layers.polynomial import Polynomial
from archdsl.layers.unknowns import Unknown

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


@pytest.fixture(autouse=True, scope="session")
def every_network_is_verified() -> Iterator[None]:
    """Whatever a test elaborates, with all its numbers decided, has to be what a network should."""
    elaborate = Program.elaborate
    verified: dict[int, Part] = {}

    def elaborate_and_verify(program: Program, *given: Any, **more: Any) -> Elaborated:
        made = elaborate(program, *given, **more)
        if any(isinstance(v, (Polynomial, Unknown)) for v in made.network.knobs.values()):
            return made
        if len(verified) > 20_000:
            verified.clear()
        for part in made.network.root.parts():
            if id(part) not in verified:
                assert list(problems(part)) == [], part.name
                verified[id(part)] = part
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "elaborate", elaborate_and_verify)
        yield


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Says how a failure of a random test is had again, on this commit or a later one."""
    if exitstatus != pytest.ExitCode.OK:
        terminalreporter.write_line(
            f"random tests: --hypothesis-seed={config.option.hypothesis_seed}"
        )

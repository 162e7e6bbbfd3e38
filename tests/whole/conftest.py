"""Programs that several tests share, because each takes seconds to start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.program import Up, collect_static, temporary_data

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever waits for a whole program more than once needs more than the others' ten minutes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> None:
    collect_static()


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """`manage.py up` with its sandbox, in which nothing happens by itself, serving."""
    with temporary_data() as data, Up(data, SANDBOX_SCENARIO="bulk:8") as program:
        program.wait_until_it_serves()
        yield program

"""Programs that several tests share, because each takes seconds to start."""

from collections.abc import Iterator

import pytest

from tests.whole.program import Up, collect_static, temporary_data


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> None:
    collect_static()


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """`manage.py up` with its sandbox, serving."""
    with temporary_data() as data, Up(data) as program:
        program.wait_until_it_serves()
        yield program

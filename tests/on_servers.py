"""Gives each xdist worker its own Redis database, before Django reads its settings.

A pytest plugin, loaded by `-p tests.on_servers` in the second pass of `make test` alone.
"""

import os

from tests.servers import with_path


def database_number() -> int:
    """This process's Redis database; 0 stays unused."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return int(worker.removeprefix("gw")) + 1


os.environ["REDIS_URL"] = with_path(os.environ["REDIS_URL"], str(database_number()))

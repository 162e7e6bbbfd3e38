"""A simulated account in which everything may be done, and somebody who makes projects there."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.aws.models import Account
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.sandbox.inventory import inventory
from apps.sandbox.server import SandboxServer
from tests.deeds.conftest import people
from tests.deeds.making import connected, permitted
from tests.factories import make_project, make_scope
from tests.flown import _no_memory, queued
from tests.sandbox.conftest import Aws
from tests.simulated import Simulated
from tests.wizard.blueprints.cases import ACCOUNT, REGION

__all__ = ["_no_memory", "people", "queued"]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """An account with users, roles and queues and nothing else, where everything is immediate."""
    with SandboxServer(seed=7, speed=0) as server:
        yield server


@pytest.fixture
def aws(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(sandbox.url))
    return Aws(sandbox.url)


@pytest.fixture
def scope(db: None) -> Scope:
    return make_scope(ACCOUNT, REGION)


@pytest.fixture
def account(scope: Scope) -> Account:
    found = connected(scope)
    permitted(found)
    return found


@pytest.fixture
def maker(people: dict[str, Any], account: Account, aws: Aws) -> Any:
    """Who makes projects: an owner of one."""
    make_project("Checkout", owner=people["owner"])
    return people["owner"]


@pytest.fixture
def picture(sandbox: SandboxServer) -> Any:
    """`picture()`: everything that is in the account now."""

    def take() -> dict[str, list[str]]:
        return dict(inventory(sandbox.world, ACCOUNT))

    return take

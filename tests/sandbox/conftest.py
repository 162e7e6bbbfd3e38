"""A sandbox for each test that asks for one, and boto3 clients that talk to it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from apps.sandbox.server import SandboxServer

SESSION = boto3.Session()
#: The first call of each of moto's services loads it, which takes its time.
PLAIN = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=60)


class Aws:
    """Clients of one sandbox, in account 111122223333 and eu-west-1 unless told otherwise."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(
        self,
        service: str,
        account: str = "111122223333",
        region: str = "eu-west-1",
        *,
        token: str | None = None,
        config: Config = PLAIN,
    ) -> Any:
        return SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="not checked",
            aws_session_token=token,
            config=config,
        )


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """An account with users, roles and queues and nothing else, where everything is immediate."""
    with SandboxServer(seed=7, speed=0) as server:
        yield server


@pytest.fixture
def held(sandbox: SandboxServer) -> SandboxServer:
    """The same with its clock stopped; ``held.clock.advance(seconds)`` moves it."""
    sandbox.clock.hold()
    # Alarms are evaluated by the minute: whatever the time is, there is as much left of this one.
    sandbox.clock.advance(65 - sandbox.world.now() % 60)
    return sandbox


@pytest.fixture
def aws(sandbox: SandboxServer) -> Aws:
    return Aws(sandbox.url)

"""An account with lists long enough to mean something, simulated in a process of its own.

The sandbox's default scenario has a past of pipelines, builds, deployments, stacks, commits and
environments; what it has few of is added: machines, functions, services, groups of logs.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apps.sandbox import lifeline
from apps.sandbox.compute import balancers, containers, functions, groups, machines
from apps.sandbox.logs import LogStore
from apps.sandbox.server import SandboxServer
from apps.sandbox.world import World

ACCOUNT, REGION = "111122223333", "eu-west-1"
MANY = 100
SOME = 30


def furnish(world: World) -> None:
    """Add the long lists to what the default scenario has put into the account."""
    place = world.place(ACCOUNT, REGION)
    for number in range(MANY):
        name = f"service-{number:03d}"
        variables = {"STAGE": "production", "TABLE": name, "BUCKET": "media"}
        functions.make_function(place, name, Environment={"Variables": variables})
        place.of(LogStore).ensure_group(f"/aws/lambda/{name}")
        tags = {"Name": name, "service": name, "stage": "production"}
        machines.furnish_running(place, tags, instance_type="t3.small")
    cluster = containers.make_cluster(place, "many")
    for number in range(SOME):
        name = f"service-{number:03d}"
        container = {"name": "app", "image": "example.com/app:1", "essential": True}
        definition = containers.register_task_definition(place, name, [container])
        containers.make_service(cluster, name, definition, desired=2)
        balancer = balancers.make_balancer(place, name)
        target = balancers.make_target_group(place, name, path="/health", balancer=balancer)
        groups.make_group(
            place,
            name,
            size=(1, 2, 4),
            tags={"service": name},
            target_groups=[target.arn],
            running=True,
        )


@contextmanager
def large_account() -> Iterator[str]:
    """Run it as a child; the address of its AWS."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.account"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        address = child.stdout.readline().strip()
        assert address, "the account did not start"
        yield address
    finally:
        child.terminate()
        child.communicate(timeout=10)


def main() -> None:
    over = threading.Event()
    lifeline.tie_to_parent(over)
    # All but standing still: what is read twice is the same twice.
    server = SandboxServer(speed=0.001, scenario="default")
    server.start()
    furnish(server.world)
    print(server.url, flush=True)
    over.wait()
    server.stop()


if __name__ == "__main__":
    main()

"""Addresses of ECS's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def cluster_url(region: str, cluster: str) -> str:
    """A cluster's services."""
    return console(region, f"ecs/v2/clusters/{part(cluster)}/services?region={part(region)}")


def service_url(region: str, cluster: str, service: str, tab: str = "health") -> str:
    """A service's page; `tab` is "health", "deployments", "events" or "tasks"."""
    return console(
        region,
        f"ecs/v2/clusters/{part(cluster)}/services/{part(service)}/{part(tab)}"
        f"?region={part(region)}",
    )


def task_definition_url(region: str, family: str, revision: int) -> str:
    """A revision of a task definition."""
    return console(
        region,
        f"ecs/v2/task-definitions/{part(family)}/{revision}/containers?region={part(region)}",
    )

"""What the page of a project is told of services: which task definition runs where."""

from django.db.models import F
from django.urls import reverse

from apps.live.moments import parsed
from apps.mirror.state import State
from apps.projects.offers import OFFERS, Facts, Running, Runs, Share, Teller
from apps.projects.running import MOST_SHARES, fares

KIND = "ecs.service"


def _running(row: Facts) -> Running:
    # CodeDeploy's task sets are no deployments.
    told = row.told or row.also or ()
    deployments = [one for one in told if isinstance(one, dict)]
    newest = deployments[0] if deployments else {}
    running = sum(_count(one, "running") for one in deployments)
    desired = _count(newest, "desired")
    name = row.version.rpartition("task-definition/")[2]
    return Running(
        name=row.name or row.key,
        url=reverse("ecs:service", args=[row.pk]),
        what="ECS service",
        state=row.state,
        status=row.status,
        version=name,
        exactly=row.version,
        since=parsed(newest.get("created_at")) or row.at,
        counts=f"{_count(newest, 'running') if newest else running} of {desired} tasks",
        strip=_strip(newest, row.state),
        arns=(row.arn,),
        why=str(newest.get("reason") or "") if row.state == State.FAILED else "",
    )


def _count(deployment: dict[str, object], name: str) -> int:
    told = deployment.get(name)
    return told if isinstance(told, int) else 0


def _strip(newest: dict[str, object], state: str) -> list[Share]:
    """A segment a task of the newest deployment: what runs, what starts, what is to come."""
    running, pending = _count(newest, "running"), _count(newest, "pending")
    desired = max(_count(newest, "desired"), running)
    rest = max(0, desired - running - pending)
    shares = [Share(State.DONE, "A task that runs")] * running
    shares += [Share(State.MOVING, "A task that starts")] * pending
    lost = state == State.FAILED
    word = "A task that does not run" if lost else "A task to come"
    shares += [Share(State.FAILED if lost else "", word, not lost)] * rest
    return shares[:MOST_SHARES]


SERVICE = Runs(
    kind=KIND,
    columns={
        "name": F("name"),
        "version": F("task_definition"),
        "told": F("deployments"),
        "also": F("task_sets"),
        "at": F("created"),
    },
    running=_running,
)
OFFERS.add(SERVICE)

OFFERS.add(Teller(kinds=(KIND,), heard=(KIND,), standings=fares(SERVICE, "service")))

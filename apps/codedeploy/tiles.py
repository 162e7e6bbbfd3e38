"""What the page of a project is told of deployment groups: which revision went where, how far."""

from django.db.models import F
from django.urls import reverse

from apps.mirror.state import State
from apps.projects.offers import OFFERS, Facts, Running, Runs, Share, Teller
from apps.projects.running import MOST_SHARES, fares

from . import words

KIND = "codedeploy.deploymentgroup"


def _running(row: Facts) -> Running:
    targets = [one for one in row.told or () if isinstance(one, dict)]
    revision = row.also if isinstance(row.also, dict) else {}
    done = sum(one.get("state") == State.DONE for one in targets)
    return Running(
        name=row.key.replace("/", " / ", 1),
        url=reverse("codedeploy:deployment_group", args=[row.pk]),
        what="CodeDeploy",
        state=row.state,
        status=row.status,
        version=_short(revision, row.name),
        exactly=words.revision(revision),
        since=row.at,
        counts=f"{done} of {len(targets)} targets" if targets else "",
        strip=[_share(one) for one in targets[:MOST_SHARES]],
        arns=(row.name,),
        why=row.address if row.state == State.FAILED else "",
    )


def _short(revision: dict[str, object], deployment: str) -> str:
    """The commit, as people shorten it, else the id of the deployment: both can be searched for.

    What S3 calls the version or the hash of a bundle tells nobody anything.
    """
    commit = str(revision.get("commit_id") or "")
    return commit[:7] or deployment.rpartition("/")[2].rpartition(":")[2]


def _share(target: dict[str, object]) -> Share:
    status = str(target.get("status") or "")
    event = f", {target.get('event')}" if target.get("event") else ""
    return Share(
        str(target.get("state") or ""),
        f"{target.get('name')}: {status}{event}",
        status == "Pending",
    )


GROUP = Runs(
    kind=KIND,
    columns={
        # A group has no ARN; the deployment's is what an execution names.
        "name": F("latest_deployment__arn"),
        "version": F("latest_deployment__revision_id"),
        "address": F("latest_deployment__cause"),
        "told": F("latest_deployment__strip"),
        "also": F("latest_deployment__revision"),
        "at": F("latest_created_at"),
        "failing": F("failing_since"),
    },
    heard=("codedeploy.deployment",),
    running=_running,
)
OFFERS.add(GROUP)
OFFERS.add(
    Teller(
        kinds=(KIND,),
        heard=(KIND,),
        standings=fares(GROUP, "deployment"),
        failing="failing_since",
    )
)

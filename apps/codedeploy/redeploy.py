"""Deploys to a group what succeeded there last, after something that did not."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, RefusedError
from apps.deeds.at_aws import AtAws
from apps.mirror.state import State

from . import begin
from .models import Deployment, DeploymentGroup
from .revisions import as_asked, identity, in_words

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# How CodeDeploy says that Auto Scaling began a deployment.
AUTO_SCALING = "autoscaling"


def last_good(group: DeploymentGroup) -> Deployment | None:
    """Return the newest deployment of a group that succeeded."""
    rows = Deployment.objects.filter(group=group, state=State.DONE).exclude(revision={})
    rows = rows.exclude(creator__startswith=AUTO_SCALING)
    found: Deployment | None = rows.order_by("-created_at", "-pk").first()
    return found


def _last_of_all(group: DeploymentGroup) -> Deployment | None:
    """Return the newest deployment to the whole group: Auto Scaling's go to one instance each."""
    rows = Deployment.objects.filter(group=group).exclude(creator__startswith=AUTO_SCALING)
    found: Deployment | None = rows.order_by("-created_at", "-pk").first()
    return found


def _is_by_place(good: Deployment) -> bool:
    """Whether a bundle is named by where it lies alone, which something else may lie in by now."""
    return good.in_s3 and not good.revision_id


def _was_overwritten(good: Deployment, latest: Deployment) -> bool:
    """Whether what lies in the bundle's place is what was deployed after it."""
    return _is_by_place(good) and identity(good.revision) == identity(latest.revision)


def _seen(group: DeploymentGroup) -> Mapping[str, Any]:
    good = last_good(group)
    return {**begin.seen(group), "good": good.key if good else ""}


def _effect(group: DeploymentGroup, _meant: Mapping[str, Any]) -> Iterator[str]:
    good, latest = last_good(group), _last_of_all(group)
    if good is None or latest is None:
        return
    told = in_words([good, latest])
    yield f"{told[good.pk]}, which {good.key} deployed, is deployed to {group} again."
    if _is_by_place(good):
        yield "No version of the bundle is named: what lies there now is what is deployed."
    if told[latest.pk] != told[good.pk]:
        yield f"What {latest.key} brought goes back: {told[latest.pk]}."


def _judges(reach: Reach, deed: "Deed", group: DeploymentGroup) -> Moved | Done | None:
    good = last_good(group)
    if good is None or good.key != deed.seen.get("good"):
        return Moved("Another deployment succeeded there meanwhile: look at that.")
    return begin.stands(reach, deed, group)


def _prepares(reach: Reach, deed: "Deed", group: DeploymentGroup) -> dict[str, Any]:
    rows = Deployment.objects.filter(group=group, key=deed.seen.get("good", ""))
    good = rows.first()
    if good is None:
        raise RefusedError(begin.FORGOTTEN)
    return as_asked(reach, good)


def _offered(group: DeploymentGroup) -> str | None:
    if group.gone_at or group.application.gone_at:
        return None
    latest = _last_of_all(group)
    if latest is None:
        return "Nothing was deployed there yet."
    if why := begin.in_the_way(group):
        return why
    good = last_good(group)
    if good is None:
        return "No deployment of this group has succeeded yet."
    if good.pk == latest.pk:
        return "It is what runs there now."
    if _was_overwritten(good, latest):
        return (
            f"The bundle that {good.key} deployed is named by no version, and {latest.key} "
            "deployed what lies in its place now. Have your pipeline build that change again, and "
            "name bundles by version or commit."
        )
    return ""


ACTS.add(
    Act(
        name="codedeploy.redeploy",
        kind="codedeploy.deploymentgroup",
        label="Redeploy the last good one",
        group="Deployments",
        icon="history",
        told="redeployed the last good revision to {what}",
        calls=begin.CALLS,
        offered=_offered,
        effect=_effect,
        seen=_seen,
        doer=AtAws(judges=_judges, prepares=_prepares, sends=begin.create, finds=begin.found),
        reread=begin.reread,
    )
)

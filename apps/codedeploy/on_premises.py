"""Loads what pages show of on-premises instances, of their groups, and of how deployments went."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from apps.mirror.unread import Missing, missing_in

from .digest import why_target
from .models import DEPLOYMENT_WIDE, Deployment, DeploymentGroup, OnPremisesInstance, Target
from .premises import REGISTERED

# Rows of another kind that a page names.
SHOWN = 60
# Deployments to a machine that its page shows, the newest.
LAST = 20


@dataclass(frozen=True, slots=True)
class Named:
    """The first rows of those that belong to something, and how many more there are.

    unread  how many may belong to it besides: their tags were not read yet.
    """

    rows: Sequence[Any] = ()
    more: int = 0
    unread: int = 0


def on_premises_rows(rows: Iterable[OnPremisesInstance]) -> dict[int, dict[str, Any]]:
    """The context of each row of a list of on-premises instances."""
    return {one.pk: {"on_premises_instance": one} for one in rows}


def on_premises_row(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The same by id, for the stream."""
    return on_premises_rows(OnPremisesInstance.objects.for_list().filter(pk__in=ids))


def shown(rows: Iterable[Any], unread: int = 0) -> Named:
    """Return the first of these rows, with how many there are besides; no more are held."""
    every = iter(rows)
    return Named(list(islice(every, SHOWN)), sum(1 for _ in every), unread)


def instances_of(group: DeploymentGroup, user: Any) -> Named:
    """Return the on-premises instances that a group deploys to, by its tag set as it is now.

    Databases differ in how they look into JSON: those of the scope are read, in two queries, and of
    each only what tells whether it fits.
    """
    if not group.on_premises_tag_set:
        return Named()
    rows = OnPremisesInstance.objects.present().visible_to(user).filter(scope=group.scope_id)
    narrow = rows.only("key", "status", "state", "gone_at", "tags").order_by("key", "pk")
    registered = narrow.filter(status=REGISTERED).iterator()
    fitting = (one for one in registered if one.is_in(group.on_premises_tag_set))
    return shown(fitting, rows.filter(status="").count())


def groups_of(instance: OnPremisesInstance, user: Any) -> Iterator[DeploymentGroup]:
    """Yield the groups that deploy to an on-premises instance; none where its tags are unread."""
    rows = DeploymentGroup.objects.present().visible_to(user).filter(scope=instance.scope_id)
    rows = rows.exclude(on_premises_tag_set=[]).order_by("key", "pk")
    narrow = rows.only("key", "status", "state", "gone_at", "on_premises_tag_set")
    return (one for one in narrow.iterator() if instance.is_in(one.on_premises_tag_set))


def last_targets(instance: OnPremisesInstance, user: Any) -> list[dict[str, Any]]:
    """Return how the newest deployments to an on-premises instance went on it: {row, why}."""
    if not instance.arn:
        return []
    deployments = Deployment.objects.visible_to(user).filter(scope=instance.scope_id)
    rows = Target.objects.visible_to(user).filter(
        scope=instance.scope_id, arn=instance.arn, deployment__in=deployments
    )
    rows = rows.select_related("deployment").defer(
        "lifecycle_events", *(f"deployment__{name}" for name in DEPLOYMENT_WIDE)
    )
    newest = rows.order_by("-deployment__created_at", "-pk")[:LAST]
    return [{"row": one, "why": why_target(one)} for one in newest]


def unread_tags(instance: OnPremisesInstance) -> Missing | None:
    """Return why the tags of an instance are not read, None where they are."""
    if instance.is_read:
        return None
    wanted = "codedeploy.on_premises_instance codedeploy:BatchGetOnPremisesInstances"
    return missing_in([instance.scope_id], tags=wanted).get(instance.scope_id)

"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, Q

from apps.aws.events import called
from apps.mirror.asking import hint
from apps.mirror.models import Change, Scope
from apps.mirror.resource import (
    REGISTER,
    Appended,
    Cadence,
    Happened,
    Heard,
    Names,
    Resource,
    Serves,
)
from apps.mirror.state import State

from . import collect, digest, models, serving
from .records import version_key
from .ties import ties_of

SOURCE = "aws.elasticbeanstalk"
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.eventbridge.html
MANAGED_UPDATE = "Managed update status change"
TYPES = (
    "Elastic Beanstalk resource status change",
    "Health status change",
    "Other resource status change",
    MANAGED_UPDATE,
)


def _environment_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    if name := detail.get("EnvironmentName"):
        yield Names(kind="beanstalk.environment", key=name)


def _events_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    if name := detail.get("EnvironmentName"):
        yield Names(kind="beanstalk.event", parent=name)


def _instances_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    if name := detail.get("EnvironmentName"):
        yield Names(kind="beanstalk.instance", parent=name)


def _managed_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    if name := detail.get("EnvironmentName"):
        yield Names(kind="beanstalk.managedaction", parent=name)


def _application_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="beanstalk.application", key=detail["requestParameters"]["applicationName"])


def _version_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    asked = detail["requestParameters"]
    key = version_key(asked["applicationName"], asked["versionLabel"])
    yield Names(kind="beanstalk.version", key=key)


def _swapped(detail: Mapping[str, Any]) -> Iterator[Names]:
    """Whoever swaps addresses names both environments, by name or by id.

    What is named by id is found among the environments that are mirrored.
    """
    asked = detail["requestParameters"]
    sides = ("source", "destination")
    names = {asked.get(f"{side}EnvironmentName") for side in sides}
    ids = [str(one) for side in sides if (one := asked.get(f"{side}EnvironmentId"))]
    if ids:
        rows = models.Environment.objects.filter(environment_id__in=ids)
        names |= set(rows.values_list("key", flat=True))
    for name in sorted(filter(None, names)):
        yield Names(kind="beanstalk.environment", key=name)


def _heard(names: Any) -> tuple[Heard, ...]:
    return tuple(Heard(source=SOURCE, detail_type=kind, names=names) for kind in TYPES)


def _moving(environments: Any) -> Any:
    return environments.filter(state=State.MOVING)


def _managed(environments: Any) -> Any:
    """Managed updates need enhanced health; what was to come before it was basic is asked for once.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-platform-update-managed.html
    """
    coming = _coming(models.ManagedAction.objects.filter(gone_at=None))
    return environments.filter(~Q(health_status="") | Q(pk__in=coming.values("environment")))


def _coming(actions: Any) -> Any:
    """Managed actions that are not over: AWS tells only the newest of those that are."""
    return actions.filter(finished_at=None).exclude(state__in=digest.OVER)


def _ask_for_what_follows(scope_id: int, changes: Sequence[Change]) -> None:
    _ask_for_versions(scope_id, changes)
    _ask_for_managed(scope_id, changes)


def _ask_for_managed(scope_id: int, changes: Sequence[Change]) -> None:
    """Who turns to basic health has managed actions no longer, who turns to enhanced may have."""
    turned = [
        change.key
        for change in changes
        if "health_status" in change.before
        and bool(change.before["health_status"]) != bool(change.after["health_status"])
    ]
    if turned:
        names = [Names(kind="beanstalk.managedaction", parent=key) for key in turned]
        hint(Scope.objects.get(pk=scope_id), names)


def _ask_for_versions(scope_id: int, changes: Sequence[Change]) -> None:
    """A version that has just been deployed is newer than the list of versions."""
    moved = [change.row_id for change in changes if "version_label" in change.after]
    rows = models.Environment.objects.filter(pk__in=moved).exclude(version_label="")
    keys = {version_key(row.application_name, row.version_label) for row in rows}
    if not keys:
        return
    known = models.Version.objects.filter(scope=scope_id, key__in=keys)
    unknown = keys - set(known.values_list("key", flat=True))
    names = [Names(kind="beanstalk.version", key=key) for key in unknown]
    hint(Scope.objects.get(pk=scope_id), names)


APPLICATION = REGISTER.add(
    Resource(
        kind="beanstalk.application",
        label="Beanstalk applications",
        provider="aws",
        model=models.Application,
        collect=collect.applications,
        cadence=Cadence(cold=timedelta(minutes=5)),
        calls=("elasticbeanstalk:DescribeApplications",),
        events=(
            called(
                SOURCE,
                _application_called_on,
                "CreateApplication",
                "UpdateApplication",
                "UpdateApplicationResourceLifecycle",
                "DeleteApplication",
            ),
        ),
        # Not heard wholly: of its configuration templates nothing is told. It is one call.
        keyed=True,
        held=True,
        url=models.Application.get_absolute_url,
        listed="beanstalk:applications",
    )
)

VERSION = REGISTER.add(
    Resource(
        kind="beanstalk.version",
        label="application versions",
        provider="aws",
        model=models.Version,
        collect=collect.versions,
        cadence=Cadence(cold=timedelta(minutes=2), hot=timedelta(seconds=10)),
        calls=("elasticbeanstalk:DescribeApplicationVersions",),
        events=(
            called(
                SOURCE,
                _version_called_on,
                "CreateApplicationVersion",
                "UpdateApplicationVersion",
                "DeleteApplicationVersion",
            ),
        ),
        # Not heard wholly: Beanstalk deletes old ones by itself. It is one list.
        parent=("beanstalk.application", "application"),
        keyed=True,
        url=lambda row: row.page_url,
        explain=digest.why_version,
    )
)

ENVIRONMENT = REGISTER.add(
    Resource(
        kind="beanstalk.environment",
        label="environments",
        provider="aws",
        model=models.Environment,
        collect=collect.environments,
        cadence=Cadence(cold=timedelta(seconds=60), hot=timedelta(seconds=5)),
        calls=(
            "elasticbeanstalk:DescribeEnvironments",
            "elasticbeanstalk:DescribeEnvironmentHealth",
        ),
        optional=("elasticbeanstalk:DescribeEnvironmentHealth",),
        # Not heard wholly: its events are best effort, and causes come and go without any.
        events=(*_heard(_environment_of), called(SOURCE, _swapped, "SwapEnvironmentCNAMEs")),
        parent=("beanstalk.application", "application"),
        keyed=True,
        digest=digest.applications,
        after=_ask_for_what_follows,
        held=True,
        ties=(("arn", "environment_id"), ties_of),
        url=models.Environment.get_absolute_url,
        listed="beanstalk:environments",
        explain=digest.why_environment,
        explain_then=digest.why_then,
    )
)

EVENT = REGISTER.add(
    Resource(
        kind="beanstalk.event",
        label="events",
        provider="aws",
        model=models.Event,
        collect=collect.events,
        # Hot like its environment: what moves says what it does.
        cadence=Cadence(
            cold=timedelta(seconds=60), hot=timedelta(seconds=5), waiting=timedelta(seconds=5)
        ),
        calls=("elasticbeanstalk:DescribeEvents",),
        # Not heard wholly: EventBridge is told of fewer. It is one list for all environments.
        events=_heard(_events_of),
        parent=("beanstalk.environment", "environment"),
        asked_by="beanstalk.environment",
        history=True,
        happened=Happened(
            at="event_date",
            group="Infrastructure",
            icon="server",
            name=lambda row: str(row.environment),
            told=lambda row: row.message,
            url=lambda row: models.Environment.get_absolute_url(row.environment),
        ),
        appended=Appended(at="event_date", keep=timedelta(days=90)),
        hot_parents=_moving,
        digest=digest.environments_by_events,
        explain=digest.why_event,
    )
)

INSTANCE = REGISTER.add(
    Resource(
        kind="beanstalk.instance",
        label="instances",
        provider="aws",
        model=models.Instance,
        collect=collect.instances,
        # Enhanced health is ten seconds old at most.
        cadence=Cadence(
            cold=timedelta(seconds=60), hot=timedelta(seconds=10), waiting=timedelta(seconds=10)
        ),
        calls=("elasticbeanstalk:DescribeInstancesHealth",),
        # Not heard wholly: an instance's health is told by its environment's alone.
        events=_heard(_instances_of),
        parent=("beanstalk.environment", "environment"),
        asked_by="beanstalk.environment",
        parent_fields=("health_status",),
        parent_stamp=("instances_due", "instances_read"),
        hot_parents=_moving,
        digest=digest.environments_by_instances,
        serves=Serves(
            relation="is",
            among=serving.deployed,
            newest=(F("deployment_time").desc(nulls_last=True), "-pk"),
            told=serving.running,
        ),
        url=lambda row: row.page_url,
        explain=digest.why_instance,
    )
)

MANAGED_ACTION = REGISTER.add(
    Resource(
        kind="beanstalk.managedaction",
        label="managed actions",
        provider="aws",
        model=models.ManagedAction,
        collect=collect.managed_actions,
        # They come once a week, in a window that is known long before; events tell that they do.
        cadence=Cadence(cold=timedelta(hours=6), hot=timedelta(seconds=30)),
        calls=(
            "elasticbeanstalk:DescribeEnvironmentManagedActions",
            "elasticbeanstalk:DescribeEnvironmentManagedActionHistory",
        ),
        # Not heard wholly: nothing is told of one that is scheduled or postponed.
        events=(Heard(source=SOURCE, detail_type=MANAGED_UPDATE, names=_managed_of),),
        parent=("beanstalk.environment", "environment"),
        asked_by="beanstalk.environment",
        asked_among=_managed,
        open_among=_coming,
        digest=digest.environments_by_managed,
        url=lambda row: row.page_url,
        explain=digest.why_managed,
    )
)

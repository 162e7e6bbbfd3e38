"""Loads what pages and fragments show, in a number of queries that rows don't change."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Max

from apps.live.fragment import FRAGMENTS
from apps.live.templatetags.live_tags import first_line
from apps.mirror.links import resolve, sources, url_of
from apps.mirror.models import Link
from apps.mirror.state import State
from apps.mirror.visibility import VISIBILITY, Pair

from .digest import open_errors, why_environment
from .models import Application, Environment, Event, Instance, Version

Contexts = dict[int, dict[str, Any]]

# What a reader may ask to see of events: "" for all, else those that grave or graver.
SEVERITIES: Mapping[str, tuple[str, ...]] = {
    "": (),
    "WARN": ("WARN", "ERROR", "FATAL"),
    "ERROR": ("ERROR", "FATAL"),
}
# Versions that an environment's page shows; all are on its application's.
FEW_VERSIONS = 10
# Events of one page: what is below them, its metrics, is to be seen, too.
FEW_EVENTS = 20
NEWEST_EVENTS = ("-event_date", "-pk")
NEWEST_VERSIONS = ("-date_created", "-pk")


# --- Environments ---------------------------------------------------------------------------------


def environment_rows(environments: Iterable[Environment]) -> Contexts:
    """The context of each row of a list; `why` is the line that says it best."""
    return {
        one.pk: {"environment": one, "why": first_line(why_environment(one))}
        for one in environments
    }


def environment_row(ids: Sequence[int]) -> Contexts:
    """The same by id, for the stream."""
    return environment_rows(Environment.objects.for_list().filter(pk__in=ids))


def environment_head(ids: Sequence[int]) -> Contexts:
    """Environments with the version they serve, why they are not well, and who deployed last."""
    found = list(Environment.objects.select_related("scope", "application").filter(pk__in=ids))
    keys = {(one.application_name, one.version_label) for one in found}
    versions = {
        (row.application_name, row.version_label, row.scope_id): row
        for row in Version.objects.filter(
            scope__in={one.scope_id for one in found},
            key__in=[f"{application}/{label}" for application, label in keys],
        )
    }
    starters = _deployed_by(found)
    return {
        one.pk: {
            "environment": one,
            "served": versions.get((one.application_name, one.version_label, one.scope_id)),
            "errors": open_errors(one) if _is_unwell(one) else [],
            "unwell": _is_unwell(one),
            "starter": starters.get(one.arn),
        }
        for one in found
    }


def _is_unwell(one: Environment) -> bool:
    """Whether there is something to explain: it failed, or warns."""
    return one.state == State.FAILED or (one.state == State.UNKNOWN and bool(one.causes))


def _deployed_by(environments: Iterable[Environment]) -> dict[str, dict[str, str]]:
    """Return the newest pipeline's action on environments, by ARN: {label, url}.

    What not all readers of one may know of is left out: the picture is shared between them
    (docs/decisions/0011-links-in-shared-pictures.md).
    """
    ids: dict[str, int] = {one.arn: one.pk for one in environments if one.arn}
    newest = (
        Link.objects.filter(
            to_kind="beanstalk.environment",
            to_arn__in=list(ids),
            relation="runs",
            from_kind="codepipeline.action",
        )
        .values("to_arn")
        .annotate(newest=Max("from_id"))
    )
    links = [
        Link(from_kind="codepipeline.action", from_id=one["newest"], to_arn=one["to_arn"])
        for one in newest
    ]
    rows = sources(links)
    found: dict[str, dict[str, str]] = {}
    tells = VISIBILITY.rule.tells(_pair(link, ids) for link in links)
    for link in links:
        row = rows.get((link.from_kind, link.from_id))
        if row is not None and tells[_pair(link, ids)]:
            found[link.to_arn] = {"label": str(row), "url": url_of(link.from_kind, row)}
    return found


def _pair(link: Link, ids: Mapping[str, int]) -> Pair:
    return ("beanstalk.environment", ids[link.to_arn]), (link.from_kind, link.from_id)


def environment_facts(ids: Sequence[int]) -> Contexts:
    """Environments with scope and application: what they are."""
    found = Environment.objects.select_related("scope", "application").filter(pk__in=ids)
    return {one.pk: {"environment": one} for one in found}


def environment_instances(ids: Sequence[int]) -> Contexts:
    """Environments with their instances, the worst first, and the pages of their machines."""
    contexts: Contexts = {
        one.pk: {"environment": one, "instances": []}
        for one in Environment.objects.select_related("scope").filter(pk__in=ids)
    }
    rows = list(Instance.objects.filter(environment__in=ids, gone_at=None).order_by("key"))
    machines = resolve("ec2.instance", [row.arn for row in rows])
    for row in sorted(rows, key=lambda one: (one.state != State.FAILED, one.key)):
        machine = machines.get(row.arn)
        url = url_of("ec2.instance", machine) if machine is not None else ""
        if row.environment_id in contexts:
            contexts[row.environment_id]["instances"].append({"instance": row, "url": url})
    return contexts


def events_loader(severity: str) -> Callable[[Sequence[int]], Contexts]:
    """Return what loads environments with their newest events of this severity or graver."""

    def load(ids: Sequence[int]) -> Contexts:
        contexts: Contexts = {}
        for one in Environment.objects.filter(pk__in=ids).only("pk", "key", "version"):
            newest = events_of(one.pk, severity).order_by(*NEWEST_EVENTS)[:FEW_EVENTS]
            contexts[one.pk] = {"environment": one, "events": list(newest), "severity": severity}
        return contexts

    return load


def events_of(environment: int, severity: str) -> Any:
    """Return an environment's events of this severity or graver."""
    rows = Event.objects.filter(environment=environment)
    wanted = SEVERITIES.get(severity, ())
    return rows.filter(status__in=wanted) if wanted else rows


# --- Applications and versions --------------------------------------------------------------------


def application_rows(applications: Sequence[Application]) -> Contexts:
    """The context of each row of a list: an application and its environments."""
    by_application: dict[int, list[Environment]] = defaultdict(list)
    ids = [one.pk for one in applications]
    rows = Environment.objects.present().filter(application__in=ids).order_by("urgency", "key")
    for row in rows.only("key", "state", "status", "health", "health_status", "application"):
        by_application[row.application_id].append(row)
    return {
        one.pk: {"application": one, "environments": by_application[one.pk]} for one in applications
    }


def application_row(ids: Sequence[int]) -> Contexts:
    """The same by id, for the stream."""
    return application_rows(list(Application.objects.for_list().filter(pk__in=ids)))


def application_head(ids: Sequence[int]) -> Contexts:
    """Applications with scope."""
    found = Application.objects.select_related("scope").filter(pk__in=ids)
    return {one.pk: {"application": one} for one in found}


def application_environments(ids: Sequence[int]) -> Contexts:
    """Applications with the pictures of their environments' rows."""
    contexts: Contexts = {pk: {**one, "rows": []} for pk, one in application_head(ids).items()}
    rows = list(Environment.objects.for_list().present().filter(application__in=ids))
    drawn = FRAGMENTS.by_name["environment-row"].render_loaded(environment_rows(rows))
    for row in rows:
        contexts[row.application_id]["rows"].append(drawn[row.pk])
    return contexts


def version_rows(versions: Sequence[Version]) -> Contexts:
    """The context of each row of a list of versions: who serves it, and the build it comes from."""
    labels = {one.version_label for one in versions}
    serving: dict[tuple[int, str, str], list[Environment]] = defaultdict(list)
    rows = Environment.objects.present().filter(
        scope__in={one.scope_id for one in versions}, version_label__in=labels
    )
    for row in rows.order_by("urgency", "key").defer("errors", "causes", "instances"):
        serving[row.scope_id, row.application_name, row.version_label].append(row)
    builds = resolve("codebuild.build", [one.build_arn for one in versions])
    contexts: Contexts = {}
    for one in versions:
        build = builds.get(one.build_arn)
        contexts[one.pk] = {
            "row": one,
            "serving": serving[one.scope_id, one.application_name, one.version_label],
            "build": None
            if build is None
            else {"label": str(build), "url": url_of("codebuild.build", build)},
        }
    return contexts


def versions_beside(found: Environment) -> list[dict[str, Any]]:
    """Return the newest versions of an environment's application, and the one it serves."""
    if found.application_id is None:
        return []
    rows = list(
        Version.objects.filter(application=found.application_id).order_by(*NEWEST_VERSIONS)[
            :FEW_VERSIONS
        ]
    )
    if found.version_label not in {row.version_label for row in rows}:
        rows += Version.objects.filter(
            application=found.application_id, version_label=found.version_label
        )
    return list(version_rows(rows).values())

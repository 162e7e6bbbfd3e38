"""Where a change came without a pipeline: builds of it, and deployments that people began.

A build says which commit it took; a deployment, too, where its revision lies at GitHub. One from S3
has a commit where a build put that bundle there, or where a pipeline's run deployed the same one.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.codebuild.models import WIDE_BUILD, Build
from apps.codedeploy.models import DEPLOYMENT_WIDE, GROUP_WIDE, Deployment
from apps.codepipeline.models import Action, Execution
from apps.mirror.links import explain_then
from apps.mirror.models import Link, Scope
from apps.mirror.state import UNFINISHED, State

from .environments import is_production
from .holds import Hold, replaced
from .ways import Found, Ran

BUILD, DEPLOYMENT = "codebuild.build", "codedeploy.deployment"
# Of a change after which so many commits came, the nearest are looked for; so many builds of each
# project and deployments of each group, the first and the newest, are told.
MOST_COMMITS, FIRST, NEWEST = 800, 3, 3
# Builds and deployments that are looked through, the newest.
MOST_BUILDS, MOST_DEPLOYMENTS = 1_000, 400
PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
LONG_AGO = datetime.min.replace(tzinfo=UTC)
# A bundle's bucket and key.
Bundle = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Single(Ran):
    """One build or deployment that has the change."""

    began: datetime | None = None
    ended: datetime | None = None

    @property
    def pk(self) -> int:
        """Its row's."""
        return int(self.row.pk)


@dataclass(slots=True)
class Place:
    """What came of a change to one build project or deployment group without a pipeline.

    out       whether anything is brought out there; `production` whether that is production.
    runs      the first that have it and the newest, the first one first.
    is_there  whether what was deployed last has it; `arrived` since when.
    hold      why it is not there.
    beside    a pipeline that took the change deploys there, too: its way tells.
    commits   ids of the commits that came there, as far as they are known; `stands` is that of
              what was deployed last.
    """

    kind: str
    name: str
    url: str
    scope: Scope
    out: bool = False
    production: bool = False
    runs: list[Single] = field(default_factory=list)
    is_there: bool = False
    arrived: datetime | None = None
    hold: Hold | None = None
    beside: bool = False
    group: int | None = None
    commits: set[str] = field(default_factory=set)
    stands: str = ""

    @property
    def where(self) -> str:
        """What people call it."""
        return self.name


@dataclass(frozen=True, slots=True)
class Last:
    """What was deployed to a group last.

    has_it     whether it has the change; `known` whether that can be told.
    by_itself  whether no pipeline began it.
    commit     its commit, "" where that is not known.
    """

    row: Deployment
    has_it: bool
    known: bool
    by_itself: bool
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Alone:
    """What was found: the places, and what was deployed last to each group that was met."""

    places: Sequence[Place] = ()
    last: Mapping[int, Last] = field(default_factory=dict)


def read(
    user: Any,
    commits: Sequence[str],
    pipelines: Collection[int],
    deployed: Iterable[Deployment],
    is_read: Callable[[str], bool],
) -> Alone:
    """Return where commits came without these pipelines; in a constant number of queries.

    commits   ids, nearest first.       deployed  what runs that have them deployed.
    is_read   tells whether a commit was read: of another nobody knows what it contains.
    """
    nearest, of_runs = commits[:MOST_COMMITS], list(deployed)
    if not nearest:
        return Alone()
    builds = _builds(user, nearest)
    bundles = _bundles(user, builds)
    having = _deployments(user, nearest, bundles, of_runs)
    met = [*(one.row for one in having.values()), *of_runs]
    last = _last(user, {one.group_id for one in met if one.group_id is not None})
    having |= {one.pk: _Having(one, _commit(one)) for one in of_runs if one.pk not in having}
    begun = _begun([*builds, *(one.row for one in having.values()), *last.values()])
    within = frozenset(commits)
    told: dict[int, Last] = {}
    for group, row in last.items():
        commit = _commit(row) or _from_bundle(row, bundles)
        # Of very many that contain the change only the nearest were looked for.
        has_it = row.pk in having or commit in within
        by_itself = (DEPLOYMENT, row.arn) not in begun
        told[group] = Last(row, has_it, has_it or is_read(commit), by_itself, commit)
    theirs = {name for name, some in begun.items() if some & set(pipelines)}
    places = _places(
        [one for one in builds if (BUILD, one.arn) not in theirs],
        [one for one in having.values() if (DEPLOYMENT, one.row.arn) not in theirs],
    )
    beside = {one.group_id for one in of_runs}
    for (kind, group), place in places.items():
        through = next((one.ended for one in place.runs if one.state == State.DONE), None)
        shown = {one.pk: one for one in (*place.runs[:FIRST], *place.runs[-NEWEST:])}
        place.runs = [
            replace(one, why=explain_then(kind, one.row, one.began, one.ended))
            for one in shown.values()
        ]
        if kind == DEPLOYMENT:
            place.beside = group in beside
            _stand(place, told.get(group), through)
        else:
            _fare(place)
    return Alone(sorted(places.values(), key=lambda one: (not one.out, one.name)), told)


def commits_beginning(user: Any, beginning: str, most: int, how: str) -> list[str]:
    """Return the ids of commits that begin so and were built, or deployed from GitHub.

    how  the lookup: "" of a whole id, else "__startswith".
    """
    builds = Build.objects.visible_to(user).filter(**{f"resolved_source_version{how}": beginning})
    deployments = Deployment.objects.visible_to(user).filter(
        **{f"revision_id{how}": beginning}, revision__type="GitHub"
    )
    return [
        commit
        for rows, column in ((builds, "resolved_source_version"), (deployments, "revision_id"))
        for commit in rows.order_by().values_list(column, flat=True).distinct()[:most]
    ]


def by_hand(
    runs: Mapping[int, Sequence[Execution]], found: Found, last: Mapping[int, Last]
) -> dict[tuple[int, str], Last]:
    """Return what stands in stages of pipelines in the place of what they deployed there last.

    By (pipeline's id, stage): what no pipeline began, to a group that the stage deploys to.
    """
    told: dict[tuple[int, str], Last] = {}
    for pipeline, some in runs.items():
        for action in (one for run in some for one in found.actions.get(run.pk, ())):
            ran = found.ran.get(action.pk)
            newest = last.get(ran.row.group_id) if ran and ran.kind == DEPLOYMENT else None
            deployed = found.standing_since.get((pipeline, action.stage))
            if newest is None or deployed is None or not newest.by_itself:
                continue
            if newest.row.created_at is not None and newest.row.created_at > deployed:
                told[pipeline, action.stage] = newest
    return told


# --- The queries ----------------------------------------------------------------------------------


def _builds(user: Any, commits: Sequence[str]) -> list[Build]:
    rows = Build.objects.visible_to(user).filter(resolved_source_version__in=commits)
    wide = [name for name in WIDE_BUILD if name not in ("artifacts", "secondary_artifacts")]
    found = rows.exclude(started_at=None).select_related("scope", "project__scope").defer(*wide)
    return list(found.order_by("-started_at", "-pk")[:MOST_BUILDS])[::-1]


def _bundles(user: Any, builds: Sequence[Build]) -> Mapping[Bundle, list[tuple[datetime, str]]]:
    """When which commit's bundle was put where builds of these commits put theirs.

    A project may put every bundle in the same place: what lies there is the newest one's.
    """
    places = {place for one in builds if one.state == State.DONE for place in _put(one)}
    first = min((one.ended_at for one in builds if one.ended_at), default=None)
    if not places or first is None:
        return {}
    rows = Build.objects.visible_to(user).filter(
        project__in={one.project_id for one in builds}, state=State.DONE, ended_at__gte=first
    )
    columns = "ended_at", "artifacts", "secondary_artifacts", "resolved_source_version"
    found: dict[Bundle, list[tuple[datetime, str]]] = defaultdict(list)
    for row in rows.only(*columns).order_by("-ended_at", "-pk")[:MOST_BUILDS]:
        for place in set(_put(row)) & places:
            if row.ended_at is not None:
                found[place].append((row.ended_at, row.resolved_source_version))
    return {place: sorted(told) for place, told in found.items()}


def _put(build: Build) -> list[Bundle]:
    """Where a build put its bundles: bucket and key of "arn:aws:s3:::bucket/key"."""
    found = []
    for told in (build.artifacts, *build.secondary_artifacts):
        _, _, place = str((told or {}).get("location") or "").partition(":::")
        bucket, _, key = place.partition("/")
        if bucket and key:
            found.append((bucket, key))
    return found


@dataclass(frozen=True, slots=True)
class _Having:
    """A deployment that has the change, and its commit, "" where that is not known."""

    row: Deployment
    commit: str


def _deployments(
    user: Any,
    commits: Sequence[str],
    bundles: Mapping[Bundle, list[tuple[datetime, str]]],
    of_runs: Sequence[Deployment],
) -> dict[int, _Having]:
    """Deployments that have one of these commits, by id, the oldest first."""
    same = {one.revision_id for one in of_runs if one.revision_id}
    which = Q(revision_id__in=[*commits, *same])
    if bundles:
        named = Link.objects.filter(
            from_kind=DEPLOYMENT,
            to_kind="s3.bucket",
            to_arn__in=[
                f"arn:{part}:s3:::{bucket}" for part in PARTITIONS for bucket, _ in bundles
            ],
        )
        keys = [key for _, key in bundles]
        which |= Q(pk__in=named.values("from_id"), revision__key__in=keys)
    rows = _light(Deployment.objects.visible_to(user).filter(which).exclude(created_at=None))
    within = frozenset(commits)
    found: dict[int, _Having] = {}
    for one in list(rows.order_by("-created_at", "-pk")[:MOST_DEPLOYMENTS])[::-1]:
        commit = _commit(one) or _from_bundle(one, bundles)
        if commit in within or (not commit and one.revision_id in same):
            found[one.pk] = _Having(one, commit)
    return found


def _from_bundle(one: Deployment, bundles: Mapping[Bundle, list[tuple[datetime, str]]]) -> str:
    """The commit of what lay where a deployment took it from when it began; "" for unknown."""
    told = bundles.get((str(one.revision.get("bucket")), str(one.revision.get("key"))), [])
    at = bisect_right(told, one.created_at, key=lambda put: put[0]) if one.created_at else 0
    return told[at - 1][1] if at else ""


def _last(user: Any, groups: Collection[int]) -> dict[int, Deployment]:
    """What was deployed to groups last."""
    rows = Deployment.objects.visible_to(user).filter(group__in=groups, state=State.DONE)
    newest = Window(
        RowNumber(),
        partition_by=[F("group")],
        order_by=[F("created_at").desc(nulls_last=True), F("pk").desc()],
    )
    placed = _light(rows.annotate(place=newest).filter(place=1))
    return {one.group_id: one for one in placed if one.group_id is not None}


def _light(rows: QuerySet[Deployment]) -> QuerySet[Deployment]:
    wide = [*DEPLOYMENT_WIDE, *(f"group__{name}" for name in GROUP_WIDE)]
    return rows.select_related("scope", "group__scope", "group__application").defer(*wide)


def _begun(rows: Iterable[Build | Deployment]) -> Mapping[tuple[str, str], set[int]]:
    """(kind, ARN) of what actions of pipelines began -> these pipelines."""
    arns = {one.arn for one in rows}
    links = list(
        Link.objects.filter(
            from_kind="codepipeline.action",
            relation="runs",
            to_kind__in=(BUILD, DEPLOYMENT),
            to_arn__in=arns,
        ).values_list("from_id", "to_kind", "to_arn")
    )
    actions = Action.objects.filter(pk__in=[pk for pk, _, _ in links]).order_by()
    pipelines = dict(actions.values_list("pk", "execution__pipeline"))
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for pk, kind, arn in links:
        if pk in pipelines:
            found[kind, arn].add(pipelines[pk])
    return found


# --- Put together ---------------------------------------------------------------------------------


def _places(
    builds: Iterable[Build], deployments: Iterable[_Having]
) -> dict[tuple[str, int], Place]:
    found: dict[tuple[str, int], Place] = {}
    for build in builds:
        # Of a project that is not mirrored any more each build stands for itself.
        owner, name = build.project, build.project_name or build.key.partition(":")[0]
        place = found.setdefault(
            (BUILD, owner.pk if owner else -build.pk),
            Place(BUILD, name, (owner or build).get_absolute_url(), build.scope),
        )
        place.runs.append(_single(BUILD, build, build.started_at, build.ended_at))
        place.commits.add(build.resolved_source_version)
    for having in sorted(deployments, key=lambda one: (one.row.created_at or LONG_AGO, one.row.pk)):
        one, group = having.row, having.row.group
        names = group.key.partition("/") if group else (one.application_name, "", one.group_name)
        place = found.setdefault(
            (DEPLOYMENT, group.pk if group else -one.pk),
            Place(
                DEPLOYMENT,
                str(group) if group else str(one),
                (group or one).get_absolute_url(),
                one.scope,
                out=True,
                group=one.group_id,
                production=is_production(names[2], names[0]),
            ),
        )
        place.runs.append(_single(DEPLOYMENT, one, one.created_at, one.completed_at))
        place.commits |= {having.commit} - {""}
    return found


def _single(
    kind: str, row: Build | Deployment, began: datetime | None, ended: datetime | None
) -> Single:
    return Single(
        kind=kind,
        row=row,
        label=str(row),
        url=row.get_absolute_url(),
        state=row.state,
        status=row.status,
        began=began,
        ended=None if row.state in UNFINISHED else ended,
        strip=getattr(row, "strip", ()) or (),
    )


def _stand(place: Place, last: Last | None, through: datetime | None) -> None:
    """Tell of a deployment group whether what was deployed to it last has the change.

    through  when one that has it was first through.
    """
    place.stands = last.commit if last else ""
    place.is_there = last is not None and last.has_it
    if place.is_there:
        place.arrived = through
    elif through is not None and last is not None:
        place.hold = instead(place.name, last)
    else:
        _fare(place)


def instead(where: str, last: Last) -> Hold:
    """Return that what was deployed last to a place does not have what was there."""
    row = last.row
    return replaced(
        where,
        row.get_absolute_url(),
        row.created_at,
        what=str(row),
        why=f"Deployed by {row.creator_in_words}: {row.revision_in_words}",
        known=last.known,
    )


def _fare(place: Place) -> None:
    """Tell how the newest fares, where that is not through."""
    newest = place.runs[-1]
    if newest.state == State.DONE:
        return
    words = {
        State.FAILED: f"Failed in {place.name}",
        State.MOVING: f"Is in {place.name}",
        State.WAITING: f"Waits in {place.name}",
    }
    state = State(newest.state) if newest.state else State.UNKNOWN
    place.hold = Hold(
        state=state,
        text=words.get(state, f"Stopped in {place.name}"),
        url=newest.url,
        since=newest.ended or newest.began,
        why=newest.why,
    )


def _commit(row: Deployment) -> str:
    return str(row.revision.get("commit_id") or "")

"""The journey of a change: from commits, a pull request or an issue to where it runs.

From the mirror alone, across accounts and regions, in a number of queries that rows do not change.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.codepipeline.models import Execution
from apps.issues.meant import Meant
from apps.live.templatetags.live_tags import first_line
from apps.source.models import Commit, PullRequest

from . import alone, reading, roots, since, taken
from .alone import Place
from .answer import Answer, answer_of, goals_of
from .deployed import Deployed, deployed
from .roots import Root
from .since import Alarmed
from .ways import Found, Way, gravest_first, way_of

# Changes that an issue's page follows; the others are counted.
MOST_CHANGES = 50
COMMIT_ID = re.compile(r"[0-9a-f]{7,64}")
# How long whole ids are: SHA-1 and SHA-256.
WHOLE = (40, 64)


@dataclass(slots=True)
class Journey:
    """How far one thing has come.

    changes  the commits that it consists of, the newest first; `more` others are not followed.
    pulls    the pull requests that propose them.
    ways     through the pipelines that took the newest change of each repository.
    places   builds and deployments of it that none of these pipelines began.
    alarms   that went off since it was first brought out, in the projects of its pipelines.
    others   how many other pipelines took it, through which it is not followed.
    """

    changes: Sequence[Root]
    pulls: Sequence[PullRequest] = ()
    ways: Sequence[Way] = ()
    places: Sequence[Place] = ()
    alarms: Sequence[Alarmed] = ()
    more: int = 0
    others: int = 0
    answer: Answer = field(default_factory=lambda: Answer("", ""))

    @property
    def title(self) -> str:
        """What its newest change says; of one that is not mirrored as executions tell it."""
        if not self.changes:
            return ""
        change = self.changes[0]
        if change.row is not None and change.row.title:
            return change.row.title
        runs = (run for way in self.ways for run in way.runs)
        told = (run.summary for run in runs if run.revision_id == change.commit_id)
        return first_line(next(filter(None, told), ""))

    @property
    def deployed(self) -> list[Deployed]:
        """Where what is followed of it was brought out."""
        return list(deployed(self.ways, self.places))

    @property
    def began(self) -> datetime | None:
        """When the first of its changes was committed."""
        return min((one.at for one in self.changes if one.at), default=None)


def of_commit(user: Any, commit_id: str) -> Journey | None:
    """Return the journey of a commit by its whole id; None where the user may not know of it."""
    if not COMMIT_ID.fullmatch(commit_id):
        return None
    rows = _commits(user).filter(commit_id=commit_id)
    changes = roots.of_commits(user, list(rows.order_by("pk")))
    if not changes:
        # Its repository is not mirrored: executions tell what there is to tell.
        changes = [Root(commit_id=commit_id, containing=[commit_id])]
    found = _followed(user, changes)
    return found if found.ways or found.places or changes[0].row is not None else None


def commits_beginning(user: Any, beginning: str, most: int) -> list[str]:
    """Return the ids of commits that begin so, as rows or executions tell; [] for no such id."""
    if not COMMIT_ID.fullmatch(beginning):
        return []
    # A whole id is looked up in an index, which its beginning is not on every database.
    how = "" if len(beginning) in WHOLE else "__startswith"
    rows = Commit.objects.visible_to(user).filter(**{f"commit_id{how}": beginning})
    runs = Execution.objects.visible_to(user).filter(**{f"revision_id{how}": beginning})
    found = set(rows.order_by().values_list("commit_id", flat=True).distinct()[:most])
    found |= set(runs.order_by().values_list("revision_id", flat=True).distinct()[:most])
    found |= set(alone.commits_beginning(user, beginning, most, how))
    return sorted(found)[:most]


def newest_commits(user: Any, most: int) -> list[str]:
    """Return the ids of the newest commits that a user may know of."""
    rows = Commit.objects.visible_to(user).exclude(committed_at=None)
    newest = rows.order_by("-committed_at", "-pk").values_list("commit_id", flat=True)
    return list(dict.fromkeys(newest[: 2 * most]))[:most]


def of_pull(user: Any, pull: PullRequest) -> Journey:
    """Return the journey of a pull request: of what it was merged as, else of what it proposes."""
    named = pull.merge_commit if pull.merged and pull.merge_commit else pull.source_commit
    rows = _commits(user).filter(repository=pull.repository_id, commit_id=named)
    changes = roots.of_commits(user, list(rows), pulls=[pull])
    if not changes and named:
        changes = [Root(commit_id=named, containing=[named], pulls=[pull])]
    return _followed(user, changes, [pull])


def of_issue(user: Any, issue: Meant) -> Journey:
    """Return the journey of an issue: of every change that names it."""
    commits = reading.commits_named(user, issue)
    pulls = reading.pulls_named(user, issue)
    missing = [
        (pull.repository_id, pull.merge_commit if pull.merged else pull.source_commit)
        for pull in pulls
    ]
    known = {(one.repository_id, one.commit_id) for one in commits}
    wanted = [commit for commit in missing if commit[1] and commit not in known]
    proposed = _commits(user).filter(
        repository__in={repository for repository, _ in wanted},
        commit_id__in={commit for _, commit in wanted},
    )
    # A merged pull request is one change, whoever of its commits names the issue.
    commits += [one for one in proposed if (one.repository_id, one.commit_id) in set(wanted)]
    branches = reading.heads_named(user, issue, but=[one.pk for one in commits])
    heads = {one.pk for one in branches}
    commits = sorted([*commits, *branches], key=_newest, reverse=True)
    changes = [
        one
        for one in roots.of_commits(user, commits[:MOST_CHANGES], pulls=pulls)
        # A branch that was only just made stands where others' work does.
        if one.own or one.row is None or one.row.pk not in heads
    ]
    found = _followed(user, changes, pulls)
    found.more = max(0, len(commits) - MOST_CHANGES)
    return found


def _newest(commit: Commit) -> float:
    return commit.committed_at.timestamp() if commit.committed_at else 0.0


def _commits(user: Any) -> Any:
    rows = Commit.objects.visible_to(user).select_related("scope", "repository")
    return rows.defer("comments")


def _followed(user: Any, changes: Sequence[Root], pulls: Sequence[PullRequest] = ()) -> Journey:
    """Follow one change of each repository through whatever pipelines took it."""
    leading, runs, others = _taken(user, changes)
    found = reading.read(user, runs)
    commits = list(dict.fromkeys(one for root in leading for one in root.containing))
    within = frozenset(commits)
    by_pipelines = [one.row for one in found.ran.values() if one.kind == alone.DEPLOYMENT]
    histories = [root.history for root in leading if root.history is not None]

    def is_read(commit: str) -> bool:
        return any(commit in history.parents for history in histories)

    beside = alone.read(user, commits, runs, by_pipelines, is_read)
    hands = alone.by_hand(runs, found, beside.last)
    instead = {
        place: alone.instead(place[1], one) for place, one in hands.items() if not one.has_it
    }

    def contains(run: Execution) -> bool:
        return not within.isdisjoint(found.took.get(run.pk, ()))

    def took_what_was_read(run: Execution) -> bool:
        return any(is_read(commit) for commit in found.took.get(run.pk, ()))

    ways = [
        way_of(some[0].pipeline, some, found, contains, took_what_was_read, instead)
        for some in runs.values()
    ]
    goals = goals_of(ways, beside.places)
    for root in changes:
        _judge(root, leading, goals, found, hands)
    _set_apart(user, changes, goals)
    told = list({one.pk: one for one in [*pulls, *_pulls_of(changes)]}.values())
    journey = Journey(
        changes=changes,
        pulls=sorted(told, key=lambda one: (one.created is None, one.created, one.pk)),
        ways=list(gravest_first(ways)),
        places=beside.places,
        alarms=since.alarms(user, ways, beside.places),
        others=others,
    )
    journey.answer = answer_of(changes, journey.pulls, journey.ways, journey.places)
    return journey


def _taken(
    user: Any, changes: Sequence[Root]
) -> tuple[list[Root], dict[int, list[Execution]], int]:
    """The change that is followed of each repository, its runs by pipeline, how many others ran.

    The newest that is on its way; where nothing took that yet, the newest that something took.
    """
    leading = _leading(changes)
    runs, others = _runs(user, leading)
    took = taken.commits_of([run for some in runs.values() for run in some])
    idle = [root for root in leading if not any(root.within & some for some in took.values())]
    waiting = {root.repository_id for root in idle}
    older = [one for one in changes if one.repository_id in waiting and one not in idle]
    if not older:
        return leading, runs, others
    more, unread = _runs(user, older)
    took = taken.commits_of([run for some in more.values() for run in some])
    for root in idle:
        mine = [one for one in older if one.repository_id == root.repository_id]
        newest = next(
            (one for one in mine if any(one.within & some for some in took.values())), None
        )
        if newest is None:
            continue
        leading[leading.index(root)] = newest
        for pipeline, some in more.items():
            theirs = [run for run in some if newest.within & took[run.pk]]
            if theirs and pipeline not in runs:
                runs[pipeline] = theirs
    return leading, runs, max(others, unread)


def _runs(user: Any, roots: Sequence[Root]) -> tuple[dict[int, list[Execution]], int]:
    commits = list(dict.fromkeys(one for root in roots for one in root.containing))
    arns = list(dict.fromkeys(arn for root in roots for arn in root.arns))
    return reading.by_pipeline(reading.executions_of(user, commits, arns))


def _leading(changes: Sequence[Root]) -> list[Root]:
    """The newest change of each repository that is on its way: merged, if one of them is."""
    found: dict[int | None, Root] = {}
    for root in changes:
        known = found.get(root.repository_id)
        if known is None or (not known.merged and root.merged):
            found[root.repository_id] = root
    return list(found.values())


def _pulls_of(changes: Iterable[Root]) -> list[PullRequest]:
    return [pull for root in changes for pull in root.pulls]


def _judge(
    root: Root,
    leading: Sequence[Root],
    goals: Sequence[Way | Place],
    found: Found,
    hands: Mapping[tuple[int, str], alone.Last],
) -> None:
    """Tell of a change whether it stands wherever its repository's changes are brought out to."""
    for one in leading:
        if one.repository_id != root.repository_id:
            continue
        for way in goals:
            if isinstance(way, Place):
                if way.commits and not one.within.isdisjoint(way.commits):
                    _stands(root, way.is_there if root is one else _is_in(way, root, one))
            elif way.goal is not None and _takes(way, one, found):
                _stands(root, way.is_there if root is one else _came(way, root, found, hands))
                if root is one:
                    _look_for_holes(way, root, found)


def _stands(root: Root, there: bool) -> None:
    root.there = there if root.there is None else root.there and there


def _is_in(place: Place, root: Root, leading: Root) -> bool:
    """Whether what stands in a place has an older change than the one that is followed."""
    return place.stands in root.within or (place.is_there and leading.commit_id in root.within)


def _came(way: Way, root: Root, found: Found, hands: Mapping[tuple[int, str], alone.Last]) -> bool:
    """The same of what stands in a pipeline's last stage."""
    place = way.pipeline.pk, way.where
    if (hand := hands.get(place)) is not None and hand.commit:
        return hand.commit in root.within
    stands = found.standing.get(place)
    took = found.took.get(stands.pk, frozenset()) if stands is not None else frozenset()
    return hand is None and not root.within.isdisjoint(took)


def _look_for_holes(way: Way, root: Root, found: Found) -> None:
    stands = found.standing.get((way.pipeline.pk, way.where))
    if stands is None or way.is_there:
        return
    since = root.at or way.runs[0].started_at
    if since and stands.started_at and stands.started_at > since:
        of_root = root.history
        way.holes = of_root is None or of_root.may_contain([stands.revision_id], root.commit_id)


def _takes(way: Way, root: Root, found: Found) -> bool:
    """Whether a pipeline took a change."""
    return any(not root.within.isdisjoint(found.took.get(run.pk, ())) for run in way.runs)


def _set_apart(user: Any, changes: Sequence[Root], goals: Sequence[Way | Place]) -> None:
    """Tell changes apart whose repository is brought out by nothing, where others' are."""
    unknown = {one.repository_id for one in changes if one.there is None and one.repository_id}
    if goals and unknown:
        apart = unknown - reading.taken_repositories(user, unknown)
        for root in changes:
            root.apart = root.there is None and root.repository_id in apart

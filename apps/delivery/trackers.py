"""Which trackers a project's commits name: what there is to link, and linking it by itself."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from apps.adoption.deeds import link
from apps.adoption.models import Declined
from apps.issues.meant import compound_prefixes, meant_of
from apps.issues.models import Tracker
from apps.mirror.models import Link
from apps.projects.models import Holding, Project
from apps.sites.models import Site
from apps.source.models import Commit

from .models import Results

KIND = "jira.tracker"
REPOSITORIES = ("codecommit.repository", "github.repository")
COMMITS = ("codecommit.commit", "github.commit")
# So many of the newest commits are looked at, and so many issues of one tracker make it one's own:
# one alone may have been quoted.
NEWEST, LEAST = 500, 2


@dataclass(frozen=True, slots=True)
class Named:
    """A tracker that a project's commits name and that it does not hold; how many issues of it."""

    tracker: Tracker
    issues: int


def named_by(project: Project) -> list[Named]:
    """Return the Jira projects that a project's newest commits name, the most often named first."""
    held = Holding.objects.shown().filter(project=project)
    repositories = held.filter(kind__in=REPOSITORIES).values("row_id")
    commits = Commit.objects.filter(repository__in=repositories, committed_at__isnull=False)
    newest = list(commits.order_by("-committed_at", "-pk").values_list("pk", flat=True)[:NEWEST])
    links = Link.objects.filter(from_kind__in=COMMITS, from_id__in=newest, to_kind="jira.issue")
    issues: dict[str, set[str]] = defaultdict(set)
    by_commit: dict[int, list[str]] = defaultdict(list)
    for pk, key in links.values_list("from_id", "to_arn"):
        by_commit[pk].append(key)
    prefixes = compound_prefixes() if by_commit else ()
    for key in {key for some in by_commit.values() for key in meant_of(some, prefixes)}:
        issues[key.rpartition("-")[0]].add(key)
    named = {prefix: len(keys) for prefix, keys in issues.items() if len(keys) >= LEAST}
    rows = Tracker.objects.filter(
        prefix__in=named, query="", scope__provider="jira", scope__parked=False, gone_at=None
    ).exclude(pk__in=held.filter(kind=KIND).values("row_id"))
    found = [Named(row, named[row.prefix]) for row in rows.select_related("scope").order_by("pk")]
    return sorted(found, key=lambda one: -one.issues)


def link_by_themselves() -> int:
    """Link what is named to projects that were adopted by themselves; return how many were.

    Only trackers of a site that a start of ours connected: elsewhere whoever may push could open a
    tracker to a project's members by naming its issues, so a person decides. What somebody took out
    of a project stays out.
    """
    if settings.ADOPT != "auto" or not Tracker.objects.exists():
        return 0
    projects = Project.objects.filter(accepted__by_itself=True).distinct().order_by("pk")
    return sum(_link(project) for project in projects)


def tell_by_themselves() -> int:
    """Let projects that were adopted by themselves tell the Jira that `make up` started.

    Return how many more do now. What somebody switched stays as it is.
    """
    if settings.ADOPT != "auto":
        return 0
    played = Tracker.objects.filter(
        scope__provider="jira", scope__site__managed=True, scope__parked=False
    )
    projects = Project.objects.filter(
        accepted__by_itself=True,
        results=None,
        holdings__kind=KIND,
        holdings__row_id__in=played.values("pk"),
    ).distinct()
    rows = [Results(project=project, jira=True, by_itself=True) for project in projects]
    return len(Results.objects.bulk_create(rows, ignore_conflicts=True))


def _link(project: Project) -> int:
    declined = Declined.objects.filter(project=project, kind=KIND)
    barred = set(declined.values_list("row_id", flat=True))
    own = set(Site.objects.filter(managed=True).values_list("scope_id", flat=True))
    return _linked(
        project,
        (
            one
            for one in named_by(project)
            if one.tracker.scope_id in own and one.tracker.pk not in barred
        ),
    )


def _linked(project: Project, named: Iterable[Named]) -> int:
    rows = [(KIND, one.tracker) for one in named]
    return link(project, None, rows) if rows else 0

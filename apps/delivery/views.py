"""Pages that show the way of a change, and its panel on the pages of what it begins with."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.codepipeline.models import Execution
from apps.issues.meant import meant_by
from apps.issues.models import Issue
from apps.live.conditional import unchanged_page
from apps.live.partial import render_part
from apps.mirror.links import url_of
from apps.mirror.lists import live
from apps.mirror.panels import panel_id, row_for
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version
from apps.source.models import PullRequest

from . import journey as journeys
from .journey import Journey

# Kinds whose changes move what a journey tells.
HEARD = (
    "codepipeline.execution",
    "codepipeline.stage",
    "codepipeline.action",
    "codebuild.build",
    "codedeploy.deployment",
    "codecommit.branch",
    "codecommit.commit",
    "codecommit.pullrequest",
    "github.branch",
    "github.commit",
    "github.pullrequest",
    "cloudwatch.alarm",
)
# What a journey is read from, whose age its page tells.
READ = " ".join(dict.fromkeys(kind.partition(".")[0] for kind in HEARD))
NAME = "journey"


@require_safe
@unchanged_page(house_version)
def commit(request: HttpRequest, commit_id: str) -> HttpResponse:
    """The way of a commit."""
    since = newest_change()
    found = journeys.of_commit(request.user, commit_id)
    if found is None:
        raise Http404("There is no such commit.")
    row = found.changes[0].row
    title = found.title or f"Commit {commit_id[:7]}"
    return _page(request, found, since, title=title, subject=row)


@require_safe
@unchanged_page(house_version)
def row(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The way of a pull request or an issue; of what has a commit, the way of that."""
    since = newest_change()
    _, found = row_for(request.user, kind, pk)
    if not isinstance(found, PullRequest | Issue) and (commit_id := commit_of(kind, found)):
        return redirect("delivery:commit", commit_id)
    told = of_row(request.user, kind, found)
    if told is None:
        raise Http404("There is no such journey.")
    return _page(request, told, since, title=str(found), subject=found)


@require_safe
def panel(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Where a commit, pull request or issue stands, in one line, with the page that tells more.

    Of an execution it tells of its commit: nothing where that is none of Git.
    """
    resource, found = row_for(request.user, kind, pk)
    told = of_row(request.user, kind, found)
    of_run = isinstance(found, Execution)
    if told is None and not of_run:
        raise Http404("There is no such journey.")
    return render_part(
        request,
        "delivery/panel.html",
        {
            "id": panel_id(NAME, kind, pk),
            "here": request.path,
            "heard": HEARD,
            "title": str(found),
            "back": url_of(kind, found),
            "heading": "Where its change is" if of_run else "Where it is",
            "journey": told,
            "page": "" if told is None else address(kind, found),
            "reads": {"service": resource.app_label, "scope": found.scope_id},
        },
    )


def of_row(user: Any, kind: str, found: Any) -> Journey | None:
    """Return the journey of a row; None where rows of its kind go nowhere."""
    if isinstance(found, PullRequest):
        return journeys.of_pull(user, found)
    if isinstance(found, Issue):
        return journeys.of_issue(user, meant_by(kind, found))
    commit_id = commit_of(kind, found)
    return journeys.of_commit(user, commit_id) if commit_id else None


def commit_of(kind: str, found: Any) -> str:
    """Return the id of the commit whose journey is that of a row; "" where it has none."""
    if kind in ("codecommit.commit", "github.commit"):
        return str(found.commit_id)
    if isinstance(found, Execution) and journeys.COMMIT_ID.fullmatch(found.revision_id):
        return str(found.revision_id)
    return ""


def address(kind: str, found: Any) -> str:
    """Return the path of a row's journey."""
    if commit_id := commit_of(kind, found):
        return reverse("delivery:commit", args=[commit_id])
    return reverse("delivery:row", args=[kind, found.pk])


def _trail(subject: Any) -> list[tuple[str, str]]:
    """What stands above a journey, (name, path) each: that of which it is comes last."""
    if subject is None:
        return [("Pipelines", reverse("dashboard:home"))]
    if isinstance(subject, Issue):
        trail = [("Issues", reverse("issues:issues"))]
        name = subject.key
    else:
        repository = subject.repository
        trail = [
            ("Source", reverse("source:repositories")),
            (repository.key, repository.get_absolute_url()),
        ]
        name = f"#{subject.number}" if isinstance(subject, PullRequest) else subject.short_id
    return [*trail, (name, subject.get_absolute_url())]


def _page(
    request: HttpRequest, found: Journey, since: int, *, title: str, subject: Any
) -> HttpResponse:
    kinds = {Issue: "issue", PullRequest: "pull request"}
    return render(
        request,
        "delivery/journey.html",
        {
            "journey": found,
            "title": title,
            "trail": _trail(subject),
            "what": kinds.get(type(subject), "commit"),
            "reads": {"service": READ},
            "live": live([], since, " ".join(HEARD)),
        },
    )

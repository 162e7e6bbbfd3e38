"""Pages of repositories, commits and pull requests; they read rows and the cache, never a host."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import asked, page_of
from apps.live.partial import render_part, wants_part
from apps.mirror.lists import Listing, filters_of, heed, live, picture, pictures
from apps.mirror.loglines import first_line
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load, looked
from .deepen import deepen, deepen_all
from .digest import DEPTH
from .models import Branch, Commit, PullRequest, Repository

NEWEST = ("-committed_at", "-pk")
LATEST = ("-last_activity", "-pk")


def _reads(scope: int | None = None) -> dict[str, Any]:
    """Whose age and troubles the foot tells: those of every host, or of one scope's."""
    services = {REGISTER.get(kind).app_label for kind in REGISTER.kinds_in(Repository)}
    reads: dict[str, Any] = {"service": " ".join(sorted(services))}
    return reads if scope is None else {**reads, "scope": scope}


REPOSITORIES = Listing(
    kind=fragments.REPOSITORY_ROW.of,
    also=fragments.REPOSITORY_ROW.also,
    fragment=fragments.REPOSITORY_ROW,
    contexts=load.repository_rows,
    order=("-state", "key", "pk"),
)
COMMITS = Listing(
    kind=fragments.COMMIT_ROW.of,
    also=fragments.COMMIT_ROW.also,
    fragment=fragments.COMMIT_ROW,
    contexts=load.commit_rows,
    order=NEWEST,
    moves=False,
)
PULL_REQUESTS = Listing(
    kind=fragments.PULL_ROW.of,
    also=fragments.PULL_ROW.also,
    fragment=fragments.PULL_ROW,
    contexts=load.pull_rows,
    order=LATEST,
)
# What becomes of a pull request, in our states.
ENDS = ((State.WAITING, "Open"), (State.DONE, "Merged"), (State.STOPPED, "Closed"))


@require_safe
@unchanged_page(house_version)
def repositories(request: HttpRequest) -> HttpResponse:
    """All repositories by name, those that cannot be opened first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Repository.objects.for_list().present().visible_to(request.user).matching(**filters)
    context = REPOSITORIES.context(request, since, rows, filters)
    return render(request, "source/repositories.html", {**context, "reads": _reads()})


@require_safe
@unchanged_page(house_version)
def repository(request: HttpRequest, pk: int) -> HttpResponse:
    """A repository: where to clone it from, a branch's commits, and its open pull requests."""
    since = newest_change()
    rows = Repository.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    return _repository_page(request, since, found, _branch(request))


def _branch(request: HttpRequest) -> str:
    heed(request, "branch")
    return asked(request, "branch")


def _repository_page(
    request: HttpRequest, since: int, found: Repository, branch: str
) -> HttpResponse:
    """A repository with the commits of a branch, of its default one where none is named.

    Commits that nobody has asked for are asked for by opening the page.
    """
    pk = found.pk
    # Older ones come now that somebody looks, those that only executions name among them.
    deepening = found.depth < DEPTH or bool(found.unread)
    deepen(found)
    branches = load.branches(found)
    wanted = branch or found.default_branch
    chosen = next((one for one in branches if one.name == wanted), None)
    if chosen is None and not branch:
        chosen = next(iter(branches), None)
    ids = load.of_branch(found, chosen.commit_id) if chosen else []
    commits = Commit.objects.for_list().filter(pk__in=ids, committed_at__isnull=False)
    page = page_of(commits, NEWEST, request.GET.get("after", ""))
    head = load.repository_rows([found])
    parts = [
        fragments.REPOSITORY_HEAD,
        fragments.REPOSITORY_FACTS,
        fragments.REPOSITORY_PULLS,
    ]
    topics = [f"{part.name}:{pk}" for part in parts]
    topics += [f"{fragments.COMMIT_ROW.name}:{row.pk}" for row in page.rows]
    pushed = " ".join(REGISTER.kinds_in(Commit))
    return render(
        request,
        "source/repository.html",
        {
            "repository": found,
            "kind": REGISTER.kind_of(found),
            "deepening": deepening,
            "belongings": [
                kind for model in (Branch, Commit, PullRequest) for kind in REGISTER.kinds_in(model)
            ],
            "head": picture(fragments.REPOSITORY_HEAD, head, pk),
            "facts": picture(fragments.REPOSITORY_FACTS, head, pk),
            "pulls": picture(fragments.REPOSITORY_PULLS, load.repository_pulls([pk]), pk),
            "branches": branches,
            "chosen": chosen,
            "wanted": wanted,
            "rows": list(pictures(fragments.COMMIT_ROW, load.commit_rows(page.rows)).values()),
            "following": page.following,
            "paged": not page.first,
            "filters": {"branch": branch},
            "reads": _reads(found.scope_id),
            "live": live(topics, since, pushed),
        },
    )


@require_safe
@unchanged_page(house_version)
def branch(request: HttpRequest, pk: int) -> HttpResponse:
    """A branch's commits, on its repository's page."""
    since = newest_change()
    rows = Branch.objects.visible_to(request.user).select_related("repository__scope")
    found = get_object_or_404(rows, pk=pk)
    return _repository_page(request, since, found.repository, found.name)


@require_safe
@unchanged_page(house_version)
def commits(request: HttpRequest) -> HttpResponse:
    """Commits of all repositories, the newest first."""
    since = newest_change()
    filters = filters_of(request, "repository")
    words = {name: filters[name] for name in ("q", "account", "region")}
    rows = Commit.objects.for_list().visible_to(request.user).matching(**words)
    rows, pinned = _of_repository(rows, filters)
    if name := filters["repository"]:
        deepen_all(Repository.objects.visible_to(request.user).filter(key=name))
    context = COMMITS.context(request, since, rows.filter(committed_at__isnull=False), filters)
    return render(request, "source/commits.html", {**context, "reads": _reads(), "pinned": pinned})


def _of_repository(rows: Any, filters: dict[str, str]) -> tuple[Any, list[dict[str, str]]]:
    """Narrow rows to the repository of a name, where one is asked for."""
    name = filters["repository"]
    if not name:
        return rows, []
    pinned = {"name": "repository", "value": name, "label": f"repository {name}"}
    return rows.filter(repository__key=name), [pinned]


@require_safe
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """A commit: what it says, who made it, what names it, and what it changed.

    It has no ETag: what it changed is no mirrored row, but was read for whoever looks.
    """
    since = newest_change()
    get_object_or_404(Commit.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.commit_head([pk])
    found = contexts[pk]["commit"]
    changes = looked.panel(found)
    parts = (fragments.COMMIT_HEAD, fragments.COMMIT_TALK)
    return render(
        request,
        "source/commit.html",
        {
            "commit": found,
            "head": picture(fragments.COMMIT_HEAD, contexts, pk),
            "talk": picture(fragments.COMMIT_TALK, contexts, pk),
            "kind": REGISTER.kind_of(found),
            "changes": changes,
            "refetch": reverse("source:commit_changes", args=[pk]),
            "reads": _reads(found.scope_id),
            "live": live([*(f"{part.name}:{pk}" for part in parts), *_topics(changes)], since),
        },
    )


def _topics(changes: dict[str, Any] | None) -> Iterable[str]:
    return [changes["topic"]] if changes else []


def _changes(request: HttpRequest, row: Any, refetch: str) -> HttpResponse:
    """What a row changed alone, from line `first` on (from 0); a page where scripts are off."""
    name = "source/diff.html" if wants_part(request) else "source/changes.html"
    context = {
        "row": row,
        "changes": looked.panel(row, first_line(request)),
        "refetch": refetch,
        "reads": _reads(row.scope_id),
    }
    return render_part(request, name, context)


@require_safe
def commit_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What a commit changed, alone."""
    rows = Commit.objects.visible_to(request.user).select_related("scope", "repository")
    found = get_object_or_404(rows, pk=pk)
    return _changes(request, found, reverse("source:commit_changes", args=[pk]))


@require_safe
def pull_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What a pull request changes, alone."""
    rows = PullRequest.objects.visible_to(request.user).select_related("scope", "repository")
    found = get_object_or_404(rows, pk=pk)
    return _changes(request, found, reverse("source:pull_changes", args=[pk]))


@require_safe
@unchanged_page(house_version)
def pull_requests(request: HttpRequest) -> HttpResponse:
    """Pull requests of all repositories, those on which somebody did something last first."""
    since = newest_change()
    filters = filters_of(request, "repository")
    words = {name: value for name, value in filters.items() if name != "repository"}
    rows = PullRequest.objects.for_list().visible_to(request.user).matching(**words)
    rows, pinned = _of_repository(rows, filters)
    context = PULL_REQUESTS.context(
        request, since, rows.filter(last_activity__isnull=False), filters
    )
    # Our states by what they mean here.
    context["states"] = [(state.value, word) for state, word in ENDS]
    return render(
        request, "source/pull_requests.html", {**context, "reads": _reads(), "pinned": pinned}
    )


@require_safe
def pull_request(request: HttpRequest, pk: int) -> HttpResponse:
    """A pull request: what keeps it from being merged, who approved, what is said and changed."""
    since = newest_change()
    get_object_or_404(PullRequest.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.pull_head([pk])
    found = contexts[pk]["pull"]
    changes = looked.panel(found)
    parts = (fragments.PULL_HEAD, fragments.PULL_TALK, fragments.PULL_FACTS)
    return render(
        request,
        "source/pull_request.html",
        {
            "pull": found,
            "kind": REGISTER.kind_of(found),
            "head": picture(fragments.PULL_HEAD, contexts, pk),
            "talk": picture(fragments.PULL_TALK, contexts, pk),
            "facts": picture(fragments.PULL_FACTS, contexts, pk),
            "changes": changes,
            "refetch": reverse("source:pull_changes", args=[pk]),
            "reads": _reads(found.scope_id),
            "live": live([*(f"{part.name}:{pk}" for part in parts), *_topics(changes)], since),
        },
    )

"""Pushes are read whole or not at all, however they are cut off and whatever was merged."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apps.github import collect
from apps.source.models import Branch, Commit
from tests.sites.flight import Said, SiteFlight

from .conftest import Sweeper
from .test_collect import FIRST, HEAD, NEXT, answers, push, told_as

PUSHED = ("github.repository", "github.branch", "github.commit")
LINK = '<https://api.github.com/repos/example/shop/commits?page={}>; rel="next"'


def commit(flight: SiteFlight, sha: str, *parents: str) -> dict[str, Any]:
    last = answers(flight, "github:ReposListCommits", sha=HEAD)[0]
    return {**last, "sha": sha, "parents": [{"sha": one} for one in parents]}


def shas(begin: int, count: int) -> list[str]:
    return [f"{number:040x}" for number in range(begin, begin + count)]


def tell_pages(flight: SiteFlight, *pages: Sequence[dict[str, Any]]) -> None:
    for number, page in enumerate(pages, 1):
        link = {"Link": LINK.format(number + 1)} if number < len(pages) else {}
        asked = {"sha": NEXT} if number == 1 else {"page": str(number)}
        told_as(flight, "github:ReposListCommits", Said(list(page), headers=link), **asked)


def test_a_push_that_was_cut_off_is_read_again_whole(full: SiteFlight, github: Any, sweep: Sweeper):
    github(full)
    sweep()
    push(full)
    told_as(full, "github:ReposCompareCommitsWithBasehead", {"status": "ahead"})
    line = [NEXT, *shas(1, 149), HEAD]
    chain = [commit(full, sha, after) for sha, after in itertools.pairwise(line)]
    tell_pages(full, chain[:100], [*chain[100:], commit(full, HEAD, FIRST)])
    spent = Said({"message": "API rate limit exceeded"}, 403, {"X-RateLimit-Remaining": "0"})
    second = answers(full, "github:ReposListCommits", page="2")
    told_as(full, "github:ReposListCommits", spent, page="2")
    sweep(*PUSHED)
    assert not Commit.objects.filter(commit_id=NEXT).exists()
    told_as(full, "github:ReposListCommits", second, page="2")
    sweep("github.commit")
    assert Commit.objects.filter(repository__key="example/shop").count() == 3 + 150


def test_a_push_is_read_whole_though_the_calls_of_a_sweep_are_spent(
    full: SiteFlight, github: Any, sweep: Sweeper, monkeypatch: Any
):
    github(full)
    sweep()
    push(full)
    line = [NEXT, *shas(1, 249), HEAD]
    chain = [commit(full, sha, after) for sha, after in itertools.pairwise(line)]
    tell_pages(full, chain[:100], chain[100:200], chain[200:])
    monkeypatch.setattr(collect, "STEPS", 1)
    sweep(*PUSHED)
    assert Commit.objects.filter(repository__key="example/shop").count() == 3 + 250


def test_what_was_merged_is_read_though_it_lies_behind_what_is_known(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    """A fork's branch of 120 commits is merged: lists are sorted by date, not by who made what."""
    github(full)
    sweep()
    push(full)
    theirs = shas(1, 120)
    merged = commit(full, NEXT, HEAD, theirs[0])
    line = [*theirs, FIRST]
    chain = [commit(full, sha, after) for sha, after in itertools.pairwise(line)]
    known = commit(full, HEAD, FIRST)
    tell_pages(full, [merged, known, *chain[:98]], [*chain[98:], commit(full, FIRST)])
    full.asked.clear()
    sweep(*PUSHED)
    assert Commit.objects.filter(repository__key="example/shop").count() == 3 + 121
    assert len(full.calls("github:ReposListCommits")) == 2


def test_a_second_push_within_the_same_second_is_read(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    """GitHub tells of seconds when somebody pushed."""
    github(full)
    sweep()
    pushed_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    for head, parent in ((NEXT, HEAD), ("e5" * 20, NEXT)):
        push(full, head=head, parent=parent)
        answers(full, "github:ReposListForOrg", org="example")[0]["pushed_at"] = pushed_at
        sweep(*PUSHED)
    assert Branch.objects.get(name="main").commit_id == "e5" * 20

"""What a commit or a pull request changes, read for whoever looks; and what an idle sweep costs."""

import json
from typing import Any

import pytest

from apps.github import patches, tasks
from apps.mirror.asking import hint
from apps.mirror.hints import follow_hints
from apps.mirror.models import Operation
from apps.mirror.provider import Health
from apps.mirror.resource import Names
from apps.source import looked
from apps.source.models import Commit, PullRequest
from tests.sites.flight import Said, SiteFlight

from .conftest import Sweeper

pytestmark = pytest.mark.django_db


def read(row: Any, look: str) -> str:
    ticket = looked.watched(row)
    assert ticket is not None
    tasks.read_changes(look, row.pk, ticket)
    return str(looked.since(look, row, row.pk, 0)["html"])


def row_of(model: Any, **named: Any) -> Any:
    return model.objects.select_related("scope", "repository").get(**named)


def test_a_commits_lines_and_comments_are_read_for_who_looks(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    row = row_of(Commit, commit_id="a1" * 20)
    html = read(row, "github-commit")
    assert "src/total.js" in html
    assert "let b = 3;" in html
    assert "a.js → b.js" in html
    assert "No newline at end of file" in html
    row.refresh_from_db()
    assert [one["text"] for one in row.comments] == ["Why half up?"]
    # It is read once.
    assert looked.watched(row) is None


def test_a_commit_that_github_threw_away_is_no_trouble_of_the_site(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    gone = Said({"message": f"No commit found for SHA: {'a1' * 20}"}, 422)
    full.on("github:ReposListCommentsForCommit", gone)
    row = row_of(Commit, commit_id="a1" * 20)
    read(row, "github-commit")
    hint(row.scope, [Names(kind="github.commit", key=row.key)])
    follow_hints(row.scope_id)
    failing = Operation.objects.filter(operation="github:ReposListCommentsForCommit")
    assert set(failing.values_list("health", flat=True)) <= {"ok"}


def test_a_pull_requests_lines_are_read_for_who_looks(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    assert "src/basket.js" in read(row_of(PullRequest, number="12"), "github-changes")


def test_what_cannot_be_read_says_why_and_is_tried_again(
    full: SiteFlight, github: Any, sweep: Sweeper
):
    github(full)
    sweep()
    full.on("github:PullsListFiles", Said({"message": "no"}, 403))
    row = row_of(PullRequest, number="12")
    read(row, "github-changes")
    contents = looked.store_of(row).open()
    assert contents is not None
    assert not contents.done
    assert contents.note is not None
    assert "Pull requests: read" in contents.note["cure"]
    assert Operation.objects.get(operation="github:PullsListFiles").health == Health.DENIED


def test_hunks_are_read_with_their_numbers_and_nothing_hostile_breaks_them():
    told = {
        "filename": "a",
        "status": "modified",
        "patch": "@@ -3,2 +3,2 @@ f\n x\n-y\n+z\n\\ No newline",
    }
    lines = [json.loads(line) for line in patches.file_lines(told)]
    assert lines[0][:3] == ["F", "a", "M"]
    assert lines[2:5] == [[" ", 3, 3, "x"], ["-", 4, None, "y"], ["+", None, 4, "z"]]
    for patch in (None, 7, "", "@@", "+++\n@@ -x +y @@", "\x00"):
        patches.file_lines({"patch": patch})
    assert patches.file_lines({"filename": "b", "status": "removed", "changes": 3})


def test_an_idle_sweep_costs_no_quota(full: SiteFlight, github: Any, sweep: Sweeper):
    """Every answer of GitHub bears a tag; what did not change is answered by 304."""
    counted = github(Tagged(full))
    sweep()
    assert counted.spent > 10
    counted.spent = 0
    asked = len(full.asked)
    sweep()
    assert len(full.asked) > asked
    assert counted.spent == 0


class Known(dict[str, Any]):
    """A memory in process: the site's own has tests of its own."""

    def recall(self, name: str) -> Any:
        return self.get(name)

    def keep(self, name: str, answer: Any) -> None:
        self[name] = answer


class Tagged:
    """A flight whose answers bear tags, and that counts those that are not 304."""

    provider = "github"

    def __init__(self, flight: SiteFlight) -> None:
        self.flight = flight
        self.memory = Known()
        self.spent = 0

    def reach(self, **options: Any) -> Any:
        reach = self.flight.reach(memory=self.memory, **options)
        send = reach.wire.session.send

        def tagged(request: Any, **more: Any) -> Any:
            answer = send(request, **more)
            tag = f'"{hash(answer.content)}"'
            answer.headers["ETag"] = tag
            if request.headers.get("If-None-Match") == tag:
                answer.status_code, answer._content = 304, b""
            else:
                self.spent += 1
            return answer

        reach.wire.session.send = tagged
        return reach

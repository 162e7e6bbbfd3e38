"""The same owner/name at github.com and at a company's own host are two repositories."""

from typing import Any

import pytest

from apps.issues.models import Issue, Tracker
from apps.issues.named import naming
from apps.mirror.linked import names
from apps.mirror.models import Link, Scope
from apps.source.models import Commit, Repository
from tests.factories import make_user
from tests.sites.flight import SiteFlight

from .conftest import Sweeper
from .test_collect import HEAD, SHOP, answers

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


@pytest.fixture
def there() -> Any:
    """A commit of the other host's example/shop, which says #7, and that issue."""
    scope = Scope.objects.create(provider="github", place="ghe.example.com/2", account="ghe")
    repository = Repository.objects.create(scope=scope, key=SHOP, arn=SHOP)
    sha = "f9" * 20
    commit = Commit.objects.create(
        scope=scope,
        repository=repository,
        key=f"{SHOP}/{sha}",
        arn=f"{SHOP}#{sha}",
        commit_id=sha,
        message="Theirs (#7)",
    )
    tracker = Tracker.objects.create(scope=scope, key=SHOP, arn=SHOP, name=SHOP)
    issue = Issue.objects.create(
        scope=scope, tracker=tracker, key=f"{SHOP}#7", arn=f"{SHOP}#7", title="Theirs"
    )
    link = Link.objects.create(
        from_kind="github.commit",
        from_id=commit.pk,
        relation="mentions",
        to_kind="github.issue",
        to_arn=f"{SHOP}#7",
    )
    return commit, issue, link


def test_a_rename_at_one_leaves_what_is_said_at_the_other(
    there: Any, full: SiteFlight, github: Any, sweep: Sweeper
):
    _, _, link = there
    github(full)
    sweep()
    pipeline = Link.objects.create(
        from_kind="codepipeline.action",
        from_id=1,
        relation="takes",
        to_kind="github.commit",
        to_arn=f"{SHOP}#{HEAD}",
    )
    repositories = answers(full, "github:ReposListForOrg", org="example")
    moved = {**repositories[0], "full_name": "example/store"}
    full.on("github:ReposListForOrg", [moved, *repositories[1:]])
    sweep("github.repository")
    mine = Commit.objects.get(commit_id=HEAD)
    said = Link.objects.filter(from_kind="github.commit", from_id=mine.pk, relation="closes")
    assert said.get().to_arn == "example/store#7"
    for one in (link, pipeline):
        one.refresh_from_db()
        assert one.to_arn.startswith(SHOP)


def test_each_hosts_commits_and_issues_lead_to_each_other_alone(
    there: Any, full: SiteFlight, github: Any, sweep: Sweeper
):
    theirs, issue_there, _ = there
    github(full)
    sweep()
    reader = make_user("reader", reads_everything=True)
    mine = Commit.objects.get(commit_id=HEAD)
    issue = Issue.objects.select_related("scope").get(title="Totals are off by a cent")
    for commit, its in ((mine, issue), (theirs, issue_there)):
        rows = [
            line.row for group in names(reader, "github.commit", commit) for line in group.lines
        ]
        assert its in rows
        found = naming(reader, "github.issue", its)
        commits = [line["row"] for one in found if one.label == "Commits" for line in one.lines]
        assert commits == [commit]

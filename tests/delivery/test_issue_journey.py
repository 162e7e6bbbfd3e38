"""Whether an issue is in production: of every change that names it, wherever it was made."""

from typing import Any

import pytest

from apps.delivery import journey as journeys
from apps.delivery.history import History
from apps.delivery.journey import Journey
from apps.issues.meant import Meant
from apps.mirror.models import Link
from tests.delivery.making import act, make_line, make_pipeline, name_issue, point, run
from tests.factories import hold, make_project, make_user
from tests.source.making import make_branch, make_commit, make_pull, make_repository, sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def of_shop_12(user: Any) -> Journey:
    return journeys.of_issue(user, Meant("jira.issue", ["SHOP-12"]))


def test_an_issue_is_there_when_all_its_changes_are(reader: Any):
    _, commits = make_line(4)
    pipeline = make_pipeline()
    for number in (1, 3):
        name_issue(commits[number - 1], "SHOP-12")
    run(pipeline, 1)
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
    assert [root.there for root in found.changes] == [False, True]
    assert (found.answer.state, found.answer.text) == (
        "moving",
        "1 of 2 changes are in production: no pipeline has taken the other yet",
    )
    run(pipeline, 3, to="Production", status="Waiting")
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
    assert found.answer.text == (
        "1 of 2 changes are in production: waits for approval in Production"
    )
    run(pipeline, 4)
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
    assert (found.answer.state, found.answer.text) == ("done", "In production")


def test_an_issue_that_nothing_names_says_so(reader: Any):
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-99"]))
    assert (found.answer.state, found.answer.text) == ("", "No commit names it yet")


def test_an_issue_is_followed_under_the_key_it_had_before(reader: Any):
    _, commits = make_line(1)
    name_issue(commits[0], "OLD-3")
    run(make_pipeline(), 1)
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12", "OLD-3"]))
    assert found.answer.text == "In production"


def test_an_issue_that_only_a_pull_request_names_goes_with_it(reader: Any):
    repository, _ = make_line(1)
    make_commit(repository, 11, parents=[sha(1)])
    point(repository, main=1, feature=11)
    pull = make_pull(repository, 7, source_commit=sha(11), merge_base=sha(1))
    name_issue(pull, "SHOP-12")
    found = journeys.of_issue(reader, Meant("jira.issue", ["SHOP-12"]))
    assert found.answer.text == "Pull request #7 is not merged yet"


def test_changes_of_a_repository_that_nothing_brings_out_keep_nothing_back(reader: Any):
    _, commits = make_line(2)
    docs = make_repository("docs")
    written = make_commit(docs, 90, parents=[])
    for commit in (commits[0], written):
        name_issue(commit, "SHOP-12")
    run(make_pipeline(), 2)
    found = of_shop_12(reader)
    assert found.answer.state == "done"
    assert found.answer.text == (
        "In production; 1 other change nothing brings out that is seen here"
    )
    # As soon as a pipeline takes what that repository has, it counts.
    make_commit(docs, 91, parents=[sha(90)])
    run(make_pipeline("docs"), 91, to="Staging", status="Failed")
    assert of_shop_12(reader).answer.state == "failed"


def test_what_pipelines_that_are_not_seen_take_is_told_of_to_nobody(reader: Any):
    repository, commits = make_line(2)
    docs = make_repository("docs")
    name_issue(make_commit(docs, 90, parents=[]), "SHOP-12")
    name_issue(commits[1], "SHOP-12")
    shop = make_pipeline()
    run(shop, 2)
    run(make_pipeline("secret"), 90, to="Staging", status="Failed")
    viewer = make_user("viewer", reads_everything=False)
    hold(make_project("Shop", viewer=viewer), repository, docs, shop)
    answer = of_shop_12(viewer).answer
    assert answer.text == "In production; 1 other change nothing brings out that is seen here"


def test_an_older_change_that_came_by_a_second_source_is_found_there(reader: Any):
    _, commits = make_line(2, name="templates")
    for commit in commits:
        name_issue(commit, "SHOP-12")
    pipeline = make_pipeline()
    revisions = [{"action": "App", "id": sha(99)}, {"action": "Templates", "id": sha(2)}]
    execution = run(pipeline, 99, at=30, revisions=revisions)
    taken = act(execution, "Source", "Templates", "Source", "Succeeded", 0)
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=taken.pk,
        relation="takes",
        to_kind="codecommit.commit",
        to_arn=commits[1].arn,
    )
    found = of_shop_12(reader)
    assert [root.there for root in found.changes] == [True, True]
    assert found.answer.text == "In production"


def name_by_branch(repository: Any, name: str, head: int) -> None:
    branch = make_branch(repository, name, head)
    Link.objects.create(
        from_kind="codecommit.branch",
        from_id=branch.pk,
        relation="mentions",
        to_kind="jira.issue",
        to_arn="SHOP-12",
    )


def test_a_branch_that_names_it_is_followed_until_it_is_out(reader: Any):
    repository, _ = make_line(2)
    make_commit(repository, 11, parents=[sha(1)])
    name_by_branch(repository, "feature/SHOP-12", 11)
    point(repository, main=2, feature=11)
    pipeline = make_pipeline()
    run(pipeline, 2, at=20)
    assert of_shop_12(reader).answer.text == "No pipeline has taken it yet"
    make_commit(repository, 3, parents=[sha(2), sha(11)])
    point(repository, main=3, feature=11)
    run(pipeline, 3, at=30)
    assert of_shop_12(reader).answer.text == "In production"


def test_a_branch_that_was_only_just_made_is_no_change(reader: Any):
    repository, _ = make_line(2)
    name_by_branch(repository, "feature/SHOP-12", 2)
    point(repository, main=2, feature=2)
    run(make_pipeline(), 2)
    found = of_shop_12(reader)
    assert found.changes == []
    assert found.answer.text == "No commit names it yet"


def test_what_contains_a_change_is_asked_once_however_many_propose_it(
    reader: Any, monkeypatch: pytest.MonkeyPatch
):
    """Fifty changes among two hundred pull requests were ten thousand walks through history."""
    repository, commits = make_line(12)
    for number in range(2, 12):
        name_issue(commits[number - 1], "SHOP-12")
        make_pull(repository, number, source_commit=sha(number), merge_base=sha(1))
    asked = []
    containing = History.containing

    def counted(self: History, commit: str) -> list[str]:
        asked.append(commit)
        return containing(self, commit)

    monkeypatch.setattr(History, "containing", counted)
    assert len(of_shop_12(reader).changes) == 10
    # For the pull requests nearby, for whether they propose it, and for what it is contained in.
    assert len(asked) <= 3 * 10

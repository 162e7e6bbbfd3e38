"""Which issues an execution brings out: those that came with it, by whatever names them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery import for_jira
from apps.delivery.brought import brought
from apps.delivery.models import Results, Telling
from apps.delivery.wanted import note
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Scope
from apps.source.models import Commit
from tests.delivery.making import make_line, make_pipeline, name_issue, point, run
from tests.delivery.test_results import make_site
from tests.factories import make_project
from tests.source.making import make_commit, make_pull, make_repository, sha

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


def numbers(execution: Any) -> list[int]:
    """The numbers of the commits that came with an execution."""
    found = brought([execution])
    ids = found[execution.pk].commits if execution.pk in found else ()
    return sorted(int(one.commit_id, 16) for one in Commit.objects.filter(pk__in=ids))


def test_what_a_merge_leads_back_to_came_before():
    repository, _ = make_line(3)
    make_commit(repository, 11, parents=[sha(1)])
    make_commit(repository, 4, parents=[sha(3), sha(11)])
    pipeline = make_pipeline()
    run(pipeline, 3, at=10)
    assert numbers(run(pipeline, 4, at=20)) == [4, 11]


def test_a_run_that_failed_brought_nothing_yet():
    make_line(3)
    pipeline = make_pipeline()
    run(pipeline, 1, at=10)
    run(pipeline, 2, at=20, to="Staging", status="Failed")
    assert numbers(run(pipeline, 3, at=30)) == [2, 3]


def test_a_rollback_brings_what_it_goes_back_to():
    make_line(3)
    pipeline = make_pipeline()
    for number in (1, 2, 3):
        run(pipeline, number, at=10 * number)
    assert numbers(run(pipeline, 2, at=40, execution_type="ROLLBACK")) == [2]


def test_every_source_brings_its_own():
    make_line(2)
    templates = make_repository("templates")
    for number in (40, 41):
        make_commit(templates, number, parents=[sha(40)] if number == 41 else [])

    def revisions(app: int, template: int) -> list[dict[str, str]]:
        told = (("App", app), ("Templates", template))
        return [{"action": name, "id": sha(number)} for name, number in told]

    pipeline = make_pipeline()
    run(pipeline, 1, at=10, revisions=revisions(1, 40))
    assert numbers(run(pipeline, 1, at=20, revisions=revisions(1, 41))) == [1, 41]


@pytest.fixture
def jira() -> Scope:
    scope = make_site("jira")
    Tracker.objects.create(scope=scope, key="SHOP", name="Shop", prefix="SHOP", arn="SHOP")
    return scope


def make_issue(scope: Scope, key: str, **more: Any) -> Issue:
    return Issue.objects.create(
        scope=scope, key=key, arn=key, tracker=Tracker.objects.get(), **more
    )


def telling_pipeline() -> Any:
    pipeline = make_pipeline()
    project = make_project("Shop", pipeline, Tracker.objects.get())
    Results.objects.create(project=project, jira=True)
    return pipeline


def told() -> list[str]:
    return sorted(Telling.objects.values_list("about", flat=True))


def test_an_issue_that_only_the_merged_pull_request_names_is_told(jira: Scope):
    make_issue(jira, "SHOP-7")
    make_issue(jira, "SHOP-8")
    repository, _ = make_line(3)
    make_commit(repository, 11, parents=[sha(1)])
    merged = {"merged": True, "status": "CLOSED", "state": "done"}
    squashed = make_pull(repository, 1, source_commit=sha(11), merge_commit=sha(2), **merged)
    name_issue(squashed, "SHOP-7")
    # Not merged: it came with nothing.
    name_issue(make_pull(repository, 2, source_commit=sha(11)), "SHOP-8")
    point(repository, main=3)
    note([run(telling_pipeline(), 3).pk])
    assert told() == ["SHOP-7"]


def test_an_issue_under_the_key_it_had_before_is_told(jira: Scope):
    make_issue(jira, "SHOP-12", was=["OLD-3"])
    _, [commit] = make_line(1)
    name_issue(commit, "OLD-3")
    note([run(telling_pipeline(), 1).pk])
    assert told() == ["SHOP-12"]


def test_the_number_of_queries_does_not_grow_with_executions(jira: Scope):
    make_issue(jira, "SHOP-1")
    _, commits = make_line(12)
    for commit in commits:
        name_issue(commit, "SHOP-1")
    pipeline = telling_pipeline()
    runs = [run(pipeline, number, at=10 * number) for number in range(1, 12)]

    def cost(some: list[Any]) -> int:
        with CaptureQueriesContext(connection) as asked:
            list(for_jira.wants(some, {pipeline.pk: list(Results.objects.all())}))
        return len(asked)

    assert cost(runs) == cost(runs[:2])
    assert cost(runs) <= 12

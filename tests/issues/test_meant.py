"""Which of two issues that look alike is meant."""

from typing import Any

import pytest
from django.test import Client

from apps.delivery import journey as journeys
from apps.issues.meant import meant_by
from apps.issues.models import Issue, Tracker
from apps.mirror.models import Link, Scope
from tests.delivery.making import make_line, make_pipeline, name_issue, run
from tests.factories import make_user
from tests.source.making import make_commit, make_repository

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def reader() -> Any:
    return make_user("reader")


def make_issue(key: str, host: str, provider: str = "jira") -> Issue:
    scope, _ = Scope.objects.get_or_create(provider=provider, place=f"{host}/1", account=host)
    prefix = key.rpartition("-")[0] if provider == "jira" else ""
    tracker, _ = Tracker.objects.get_or_create(
        scope=scope, key=prefix or key.partition("#")[0], defaults={"prefix": prefix}
    )
    return Issue.objects.create(scope=scope, key=key, arn=key.lower() if "#" in key else key,
                                tracker=tracker)  # fmt: skip


def test_a_key_behind_initials_is_meant_until_they_are_a_trackers_name(reader: Any):
    issue = make_issue("EU-7", "jira.example.com")
    _, [commit] = make_line(1)
    for key in ("OPS_EU-7", "EU-7"):
        name_issue(commit, key)
    run(make_pipeline(), 1)
    told = journeys.of_issue(reader, meant_by("jira.issue", issue))
    assert told.answer.text == "In production"
    longer = make_issue("OPS_EU-7", "jira.example.com")
    told = journeys.of_issue(reader, meant_by("jira.issue", issue))
    assert told.answer.text == "No commit names it yet"
    told = journeys.of_issue(reader, meant_by("jira.issue", longer))
    assert told.answer.text == "In production"


def test_of_one_name_at_two_hosts_the_one_is_meant_where_it_was_written(reader: Any):
    key = "example/shop#7"
    at_cloud = make_issue(key, "github.com", "github")
    at_ours = make_issue(key, "ghe.example.com", "github")
    repository = make_repository("example/shop", at_cloud.scope)
    commit = make_commit(repository, 1, message="Round once")
    Link.objects.create(from_kind="github.commit", from_id=commit.pk, relation="closes",
                        to_kind="github.issue", to_arn=key)  # fmt: skip
    run(make_pipeline(), 1)
    told = {
        issue.pk: journeys.of_issue(reader, meant_by("github.issue", issue))
        for issue in (at_cloud, at_ours)
    }
    assert told[at_cloud.pk].answer.text == "In production"
    assert told[at_ours.pk].changes == []
    client = Client()
    client.force_login(reader)
    assert "Round once" in client.get(at_cloud.get_absolute_url()).text
    assert "Round once" not in client.get(at_ours.get_absolute_url()).text

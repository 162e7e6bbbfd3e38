"""Trackers that a project's commits name: offered, and linked where adoption asks nobody."""

from typing import Any

import pytest
from django.test import Client

from apps.adoption.deeds import unlink
from apps.adoption.models import Accepted
from apps.delivery.models import Results
from apps.delivery.trackers import link_by_themselves, named_by, tell_by_themselves
from apps.issues.models import Tracker
from apps.mirror.models import Scope
from apps.projects.models import Holding
from apps.sites.models import Site
from tests.delivery.making import make_line, name_issue
from tests.factories import hold, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def tracker(db: None) -> Tracker:
    scope = Scope.objects.create(provider="jira", place="jira.example.com/1", account="jira")
    return Tracker.objects.create(scope=scope, key="SHOP", arn="SHOP", name="Shop", prefix="SHOP")


@pytest.fixture
def project(db: None) -> Any:
    repository, commits = make_line(3)
    for commit, key in zip(commits, ("SHOP-1", "SHOP-2", "SHA-256"), strict=True):
        name_issue(commit, key)
    return make_project("Shop", repository)


def test_a_tracker_is_named_by_two_issues_and_an_unknown_key_by_none(
    project: Any, tracker: Tracker
):
    [one] = named_by(project)
    assert (one.tracker, one.issues) == (tracker, 2)
    hold(project, tracker)
    assert named_by(project) == []


def test_one_issue_alone_may_have_been_quoted(tracker: Tracker):
    repository, commits = make_line(1)
    name_issue(commits[0], "SHOP-1")
    assert named_by(make_project("Shop", repository)) == []


def test_what_was_adopted_by_itself_gets_its_tracker_unless_somebody_took_it_out(
    project: Any, tracker: Tracker, settings: Any
):
    settings.ADOPT = "auto"
    site = Site.objects.create(provider="jira", name="Sandbox", scope=tracker.scope, managed=True)
    assert link_by_themselves() == 0
    Accepted.objects.create(digest="x", project=project, by_itself=True)
    # Whoever may push could open a real site's tracker to everybody in a project.
    Site.objects.update(managed=False)
    assert link_by_themselves() == 0
    Site.objects.filter(pk=site.pk).update(managed=True)
    assert link_by_themselves() == 1
    assert Holding.objects.filter(project=project, kind="jira.tracker").exists()
    assert link_by_themselves() == 0
    unlink(project, make_user("owner"), "jira.tracker", tracker.pk)
    assert link_by_themselves() == 0
    settings.ADOPT = "ask"
    assert link_by_themselves() == 0


def test_administrators_are_offered_it_and_owners_who_may_not_see_it_are_not(
    project: Any, tracker: Tracker
):
    owner: Any = make_user("owner", reads_everything=False)
    project.memberships.create(user=owner, role="owner")
    client = Client()
    client.force_login(owner)
    assert "that commits name" not in client.get("/projects/shop/results/").text
    sent = client.post("/projects/shop/results/link/", {"tracker": str(tracker.pk)})
    assert sent.status_code == 404
    client.force_login(make_user("administrator", staff=True))
    assert "2 issues named" in client.get("/projects/shop/results/").text
    told = client.post("/projects/shop/results/link/", {"tracker": str(tracker.pk)}, follow=True)
    assert "Shop is linked." in told.text
    assert named_by(project) == []


@pytest.mark.parametrize("managed", [True, False])
def test_what_was_adopted_by_itself_tells_the_jira_that_the_start_command_started(
    project: Any, tracker: Tracker, settings: Any, managed: bool
):
    settings.ADOPT = "auto"
    Site.objects.create(provider="jira", name="Jira", scope=tracker.scope, managed=managed)
    hold(project, tracker)
    assert tell_by_themselves() == 0
    Accepted.objects.create(digest="x", project=project, by_itself=True)
    assert tell_by_themselves() == int(managed)
    assert tell_by_themselves() == 0
    made = list(Results.objects.values_list("jira", "github", "by_itself"))
    assert made == [(True, False, True)] * managed
    # A person's word stays.
    Results.objects.update(jira=False, by_itself=False)
    assert tell_by_themselves() == 0
    settings.ADOPT = "ask"
    Results.objects.all().delete()
    assert tell_by_themselves() == 0

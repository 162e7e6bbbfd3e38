"""Jira's deployments panel over the whole wire: told to the sandbox, which judges as Jira does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import F
from django.utils.timezone import now

from apps.codepipeline.models import Execution
from apps.delivery import telling
from apps.delivery.models import Results, Telling
from apps.delivery.wanted import note
from apps.jira.panel import findings
from apps.sandbox.process import SandboxProcess
from apps.sites.connect import Given, connect
from apps.sites.models import Site
from apps.sites.opening import forget
from codestar_dash.own_sites import connect_sites
from tests.delivery.making import make_line, make_pipeline, name_issue, run
from tests.delivery.test_panel import moved
from tests.delivery.test_results import make_issue
from tests.factories import hold, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture(scope="module")
def box() -> Iterator[Any]:
    """A sandbox whose clock stands still."""
    with SandboxProcess("--seed", "1", "--speed", "0") as sandbox:
        yield sandbox


@pytest.fixture
def connected(box: Any) -> Iterator[Site]:
    """Its Jira, connected as `make up` does."""
    cache.clear()
    given = Given(
        method="cloud",
        base_url=f"{box.url}/jira",
        user="reader@example.com",
        secret="sandbox-reader",
        client_id="sandbox-client",
        client_secret="sandbox-secret",
        selection={"projects": ["SHOP"], "queries": []},
        may_write=True,
    )
    box.control("DELETE", "calls")
    yield connect(provider="jira", name="Simulated", given=given, managed=True)
    box.control("DELETE", "faults")
    cache.clear()


def told_to(site: Site, *keys: str) -> Execution:
    """An execution on its way to production whose commit names issues of that site."""
    _, commits = make_line(1)
    made = make_pipeline()
    project = make_project("Shop", made)
    for key in keys:
        name_issue(commits[0], key)
        issue = make_issue(site.scope, key)
    hold(project, issue.tracker)
    Results.objects.create(project=project, jira=True)
    execution = run(made, 1, status="InProgress")
    note([execution.pk])
    return execution


def shown(box: Any, execution: Execution) -> dict[str, str]:
    return {
        one["environment"]["id"]: one["state"]
        for one in box.control("GET", "deployments")["deployments"]
        if one["displayName"].endswith(execution.key[:8])
    }


def calls(box: Any, operation: str) -> int:
    listed = box.control("GET", "calls")["calls"]
    return sum(one["count"] for one in listed if one["operation"] == operation)


def test_the_sandboxs_panel_follows(box: Any, connected: Site):
    execution = told_to(connected, "SHOP-1", "SHOP-2")
    assert telling.tell() == 2
    assert shown(box, execution) == {"staging": "successful", "production": "in_progress"}
    moved(execution, "Production", state="done")
    assert telling.tell() == 1
    assert shown(box, execution)["production"] == "successful"
    assert (calls(box, "getAccessToken"), calls(box, "submitDeployments")) == (1, 3)
    assert calls(box, "createOrUpdateRemoteIssueLink") == 0


def test_after_a_restart_and_a_lost_answer_nothing_stands_twice(box: Any, connected: Site):
    execution = told_to(connected, "SHOP-1")
    telling.tell()
    before = len(box.control("GET", "deployments")["deployments"])
    # Cut off before it could write that it was told; the token went with the process.
    Telling.objects.update(told_mark="", leased_until=now() - timedelta(seconds=1))
    forget(connected.pk)
    assert telling.tell() == 2
    assert len(box.control("GET", "deployments")["deployments"]) == before
    assert shown(box, execution) == {"staging": "successful", "production": "in_progress"}
    assert not Telling.objects.exclude(told_mark=F("wanted_mark")).exists()
    assert calls(box, "getAccessToken") == 2


def test_what_the_sandbox_does_not_know_is_told(box: Any, connected: Site):
    execution = told_to(connected, "SHOP-1", "SHOP-99999")
    telling.tell()
    assert set(Telling.objects.values_list("trouble", flat=True)) == {
        "Jira does not know SHOP-99999."
    }
    assert shown(box, execution)["staging"] == "successful"


def test_what_the_sandbox_rejects_is_given_up_in_its_words(box: Any, connected: Site):
    execution = told_to(connected, "SHOP-99999")
    assert telling.tell() == 0
    for row in Telling.objects.all():
        assert row.given_up
        assert row.trouble.startswith(
            "Jira rejected the deployment: No valid issue keys were given. "
            "It does not know SHOP-99999."
        )
    assert shown(box, execution) == {}


def test_a_wrong_secret_is_told_in_the_sandboxs_words(box: Any, connected: Site):
    Site.objects.filter(pk=connected.pk).update(client_secret="sandbox-expired")
    told_to(connected, "SHOP-1")
    telling.tell()
    row = Telling.objects.first()
    assert row.trouble.startswith(
        "Jira does not accept the client id and secret: Unauthorized. Enter"
    )
    assert "sandbox-expired" not in row.trouble
    assert (row.given_up, row.is_told) == (False, False)


def test_who_is_asked_to_slow_down_comes_back(box: Any, connected: Site):
    execution = told_to(connected, "SHOP-1")
    box.control(
        "POST", "faults", {"kind": "throttle", "operation": "submitDeployments", "seconds": 60}
    )
    assert telling.tell() == 0
    assert shown(box, execution) == {}
    box.control("DELETE", "faults")
    cache.clear()
    Telling.objects.update(due_at=now())
    assert telling.tell() == 2
    assert shown(box, execution)["staging"] == "successful"


def test_what_the_start_command_connects_may_tell_the_panel(box: Any):
    cache.clear()
    connect_sites(box.url, "http://127.0.0.1:9")
    site = Site.objects.get(provider="jira")
    [found] = findings(site)
    assert (found.ok, found.told) == (True, "Jira takes deployments from these credentials.")
    cache.clear()

"""What lies in an account that is put aside is nobody's to see, wherever projects tell of it."""

from typing import Any

import pytest
from django.test import Client

from apps.mirror.models import Scope
from apps.projects import activity
from apps.projects.models import Project
from apps.projects.overview import fares_of
from tests.factories import (
    hold,
    make_execution,
    make_pipeline,
    make_project,
    make_running_pipeline,
    make_scope,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Any:
    """A project with a pipeline in each of two accounts, of which the broken one is parked."""
    there, aside = make_scope(), make_scope("999900001111")
    project = make_project("Checkout", make_pipeline("stays", there))
    broken = make_running_pipeline("put-aside", "Failed", scope=aside)
    make_execution(broken, "Failed")
    hold(project, broken)
    assert fares_of([project])[0].state == "failed"
    Scope.objects.filter(pk=aside.pk).update(parked=True)
    return project


def test_the_list_counts_and_names_none_of_it(project: Any):
    [one] = fares_of(Project.objects.all())
    assert (one.state, one.holds, one.things, one.highest) == ("", 1, [], 0)


@pytest.mark.parametrize("role", ["viewer", "administrator"])
def test_no_page_of_the_project_tells_of_it(project: Any, role: str):
    user = make_user(role, staff=role == "administrator", reads_everything=False)
    if role == "viewer":
        project.memberships.create(user=user, role="viewer")
    client = Client()
    client.force_login(user)
    for path in ("", "activity/", "resources/"):
        assert "put-aside" not in client.get(f"/projects/checkout/{path}").text
    assert "stays" in client.get("/projects/checkout/resources/").text
    assert "put-aside" not in client.get("/projects/").text
    if role == "administrator":
        assert "1 resource with its history" in client.get("/projects/checkout/delete/").text


def test_activity_ends_where_the_account_is_put_aside(project: Any):
    assert not [one for one in activity.stretch(project).entries if one.group == "Pipelines"]
    Scope.objects.update(parked=False)
    assert [one for one in activity.stretch(project).entries if one.group == "Pipelines"]

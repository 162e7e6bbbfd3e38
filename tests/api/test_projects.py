"""Projects in the API: to who is in them as to who is not."""

from typing import Any

import pytest

from apps.api.models import ApiToken
from apps.mirror.models import Scope
from apps.projects.models import Membership, Project
from tests.api.conftest import Program, make_build, make_pipeline
from tests.factories import hold, make_project, make_user

pytestmark = pytest.mark.django_db


def program_of(user: Any) -> Program:
    row = ApiToken(name=user.username, user=user)
    token = row.renew()
    row.save()
    return Program(token)


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(scope: Scope, viewer: Any) -> Project:
    project = make_project("Checkout", viewer=viewer, owner=make_user("owner"))
    Project.objects.filter(pk=project.pk).update(
        description="Takes money.",
        tags=["shop", "payments"],
        links=[{"label": "Runbook", "url": "https://example.com/runbook"}],
    )
    hold(project, make_pipeline(scope), make_build(scope).project)
    return project


def test_a_member_reads_what_the_project_says_and_holds(project: Project, viewer: Any):
    program = program_of(viewer)
    [item] = program.json("projects")["items"]
    assert (item["slug"], item["role"], item["tags"]) == (
        "checkout",
        "viewer",
        ["shop", "payments"],
    )
    assert item["url"].endswith("/projects/checkout/")
    told = program.json("projects/checkout")
    assert [one["role"] for one in told["members"]] == ["owner", "viewer"]
    assert told["holds"] == {"codebuild.project": 1, "codepipeline.pipeline": 1}
    held = program.everything("projects/checkout/resources", limit=1)
    assert {one["kind"] for one in held} == {"codebuild.project", "codepipeline.pipeline"}
    for one in held:
        assert one["id"] in [row["id"] for row in program.json(f"rows/{one['kind']}")["items"]]
    happened = program.json("projects/checkout/activity", group="Pipelines")["items"]
    assert {one["group"] for one in happened} == {"Pipelines"}


def test_nothing_is_told_of_what_is_put_aside(project: Project, viewer: Any, scope: Scope):
    program = program_of(viewer)
    Scope.objects.filter(pk=scope.pk).update(parked=True)
    assert program.json("projects/checkout")["holds"] == {}
    assert program.json("projects/checkout/resources")["items"] == []
    for group in ("Pipelines", "Builds"):
        assert program.json("projects/checkout/activity", group=group)["items"] == []


def test_they_are_narrowed_by_words_and_tag(project: Project, viewer: Any):
    program = program_of(viewer)
    for asked, found in (
        ({"q": "money"}, 1),
        ({"q": "checkout money"}, 1),
        ({"q": "checkout nothing"}, 0),
        ({"tag": "shop"}, 1),
        ({"tag": "sho"}, 0),
        ({"tag": '"shop"'}, 0),
    ):
        assert len(program.json("projects", **asked)["items"]) == found, asked


@pytest.mark.parametrize("path", ["", "/resources", "/activity"])
def test_a_stranger_is_told_what_one_of_no_project_is_told(project: Project, path: str):
    stranger = program_of(make_user("stranger", reads_everything=False))
    assert stranger.json("projects")["items"] == []
    missing = stranger.json(f"projects/nobodys{path}", status=404)
    assert stranger.json(f"projects/checkout{path}", status=404) == missing


def test_a_stranger_reads_no_row_of_it_in_any_list(project: Project, viewer: Any):
    stranger, member = (
        program_of(make_user("stranger", reads_everything=False)),
        program_of(viewer),
    )
    for path in ("pipelines", "builds", "build-projects", "rows/codepipeline.execution", "scopes"):
        assert stranger.json(path)["items"] == [], path
        assert member.json(path)["items"], path
    Membership.objects.all().delete()
    assert member.json("pipelines")["items"] == []

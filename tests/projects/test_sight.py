"""Who sees what: administrators everything, members what their projects hold, others nothing."""

from typing import Any

import pytest
from django.test import Client

from apps.codebuild.models import Build
from apps.codepipeline.models import Action, Execution, Pipeline
from apps.mirror.linked import lineage
from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER
from apps.mirror.visibility import VISIBILITY
from apps.projects.generations import MEMO, begin_another
from apps.projects.models import Membership, Project
from apps.projects.roles import Role
from tests.factories import (
    hold,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_project,
    make_running_pipeline,
    make_scope,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def stranger() -> Any:
    return make_user("stranger", reads_everything=False)


def test_a_member_sees_what_the_project_holds_and_what_belongs_to_it(viewer: Any, stranger: Any):
    pipeline, other = make_running_pipeline("checkout"), make_running_pipeline("loyalty")
    make_action(pipeline.latest_execution, "Build", "Compile")
    make_action(other.latest_execution, "Build", "Compile")
    make_project("Checkout", pipeline, viewer=viewer)
    assert [str(row) for row in Pipeline.objects.visible_to(viewer)] == ["checkout"]
    executions = Execution.objects.visible_to(viewer)
    assert {row.pipeline_id for row in executions} == {pipeline.pk}
    actions = Action.objects.visible_to(viewer).select_related("execution")
    assert {row.execution.pipeline_id for row in actions} == {pipeline.pk}
    for model in (Pipeline, Execution, Action):
        assert not model.objects.visible_to(stranger).exists()


def test_administrators_and_who_was_allowed_to_see_what_is_in_no_project():
    make_pipeline("checkout")
    auditor, administrator = make_user("auditor"), make_user("administrator", staff=True)
    assert Pipeline.objects.visible_to(auditor).count() == 1
    assert Pipeline.objects.visible_to(administrator).count() == 1
    administrator.is_active = False
    assert Pipeline.objects.visible_to(administrator).count() == 0


def test_a_scope_is_known_to_who_sees_something_there(viewer: Any, stranger: Any):
    here, elsewhere = make_scope(), make_scope("444455556666")
    make_project("Checkout", make_pipeline("checkout", scope=here), viewer=viewer)
    make_pipeline("loyalty", scope=elsewhere)
    assert list(Scope.objects.filter(VISIBILITY.of_scopes(viewer))) == [here]
    assert not Scope.objects.filter(VISIBILITY.of_scopes(stranger)).exists()


def test_a_row_in_several_projects_is_seen_once(viewer: Any):
    pipeline = make_pipeline("checkout")
    make_project("Checkout", pipeline, viewer=viewer)
    make_project("Shop", pipeline, viewer=viewer)
    assert Pipeline.objects.visible_to(viewer).count() == 1


def test_who_leaves_a_project_sees_nothing_of_it_any_more(client: Client, viewer: Any):
    pipeline = make_pipeline("checkout")
    project = make_project("Checkout", pipeline, viewer=viewer)
    client.force_login(viewer)
    path = pipeline.get_absolute_url()
    page = client.get(path)
    assert page.status_code == 200
    Membership.objects.filter(project=project).delete()
    begin_another()
    assert client.get(path).status_code == 404
    # Nor does the browser's own copy count as good still.
    assert client.get(path, headers={"If-None-Match": page["ETag"]}).status_code == 404
    assert "checkout" not in client.get("/").text


def test_whoever_sees_one_row_need_not_see_what_it_names():
    build = make_build("checkout-build")
    pipeline = make_running_pipeline("checkout")
    one, other = ("codebuild.build", build.pk), ("codepipeline.pipeline", pipeline.pk)
    pairs = [(one, other), (other, one)]
    assert VISIBILITY.rule.tells(pairs) == dict.fromkeys(pairs, True)
    project = make_project("Builds", build.project)
    assert VISIBILITY.rule.tells(pairs) == {pairs[0]: False, pairs[1]: True}
    hold(project, pipeline)
    assert VISIBILITY.rule.tells(pairs) == dict.fromkeys(pairs, True)
    make_project("Checkout", pipeline)
    assert VISIBILITY.rule.tells(pairs) == {pairs[0]: True, pairs[1]: False}


def test_pairs_of_many_rows_cost_a_query_a_kind(django_assert_max_num_queries: Any):
    project = make_project("Checkout")
    pipeline = make_pipeline("checkout")
    hold(project, pipeline)
    execution = make_execution(pipeline)
    actions = [make_action(execution, "Build", f"Compile{number}") for number in range(20)]
    pairs = [
        (("codepipeline.action", action.pk), ("codepipeline.pipeline", pipeline.pk))
        for action in actions
    ]
    # The generation, all holdings, the actions with what they belong to.
    with django_assert_max_num_queries(3):
        assert all(VISIBILITY.rule.tells(pairs).values())


def test_pages_and_pictures_are_made_anew_when_others_may_see_them(viewer: Any):
    before = VISIBILITY.rule.generation(), VISIBILITY.rule.generation(viewer)
    make_project("Checkout")
    after = VISIBILITY.rule.generation(), VISIBILITY.rule.generation(viewer)
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert MEMO.held() == {}


def test_every_kind_with_a_page_is_in_sight_of_some_project():
    """What nobody but an administrator could ever see is a kind that was forgotten."""
    for resource in REGISTER:
        if resource.url is None:
            continue
        kinds = [REGISTER.get(kind) for _, kind in lineage(resource)]
        assert any(one.in_projects for one in kinds), resource.kind


def test_projects_are_seen_by_their_members_and_administrators(viewer: Any, stranger: Any):
    make_project("Checkout", viewer=viewer)
    make_project("Loyalty")
    assert [str(one) for one in Project.objects.visible_to(viewer)] == ["Checkout"]
    assert not Project.objects.visible_to(stranger).exists()
    assert Project.objects.visible_to(make_user("administrator", staff=True)).count() == 2
    assert Project.objects.with_role_of(viewer).get(name="Checkout").role == Role.VIEWER
    assert Project.objects.with_role_of(stranger).get(name="Checkout").role == ""


def test_builds_of_many_projects_are_asked_for_in_one_query(
    viewer: Any, django_assert_max_num_queries: Any
):
    for number in range(12):
        build = make_build(f"build-{number}")
        make_project(f"Project {number}", build.project, viewer=viewer)
    # What is put aside, whether they read everything, the builds.
    with django_assert_max_num_queries(3):
        assert len(Build.objects.visible_to(viewer)) == 12

"""A project's page tells of the template it was made from, and of its undo while that lasts."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.mirror.models import Hint, Scope
from apps.projects.models import Project
from apps.wizard import advancing
from apps.wizard.courses import UNDO
from apps.wizard.models import Bootstrap
from tests.factories import hold, make_pipeline, make_project

from .making import drafted

pytestmark = pytest.mark.django_db
State = Bootstrap.State


@pytest.fixture
def made(maker: Any, people: dict[str, Any], scope: Scope) -> Bootstrap:
    found = drafted(maker, scope)
    project = make_project("Shop web", owner=maker, contributor=people["contributor"])
    Bootstrap.objects.filter(pk=found.pk).update(
        project=project, state=State.MADE, course="make", step="over", made_at=now(), takes=True
    )
    found.refresh_from_db()
    return found


def page_for(user: Any, project: Project) -> str:
    client = Client()
    client.force_login(user)
    return client.get(project.get_absolute_url()).content.decode()


def undoes(made: Bootstrap, state: State, **more: Any) -> None:
    preview = {**made.preview, "begun": now().isoformat()}
    Bootstrap.objects.filter(pk=made.pk).update(
        course=UNDO, step="empty", state=state, preview=preview, **more
    )


def test_owners_come_from_the_project_to_what_was_made_and_its_undo(
    made: Bootstrap, people: dict[str, Any]
):
    page = page_for(people["owner"], made.project)
    assert "Made from a template" in page
    assert f'href="/wizard/{made.pk}/undo/"' in page
    assert made.get_absolute_url() in page


def test_others_in_the_project_are_not_led_to_what_they_may_not_see(
    made: Bootstrap, people: dict[str, Any]
):
    undoes(made, State.MOVING)
    page = page_for(people["contributor"], made.project)
    assert "Being undone" in page
    assert "/wizard/" not in page
    assert "Made from a template" not in page


def test_a_project_that_people_put_together_says_nothing_of_templates(
    maker: Any, people: dict[str, Any]
):
    page = page_for(people["owner"], make_project("Other", owner=people["owner"]))
    assert "Made from a template" not in page


@pytest.mark.parametrize(
    ("state", "said", "moves"),
    [
        (State.MOVING, "Being undone", True),
        (State.FAILED, "Its undo stands still", False),
        (State.UNDONE, "Undone", False),
    ],
)
def test_the_head_says_how_an_undo_stands(
    made: Bootstrap, people: dict[str, Any], state: State, said: str, moves: bool
):
    undoes(made, state, undone_at=now() if state == State.UNDONE else None)
    page = page_for(people["owner"], made.project)
    head = page[page.index('id="project-state"') :].partition("</h1>")
    assert said in head[2] or said in head[0], head
    assert "Nothing is known yet" not in page
    assert ('data-refetch-every="3"' in page) is moves


@pytest.mark.parametrize(
    ("state", "said", "listed"),
    [
        (State.MOVING, "Being undone", "moving"),
        (State.FAILED, "Its undo stands still", "failed"),
        (State.UNDONE, "Undone", ""),
    ],
)
def test_the_list_of_projects_says_so_too(
    made: Bootstrap, scope: Scope, people: dict[str, Any], state: State, said: str, listed: str
):
    pipeline = make_pipeline("shop-web", scope=scope)
    type(pipeline).objects.filter(pk=pipeline.pk).update(state="done")
    hold(made.project, pipeline)
    client = Client()
    client.force_login(people["contributor"])
    assert "All is well" in client.get("/projects/").content.decode()
    undoes(made, state, undone_at=now() if state == State.UNDONE else None)
    page = client.get("/projects/").content.decode()
    assert said in page
    assert "All is well" not in page
    for asked in ("failed", "moving", "done"):
        found = client.get("/projects/", {"state": asked}).content.decode()
        assert (said in found) is (asked == listed), asked


def test_an_undo_that_goes_on_is_told_before_what_breaks_by_it(
    made: Bootstrap, scope: Scope, people: dict[str, Any]
):
    pipeline = make_pipeline("shop-web", scope=scope)
    type(pipeline).objects.filter(pk=pipeline.pk).update(state="failed")
    hold(made.project, pipeline)
    undoes(made, State.MOVING)
    client = Client()
    client.force_login(people["contributor"])
    for path in ("/projects/", made.project.get_absolute_url()):
        page = client.get(path).content.decode()
        assert re.search(r'class="st st-run[^"]*"[^>]*>.*?Being undone', page), path
    assert "shop-web" in client.get("/projects/?state=failed").content.decode()


def test_the_page_asks_once_for_it(
    made: Bootstrap, people: dict[str, Any], django_assert_max_num_queries: Any
):
    client = Client()
    client.force_login(people["owner"])
    client.get(made.project.get_absolute_url())
    with django_assert_max_num_queries(30) as found:
        client.get(made.project.get_absolute_url())
    asked = [one["sql"] for one in found.captured_queries]
    assert sum('FROM "wizard_bootstrap"' in sql for sql in asked) == 1


def test_what_an_undo_took_is_read_again_at_once(
    made: Bootstrap, scope: Scope, people: dict[str, Any]
):
    pipeline, gone = make_pipeline("shop-web", scope=scope), make_pipeline("before", scope=scope)
    type(gone).objects.filter(pk=gone.pk).update(gone_at=now())
    hold(made.project, pipeline, gone)
    undoes(made, State.MOVING)
    Bootstrap.objects.filter(pk=made.pk).update(step="over")
    advancing.advance(made.pk)
    made.refresh_from_db()
    assert made.state == State.UNDONE
    assert [(one.kind, one.row_key) for one in Hint.objects.all()] == [
        ("codepipeline.pipeline", "shop-web")
    ]

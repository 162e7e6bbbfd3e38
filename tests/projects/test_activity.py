"""What happened in a project stands in one line of time, whatever it happened to."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.adoption.deeds import link, unlink
from apps.audit.models import Record
from apps.mirror.resource import REGISTER
from apps.people.models import hash_of
from apps.projects import activity, deeds
from apps.projects.models import Invitation, Project
from apps.projects.roles import Role
from apps.wiki import writing
from tests.factories import hold, make_build, make_execution, make_pipeline, make_project, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


@pytest.fixture
def project(viewer: Any) -> Project:
    return make_project("Checkout", viewer=viewer)


@pytest.fixture
def client(viewer: Any) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def at(row: Any, minutes_ago: float) -> Any:
    row.started_at = now() - timedelta(minutes=minutes_ago)
    row.save()
    return row


def names(found: activity.Stretch) -> list[str]:
    return [entry.name for entry in found.entries]


def test_histories_of_all_kinds_are_told_together_the_newest_first(project: Project, viewer: Any):
    pipeline, build = make_pipeline("checkout"), at(make_build("shop", "FAILED"), 5)
    at(make_execution(pipeline, "Succeeded"), 9)
    at(make_execution(make_pipeline("loyalty"), "Succeeded"), 1)
    hold(project, pipeline, build.project)
    writing.make(project, viewer, {"title": "Runbook", "text": "x", "said": "first words"})
    told = names(activity.stretch(project))
    assert told.index("Runbook") < told.index(str(build)) < told.index("checkout")
    assert "loyalty" not in told


def test_it_is_narrowed_by_group_and_state(project: Project, client: Client):
    pipeline, build = make_pipeline("checkout"), at(make_build("shop", "FAILED"), 5)
    at(make_execution(pipeline, "Succeeded"), 9)
    hold(project, pipeline, build.project)
    assert names(activity.stretch(project, group="Builds")) == [str(build)]
    assert names(activity.stretch(project, state="done")) == ["checkout"]
    html = client.get("/projects/checkout/activity/", {"group": "Builds"}).text
    assert str(build) in html
    assert 'aria-current="true">Builds' in html
    for asked, said in (
        ({"group": "<b>x"}, "is no group"),
        ({"state": "y"}, "no state"),
    ):
        html = client.get("/projects/checkout/activity/", asked).text
        assert said in html
        assert "<b>x" not in html


def test_pages_follow_each_other_without_a_gap_or_a_double(project: Project):
    pipeline = make_pipeline("checkout")
    moment = now() - timedelta(hours=1)
    for number in range(130):
        row = make_execution(pipeline, "Succeeded")
        # Several at the very same moment.
        row.started_at = moment - timedelta(seconds=number // 3)
        row.save()
    hold(project, pipeline)
    told: list[str] = []
    after = ""
    for _ in range(9):
        found = activity.stretch(project, group="Pipelines", after=after)
        told += [entry.key for entry in found.entries]
        after = found.following
        if not after:
            break
    assert len(told) == len(set(told)) == pipeline.executions.count()


def test_very_many_of_one_moment_are_all_told(project: Project):
    """A repository that was imported at once: its commits have one time."""
    pipeline = make_pipeline("checkout")
    moment = now() - timedelta(hours=1)
    for _ in range(activity.PAGE * 3 + 20):
        make_execution(pipeline, "Succeeded")
    pipeline.executions.update(started_at=moment)
    build = at(make_build("shop", "FAILED"), 90)
    hold(project, pipeline, build.project)
    told, after = [], ""
    for _ in range(9):
        found = activity.stretch(project, after=after)
        told += [entry.key for entry in found.entries]
        after = found.following
        if not after:
            break
    assert len(told) == len(set(told)) == pipeline.executions.count() + 1
    assert told[-1].startswith("codebuild.build:")


@pytest.mark.parametrize("key", ["codepipeline.execution:" + "9" * 40, "zzz", ":", "a:٣"])
def test_a_place_with_a_key_that_nobody_gave_out_fails_nothing(project: Project, key: str):
    hold(project, make_execution(make_pipeline("checkout"), "Succeeded").pipeline)
    activity.stretch(project, after=f"2026-01-01T00:00:00+00:00~{key}")


@pytest.mark.parametrize("after", ["", "x", "2026-01-01~y", "2026-01-01T00:00:00+00:00~", "\x00~"])
def test_a_place_that_nobody_gave_out_is_the_first_page(
    project: Project, client: Client, after: str
):
    assert client.get("/projects/checkout/activity/", {"after": after}).status_code == 200


def test_it_costs_a_query_a_kind_however_much_happened(
    project: Project, django_assert_max_num_queries: Any
):
    pipeline = make_pipeline("checkout")
    hold(project, pipeline)
    for number in range(30):
        at(make_execution(pipeline, "Succeeded"), number)
        build = at(make_build(f"shop-{number}"), number)
        hold(project, build.project)
    kinds = [one for one in REGISTER if one.happened]
    with django_assert_max_num_queries(len(kinds) + len(activity.SOURCES)):
        assert len(activity.stretch(project).entries) == activity.PAGE


def test_every_declared_kind_is_asked_for_in_words_that_its_rows_know(project: Project):
    """A column that is misspelt would show only once there is such a row."""
    for resource in REGISTER:
        if resource.happened is not None:
            rows = resource.model._default_manager.all()
            if resource.happened.which is not None:
                rows = rows.filter(resource.happened.which)
            str(rows.defer(*resource.happened.wide).order_by(resource.happened.at).query)
            assert resource.url or resource.happened.url, resource.kind
    assert "Pipelines" in activity.groups()


def test_a_stranger_is_told_nothing(project: Project):
    client = Client()
    client.force_login(make_user("stranger", reads_everything=False))
    assert client.get("/projects/checkout/activity/").status_code == 404


def test_what_people_did_is_told_with_who_and_as_it_was(project: Project, viewer: Any):
    owner = make_user("Grace", reads_everything=False)
    ada = make_user("Ada", reads_everything=False)
    row = make_pipeline("checkout")
    deeds.add(project, owner, Role.OWNER)
    deeds.add(project, ada, Role.VIEWER, by=owner)
    deeds.set_role(project, ada.pk, Role.CONTRIBUTOR, by=owner)
    deeds.set_role(project, ada.pk, Role.CONTRIBUTOR, by=owner)
    token = deeds.invite(project, owner, Role.CONTRIBUTOR, "<b>Bob")
    deeds.join(Invitation.objects.get(token_hash=hash_of(token)), viewer)
    deeds.invite(project, owner, Role.VIEWER)
    deeds.withdraw(project, Invitation.open().get().pk, by=owner)
    deeds.edit(project, {"name": "Shop", "tags": ["a"]}, by=owner)
    project.refresh_from_db()
    link(project, owner, [("codepipeline.pipeline", row)])
    unlink(project, owner, "codepipeline.pipeline", row.pk)
    deeds.remove(project, ada.pk, by=owner)
    deeds.remove(project, viewer.pk, by=viewer)
    ada.delete()
    found = activity.stretch(project).entries
    assert [(one.group, one.name, one.told) for one in reversed(found)] == [
        ("Team", "By itself", "added Grace as owner"),
        ("Team", "Grace", "added Ada as viewer"),
        ("Team", "Grace", "changed the role of Ada from viewer to contributor"),
        ("Team", "Grace", "made an invitation: contributor, for <b>Bob"),
        ("Team", "viewer", "became contributor by an invitation"),
        ("Team", "Grace", "made an invitation: viewer"),
        ("Team", "Grace", "withdrew an invitation: viewer"),
        ("Team", "Grace", "changed its name from Checkout to Shop and its tags"),
        ("Resources", "Grace", "linked pipeline checkout"),
        ("Resources", "Grace", "took pipeline checkout out"),
        ("Team", "Grace", "removed Ada (contributor)"),
        ("Team", "viewer", "left, having been contributor"),
    ]
    assert [one.told for one in activity.stretch(project, group="Resources").entries] == [
        "took pipeline checkout out",
        "linked pipeline checkout",
    ]
    client = Client()
    client.force_login(owner)
    page = client.get("/projects/checkout/activity/").text
    assert "removed Ada (contributor)" in page
    assert "for &lt;b&gt;Bob" in page
    assert token not in repr(list(Record.objects.values()))


def test_what_was_refused_is_the_administrators_to_read(project: Project, viewer: Any):
    owner = make_user("owner", reads_everything=False)
    deeds.add(project, owner, Role.OWNER)
    client = Client()
    client.force_login(owner)
    client.post(f"/projects/checkout/team/{owner.pk}/remove/")
    kept = Record.objects.get(outcome="refused")
    assert (kept.who, kept.reason) == (owner, deeds.LAST_OWNER)
    assert "was refused" not in client.get("/projects/checkout/activity/").text
    assert client.get("/projects/deeds/").status_code == 404
    administrator = Client()
    administrator.force_login(make_user("administrator", staff=True))
    page = administrator.get("/projects/deeds/").text
    assert "removed owner: was refused" in page
    assert "last owner" in page


def test_what_was_done_to_a_deleted_project_stays_for_administrators(
    project: Project, viewer: Any, django_assert_max_num_queries: Any
):
    deeds.edit(project, {"description": "x"}, by=viewer)
    deeds.delete(project, by=viewer)
    deeds.delete(project, by=viewer)
    other = deeds.create(viewer, {"name": "<b>Other"})
    for number in range(60):
        deeds.edit(other, {"description": str(number)}, by=viewer)
    client = Client()
    client.force_login(make_user("administrator", staff=True))
    assert 'href="/deeds/"' in client.get("/projects/").text
    assert 'href="/projects/deeds/"' in client.get("/deeds/").text
    with django_assert_max_num_queries(12):
        page = client.get("/projects/deeds/").text
    assert "&lt;b&gt;Other" in page
    assert "Checkout" not in page
    after = page.partition('href="?about=project&amp;after=')[2].partition('"')[0]
    page = client.get(f"/projects/deeds/?about=project&after={after}").text
    assert page.count("deleted the project") == 1
    assert "Checkout (deleted)" in page
    assert "made the project" in page
    assert "is no about" in client.get("/projects/deeds/?about=<b>").text
    viewing = Client()
    viewing.force_login(viewer)
    assert 'href="/deeds/"' in viewing.get("/projects/").text
    assert "/projects/deeds/" not in viewing.get("/deeds/").text
    assert viewing.get("/projects/deeds/").status_code == 404

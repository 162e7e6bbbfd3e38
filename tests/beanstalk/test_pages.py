"""Pages of environments and applications: for whom, at what cost, and what they never do."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from apps.beanstalk import fragments
from apps.beanstalk.models import Environment, Version
from apps.live.fragment import FRAGMENTS
from apps.mirror.finding import FINDERS
from apps.mirror.models import Link
from apps.mirror.visibility import VISIBILITY
from tests import factories

from .making import SEVERE, make_application, make_environment, make_event, make_instance
from .making import make_version as make_version_of

HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    forget()
    yield
    forget()


def forget() -> None:
    """Empty every cache: pictures of rows have their own."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.fixture
def environment(db: None) -> Environment:
    """An environment that is Severe since a deployment failed, with all that was said of it."""
    row = make_environment(**SEVERE)
    for label in ("v1", "v2"):
        make_version_of(label, row.application)
    make_event(row, 0, "Environment update completed successfully.", request_id="a6e2851a-4709")
    make_event(row, 60, "Environment update is starting.")
    make_event(row, 61, "[Instance: i-1] Command failed on instance. pip failed", "ERROR")
    make_event(row, 62, "Failed to deploy application.", "ERROR", version_label="v2")
    make_event(row, 63, "Environment health has transitioned from Info to Severe.", "WARN")
    make_instance(row, "i-0c91c7861b2a3c4d5")
    return row


def paths(environment: Environment) -> list[str]:
    return [
        "/beanstalk/",
        "/beanstalk/applications/",
        f"/beanstalk/environments/{environment.pk}/",
        f"/beanstalk/applications/{environment.application_id}/",
    ]


def test_a_stranger_is_asked_to_sign_in_everywhere(environment: Environment, client: Client):
    for path in paths(environment):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_whoever_is_signed_in_sees_every_page(environment: Environment, viewer: Client):
    for path in paths(environment):
        assert viewer.get(path).status_code == 200, path
        assert viewer.post(path).status_code == 405, path


def test_a_versions_label_is_never_shortened(environment: Environment, viewer: Client):
    label = "code-pipeline-1795860221974-7b4a3280-371e-4df7-b600-71624c2f9798"
    Environment.objects.filter(pk=environment.pk).update(version_label=label)
    for path in ("/beanstalk/", environment.get_absolute_url()):
        assert f">{label}<" in viewer.get(path).text, path


def test_rows_one_may_not_see_are_nowhere(
    environment: Environment, viewer: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    for path in paths(environment)[:2]:
        page = viewer.get(path).text
        assert "loyalty" not in page
        assert "111122223333" not in page
    for path in paths(environment)[2:]:
        assert viewer.get(path).status_code == 404, path
    user = factories.make_user("stranger")
    assert all(not one.find(user, "loyalty", 5) for one in FINDERS.ranked())


@pytest.mark.sql
@pytest.mark.parametrize("at", range(4))
def test_queries_do_not_grow_with_the_rows(environment: Environment, viewer: Client, at: int):
    path = paths(environment)[at]

    def count() -> int:
        forget()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    viewer.get(path)
    few = count()
    for n in range(8):
        other = make_environment(f"loyalty-{n}", make_application(f"app-{n}"), **SEVERE)
        make_environment(f"beside-{n}", environment.application)
        make_event(other, n, "Something failed", "ERROR")
        make_event(environment, 100 + n, f"Something else {n}", "ERROR")
        make_instance(environment, f"i-{n}")
        make_version_of(f"v{10 + n}", environment.application)
    assert count() == few


def test_an_unchanged_page_is_not_sent_again(environment: Environment, viewer: Client):
    for path in paths(environment):
        etag = viewer.get(path).headers["ETag"]
        assert viewer.get(path, headers={"If-None-Match": etag}).status_code == 304
        factories.change(environment, "beanstalk.environment")
        assert viewer.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_an_environment_that_is_not_well_says_why_first(environment: Environment, viewer: Client):
    page = viewer.get(environment.get_absolute_url()).text
    assert page.index("Why it is Severe") < page.index("Command failed on all instances.")
    assert page.index("pip failed") < page.index(">Instances</h2>") < page.index(">Events</h2>")
    # The first error is the one that says why.
    assert page.index("pip failed") < page.index("Failed to deploy application.")


def test_one_that_is_well_explains_nothing_and_says_why_it_has_no_instances(viewer: Client):
    row = make_environment()
    make_event(row, 0, "Failed to deploy application.", "ERROR")
    page = viewer.get(row.get_absolute_url()).text
    assert "Why it is" not in page
    assert "It has been well." in page
    basic = make_environment("loyalty-basic", health_status="")
    assert "basic health, which tells of no instances" in viewer.get(basic.get_absolute_url()).text


def test_a_warning_is_told_with_its_causes_and_is_not_called_failed(viewer: Client):
    row = make_environment(
        state="unknown", health="Yellow", health_status="Warning", urgency=3, causes=["4xx: 12.5%"]
    )
    page = viewer.get(row.get_absolute_url()).text
    assert "Why it is Warning" in page
    assert "4xx: 12.5%" in page
    assert "st-bad" not in page[page.index("<h1>") : page.index("</h1>")]


def test_one_that_moves_says_what_is_being_done(viewer: Client):
    row = make_environment(
        status="Updating", state="moving", urgency=2, abortable_operation_in_progress=True
    )
    page = viewer.get(row.get_absolute_url()).text
    assert "Updating" in page
    assert "can be aborted" in page


def test_events_are_in_order_and_narrowed_by_severity_without_scripts(
    environment: Environment, viewer: Client
):
    path = environment.get_absolute_url()
    every = events_in(viewer.get(path).text)
    assert [every.index(text) for text in ("health has", "Failed to", "is starting")] == sorted(
        every.index(text) for text in ("health has", "Failed to", "is starting")
    )
    grave = events_in(viewer.get(path, {"severity": "WARN"}).text)
    assert ("health has" in grave, "Failed to" in grave) == (True, True)
    assert "is starting" not in grave
    errors = events_in(viewer.get(path, {"severity": "error"}).text)
    assert ("health has" in errors, "Failed to" in errors) == (False, True)
    assert events_in(viewer.get(path, {"severity": "nonsense"}).text) == every
    assert 'href="?severity=ERROR#events"' in viewer.get(path).text


def events_in(page: str) -> str:
    return page[page.index(">Events</h2>") : page.index(">What it is</h2>")]


def test_events_come_in_pages_that_keep_the_severity(environment: Environment, viewer: Client):
    for minute in range(100, 160):
        make_event(environment, minute, f"Error number {minute}", "ERROR")
    path = environment.get_absolute_url()
    first = viewer.get(path, {"severity": "ERROR"})
    following = first.context["following"]
    assert "Error number 159" in events_in(first.text)
    assert "?severity=ERROR&amp;after=" in first.text
    older = viewer.get(path, {"severity": "ERROR", "after": following}).text
    assert "Error number 159" not in events_in(older)
    assert "Error number 139" in events_in(older)
    assert f'id="environment-events-error-{environment.pk}"' not in older


def test_an_event_that_comes_is_in_the_picture_that_the_stream_sends(environment: Environment):
    make_event(environment, 200, "Something new", "WARN")
    for severity, shown in (("", True), ("WARN", True), ("ERROR", False)):
        fragment = fragments.EVENTS[severity]
        html = fragment.render([environment.pk])[environment.pk]
        assert f'id="{fragment.element_id(environment.pk)}"' in html
        assert ("Something new" in html) is shown


def test_each_picture_has_the_id_by_which_the_stream_finds_it(environment: Environment):
    for kind in ("beanstalk.environment", "beanstalk.application"):
        pk = environment.pk if kind.endswith("environment") else environment.application_id
        for fragment in FRAGMENTS.of(kind):
            assert f'id="{fragment.element_id(pk)}"' in fragment.render([pk])[pk], fragment.name


def test_versions_say_which_environment_serves_which(environment: Environment, viewer: Client):
    other = make_environment("loyalty-staging", environment.application, version_label="v2")
    page = viewer.get(f"/beanstalk/applications/{environment.application_id}/").text
    versions = page[page.index(">Versions</h2>") :]
    second, first = versions.split("<tr id=")[1:]
    if ">v1<" in second:
        first, second = second, first
    assert f'href="{environment.get_absolute_url()}"' in first
    assert f'href="{other.get_absolute_url()}"' in second
    assert "s3://bundles/v1.zip" in first
    page = viewer.get(environment.get_absolute_url()).text
    beside = page[page.index(">Versions</h2>") :]
    assert beside.count("here</span>") == 1
    assert other.key in beside


def test_a_version_that_aws_deleted_is_shown_as_deleted(environment: Environment, viewer: Client):
    Version.objects.filter(version_label="v2").update(gone_at=now())
    page = viewer.get(f"/beanstalk/applications/{environment.application_id}/").text
    assert page.count("deleted in AWS") == 1


def test_an_instance_with_another_version_says_so(environment: Environment, viewer: Client):
    make_instance(environment, "i-2", version_label="v1", status="Ok", state="done", causes=[])
    page = viewer.get(environment.get_absolute_url()).text
    assert page.count("not the environment's") == 1
    # What is wrong comes first.
    assert page.index("i-0c91c7861b2a3c4d5") < page.index("i-2<")


def test_a_version_links_to_the_build_it_comes_from(environment: Environment, viewer: Client):
    build = factories.make_build("loyalty-build", "FAILED")
    Version.objects.filter(version_label="v2").update(build_arn=build.arn)
    page = viewer.get(f"/beanstalk/applications/{environment.application_id}/").text
    assert f'href="{build.get_absolute_url()}"' in page


def link_runs(action: Any, environment: Environment) -> None:
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=action.pk,
        relation="runs",
        to_kind="beanstalk.environment",
        to_arn=environment.arn,
        owning=True,
    )


def test_an_environment_links_to_the_pipeline_that_deployed_last(
    environment: Environment, viewer: Client
):
    pipeline = factories.make_running_pipeline("loyalty", "Failed")
    for name in ("Older", "Newer"):
        action = factories.make_action(pipeline.latest_execution, "Deploy", name, "Failed")
        link_runs(action, environment)
    page = viewer.get(environment.get_absolute_url()).text
    assert "Deploy / Newer" in page
    assert "Deploy / Older" not in page


def test_an_environment_does_not_tell_of_a_pipeline_in_another_project(
    environment: Environment, viewer: Client
):
    pipeline = factories.make_running_pipeline("theirs")
    action = factories.make_action(pipeline.latest_execution, "Deploy", "Update")
    link_runs(action, environment)
    assert "theirs" in viewer.get(environment.get_absolute_url()).text
    factories.make_project("Ours", environment)
    assert "theirs" not in viewer.get(environment.get_absolute_url()).text


def test_hostile_text_is_text(environment: Environment, viewer: Client):
    Environment.objects.update(
        description=HOSTILE,
        causes=[HOSTILE],
        cname='"><script>alert(2)</script>',
        version_label=HOSTILE,
    )
    make_event(environment, 300, HOSTILE, "ERROR", version_label=HOSTILE)
    make_instance(environment, "i-3", causes=[HOSTILE], version_label=HOSTILE)
    Version.objects.update(description=HOSTILE, source_bundle={"s3_bucket": HOSTILE, "s3_key": "k"})
    for path in paths(environment):
        page = viewer.get(path).text
        assert "<script>alert" not in page, path
        assert "\x1b" not in page, path


def test_lists_are_narrowed_by_words_state_and_place(environment: Environment, viewer: Client):
    make_environment("storefront-web", make_application("storefront"))
    wanted = [
        ({"q": "storefront"}, "storefront-web"),
        ({"q": "loyalty python"}, "loyalty-api"),
        ({"state": "failed"}, "loyalty-api"),
        ({"state": "done"}, "storefront-web"),
        ({"q": "e-loyalty-api"}, "loyalty-api"),
    ]
    for params, name in wanted:
        page = viewer.get("/beanstalk/", params).text
        found = [one for one in ("storefront-web", "loyalty-api") if f">{one}</a>" in page]
        assert found == [name], params
    assert "No environment fits" in viewer.get("/beanstalk/", {"q": "nowhere"}).text
    assert "No application fits" in viewer.get("/beanstalk/applications/", {"q": "no"}).text


def test_empty_lists_teach(viewer: Client):
    factories.make_scope()
    assert "elasticbeanstalk:DescribeEnvironments" in viewer.get("/beanstalk/").text
    page = viewer.get("/beanstalk/applications/").text
    assert "elasticbeanstalk:DescribeApplications" in page


def test_what_is_gone_leaves_the_list_and_keeps_its_page(environment: Environment, viewer: Client):
    Environment.objects.update(gone_at=now())
    assert ">loyalty-api</a>" not in viewer.get("/beanstalk/").text
    page = viewer.get(environment.get_absolute_url()).text
    assert "no longer lists this environment" in page
    assert "Failed to deploy application." in page


def test_pages_say_how_old_they_are(environment: Environment, viewer: Client):
    for path in paths(environment):
        answer = viewer.get(path)
        assert answer.context["reads"]["service"] == "beanstalk", path


def test_environments_and_versions_are_found(environment: Environment):
    user = factories.make_user("finder")
    found = {group.finder.label: group.found for group in FINDERS.find(user, "loyalty", 5)}
    assert [one.title for one in found["environments"]] == ["loyalty-api"]
    found = {group.finder.label: group.found for group in FINDERS.find(user, "v2", 5)}
    (version,) = found["application versions"]
    assert version.url.endswith(f"#version-{Version.objects.get(version_label='v2').pk}")

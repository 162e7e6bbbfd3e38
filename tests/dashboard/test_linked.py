"""What a row is linked with: both ways, only what the reader may know of, at a constant cost."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.cloudwatch.models import LogGroup
from apps.codedeploy.models import Deployment
from apps.mirror.models import Link, Scope
from apps.mirror.panels import PANELS, Panel
from tests.factories import (
    link_runs,
    make_action,
    make_build,
    make_pipeline,
    make_running_pipeline,
    make_scope,
)

pytestmark = pytest.mark.django_db
ROLE = "arn:aws:iam::111122223333:role/<b>deployer</b>"
GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:/orders"


def panel(client: Client, kind: str, pk: int) -> str:
    answer = client.get(f"/linked/{kind}/{pk}/", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_a_row_names_and_what_names_it(signed_in: Client) -> None:
    build = make_build("orders-build", "SUCCEEDED")
    pipeline = make_running_pipeline("orders")
    action = make_action(pipeline.latest_execution, "Build", "Compile", "Succeeded")
    link_runs("codepipeline.action", action, build)
    there = panel(signed_in, "codepipeline.action", action.pk)
    assert f'href="{build.get_absolute_url()}"' in there
    back = panel(signed_in, "codebuild.build", build.pk)
    assert "Runs this" in back
    assert pipeline.latest_execution.get_absolute_url() in back


def test_what_is_not_mirrored_is_named_by_its_arn_as_text(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    Link.objects.create(
        from_kind="codepipeline.pipeline",
        from_id=pipeline.pk,
        relation="assumes",
        to_kind="iam.role",
        to_arn=ROLE,
    )
    html = panel(signed_in, "codepipeline.pipeline", pipeline.pk)
    assert "&lt;b&gt;deployer" in html
    assert "<b>deployer" not in html
    assert "IAM role" in html


def test_what_names_a_row_comes_in_the_order_of_its_own_list(signed_in: Client) -> None:
    begun = now()
    # As a first sweep writes them, the newest in the middle.
    builds = [
        make_build("orders", started_at=begun - timedelta(minutes=minutes))
        for minutes in (30, 5, 60)
    ]
    for build in builds:
        Link.objects.create(
            from_kind="codebuild.build",
            from_id=build.pk,
            relation="logs to",
            to_kind="cloudwatch.loggroup",
            to_arn=GROUP,
        )
    group = LogGroup.objects.create(scope=builds[0].scope, key="/orders", arn=GROUP)
    html = panel(signed_in, "cloudwatch.loggroup", group.pk)
    told = re.findall(r'href="/codebuild/builds/(\d+)/"', html)
    assert told == [str(builds[place].pk) for place in (1, 0, 2)]


def test_of_an_account_that_is_put_aside_nothing_is_told(signed_in: Client) -> None:
    elsewhere = make_scope("444455556666")
    build = make_build("theirs", scope=elsewhere)
    pipeline = make_running_pipeline("orders")
    action = make_action(pipeline.latest_execution, "Build", "Compile", "Succeeded")
    link_runs("codepipeline.action", action, build)
    Scope.objects.filter(pk=elsewhere.pk).update(parked=True)
    html = panel(signed_in, "codepipeline.action", action.pk)
    assert build.get_absolute_url() not in html
    assert signed_in.get(f"/linked/codebuild.build/{build.pk}/").status_code == 404


def test_strangers_and_what_does_not_exist(client: Client, signed_in: Client) -> None:
    build = make_build()
    for path in ("/linked/codebuild.build/999999/", f"/linked/no.kind/{build.pk}/"):
        assert signed_in.get(path).status_code == 404
    stranger = Client()
    answer = stranger.get(f"/linked/codebuild.build/{build.pk}/")
    assert (answer.status_code, answer["Location"][:16]) == (302, "/accounts/login/")


def test_the_number_of_queries_does_not_grow(
    signed_in: Client, queries: Callable[[str], int]
) -> None:
    build = make_build("orders-build")
    execution = make_running_pipeline("orders").latest_execution
    link_runs("codepipeline.action", make_action(execution, "Build", "One", "Succeeded"), build)
    path = f"/linked/codebuild.build/{build.pk}/"
    few = queries(path)
    for number in range(60):
        action = make_action(execution, "Build", f"Again {number}", "Succeeded")
        link_runs("codepipeline.action", action, build)
    assert queries(path) == few
    html = panel(signed_in, "codebuild.build", build.pk)
    assert html.count("/codepipeline/executions/") == 50
    assert "and others" in html


def test_of_many_the_first_show_and_the_rest_unfolds(signed_in: Client) -> None:
    build = make_build("orders-build")
    execution = make_running_pipeline("orders").latest_execution
    for number in range(9):
        action = make_action(execution, "Build", f"Step {number}", "Succeeded")
        link_runs("codepipeline.action", action, build)
    shown, folded = panel(signed_in, "codebuild.build", build.pk).split("<details", 1)
    assert shown.count("/codepipeline/executions/") == 6
    assert folded.count("/codepipeline/executions/") == 3
    assert "<summary>3 more</summary>" in folded
    assert "and others" not in folded


def test_a_page_names_its_panels_and_works_without_scripts(signed_in: Client) -> None:
    build = make_build("orders-build")
    html = signed_in.get(build.get_absolute_url()).content.decode()
    found = re.search(r'hx-get="(/linked/[^"]*)"', html)
    assert found
    assert f'<a class="link" href="{found[1]}">Linked with</a>' in html
    whole = signed_in.get(found[1]).content.decode()
    assert "<html" in whole
    assert f'<a class="link" href="{build.get_absolute_url()}">' in whole


def test_a_panel_is_declared_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        PANELS.add(Panel(name="linked", label="x", shows=bool, url=lambda *_: ""))


def test_two_deployments_that_name_each_other_are_told_once(signed_in: Client) -> None:
    scope = make_scope()
    bad, good = (
        Deployment.objects.create(scope=scope, key=key, arn=key, state=state)
        for key, state in (("d-BAD", "failed"), ("d-GOOD", "done"))
    )
    for one, relation, other in ((bad, "is rolled back by", good), (good, "rolls back", bad)):
        Link.objects.create(
            from_kind="codedeploy.deployment",
            from_id=one.pk,
            relation=relation,
            to_kind="codedeploy.deployment",
            to_arn=other.arn,
        )
    html = panel(signed_in, "codedeploy.deployment", bad.pk)
    assert html.count("d-GOOD") == 1
    assert "Is rolled back by" in html
    html = panel(signed_in, "codedeploy.deployment", good.pk)
    assert html.count("d-BAD") == 1
    assert "Rolls back<" in html

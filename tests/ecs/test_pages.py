"""Pages of services, clusters and task definitions: what they say, and of what they say nothing."""

from collections.abc import Iterator

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.test import Client

from apps.ec2.balancing import TargetGroupRecord, target_group_record
from apps.ec2.models import TargetGroup
from apps.ecs.models import Cluster, Service, TaskDefinition
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.reconcile import Nothing, reconcile
from apps.mirror.resource import REGISTER
from tests.factories import hold, make_project, make_user
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, FlownProvider
from tests.simulated import kinds_of, mirrored, tried


@pytest.fixture
def reader(db: None) -> Client:
    client = Client()
    client.force_login(make_user("platform-engineer"))
    return client


@pytest.fixture
def scope(db: None, full: Flight, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    for cache in caches.all():
        cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(full))
    yield mirrored(ACCOUNT, REGION, *kinds_of("ecs"))
    for cache in caches.all():
        cache.clear()


def page_of(reader: Client, name: str) -> str:
    return str(reader.get(Service.objects.get(name=name).get_absolute_url()).content.decode())


def test_the_cause_stands_first_and_deployments_side_by_side(scope: Scope, reader: Client):
    html = page_of(reader, "basket")
    why = html.partition('class="card sec why-box')[2].partition("</section>")[0]
    lines = why.partition('<p class="break">')[2].split("<br>")
    assert "due to (reason Health checks failed with these codes: [502])" in lines[0]
    assert "OutOfMemoryError: Container killed due to memory usage (app: exit code 137)" in lines[1]
    new, old = html.split('aria-labelledby="h-deployment-')[1:3]
    assert "basket:4f2a912" in new.partition("</section>")[0]
    assert "3 failed" in new
    assert "basket:4f2a911" in old.partition("</section>")[0]


def test_a_service_of_codedeploys_shows_its_task_sets(scope: Scope, reader: Client):
    html = page_of(reader, "search")
    assert "Primary task set" in html
    assert "Steady state" in html
    assert "d-ABCDEF123" in html
    assert "CodeDeploy" in html


def test_what_was_rolled_back_says_so(scope: Scope, reader: Client):
    html = page_of(reader, "prices")
    assert "Why it was rolled back" in html
    assert "deployment failed: tasks failed to start." in html
    assert "Rolled back" in html


def test_a_task_definition_shows_images_and_names_alone(scope: Scope, reader: Client):
    found = TaskDefinition.objects.get(key="basket:12")
    html = reader.get(found.get_absolute_url()).content.decode()
    assert "basket:4f2a912" in html
    assert "DB_PASSWORD" in html
    assert "value not read" in html
    assert PLANTED not in html
    assert Service.objects.get(name="basket").get_absolute_url() in html


def test_a_cluster_lists_its_services_alone(scope: Scope, reader: Client):
    path = Service.objects.get(name="basket").cluster.get_absolute_url()
    html = reader.get(path).content.decode()
    assert html.count('class="name" href="/ecs/services/') == 3
    Service.objects.update(gone_at="2026-11-28T00:00:00Z")
    caches["default"].clear()
    assert "No service runs here." in reader.get(path).content.decode()


def test_hostile_text_is_text(scope: Scope, reader: Client):
    evil = "<script>alert(1)</script>\x1b[31m"
    event = {"id": "1", "at": None, "message": f"(service x) {evil} due to {evil}", "trouble": True}
    Service.objects.filter(name="basket").update(
        events=[event], stopped_tasks=[], tags={evil: evil}
    )
    image = {"name": evil, "image": evil, "environment": [evil], "secrets": []}
    TaskDefinition.objects.update(containers=[image])
    definition = TaskDefinition.objects.get(key="basket:12").get_absolute_url()
    for html in (
        page_of(reader, "basket"),
        reader.get("/ecs/").content.decode(),
        reader.get(definition).content.decode(),
    ):
        assert "<script>alert" not in html
        assert "\x1b" not in html


def test_json_of_another_shape_does_not_break_a_page(scope: Scope, reader: Client):
    Service.objects.update(deployments=[{}], task_sets=[{}], events=[{}], stopped_tasks=[{}])
    TaskDefinition.objects.update(containers=[{}])
    assert "basket" in page_of(reader, "basket")
    assert reader.get("/ecs/").status_code == 200


def test_services_are_found_by_name_and_task_definition(scope: Scope, reader: Client):
    found = reader.get("/search", {"q": "basket"}).content.decode()
    assert "cluster shop" in found


def test_services_that_may_not_be_read_are_not_told_as_none(
    scope: Scope, reader: Client, full: Flight
):
    Service.objects.all().delete()
    page = Cluster.objects.all()[0].get_absolute_url()
    assert "No service runs here." in reader.get(page).content.decode()
    denied = Fault("AccessDeniedException", "User: x is not authorized to perform that", status=403)
    full.on("ecs:ListServices", denied)
    tried(ACCOUNT, REGION, "ecs.service")
    html = reader.get(page).content.decode()
    assert "No service runs here." not in html
    assert "Allow ecs:ListServices" in html


def test_images_that_may_not_be_read_say_so_beside_the_task_definition(
    scope: Scope, reader: Client, full: Flight
):
    TaskDefinition.objects.all().delete()
    Service.objects.update(definitions_read="")
    denied = Fault("AccessDeniedException", "User: x is not authorized to perform that", status=403)
    full.on("ecs:DescribeTaskDefinition", denied)
    tried(ACCOUNT, REGION, "ecs.taskdefinition")
    assert "Allow ecs:DescribeTaskDefinition" in page_of(reader, "basket")


# --- What ECS says, and behind what it stands -----------------------------------------------------

TIMES = "\N{MULTIPLICATION SIGN}"
ROOM = "was unable to place a task because no container instance met all of its requirements."


def says(*messages: str) -> list[dict[str, object]]:
    """Events of a service, the newest first, an hour apart."""
    return [
        {
            "id": str(number),
            "at": f"2026-11-28T{20 - number}:00:00+00:00",
            "message": f"(service basket) {message}",
            "trouble": message == ROOM,
        }
        for number, message in enumerate(messages)
    ]


def told_in(html: str) -> list[str]:
    """The lines under "What ECS says"."""
    card = html.partition('id="h-events"')[2].partition("</section>")[0]
    return card.split("<li>")[1:]


def test_what_ecs_says_again_and_again_stands_once_with_how_often_and_since_when(
    scope: Scope, reader: Client
):
    steady = "has reached a steady state."
    Service.objects.filter(name="basket").update(
        events=says(ROOM, ROOM, ROOM, steady, ROOM), state="done"
    )
    lines = told_in(page_of(reader, "basket"))
    assert len(lines) == 3
    assert f"{TIMES}3, last <time" in lines[0]
    assert 'datetime="2026-11-28T20:00' in lines[0]
    assert f"basket {ROOM}" in lines[0]
    assert TIMES not in lines[1]
    assert steady in lines[1]
    assert f"basket {ROOM}" in lines[2]


def test_the_cause_is_not_said_again_among_what_ecs_says(scope: Scope, reader: Client):
    Service.objects.filter(name="basket").update(
        events=says(*[ROOM] * 10), stopped_tasks=[], state="failed"
    )
    html = page_of(reader, "basket")
    assert html.count(f"basket {ROOM}") == 1
    [line] = told_in(html)
    assert f"{TIMES}10, last <time" in line
    assert "What stands above as the cause." in line


def record_of_target_group(arn: str) -> TargetGroupRecord:
    """A target group without a load balancer."""
    answer = {"TargetGroupArn": arn, "TargetGroupName": "basket", "LoadBalancerArns": []}
    return target_group_record(answer, None)


def test_a_service_names_and_links_the_target_group_it_is_behind(scope: Scope, reader: Client):
    service = Service.objects.get(name="basket")
    arn = str(service.load_balancers[0]["target_group"])
    behind = page_of(reader, "basket").partition("<dt>Behind</dt>")[2].partition("</dd>")[0]
    assert f'<span title="{arn}">basket</span> · ' in behind
    # One that is read later, or changes, makes the page anew.
    group = record_of_target_group(arn)
    reconcile(REGISTER.get("ec2.targetgroup"), scope, [group], extent=Nothing())
    row = TargetGroup.objects.get(arn=arn)
    behind = page_of(reader, "basket").partition("<dt>Behind</dt>")[2].partition("</dd>")[0]
    assert f'href="{row.get_absolute_url()}" title="{arn}">basket</a> · ' in behind
    assert behind.count(arn) == 1


def test_a_target_group_of_another_project_is_named_without_a_link(scope: Scope, reader: Client):
    arn = str(Service.objects.get(name="basket").load_balancers[0]["target_group"])
    other = Scope.objects.create(provider="aws", place="other", account="999988887777")
    group = record_of_target_group(arn)
    reconcile(REGISTER.get("ec2.targetgroup"), other, [group], extent=Nothing())
    assert TargetGroup.objects.filter(arn=arn).exists()
    service = Service.objects.get(name="basket")
    project = make_project("Ours", service)
    behind = page_of(reader, "basket").partition("<dt>Behind</dt>")[2].partition("</dd>")[0]
    assert "href" not in behind
    hold(project, TargetGroup.objects.get(arn=arn))
    behind = page_of(reader, "basket").partition("<dt>Behind</dt>")[2].partition("</dd>")[0]
    assert "href" in behind

"""A pipeline's action says why the service it deployed to, or the function it changed, failed."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import caches
from django.test import Client

from apps.awslambda.models import Function
from apps.codepipeline.models import Action, Execution
from apps.ecs.models import Service
from apps.mirror.models import Link
from apps.mirror.provider import PROVIDERS
from apps.sandbox.compute import containers, functions, rolling
from apps.sandbox.compute.actions import TIMED_OUT
from apps.sandbox.server import SandboxServer
from tests.factories import make_user
from tests.simulated import Simulated, kinds_of, mirrored, tried

from .shapes import action, pipeline

ACCOUNT, REGION = "111122223333", "eu-west-1"
CAUSE = "Stopped task: Essential container in task exited (app: exit code 1)"


@pytest.fixture
def aws(sandbox: SandboxServer) -> Simulated:
    return Simulated(sandbox.url)


@pytest.fixture
def service(sandbox: SandboxServer) -> containers.Service:
    """A service whose every deployment by a pipeline ends with a container that exits."""
    place = sandbox.world.place(ACCOUNT, REGION)
    cluster = containers.make_cluster(place, "shop")
    first = containers.register_task_definition(
        place, "basket", [{"name": "app", "image": "registry.example.com/basket:1"}]
    )
    return containers.make_service(
        cluster, "basket", first, trouble=(1, "crash"), breaker=(True, False)
    )


@pytest.fixture
def reader(db: None, monkeypatch: pytest.MonkeyPatch, aws: Simulated) -> Iterator[Client]:
    for cache in caches.all():
        cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", aws)
    client = Client()
    client.force_login(make_user("platform-engineer"))
    yield client
    for cache in caches.all():
        cache.clear()


def page_of_the_execution(reader: Client) -> str:
    return str(reader.get(Execution.objects.get().get_absolute_url()).content.decode())


@pytest.mark.django_db
def test_an_action_that_deployed_to_a_service_says_why_that_failed_then_and_not_why_it_fails_now(
    sandbox: SandboxServer, service: containers.Service, aws: Simulated, reader: Client
):
    deploy = action("Deploy", "Deploy", "ECS", ClusterName="shop", ServiceName="basket")
    client: Any = aws.aws("codepipeline", ACCOUNT, REGION)
    client.create_pipeline(pipeline=pipeline("web", [deploy]))
    mirrored(ACCOUNT, REGION, *kinds_of("codepipeline", "ecs"))
    row = Action.objects.get(name="Deploy")
    [link] = Link.objects.filter(from_kind="codepipeline.action", from_id=row.pk)
    found = Service.objects.get(name="basket")
    assert (link.to_kind, link.to_arn) == ("ecs.service", found.arn)
    html = page_of_the_execution(reader)
    assert CAUSE in html
    assert f'href="{found.get_absolute_url()}"' in html

    # Later somebody deploys an image by hand that cannot be pulled.
    sandbox.clock.hold()
    sandbox.clock.advance(3600)
    gone = containers.with_images(service.place, service.definition, {"app": "x.example.com/b:9"})
    rolling.deploy(service, gone, rolling.Outcome("pull"))
    sandbox.clock.advance(600)
    mirrored(ACCOUNT, REGION, *kinds_of("ecs"))
    found.refresh_from_db()
    assert "CannotPullContainerError" in reader.get(found.get_absolute_url()).content.decode()
    html = page_of_the_execution(reader)
    assert "CannotPullContainerError" not in html
    assert CAUSE in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fails_with", "said"),
    [
        (("ConnectionError", "503"), "[ERROR] ConnectionError: 503"),
        (TIMED_OUT, "Task timed out after 15.00 seconds"),
        (None, "smoke test: GET https://media.example.com/resize?width=320 answered 503"),
    ],
)
def test_an_action_that_invoked_a_function_says_what_its_log_says_and_leads_to_it(
    sandbox: SandboxServer, aws: Simulated, reader: Client, fails_with: Any, said: str
):
    place = sandbox.world.place(ACCOUNT, REGION)
    function = functions.make_function(place, "smoke")
    function.fails_with, function.fails_every = fails_with, 1
    client: Any = aws.aws("codepipeline", ACCOUNT, REGION)
    invoke = action("Smoke", "Invoke", "Lambda", FunctionName="smoke")
    client.create_pipeline(pipeline=pipeline("web", [invoke]))
    mirrored(ACCOUNT, REGION, *kinds_of("codepipeline", "awslambda"))
    html = page_of_the_execution(reader)
    assert said in html
    page = Function.objects.get().get_absolute_url()
    assert f'href="{page}#failure-' in html
    assert said in reader.get(page).content.decode()


@pytest.mark.django_db
def test_where_the_log_may_not_be_read_the_action_says_what_codepipeline_says(
    sandbox: SandboxServer, aws: Simulated, reader: Client
):
    place = sandbox.world.place(ACCOUNT, REGION)
    functions.make_function(place, "smoke").fails_with = ("ConnectionError", "503")
    sandbox.faults.add("deny", service="logs", operation="FilterLogEvents")
    client: Any = aws.aws("codepipeline", ACCOUNT, REGION)
    invoke = action("Smoke", "Invoke", "Lambda", FunctionName="smoke")
    client.create_pipeline(pipeline=pipeline("web", [invoke]))
    tried(ACCOUNT, REGION, *kinds_of("codepipeline", "awslambda"))
    html = page_of_the_execution(reader)
    assert "The AWS Lambda function smoke failed to return a result." in html
    told = reader.get(Function.objects.get().get_absolute_url()).content.decode()
    assert "Allow logs:FilterLogEvents" in told

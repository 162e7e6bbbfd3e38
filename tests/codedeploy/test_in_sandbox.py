"""The dashboard and the simulated account together: what fails there is explained here."""

from collections.abc import Callable, Iterator

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.codedeploy import digest
from apps.codedeploy.models import Deployment, DeploymentGroup, Target
from apps.codepipeline.digest import why_pipeline
from apps.codepipeline.models import Action, Pipeline
from apps.mirror.links import links_of
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.state import State
from apps.sandbox.server import SandboxServer
from tests.simulated import Simulated, kinds_of, mirrored

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """The default scenario as it begins, its clock held."""
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        yield server


@pytest.fixture
def sweep(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scope]:
    """Sweep deployments of an account, and its pipelines if asked to."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(sandbox.url))

    def sweep_all(account: str, region: str = "eu-west-1", *more: str) -> Scope:
        return mirrored(account, region, *kinds_of("codedeploy", *more))

    return sweep_all


def test_a_pipelines_failed_action_is_explained_by_its_deployment(sweep):
    sweep("444455556666", "eu-west-1", "codepipeline")
    failed = Action.objects.filter(
        provider="CodeDeploy", state=State.FAILED, execution__pipeline__key="orders-backend"
    )
    links = links_of("codepipeline.action", failed.values_list("pk", flat=True))
    assert len(links) == failed.count() > 0
    for action in failed:
        (link,) = links[action.pk]
        deployment = Deployment.objects.get(arn=link.to_arn)
        assert deployment.state == State.FAILED
        assert deployment.key in action.error_message
    newest = Pipeline.objects.get(key="orders-backend")
    if newest.state != State.FAILED:
        # The newest went well: what failed before it is asked.
        last = failed.order_by("-started_at").first()
        assert last is not None
        newest.latest_execution, newest.state = last.execution, State.FAILED
    told = why_pipeline(newest)
    assert "returned error: 502" in told or "tax.rates.url" in told, told


def test_every_failure_of_the_scenario_is_explained_by_more_than_awss_sentence(sweep):
    for account, region in (
        ("111122223333", "eu-west-1"),
        ("444455556666", "eu-west-1"),
        ("444455556666", "us-east-1"),
    ):
        sweep(account, region)
    failed = Deployment.objects.filter(state=State.FAILED).exclude(strip=[])
    firsts = {digest.why_deployment(one).split("\n")[0] for one in failed}
    assert len(failed) > 15
    assert not [line for line in firsts if line.startswith("HEALTH_CONSTRAINTS")]
    for line in (
        "ApplicationStart: scripts/start_server.sh: Error: connect ECONNREFUSED 10.0.12.31:5432",
        "ValidateService: deploy/validate.sh: curl: (22) The requested URL returned error: 502",
        "Alarm fraud-model-errors went off",
    ):
        assert line in firsts
    assert any(line.startswith("BeforeAllowTraffic: fraud-model-smoke") for line in firsts)
    assert any(line.startswith("DownloadBundle: Access Denied") for line in firsts)


def test_a_rollback_that_runs_and_instances_left_failed_are_seen(sweep):
    sweep("111122223333")
    back = Deployment.objects.get(state=State.MOVING, creator="codeDeployRollback")
    assert Deployment.objects.get(key=back.rollback_triggering_deployment_id).state == State.FAILED
    assert back.strip
    group = DeploymentGroup.objects.get(key="search-index/production")
    assert group.failed_instances
    first = Target.objects.filter(deployment=back).exclude(status="Pending").first()
    assert first is not None
    # What was left failed is deployed to first.
    assert first.target_id in group.failed_instances

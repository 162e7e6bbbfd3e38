"""The wizard plans, makes and undoes a project, whoever dies meanwhile, and orphans nothing."""

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from django.db import connection

from apps.audit.models import Record
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.projects.models import Project
from apps.sandbox.server import SandboxServer
from apps.wizard import advancing
from apps.wizard.blueprints.register import BLUEPRINTS, LAMBDA
from apps.wizard.courses import DROP, LOOK, MAKE, PLAN, UNDO
from apps.wizard.models import Bootstrap, Creation
from tests.deeds.making import DeathError
from tests.sandbox.conftest import Aws
from tests.simulated import Simulated
from tests.wizard.blueprints.cases import ACCOUNT, QUEUE, REGION

from .making import began, drafted, freed, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.django_db
State = Bootstrap.State
# What changes something at AWS, of all that the wizard calls.
WRITES = (
    *("create_change_set", "create_bucket", "put_public_access_block", "put_object"),
    *("execute_change_set", "delete_objects", "delete_bucket", "update_stack", "delete_stack"),
    *("delete_repository", "delete_change_set", "disable_stage_transition"),
    "stop_pipeline_execution",
)
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = tuple(
    f"wizard.{name}"
    for name in (
        *("plan", "stage", "create", "unstage", "drop", "halt", "empty"),
        *("remove_app", "remove", "forget_code"),
    )
)


@pytest.fixture
def network(aws: Aws) -> dict[str, Any]:
    """The account's default network, for what runs on instances."""
    ec2 = aws("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"] if one["VpcId"] == vpc]
    return {"vpc": vpc, "subnets": tuple(subnets[:2])}


def chosen_for(blueprint: str, network: dict[str, Any]) -> dict[str, Any]:
    return {} if BLUEPRINTS[blueprint].target == LAMBDA else network


def its_tests_passed(aws: Aws) -> None:
    """The one build's report has tests, and each of them passed."""
    codebuild = aws("codebuild")
    (build,) = codebuild.batch_get_builds(ids=codebuild.list_builds()["ids"])["builds"]
    (report,) = codebuild.batch_get_reports(reportArns=build["reportArns"])["reports"]
    assert report["testSummary"]["total"] > 0
    assert set(report["testSummary"]["statusCounts"]) == {"SUCCEEDED"}


def is_as_its_template_says(aws: Aws) -> None:
    """Nothing of the toolchain drifted: what was made has each property that was asked for."""
    cloudformation = aws("cloudformation")
    cloudformation.detect_stack_drift(StackName="shop-web")
    drifts = cloudformation.describe_stack_resource_drifts(StackName="shop-web")
    found = {one["LogicalResourceId"]: one for one in drifts["StackResourceDrifts"]}
    assert "Pipeline" in found
    assert {one["StackResourceDriftStatus"] for one in found.values()} == {"IN_SYNC"}, found


@pytest.mark.parametrize("blueprint", sorted(BLUEPRINTS))
def test_every_template_is_made_deployed_and_undone(
    blueprint: str, maker: Any, scope: Scope, aws: Aws, picture: Any, network: dict[str, Any]
):
    before = picture()
    chosen = {**chosen_for(blueprint, network), "queue": QUEUE}
    planned = began(drafted(maker, scope, blueprint, **chosen), PLAN)
    assert (planned.state, planned.trouble) == (State.READY, ""), planned.preview
    assert all(one["ok"] for one in planned.preview["checks"]), planned.preview["checks"]
    made = began(planned, MAKE)
    assert (made.state, made.trouble) == (State.MADE, "")
    (run_of,) = aws("codepipeline").list_pipeline_executions(pipelineName="shop-web")[
        "pipelineExecutionSummaries"
    ]
    assert run_of["status"] == "Succeeded"
    its_tests_passed(aws)
    is_as_its_template_says(aws)
    assert made.project
    assert made.project.holdings.filter(kind="codepipeline.pipeline").exists()
    undone = began(made, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
    left = Creation.objects.exclude(fate=Creation.Fate.REMOVED)
    assert not left.exists()
    assert {deed.outcome for deed in Deed.objects.all()} == {Deed.Outcome.DONE}
    assert all(deed.who == maker for deed in Deed.objects.all())


def test_the_repository_is_kept_unless_asked(maker: Any, scope: Scope, aws: Aws, picture: Any):
    before = picture()
    made = began(began(drafted(maker, scope), PLAN), MAKE)
    # Of this AWS knows nothing: that it went, nobody can say.
    made.creations.create(kind="AWS::SNS::Topic", ident="Stranger", fate=Creation.Fate.MADE)
    undone = began(made, UNDO)
    after = picture()
    assert {kind: names for kind, names in after.items() if names != before.get(kind)} == {
        "codecommit": [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:shop-web"]
    }
    left = {one.kind: one.why for one in undone.creations.filter(fate=Creation.Fate.LEFT)}
    assert set(left) == {"AWS::CodeCommit::Repository", "AWS::SNS::Topic"}
    assert "holds your code" in left["AWS::CodeCommit::Repository"]
    assert "look whether it is still there" in left["AWS::SNS::Topic"]


# --- Somebody dies --------------------------------------------------------------------------------


class Deadly(Simulated):
    """AWS, at which a worker dies by the first call of each writing operation.

    when   "after" the call was made, "before" it, or "silent": it was made and no answer came.
    """

    def __init__(self, url: str, when: str) -> None:
        super().__init__(url)
        self.when = when
        self.died: list[str] = []
        self.called: Counter[str] = Counter()

    def open(self, scope: Scope, *, urgent: bool = False) -> Any:
        reach = super().open(scope, urgent=urgent)
        plain = reach.client
        reach.client = lambda service: _Watched(plain(service), self)
        return reach


class _Watched:
    def __init__(self, client: Any, deadly: Deadly) -> None:
        self._client, self._deadly = client, deadly

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._client, name)
        if name not in WRITES:
            return method

        def called(**params: Any) -> Any:
            deadly = self._deadly
            first = name not in deadly.died
            deadly.died.append(name)
            if first and deadly.when == "before":
                raise DeathError
            deadly.called[name] += 1
            answer = method(**params)
            if first and deadly.when == "after":
                raise DeathError
            if first and deadly.when == "silent":
                raise ReadTimeoutError(endpoint_url="https://example.com")
            return answer

        return called


def survived(
    bootstrap: Bootstrap,
    course: str,
    dying: "Callable[[], AbstractContextManager[Any]]" = nullcontext,
    **values: Any,
) -> Bootstrap:
    """Work off a course with workers that die; each next one goes on.

    dying  where they die, if it is not at AWS.
    """
    assert advancing.begin(bootstrap, course, **values)
    bootstrap.refresh_from_db()
    for _ in range(200):
        try:
            with dying():
                return run(bootstrap)
        except DeathError:
            freed(bootstrap)
    raise AssertionError("it never ends")


class DyingAtWrites:
    """Workers die before each write of ours to the database, the first time that it is to be made.

    A write is its statement, in one course: what is written twice alike is survived once.
    """

    ROOMS = ("wizard_", "deeds_", "audit_", "projects_")

    def __init__(self) -> None:
        self.course = ""
        self.died: set[tuple[str, str]] = set()

    def __call__(self) -> "AbstractContextManager[Any]":
        return connection.execute_wrapper(self._die)

    def _die(self, execute: Any, sql: str, *rest: Any) -> Any:
        verb, _, rest_of = sql.partition('"')
        writes = verb.split()[:1] in (["INSERT"], ["UPDATE"], ["DELETE"])
        if writes and rest_of.startswith(self.ROOMS) and (self.course, sql) not in self.died:
            self.died.add((self.course, sql))
            raise DeathError
        return execute(sql, *rest)


def test_a_worker_may_die_before_every_write_to_the_database(
    maker: Any, scope: Scope, aws: Aws, picture: Any
):
    before, dying = picture(), DyingAtWrites()

    def through(bootstrap: Bootstrap, course: str, **values: Any) -> Bootstrap:
        dying.course = course
        return survived(bootstrap, course, dying, **values)

    planned = through(drafted(maker, scope), PLAN)
    assert (planned.state, planned.trouble) == (State.READY, "")
    made = through(planned, MAKE)
    assert (made.state, made.trouble) == (State.MADE, "")
    assert len(picture()["cloudformation"]) - len(before.get("cloudformation", ())) == 2
    runs = aws("codepipeline").list_pipeline_executions(pipelineName="shop-web")
    assert len(runs["pipelineExecutionSummaries"]) == 1
    assert Project.objects.filter(name="Shop web").count() == 1
    undone = through(through(made, LOOK), UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
    assert not Creation.objects.exclude(fate=Creation.Fate.REMOVED).exists()
    # Each deed was done, once, and is told of once.
    assert {deed.outcome for deed in Deed.objects.all()} == {Deed.Outcome.DONE}
    assert Record.objects.filter(verb__startswith="wizard.").count() == Deed.objects.count()
    by_table = Counter(sql.split('"')[1] for _course, sql in dying.died)
    assert {"wizard_bootstrap", "wizard_creation", "deeds_deed", "audit_record"} <= set(by_table)
    assert {"projects_project", "projects_membership", "projects_holding"} <= set(by_table)
    assert by_table.total() > 40, by_table


@pytest.mark.parametrize(
    ("when", "blueprint"),
    [
        *((when, "lambda-python-service") for when in ("before", "after", "silent")),
        ("after", "ec2-static-page"),
    ],
)
def test_a_worker_may_die_at_every_write(
    when: str,
    blueprint: str,
    network: dict[str, Any],
    maker: Any,
    scope: Scope,
    sandbox: SandboxServer,
    aws: Aws,
    picture: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    before = picture()
    deadly = Deadly(sandbox.url, when)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", deadly)
    chosen = chosen_for(blueprint, network)
    planned = survived(drafted(maker, scope, blueprint, **chosen), PLAN)
    assert (planned.state, planned.trouble) == (State.READY, "")
    made = survived(planned, MAKE)
    assert (made.state, made.trouble) == (State.MADE, "")
    # Nothing doubled: one stack of each name, and the pipeline ran once.
    own = BLUEPRINTS[blueprint].target == LAMBDA
    stacks = len(picture()["cloudformation"]) - len(before.get("cloudformation", ()))
    assert stacks == (2 if own else 1)
    runs = aws("codepipeline").list_pipeline_executions(pipelineName="shop-web")
    assert len(runs["pipelineExecutionSummaries"]) == 1
    undone = survived(made, UNDO, with_repository=True)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
    dropped = survived(survived(drafted(maker, scope, blueprint, **chosen), PLAN), DROP)
    assert (dropped.trouble, picture()) == ("", before)
    held = set(HELD) if own else set(HELD) - {"wizard.remove_app"}
    assert set(Deed.objects.values_list("act", flat=True)) == held
    assert set(deadly.died) >= {
        "create_change_set",
        "create_bucket",
        "put_public_access_block",
        "put_object",
        "delete_change_set",
        "execute_change_set",
        "disable_stage_transition",
        "delete_objects",
        "delete_bucket",
        "delete_stack",
        "delete_repository",
    }
    assert {deed.outcome for deed in Deed.objects.all()} == {Deed.Outcome.DONE}

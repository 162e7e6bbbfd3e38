"""What a sweep of a whole account and region costs, counted on the wire: no call more than needed.

FEWEST is the least that AWS's APIs allow for a first sync of what the pages are made of. What a
service calls besides stands in BESIDES, each with the reason why it is worth its calls. A service
adds a line for each of its operations to one of them, and where it is less to IDLE (everything is
known and nothing moved); what it calls for what moves, every few seconds, to HOT. A line is the
most calls of the operation, told by `n`, how many rows of a kind there are.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.utils.timezone import now

from apps.aws.connect import connect
from apps.aws.models import Account
from apps.mirror.due import take
from apps.mirror.hints import follow_hints
from apps.mirror.known import hot_parents_of, path_to_asked, rows_of, unfinished_rows
from apps.mirror.models import Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import run, sweep_scope
from apps.sandbox.server import SandboxServer

PLACES = [("111122223333", "eu-west-1"), ("444455556666", "eu-west-1")]
# They belong to no kind: who we are, and listening.
APART = ("sts", "sqs")


@dataclass
class Rows:
    """How many rows of a kind a scope has: `n("codebuild.project")`; 0 where none is declared."""

    scope: Scope
    _counted: dict[str, Counter[str]] = field(default_factory=dict)

    def __call__(self, kind: str) -> int:
        return sum(self.by_parent(kind).values())

    def by_parent(self, kind: str) -> Counter[str]:
        """How many rows of a kind each row has that they are asked by; "" where they are not."""
        if kind not in self._counted:
            self._counted[kind] = self._count(kind)
        return self._counted[kind]

    def moving(self, kind: str) -> int:
        """How many rows of a kind move or wait: those are looked at whenever something is."""
        resource = REGISTER.by_kind.get(kind)
        return unfinished_rows(resource, self.scope).count() if resource else 0

    def asked_hot(self, kind: str) -> int:
        """How many rows have children of a kind that move or wait, or are declared hot."""
        return len(hot_parents_of(REGISTER.get(kind), self.scope))

    def where(self, kind: str, **which: Any) -> list[str]:
        """The keys of the rows of a kind that are so."""
        return list(
            rows_of(REGISTER.get(kind), self.scope).filter(**which).values_list("key", flat=True)
        )

    def _count(self, kind: str) -> Counter[str]:
        resource = REGISTER.by_kind.get(kind)
        if resource is None:
            return Counter()
        rows = resource.model._default_manager.filter(scope=self.scope)
        if resource.asked_by is None:
            return Counter({"": rows.count()})
        counted = Counter(rows.values_list(f"{path_to_asked(resource)}__key", flat=True))
        above = REGISTER.get(resource.asked_by).model._default_manager.filter(scope=self.scope)
        # One that has none is asked for all the same.
        return Counter({key: counted[key] for key in above.values_list("key", flat=True)})


Formula = Callable[[Rows], int]


def pages(rows: int, size: int) -> int:
    """How many pages a list has; an empty one is a page, too."""
    return max(1, -(-rows // size))


def batches(rows: int, size: int) -> int:
    """How many calls take all rows by name; none where there is none."""
    return -(-rows // size)


def listed(kind: str, size: int) -> Formula:
    return lambda n: pages(n(kind), size)


def described(kind: str, size: int = 1) -> Formula:
    return lambda n: batches(n(kind), size)


def history_of_each(kind: str, size: int) -> Formula:
    return lambda n: sum(pages(count, size) for count in n.by_parent(kind).values())


def moving(kind: str) -> Formula:
    return lambda n: n.moving(kind)


def once(_n: Rows) -> int:
    return 1


def never(_n: Rows) -> int:
    return 0


# P pipelines with E executions and A actions each, J projects, B builds, G applications, D
# deployments, S stacks, V environments, L alarms, M metrics, R repositories:
# ⌈P/1000⌉ + Σ(1 + ⌈E/100⌉ + ⌈A/100⌉) + 2⌈J/100⌉ + 2⌈B/100⌉ + G + ⌈G/100⌉ + ⌈D/100⌉ + ⌈D/25⌉
# + ⌈S/100⌉ + 2⌈V/1000⌉ + ⌈L/100⌉ + ⌈M/500⌉ + 1 + ⌈R/100⌉
FEWEST: dict[str, Formula] = {
    "codepipeline:ListPipelines": listed("codepipeline.pipeline", 1000),
    "codepipeline:GetPipelineState": described("codepipeline.pipeline"),
    "codepipeline:ListPipelineExecutions": history_of_each("codepipeline.execution", 100),
    "codepipeline:ListActionExecutions": history_of_each("codepipeline.action", 100),
    "codebuild:ListProjects": listed("codebuild.project", 100),
    "codebuild:BatchGetProjects": described("codebuild.project", 100),
    "codebuild:ListBuilds": listed("codebuild.build", 100),
    "codebuild:BatchGetBuilds": described("codebuild.build", 100),
    "codedeploy:ListApplications": listed("codedeploy.application", 100),
    "codedeploy:ListDeploymentGroups": history_of_each("codedeploy.deploymentgroup", 100),
    "codedeploy:ListDeployments": listed("codedeploy.deployment", 100),
    "codedeploy:BatchGetDeployments": described("codedeploy.deployment", 25),
    "cloudformation:DescribeStacks": listed("cloudformation.stack", 100),
    "elasticbeanstalk:DescribeEnvironments": listed("beanstalk.environment", 1000),
    "elasticbeanstalk:DescribeEvents": listed("beanstalk.event", 1000),
    "cloudwatch:DescribeAlarms": listed("cloudwatch.alarm", 100),
    "cloudwatch:GetMetricData": described("cloudwatch.metric", 500),
    "codecommit:ListRepositories": listed("codecommit.repository", 1000),
    "codecommit:BatchGetRepositories": described("codecommit.repository", 100),
}


def unwell(n: Rows) -> int:
    """Environments that move or are not plainly well."""
    return n("beanstalk.environment") - len(n.where("beanstalk.environment", state="done"))


def enhanced(n: Rows) -> int:
    return len(n.where("beanstalk.environment", health_status__gt=""))


def with_variables(n: Rows) -> int:
    """The newest executions, twenty of each pipeline that has variables."""
    plain = set(n.where("codepipeline.pipeline", variables=[]))
    runs = n.by_parent("codepipeline.execution")
    return sum(min(20, count) for key, count in runs.items() if key not in plain)


def heads_of_each(n: Rows) -> int:
    return sum(batches(count, 100) for count in n.by_parent("codecommit.branch").values())


def classic(n: Rows) -> int:
    return len(n.where("ec2.loadbalancer", type="classic"))


BESIDES: dict[str, Formula] = {
    # The definition, without which no board can be drawn, and tags; of none while it is not edited.
    "codepipeline:GetPipeline": described("codepipeline.pipeline"),
    "codepipeline:ListTagsForResource": described("codepipeline.pipeline"),
    # No list tells the values that an execution runs with.
    "codepipeline:GetPipelineExecution": with_variables,
    "codecommit:GetRepositoryTriggers": described("codecommit.repository"),
    "codecommit:ListTagsForResource": described("codecommit.repository"),
    # No batch of branches, and no list that tells their heads.
    "codecommit:ListBranches": history_of_each("codecommit.branch", 1000),
    "codecommit:GetBranch": described("codecommit.branch"),
    # The heads of a repository in one call. Their past is read where somebody asks for it.
    "codecommit:BatchGetCommits": heads_of_each,
    # No batch of pull requests; what is told of open ones alone keeps them from being merged.
    "codecommit:ListPullRequests": history_of_each("codecommit.pullrequest", 100),
    "codecommit:GetPullRequest": described("codecommit.pullrequest"),
    "codecommit:GetPullRequestApprovalStates": moving("codecommit.pullrequest"),
    "codecommit:EvaluatePullRequestApprovalRules": moving("codecommit.pullrequest"),
    "codecommit:GetCommentsForPullRequest": lambda n: 3 * n.moving("codecommit.pullrequest"),
    "codecommit:GetMergeConflicts": moving("codecommit.pullrequest"),
    # What groups deploy to, and how; those of one application are described together.
    "codedeploy:BatchGetApplications": described("codedeploy.application", 100),
    "codedeploy:BatchGetDeploymentGroups": history_of_each("codedeploy.deploymentgroup", 100),
    "codedeploy:ListDeploymentConfigs": listed("codedeploy.deploymentconfig", 100),
    "codedeploy:GetDeploymentConfig": described("codedeploy.deploymentconfig"),
    # Machines outside AWS, with the tags by which groups deploy to them; every half an hour.
    "codedeploy:ListOnPremisesInstances": listed("codedeploy.on_premises_instance", 100),
    "codedeploy:BatchGetOnPremisesInstances": described("codedeploy.on_premises_instance", 100),
    # On which machine, and why it failed: of what runs, failed lately, is
    # the newest of a group or the newest that succeeded on its instances.
    "codedeploy:ListDeploymentTargets": history_of_each("codedeploy.target", 100),
    "codedeploy:BatchGetDeploymentTargets": history_of_each("codedeploy.target", 25),
    # Why a stack failed, what it made and what would change. No call takes several stacks.
    "cloudformation:DescribeStackEvents": history_of_each("cloudformation.event", 100),
    "cloudformation:ListStackResources": history_of_each("cloudformation.resource", 100),
    "cloudformation:ListChangeSets": history_of_each("cloudformation.changeset", 100),
    "cloudformation:DescribeChangeSet": described("cloudformation.changeset"),
    "elasticbeanstalk:DescribeApplications": once,
    "elasticbeanstalk:DescribeApplicationVersions": listed("beanstalk.version", 1000),
    # Why an environment is not well, and which instance: no call takes several.
    "elasticbeanstalk:DescribeEnvironmentHealth": unwell,
    "elasticbeanstalk:DescribeInstancesHealth": history_of_each("beanstalk.instance", 100),
    # What AWS is to do to an environment by itself, and did: four times a day.
    "elasticbeanstalk:DescribeEnvironmentManagedActions": enhanced,
    "elasticbeanstalk:DescribeEnvironmentManagedActionHistory": enhanced,
    "cloudwatch:DescribeAlarmHistory": listed("cloudwatch.alarmhistory", 100),
    "logs:DescribeLogGroups": listed("cloudwatch.loggroup", 50),
    # What is deployed to: versions are read off it.
    "lambda:ListFunctions": listed("awslambda.function", 50),
    "lambda:ListVersionsByFunction": history_of_each("awslambda.version", 50),
    "lambda:ListAliases": history_of_each("awslambda.alias", 50),
    # A search in the log of each function that a pipeline invokes (none here fails).
    "logs:FilterLogEvents": described("awslambda.function"),
    "ecs:ListClusters": listed("ecs.cluster", 100),
    "ecs:DescribeClusters": described("ecs.cluster", 100),
    "ecs:ListServices": history_of_each("ecs.service", 100),
    "ecs:DescribeServices": history_of_each("ecs.service", 10),
    # Tasks that stopped, of clusters in which something does not run.
    "ecs:ListTasks": described("ecs.cluster"),
    "ecs:DescribeTasks": described("ecs.cluster"),
    "ecs:DescribeTaskDefinition": described("ecs.taskdefinition"),
    "ec2:DescribeInstances": listed("ec2.instance", 1000),
    "ec2:DescribeInstanceStatus": listed("ec2.instance", 1000),
    "autoscaling:DescribeAutoScalingGroups": listed("ec2.autoscalinggroup", 100),
    "autoscaling:DescribeScalingActivities": once,
    "elbv2:DescribeLoadBalancers": listed("ec2.loadbalancer", 400),
    "elbv2:DescribeTargetGroups": listed("ec2.targetgroup", 400),
    # No batch of it.
    "elbv2:DescribeTargetHealth": described("ec2.targetgroup"),
    # Classic load balancers have an API of their own, and no batch of their health either.
    "elb:DescribeLoadBalancers": once,
    "elb:DescribeInstanceHealth": classic,
    # The role behind an instance profile. IAM's list would tell of all that an account has.
    "iam:GetInstanceProfile": described("ec2.instanceprofile"),
}
FIRST = {**FEWEST, **BESIDES}
# Where nothing moved: lists, of histories the newest page, and what still moves or waits.
IDLE: dict[str, Formula] = {
    **FIRST,
    "codepipeline:GetPipeline": never,
    "codepipeline:ListTagsForResource": never,
    "codepipeline:ListPipelineExecutions": described("codepipeline.pipeline"),
    "codepipeline:GetPipelineExecution": never,
    "codepipeline:ListActionExecutions": described("codepipeline.pipeline"),
    "codebuild:ListBuilds": once,
    "codebuild:BatchGetBuilds": never,
    "codecommit:GetRepositoryTriggers": never,
    "codecommit:ListTagsForResource": never,
    "codecommit:ListBranches": never,
    "codecommit:GetBranch": never,
    "codecommit:BatchGetCommits": never,
    "codecommit:GetCommentsForComparedCommit": never,
    "codecommit:GetPullRequest": moving("codecommit.pullrequest"),
    "codecommit:GetPullRequestApprovalStates": never,
    "codecommit:EvaluatePullRequestApprovalRules": never,
    "codecommit:GetCommentsForPullRequest": never,
    "codecommit:GetMergeConflicts": never,
    "codedeploy:BatchGetApplications": never,
    "codedeploy:BatchGetDeploymentGroups": never,
    "codedeploy:GetDeploymentConfig": never,
    "codedeploy:BatchGetDeployments": moving("codedeploy.deployment"),
    "codedeploy:ListDeploymentTargets": moving("codedeploy.deployment"),
    "codedeploy:BatchGetDeploymentTargets": moving("codedeploy.deployment"),
    "cloudformation:DescribeStackEvents": moving("cloudformation.stack"),
    "cloudformation:ListStackResources": moving("cloudformation.stack"),
    "cloudformation:ListChangeSets": moving("cloudformation.stack"),
    "cloudformation:DescribeChangeSet": never,
    "elasticbeanstalk:DescribeEvents": once,
    "elasticbeanstalk:DescribeInstancesHealth": moving("beanstalk.environment"),
    "cloudwatch:DescribeAlarmHistory": once,
    # One function, so that a denial is noticed.
    "lambda:ListVersionsByFunction": once,
    "lambda:ListAliases": once,
    "ecs:DescribeTaskDefinition": never,
    "iam:GetInstanceProfile": never,
}


def hot_of(kind: str) -> Formula:
    return lambda n: n.asked_hot(kind)


# One look at what moves or waits, and at nothing else: what is idle costs no call.
HOT: dict[str, Formula] = {
    "codepipeline:GetPipelineState": hot_of("codepipeline.stage"),
    "codepipeline:ListPipelineExecutions": hot_of("codepipeline.execution"),
    # A run that is not on the newest page, which has no cheaper call.
    "codepipeline:GetPipelineExecution": moving("codepipeline.execution"),
    "codepipeline:ListActionExecutions": hot_of("codepipeline.action"),
    "codebuild:BatchGetBuilds": lambda n: batches(n.moving("codebuild.build"), 100),
    "codedeploy:BatchGetDeployments": lambda n: batches(n.moving("codedeploy.deployment"), 25),
    "codedeploy:ListDeploymentTargets": hot_of("codedeploy.target"),
    "codedeploy:BatchGetDeploymentTargets": hot_of("codedeploy.target"),
    "codecommit:ListPullRequests": hot_of("codecommit.pullrequest"),
    "codecommit:GetPullRequest": moving("codecommit.pullrequest"),
    "cloudformation:DescribeStacks": moving("cloudformation.stack"),
    "cloudformation:DescribeStackEvents": hot_of("cloudformation.event"),
    "cloudformation:ListStackResources": hot_of("cloudformation.resource"),
    "cloudformation:ListChangeSets": hot_of("cloudformation.changeset"),
    "elasticbeanstalk:DescribeApplicationVersions": moving("beanstalk.version"),
    "elasticbeanstalk:DescribeEnvironments": once,
    "elasticbeanstalk:DescribeEnvironmentHealth": moving("beanstalk.environment"),
    "elasticbeanstalk:DescribeEvents": once,
    "elasticbeanstalk:DescribeInstancesHealth": hot_of("beanstalk.instance"),
    "lambda:GetFunctionConfiguration": moving("awslambda.function"),
    "lambda:ListAliases": hot_of("awslambda.alias"),
    "ecs:DescribeServices": moving("ecs.service"),
    "ecs:ListTasks": moving("ecs.service"),
    "ecs:DescribeTasks": moving("ecs.service"),
    "ec2:DescribeInstances": once,
    "ec2:DescribeInstanceStatus": once,
    "autoscaling:DescribeAutoScalingGroups": once,
    "autoscaling:DescribeScalingActivities": once,
    "elbv2:DescribeLoadBalancers": once,
    "elbv2:DescribeTargetGroups": once,
    "elbv2:DescribeTargetHealth": moving("ec2.targetgroup"),
    "elb:DescribeInstanceHealth": hot_of("ec2.instancehealth"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    """The scenario that everybody sees, standing still."""
    with SandboxServer(seed=1, speed=1, scenario="default") as server:
        server.clock.hold()
        yield server


@pytest.fixture
def swept(db: None, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that connects a place, sweeps it so often, and counts the calls of the last.

    With `hot`, those of the second look at what moves thereafter, of each kind that has one coming.
    """
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    cache.clear()

    def sweep(
        number: str, region: str, times: int, *, hot: bool = False
    ) -> tuple[Rows, Counter[str]]:
        account = connect(
            name=f"{number} {region}",
            method=Account.Method.KEYS,
            regions=[region],
            account_id=number,
            access_key_id=number,
            secret_access_key="any",
            endpoint_url=sandbox.url,
            managed=True,
        )
        scope = account.places.get().scope
        for _ in range(times):
            before = Counter(sandbox.calls())
            for done, result in sweep_scope(scope):
                assert result is not None, f"{done.kind} could not be read"
            after = Counter(sandbox.calls())
            # What moves is looked at once more, which is no part of the sweep.
            while follow_hints(scope.pk):
                pass
        if hot:
            # The first one may find what begins.
            look_at_what_moves(scope)
            before = Counter(sandbox.calls())
            look_at_what_moves(scope)
            after = Counter(sandbox.calls())
        counted = Counter[str]()
        for (_, _, service, operation), count in (after - before).items():
            if service not in APART:
                counted[f"{service}:{operation}"] += count
        return Rows(scope), counted

    return sweep


def look_at_what_moves(scope: Scope) -> None:
    ahead = scope.sweeps.exclude(hot_due_at=None)
    assert ahead.exists()
    order = list(REGISTER.by_kind)
    for row in sorted(ahead, key=lambda one: order.index(one.kind)):
        later = now() + timedelta(hours=1)
        Sweep.objects.filter(pk=row.pk).update(due_at=later, hot_due_at=now())
        assert take(row)
        assert run(row) is not None, f"{row.kind} could not be looked at"


def held_to(formulas: dict[str, Formula], rows: Rows, counted: Counter[str]) -> None:
    """Fail for each operation that was called more often than its formula says, or has none."""
    unknown = sorted(counted.keys() - formulas.keys())
    assert not unknown, f"say in tests/aws/test_cost.py how often these may be called: {unknown}"
    most = {operation: formulas[operation](rows) for operation in counted}
    more = {name: (count, most[name]) for name, count in counted.items() if count > most[name]}
    assert not more, f"called more often than needed (calls, most): {more}"


@pytest.mark.parametrize(("number", "region"), PLACES)
def test_a_first_sweep_makes_no_more_calls_than_needed(swept, number, region):
    rows, counted = swept(number, region, 1)
    held_to(FIRST, rows, counted)
    # What was not called was not counted.
    needed = {r.calls[0] for r in REGISTER.of("aws") if r.calls[0] in FIRST and not r.asked_by}
    assert needed <= counted.keys()


@pytest.mark.parametrize(("number", "region"), PLACES)
def test_a_sweep_after_which_nothing_moved_makes_no_more_calls_than_needed(swept, number, region):
    # What the second one finds new is what began while the first was made.
    rows, counted = swept(number, region, 3)
    held_to(IDLE, rows, counted)


@pytest.mark.parametrize(("number", "region"), PLACES)
def test_a_look_at_what_moves_calls_about_nothing_else(swept, number, region):
    rows, counted = swept(number, region, 3, hot=True)
    held_to(HOT, rows, counted)


@pytest.mark.django_db
def test_formulas_count_pages_batches_and_parents():
    assert [pages(n, 100) for n in (0, 1, 100, 101)] == [1, 1, 1, 2]
    assert [batches(n, 100) for n in (0, 1, 100, 101)] == [0, 1, 1, 2]
    scope = Scope.objects.create(provider="aws", place="1/r")
    assert Rows(scope)("nobody.installed") == 0
    assert FIRST["codepipeline:ListPipelines"](Rows(scope)) == 1

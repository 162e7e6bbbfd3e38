"""Makes what a project holds for the pictures of states: something for every tile, in a manner."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.text import slugify
from django.utils.timezone import now

from apps.cloudwatch import keep
from apps.cloudwatch.models import Kept
from apps.cloudwatch.records import Points
from apps.codebuild.models import Project as BuildProject
from apps.codedeploy.models import Application, DeploymentGroup
from apps.issues.models import Category
from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.people.models import Profile
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role
from apps.wiki import writing
from tests.beanstalk.making import SEVERE, make_application, make_environment
from tests.cloudformation.making import make_stack
from tests.factories import (
    hold,
    make_action,
    make_build,
    make_execution,
    make_pipeline,
    make_project,
    make_scope,
    make_waiting_pipeline,
)
from tests.issues.making import make_issue, make_site, make_tracker
from tests.projects.making import (
    DEPLOYING,
    make_alarm,
    make_balancer,
    make_deploying,
    make_function,
    make_group,
    make_metric,
    make_service,
)
from tests.source.making import make_commit, make_repository, sha

# As long as AWS allows, without a place to break.
LONG = "the-one-service-that-was-named-by-a-committee-and-then-renamed-by-another-one-2026"
LONG_TEXT = f"Rename {LONG} once more, because the committee of {LONG} met again. " * 3
PEOPLE = {
    "release-manager": "Release manager",
    "checkout-developer": "Checkout developer",
    "payments-developer": "Payments developer",
    "platform-engineer": "Platform engineer",
}
# An account and a region.
Place = tuple[str, str]
ROLES = (Role.OWNER, Role.CONTRIBUTOR, Role.CONTRIBUTOR, Role.VIEWER)
CHANGES = (
    "Retry idempotent charge on gateway timeout",
    "Move tax rounding to decimal context",
    "Drop unused v1 cart endpoint (#482)",
    "Feature flag for express checkout",
    "Bump boto3, pin urllib3",
    "Say in the receipt which voucher was used",
)
README = """Takes the basket to an order that is paid.

## When it breaks

1. Look at the newest deployment: **who** is on it stands above.
2. `make rollback` puts the version before back.

On call: [the rota](https://example.com/rota).
"""
# Charts of one balancer: (metric, statistic, middle, how far it swings).
SERIES = (
    ("TargetResponseTime", "p95", 0.31, 0.11),
    ("RequestCount", "Sum", 1840.0, 620.0),
    ("HTTPCode_Target_5XX_Count", "Sum", 2.0, 2.0),
)
_turns = iter(range(10_000))


@dataclass(frozen=True)
class Manner:
    """How everything in a project fares: its status where it is deployed, and how much there is."""

    status: str = "Succeeded"
    many: int = 1
    long: bool = False

    @property
    def failed(self) -> bool:
        return self.status == "Failed"

    def name(self, name: str) -> str:
        """What something is called."""
        return f"{LONG}-{name}" if self.long else name

    def names(self, name: str) -> list[str]:
        """What several are called."""
        rest = [f"{name}-{one}" for one in range(2, self.many + 1)]
        return [self.name(one) for one in (name, *rest)]


def members(project: Project, manner: Manner) -> None:
    """People with their roles."""
    people = dict(PEOPLE)
    if manner.long:
        people |= {f"{LONG}-{one}": f"Developer of {LONG}"[:100] for one in range(8)}
    for number, (name, shown) in enumerate(people.items()):
        user, _ = get_user_model().objects.get_or_create(username=name)
        Profile.objects.update_or_create(user=user, defaults={"display_name": shown})
        role = ROLES[number] if number < len(ROLES) else Role.VIEWER
        Membership.objects.create(project=project, user=user, role=role)


def wiki(project: Project, manner: Manner) -> None:
    """A README."""
    page = writing.readme_of(project)
    page.save()
    text = f"# {LONG}\n\n{LONG_TEXT * 9}" if manner.long else README
    writing.write(
        page,
        get_user_model().objects.get(username=next(iter(PEOPLE))),
        {
            "title": "README",
            "text": text,
            "said": "",
        },
        0,
    )


def pipelines(manner: Manner) -> list[Any]:
    """Pipelines that deployed for weeks what was committed to a repository."""
    repository = make_repository(manner.name("shop"))
    first = next(_turns) * 100 + 1000
    commits = []
    for back, title in enumerate(CHANGES):
        commits.append(
            make_commit(
                repository,
                first + back,
                message=LONG_TEXT if manner.long else title,
                author_name=f"Developer of {LONG}"
                if manner.long
                else list(PEOPLE.values())[back % 4],
                committed_at=now() - timedelta(hours=1 + 5 * back),
            )
        )
    said = {"summary": commits[0].message, "author": commits[0].author_name}
    made = [
        make_deploying(name, manner.status, commits[0].commit_id, **said)
        for name in manner.names("checkout")
    ]
    _weeks(made[0], manner, [one.commit_id for one in commits[1:]], commits)
    if manner.long:
        made.append(make_waiting_pipeline(manner.name("waits")))
    return [repository, *made]


def _weeks(pipeline: Any, manner: Manner, revisions: Sequence[str], commits: Sequence[Any]) -> None:
    """What a pipeline deployed in the two months before."""
    for turn in range(36):
        status = "Failed" if turn % (3 if manner.failed else 9) == 2 else "Succeeded"
        began = now() - timedelta(hours=6 + 38 * turn)
        at = turn % len(CHANGES)
        run = make_execution(
            pipeline,
            status,
            started_at=began,
            revision_id=revisions[turn] if turn < len(revisions) else sha(10_000 + turn),
            summary=commits[at].message,
            author=commits[at].author_name,
        )
        make_action(run, "Production", "Deploy", status, category="Deploy")


def builds(manner: Manner) -> list[Any]:
    """Build projects with as many builds as the strip has room for."""
    held = []
    for name in manner.names("checkout-build"):
        for turn in range(30):
            late = turn % (2 if manner.failed else 8) == 0 and turn > 0
            bad = late or (manner.failed and turn == 29)
            took = 30 if bad else 150 + 40 * math.sin(turn) + turn
            began = now() - timedelta(minutes=20 + 95 * (29 - turn))
            row = make_build(
                name,
                "FAILED" if bad else "SUCCEEDED",
                started_at=began,
                ended_at=began + timedelta(seconds=took),
                seconds=int(took),
                initiator=f"codepipeline/{manner.name('checkout')}",
            )
        held.append(row.project)
    return held


def running(manner: Manner) -> list[Any]:
    """Whatever runs somewhere."""
    bad = manner.failed
    made: list[Any] = []
    for name in manner.names("basket"):
        states = ["done", "done", "failed"] if bad else ["done"] * 6
        strip = [
            {"name": f"i-0{one}", "label": "", "state": state, "status": state.capitalize()}
            for one, state in enumerate(states)
        ]
        cause = {"cause": "Too many instances failed: the script BeforeInstall ended with exit 1"}
        made.append(make_group(name, manner.status, strip=strip, **(cause if bad else {})))
    broken = {"status": "FAILED"} if bad else {}
    made += [make_service(name, **broken) for name in manner.names("payments")]
    made += [make_function(name) for name in manner.names("resize")]
    application = make_application(manner.name("loyalty"))
    health: dict[str, Any] = SEVERE if bad else {}
    made += [
        make_environment(name[-40:], application, **health) for name in manner.names("loyalty-api")
    ]
    ended = {"failure": {"why": "Bucket shop-media exists already"}} if bad else {}
    status = "UPDATE_ROLLBACK_COMPLETE" if bad else "UPDATE_COMPLETE"
    for name in manner.names("shop"):
        address = f"https://{name[:60]}.shop.example/a/path/that/goes/on/{name}"
        outputs = [{"key": "Url", "value": address if manner.long else "https://shop.example"}]
        made.append(make_stack(name, status, outputs=outputs, **ended))
    made += [make_balancer(name) for name in manner.names("web")]
    return made


def alarms(manner: Manner) -> list[Any]:
    """Alarms, one of them of late in alarm."""
    long_ago = {"state_transitioned": now() - timedelta(days=9)}
    made = [make_alarm(manner.name("checkout-p99-latency"), "ALARM" if manner.failed else "OK")]
    made.append(make_alarm(manner.name("checkout-5xx"), "OK", **long_ago))
    made.append(make_alarm(manner.name("queue-age"), "INSUFFICIENT_DATA", **long_ago))
    names = [manner.name(f"errors-{one}") for one in range(9 if manner.many > 1 else 0)]
    return made + [make_alarm(name, "ALARM") for name in names]


def metrics(manner: Manner) -> list[Any]:
    """What a balancer says of itself, for six hours."""
    made = []
    until = now().replace(second=0, microsecond=0)
    since = until - timedelta(hours=30)
    first = int(since.timestamp()) // 300 * 300
    for metric, statistic, middle, swing in SERIES:
        row = make_metric(manner.name("web"), metric, statistic)
        bad = manner.failed and metric.startswith("HTTPCode")
        values = tuple(
            (
                first + 300 * at,
                max(0.0, _value(at, middle, swing) * (40 if bad and at > 350 else 1)),
            )
            for at in range(30 * 12)
        )
        kept = Kept.objects.filter(metric=row)
        kept.delete()
        keep.keep_points(make_scope(), {row.key: Points(since, until, 300, values)})
        kept.update(whole_from=until - timedelta(days=40))
        made.append(row)
    return made


def issues(name: str, manner: Manner) -> list[Any]:
    """A tracker at a site of the project's own, with issues; where all fails, a query, too."""
    site = make_site(host=f"{slugify(name)}.atlassian.net")
    tracker = make_tracker("SHOP", site, name=manner.name("Shop"))
    for number, category in enumerate(list(Category) * manner.many):
        title = LONG_TEXT if manner.long else CHANGES[number % len(CHANGES)]
        labels = [f"{LONG}-{one}"[:50] for one in range(6)] if manner.long else ["checkout"]
        make_issue(tracker, category, title=title[:250], labels=labels)
    if not manner.failed:
        return [tracker]
    words = "The value 'SHPO' does not exist for the field 'project'."
    rejected = {"query": "project = SHPO", "state": State.FAILED, "status": "Rejected"}
    return [tracker, make_tracker("Urgent", site, name="Urgent", trouble=words, **rejected)]


def _value(at: int, middle: float, swing: float) -> float:
    return middle + swing * (math.sin(at / 9) + math.sin(at * 1.7) / 3 + math.sin(at * 0.37) / 4)


def shop(name: str, place: Place, manner: Manner | None = None) -> tuple[Project, Scope]:
    """Make a project that holds something for every tile, in a place of its own."""
    manner = manner or Manner()
    project = make_project(name)
    project.description = LONG_TEXT if manner.long else "Basket, checkout and what they need."
    many = [f"tag-{number}-of-many" for number in range(12)]
    project.tags = many if manner.long else ["shop", "tier-1"]
    project.links = [{"label": "Runbook", "url": "https://example.com/runbook"}]
    project.save()
    members(project, manner)
    wiki(project, manner)
    rows = [*pipelines(manner), *builds(manner), *running(manner)]
    hold(project, *rows, *alarms(manner), *metrics(manner), *issues(name, manner))
    return project, moved(place)


def bare(name: str, place: Place) -> tuple[Project, Scope]:
    """Make a project that holds something of every kind of which nothing is known yet."""
    project = make_project(name)
    application = Application.objects.create(scope=make_scope(), key="basket")
    group = DeploymentGroup.objects.create(
        scope=make_scope(), key="basket/production", name="production", application=application
    )
    building = BuildProject.objects.create(scope=make_scope(), key="checkout-build", arn="arn:b")
    gone = make_alarm("checkout-5xx")
    gone.gone_at = now()
    gone.save()
    Application.objects.filter(pk=application.pk).update(state=State.UNKNOWN)
    pipeline = make_pipeline("checkout", definition=DEPLOYING)
    repository = make_repository()
    tracker = make_tracker("SHOP", make_site(host=f"{slugify(name)}.atlassian.net"), name="Shop")
    silent = [make_metric("web", metric, statistic) for metric, statistic, *_ in SERIES]
    hold(project, pipeline, repository, building, group, gone, tracker, *silent)
    return project, moved(place)


def moved(place: Place) -> Scope:
    """Put all that was made since the last time into a place of its own."""
    usual = make_scope()
    scope = make_scope(*place)
    for resource in REGISTER:
        rows = resource.model._default_manager.filter(scope=usual)
        rows.update(scope=scope)
    Holding.objects.filter(scope=usual).update(scope=scope)
    return scope

"""What goes with what a project holds comes and goes with it by itself."""

from typing import Any

import pytest
from django.core.cache import cache

from apps.adoption import deeds
from apps.cloudwatch.models import Metric
from apps.cloudwatch.watched import series_of
from apps.ec2.models import AutoScalingGroup, Instance
from apps.mirror.models import Change, Link
from apps.projects import follow as following
from apps.projects import tasks
from apps.projects.follow import follow
from apps.projects.models import Holding
from tests.factories import change, hold, make_build, make_project, make_scope, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]

ARN = "arn:aws:ec2:eu-west-1:111122223333:instance/{}"


@pytest.fixture
def viewer() -> Any:
    return make_user("viewer", reads_everything=False)


def make_group(*instances: str) -> AutoScalingGroup:
    """An Auto Scaling group that launched instances."""
    scope = make_scope()
    group = AutoScalingGroup.objects.create(scope=scope, key="web", arn="arn:group/web")
    for name in instances:
        Instance.objects.create(scope=scope, key=name, arn=ARN.format(name), state="done")
        launched(group, name)
    return group


def launched(group: AutoScalingGroup, instance: str) -> None:
    Link.objects.create(
        from_kind="ec2.autoscalinggroup",
        from_id=group.pk,
        relation="launched",
        to_kind="ec2.instance",
        to_arn=ARN.format(instance),
        owning=True,
    )


def seen(user: Any) -> set[str]:
    return {row.key for row in Instance.objects.visible_to(user)}


def test_instances_go_with_their_group_and_leave_with_it(viewer: Any):
    group = make_group("i-1", "i-2")
    Instance.objects.create(scope=group.scope, key="i-9", arn=ARN.format("i-9"), state="done")
    project = make_project("Shop", group, viewer=viewer)
    assert seen(viewer) == set()
    assert follow()
    assert seen(viewer) == {"i-1", "i-2"}
    assert not follow()
    Link.objects.filter(to_arn=ARN.format("i-1")).delete()
    launched(group, "i-9")
    assert follow()
    assert seen(viewer) == {"i-2", "i-9"}
    Holding.objects.filter(project=project).exclude(how=Holding.How.FOLLOWS).delete()
    assert follow()
    assert not Holding.objects.exists()


def test_what_a_person_put_there_stays(viewer: Any):
    group = make_group("i-1")
    project = make_project("Shop", group, viewer=viewer)
    follow()
    Holding.objects.filter(kind="ec2.instance").update(how=Holding.How.LINKED)
    Link.objects.all().delete()
    follow()
    assert seen(viewer) == {"i-1"}
    assert project.holdings.count() == 2


def test_each_project_has_what_goes_with_its_own(viewer: Any):
    group = make_group("i-1")
    make_project("Shop", group)
    make_project("Other", viewer=viewer)
    follow()
    assert seen(viewer) == set()


def test_metrics_are_seen_with_what_they_measure(viewer: Any):
    build = make_build("checkout")
    project = build.project
    [series, *_] = series_of("codebuild.project", project.key, project.arn)
    for key in (series.key, "AWS/Other"):
        Metric.objects.create(
            scope=project.scope, key=key, namespace="x", metric_name=key, statistic="Sum", period=60
        )
    make_project("Checkout", project, viewer=viewer)
    follow()
    assert [row.key for row in Metric.objects.visible_to(viewer)] == [series.key]


def test_many_rows_are_followed_in_a_number_of_queries_that_they_do_not_change(
    django_assert_max_num_queries: Any,
):
    group = make_group(*(f"i-{number}" for number in range(40)))
    project = make_project("Shop", group)
    with django_assert_max_num_queries(60):
        follow()
    assert project.holdings.count() == 41
    hold(make_project("Second"), group)
    with django_assert_max_num_queries(60):
        follow()
    assert Holding.objects.count() == 82


def test_what_went_with_something_leaves_with_it_at_once(viewer: Any):
    group, other = make_group("i-1", "i-2"), make_build("shop").project
    project = make_project("Shop", group, other, viewer=viewer)
    make_project("Second", group)
    follow()
    assert deeds.unlink(project, viewer, "codebuild.project", other.pk)
    assert seen(viewer) == {"i-1", "i-2"}
    # Nothing but the deed itself runs here: no task.
    assert deeds.unlink(project, viewer, "ec2.autoscalinggroup", group.pk)
    assert seen(viewer) == set()
    assert Holding.objects.filter(kind="ec2.instance").count() == 2


def test_what_came_while_it_was_worked_out_leaves_too(viewer: Any):
    group = make_group("i-1")
    project = make_project("Shop", group, viewer=viewer)
    follow()
    leaving = following.leaving(project, ("ec2.autoscalinggroup", group.pk))
    Instance.objects.create(scope=group.scope, key="i-2", arn=ARN.format("i-2"), state="done")
    launched(group, "i-2")
    follow()
    Holding.objects.filter(kind="ec2.autoscalinggroup").delete()
    leaving.go()
    assert seen(viewer) == set()


def test_nothing_is_written_of_what_was_taken_out_meanwhile(
    viewer: Any, monkeypatch: pytest.MonkeyPatch
):
    group = make_group("i-1")
    project = make_project("Shop", group, viewer=viewer)
    really = following._next

    def take_out(reached: Any) -> Any:
        found = really(reached)
        deeds.unlink(project, viewer, "ec2.autoscalinggroup", group.pk)
        return found

    monkeypatch.setattr(following, "_next", take_out)
    with pytest.raises(following.OvertakenError):
        follow()
    assert not Holding.objects.exists()


def test_whoever_changes_what_is_held_while_the_task_looks_is_looked_to(
    monkeypatch: pytest.MonkeyPatch,
):
    make_project("Shop", make_group("i-1"))
    cache.clear()

    def meanwhile() -> None:
        # As `follow_soon` does; its own task finds this one busy.
        cache.delete(tasks.LOOKED_TO)
        tasks.keep_following()

    monkeypatch.setattr(tasks, "follow", meanwhile)
    tasks.keep_following()
    assert cache.get(tasks.LOOKED_TO) is None

    def overtaken() -> None:
        raise following.OvertakenError

    monkeypatch.setattr(tasks, "follow", overtaken)
    tasks.keep_following()
    assert cache.get(tasks.LOOKED_TO) is None
    cache.clear()


def test_the_task_looks_where_something_moved_that_may_tie(monkeypatch: pytest.MonkeyPatch):
    cache.clear()
    looked: list[int] = []
    monkeypatch.setattr(tasks, "follow", lambda: looked.append(1))

    def look() -> int:
        looked.clear()
        tasks.keep_following()
        return len(looked)

    group = make_group("i-1")
    make_project("Shop", group)
    assert look() == 1
    assert look() == 0
    change(group, "ec2.autoscalinggroup", before={"desired": 1, "state": "moving"})
    assert look() == 0
    change(group, "ec2.autoscalinggroup")
    assert look() == 1
    change(group, "ec2.autoscalinggroup", before={"gone_at": None}, verb=Change.Verb.GONE)
    assert look() == 1
    cache.clear()

"""Links: what a row names is remembered, and news of the named reaches who owns it."""

from types import SimpleNamespace

import pytest

from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror.ask import LinkTo
from apps.mirror.links import (
    by_name,
    linked_from,
    links_of,
    named,
    names_of,
    resolve,
    sources,
    url_of,
)
from apps.mirror.models import Change, Link
from apps.mirror.reconcile import Everything, Nothing, reconcile
from tests.mirror.toy import BEGIN, Box, Part, Run, Step

pytestmark = [pytest.mark.sql, pytest.mark.django_db]

RUNS_A = LinkTo("runs", "toy.box", "arn:toy:target", owning=True)
USES_B = LinkTo("uses", "toy.box", "arn:toy:elsewhere")


@pytest.fixture
def box(scope, boxes):
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    return Pipeline.objects.get()


def part(*links: LinkTo, **more) -> Part:
    return Part(key="a/1", parent="a", name="1", links=links, **more)


def names(row) -> set[tuple[str, str]]:
    return {(link.relation, link.to_arn) for link in links_of("toy.part", [row.pk]).get(row.pk, [])}


def test_what_a_record_names_is_linked_though_nobody_mirrors_it(scope, parts, box):
    reconcile(parts, scope, [part(RUNS_A, USES_B)], extent=Nothing())
    stage = Stage.objects.get()
    assert names(stage) == {("runs", "arn:toy:target"), ("uses", "arn:toy:elsewhere")}
    assert resolve("toy.box", ["arn:toy:target"]) == {}
    assert resolve("nobody.knows", ["arn:toy:target"]) == {}
    back = linked_from("toy.box", ["arn:toy:target", ""])
    assert sources(back["arn:toy:target"]) == {("toy.part", stage.pk): stage}


def test_the_same_link_twice_is_one(scope, parts, box):
    reconcile(parts, scope, [part(RUNS_A, RUNS_A)], extent=Nothing())
    assert Link.objects.count() == 1


def test_a_link_that_comes_or_goes_is_a_change_of_its_row(scope, parts, box):
    reconcile(parts, scope, [part(RUNS_A)], extent=Nothing())
    stage = Stage.objects.get()
    result = reconcile(parts, scope, [part(USES_B)], extent=Nothing())
    assert [(change.row_id, str(change.verb)) for change in result.changes] == [
        (stage.pk, "changed")
    ]
    assert names(stage) == {("uses", "arn:toy:elsewhere")}
    assert not reconcile(parts, scope, [part(USES_B)], extent=Nothing()).changed
    reconcile(parts, scope, [part()], extent=Nothing())
    assert not Link.objects.exists()


def test_links_that_were_not_read_stay(scope, parts, box):
    reconcile(parts, scope, [part(RUNS_A)], extent=Nothing())
    reconcile(parts, scope, [Part(key="a/1", parent="a", name="1")], extent=Nothing())
    assert Link.objects.count() == 1


def test_an_older_reading_does_not_bring_old_links_back(scope, parts, box):
    from datetime import timedelta

    from django.utils.timezone import now

    late = now()
    early = late - timedelta(seconds=5)
    reconcile(parts, scope, [part()], extent=Nothing(), read_at=early - timedelta(seconds=5))
    # Nothing but a link differs, and still the row remembers when that was read.
    reconcile(parts, scope, [part(RUNS_A)], extent=Nothing(), read_at=late)
    assert not reconcile(parts, scope, [part(USES_B)], extent=Nothing(), read_at=early).changed
    assert names(Stage.objects.get()) == {("runs", "arn:toy:target")}


def test_news_of_a_target_reaches_whoever_owns_it(scope, boxes, parts, runs, steps, box):
    reconcile(runs, scope, [Run(key="r", parent="a", started_at=BEGIN)], extent=Nothing())
    reconcile(steps, scope, [Step(key="s", parent="r", links=(RUNS_A,))], extent=Nothing())
    reconcile(parts, scope, [part(RUNS_A)], extent=Nothing())
    target = Box(key="target", arn="arn:toy:target")
    result = reconcile(boxes, scope, [target], extent=Nothing())
    (news,) = result.changes
    step, run, stage = Action.objects.get(), Execution.objects.get(), Stage.objects.get()
    above = {f"toy.step:{step.pk}", f"toy.run:{run.pk}", f"toy.part:{stage.pk}"}
    assert set(news.subjects) == above | {f"toy.box:{news.row_id}", f"toy.box:{box.pk}"}
    # Each is named once, though two ways lead to the box.
    assert len(news.subjects) == len(set(news.subjects))
    for row in (step, run, stage, box):
        row.refresh_from_db()
        assert row.version == news.pk


def test_news_of_a_target_does_not_reach_who_merely_names_it(scope, boxes, parts, box):
    reconcile(parts, scope, [part(USES_B)], extent=Nothing())
    elsewhere = Box(key="elsewhere", arn="arn:toy:elsewhere")
    result = reconcile(boxes, scope, [elsewhere], extent=Nothing())
    assert result.changes[0].subjects == [f"toy.box:{result.changes[0].row_id}"]


def test_an_owner_of_a_kind_that_is_not_installed_any_more_is_passed_over(scope, boxes, box):
    Link.objects.create(
        from_kind="toy.removed",
        from_id=1,
        relation="runs",
        to_kind="toy.box",
        to_arn="arn:toy:b",
        owning=True,
    )
    result = reconcile(boxes, scope, [Box(key="b", arn="arn:toy:b")], extent=Nothing())
    assert result.changes[0].subjects == [f"toy.box:{result.changes[0].row_id}"]


def test_a_gone_row_keeps_its_links_and_tells_its_owner(scope, boxes, parts, box):
    reconcile(boxes, scope, [Box(key="t", arn="arn:toy:target")], extent=Nothing())
    reconcile(parts, scope, [part(RUNS_A)], extent=Nothing())
    reconcile(boxes, scope, [Box(key="a")], extent=Everything())
    gone = Change.objects.latest("pk")
    assert gone.verb == "gone"
    assert f"toy.part:{Stage.objects.get().pk}" in gone.subjects
    assert Link.objects.count() == 1


def test_a_kind_without_a_page_has_no_address(scope, box):
    assert url_of("toy.box", box) == ""
    assert url_of("nobody.knows", box) == ""


def test_a_name_without_a_part_that_nobody_told_finds_the_row_that_has_it():
    group = "arn:aws:autoscaling:r:1:autoScalingGroup:6f1c:autoScalingGroupName/web"
    untold = "arn:aws:autoscaling:r:1:autoScalingGroup:*:autoScalingGroupName/web"
    assert untold in names_of(group)
    other = SimpleNamespace(arn=group.replace("web", "api"))
    row = SimpleNamespace(arn=group)
    assert by_name([other, row], [untold]) == {other.arn: other, group: row, untold: row}
    assert by_name([other], [untold]) == {other.arn: other}
    assert str(named([group, untold])).count("arn__startswith") == 1

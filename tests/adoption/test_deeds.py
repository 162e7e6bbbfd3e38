"""What people decide: whole or not at all, once, and remembered."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.adoption import by_itself, deeds, tasks
from apps.adoption.keep import renew
from apps.adoption.models import Accepted, Adoption, Declined, Proposal, Shape
from apps.audit.models import Record
from apps.mirror.models import Change, Scope
from apps.mirror.resource import REGISTER
from apps.projects.deeds import RefusedError, delete
from apps.projects.models import Generation, Holding, Membership, Project
from tests.adoption import rows as made
from tests.adoption.test_twelve import names
from tests.factories import change, make_project, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def administrator() -> Any:
    return make_user("administrator", staff=True)


def make_shop(name: str = "shop") -> list[Any]:
    """A pipeline, its build project, its function and an alarm."""
    function = made.function(f"{name}-api")
    return [
        made.pipeline(
            f"{name}-pipeline",
            made.source(f"acme/{name}"),
            made.build(f"{name}-build"),
            made.deploy("Lambda", FunctionName=f"{name}-api"),
        ),
        made.build_project(f"{name}-build"),
        function,
        made.alarm(f"{name}-errors", function),
    ]


def proposal(name: str = "Shop") -> Proposal:
    return Proposal.objects.get(name=name)


def held(project: Any) -> set[tuple[str, int]]:
    return set(project.holdings.values_list("kind", "row_id"))


def certain(proposal: Proposal) -> set[tuple[str, int]]:
    return {one.row for one in proposal.rows.filter(shared=[])}


def test_accepting_makes_a_project_that_its_accepter_owns(administrator: Any):
    rows = make_shop()
    renew()
    before = Generation.objects.filter(pk=1).values_list("number", flat=True).first() or 0
    project = deeds.accept(proposal().pk, administrator, version=proposal().version)
    assert (project.name, project.slug) == ("Shop", "shop")
    assert held(project) == names(rows)
    assert {one.how for one in project.holdings.all()} == {Holding.How.ADOPTED}
    assert project.holdings.get(kind="cloudwatch.alarm").why == [
        ["watches", "awslambda.function", "shop-api"],
        ["is invoked by", "codepipeline.pipeline", "shop-pipeline, stage Deploy"],
    ]
    assert Membership.objects.get().role == "owner"
    assert Membership.objects.get().user == administrator
    assert Generation.objects.get(pk=1).number > before
    renew()
    assert not Proposal.objects.exists()


def test_a_second_click_is_told_and_does_nothing(administrator: Any):
    make_shop()
    renew()
    pk = proposal().pk
    deeds.accept(pk, administrator)
    with pytest.raises(RefusedError, match="Somebody was quicker"):
        deeds.accept(pk, administrator)
    assert Project.objects.count() == 1


def test_what_moved_since_the_page_was_drawn_is_not_accepted_unseen(administrator: Any):
    [*_, function, _] = make_shop()
    renew()
    seen = proposal().version
    made.alarm("shop-slow", function)
    renew()
    with pytest.raises(RefusedError, match="Other resources belong"):
        deeds.accept(proposal().pk, administrator, version=seen)
    assert not Project.objects.exists()
    assert proposal().certain == 5


def test_a_name_that_is_taken_leaves_everything_as_it_was(administrator: Any):
    make_shop()
    renew()
    make_project("Taken")
    with pytest.raises(RefusedError, match="Another project has this name"):
        deeds.accept(proposal().pk, administrator, name="taken")
    assert Project.objects.count() == 1
    assert not Holding.objects.exists()
    assert not Accepted.objects.exists()
    assert proposal().certain == 4


def test_what_is_unticked_stays_out_and_is_not_proposed_there_again(administrator: Any):
    rows = make_shop()
    renew()
    chosen = set(proposal().rows.exclude(kind="cloudwatch.alarm").values_list("pk", flat=True))
    project = deeds.accept(proposal().pk, administrator, chosen=chosen, name="My shop")
    assert held(project) == names(rows[:3])
    assert Declined.objects.get().kind == "cloudwatch.alarm"
    renew()
    assert not Proposal.objects.exists()
    with pytest.raises(RefusedError, match="Somebody was quicker"):
        deeds.accept(1, administrator, chosen=set())


def test_new_resources_near_a_project_are_proposed_to_it_until_declined(administrator: Any):
    [_, _, function, _] = make_shop()
    renew()
    project = deeds.accept(proposal().pk, administrator)
    late = [made.alarm("shop-slow", function), made.log_group("/aws/lambda/shop-api")]
    made.tie(late[1], "log of", function)
    renew()
    [one] = Proposal.objects.of_projects()
    assert (one.project, one.certain) == (project, 2)
    assert not Proposal.objects.new().exists()
    log = set(one.rows.filter(kind="cloudwatch.loggroup").values_list("pk", flat=True))
    deeds.accept(one.pk, administrator, chosen=log)
    assert names([late[1]]) < held(project)
    renew()
    assert not Proposal.objects.exists()


def test_what_was_taken_out_is_not_proposed_to_that_project_again(administrator: Any):
    rows = make_shop()
    renew()
    project = deeds.accept(proposal().pk, administrator)
    alarm = rows[3]
    assert deeds.unlink(project, administrator, "cloudwatch.alarm", alarm.pk)
    assert not deeds.unlink(project, administrator, "cloudwatch.alarm", alarm.pk)
    renew()
    assert not Proposal.objects.exists()
    assert deeds.link(project, administrator, [("cloudwatch.alarm", alarm)]) == 1
    assert deeds.link(project, administrator, [("cloudwatch.alarm", alarm)]) == 0
    holding = project.holdings.get(kind="cloudwatch.alarm")
    assert (holding.how, holding.added_by) == (Holding.How.LINKED, administrator)
    assert not Declined.objects.exists()


def test_ignoring_lasts_however_things_come_and_go_and_is_taken_back(administrator: Any):
    [_, _, function, _] = make_shop()
    renew()
    pk = proposal().pk
    deeds.ignore(pk, administrator)
    made.alarm("shop-slow", function)
    renew()
    assert not Proposal.objects.new().exists()
    assert Proposal.objects.get(pk=pk).certain == 5
    with pytest.raises(RefusedError):
        deeds.accept(pk, administrator)
    deeds.propose_again(pk, administrator)
    with pytest.raises(RefusedError, match="not ignored"):
        deeds.propose_again(pk, administrator)
    assert Proposal.objects.new().get().pk == pk


def test_what_is_split_off_stays_apart_and_takes_what_comes_near_it(administrator: Any):
    rows = make_shop()
    renew()
    function = proposal().rows.get(kind="awslambda.function")
    other = deeds.split(
        proposal().pk, administrator, {function.pk}, version=proposal().version, name="The API"
    )
    assert [one.row for one in Proposal.objects.get(pk=other.pk).rows.all()] == [function.row]
    late = made.alarm("shop-slow", rows[2])
    for _ in range(2):
        renew()
        api = Proposal.objects.get(pk=other.pk)
        assert str(api) == "The API"
        assert certain(api) == names([rows[2], late])
        # What was not ticked stays where it was, whatever it watches.
        assert certain(proposal()) == names([*rows[:2], rows[3]])
    assert proposal().rows.get(kind="codebuild.project").why == [
        ["runs in", "codepipeline.pipeline", "shop-pipeline, stage Build"]
    ]
    project = deeds.accept(other.pk, administrator)
    assert held(project) == names([rows[2], late])
    renew()
    assert [str(one) for one in Proposal.objects.all()] == ["Shop"]
    deeds.accept(proposal().pk, administrator)
    assert not Shape.objects.exists()


@pytest.mark.parametrize("chosen", ["none", "all"])
def test_a_split_leaves_something_on_both_sides(administrator: Any, chosen: str):
    make_shop()
    renew()
    rows = set(proposal().rows.values_list("pk", flat=True)) if chosen == "all" else set()
    with pytest.raises(RefusedError, match="Tick the resources"):
        deeds.split(proposal().pk, administrator, rows, version=None, name="Half")
    assert not Shape.objects.exists()


def test_two_that_are_put_together_stay_so_until_it_is_taken_back(administrator: Any):
    rows = make_shop() + make_shop("pay")
    renew()
    kept = proposal().pk
    deeds.merge(kept, proposal("Pay").pk, administrator)
    assert Proposal.objects.get().certain == 8
    made.alarm("pay-slow", rows[6])
    renew()
    [one] = Proposal.objects.all()
    assert (one.pk, str(one), one.certain) == (kept, "Shop", 9)
    deeds.unshape(one.pk)
    renew()
    assert {str(one) for one in Proposal.objects.all()} == {"Shop", "Pay"}


def test_a_proposal_is_put_into_a_project_that_is_there(administrator: Any):
    rows = make_shop()
    renew()
    project = make_project("Everything")
    deeds.accept(proposal().pk, administrator, into=project)
    assert held(project) == names(rows)
    assert not Membership.objects.exists()


def test_a_name_is_kept_before_it_is_a_project(administrator: Any):
    make_shop()
    renew()
    deeds.rename(proposal().pk, "The shop")
    renew()
    assert str(proposal()) == "The shop"
    assert deeds.accept(proposal().pk, administrator).name == "The shop"


def test_what_was_worked_out_before_a_decision_is_thrown_away(
    administrator: Any, monkeypatch: pytest.MonkeyPatch
):
    make_shop()
    renew()
    from apps.adoption import keep

    real = keep.read_world

    def meanwhile() -> Any:
        told = real()
        deeds.accept(proposal().pk, administrator)
        return told

    monkeypatch.setattr(keep, "read_world", meanwhile)
    assert not renew()
    assert not Proposal.objects.exists()
    monkeypatch.undo()
    assert renew()
    assert not Proposal.objects.exists()


def at_once(deed: Callable[[int], Any]) -> list[Any]:
    """Do something twice at one moment; what each answered, or why it was refused."""
    start = threading.Barrier(2)
    answers: list[Any] = []

    def run(number: int) -> None:
        try:
            start.wait(timeout=10)
            answers.append(deed(number))
        except RefusedError as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return answers


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_accept_at_once_one_is_told(administrator: Any):
    other = make_user("another", staff=True)
    make_shop()
    renew()
    pk, version = proposal().pk, proposal().version
    people = [administrator, other]
    answers = at_once(lambda number: deeds.accept(pk, people[number], version=version))
    assert len([one for one in answers if isinstance(one, RefusedError)]) == 1
    assert Project.objects.count() == 1
    assert Membership.objects.count() == 1
    assert Holding.objects.exclude(how="follows").count() == 4


@pytest.mark.django_db(transaction=True)
def test_accepting_and_looking_at_once_end_alike(administrator: Any):
    make_shop()
    make_shop("pay")
    renew()
    pk = proposal().pk
    at_once(lambda number: deeds.accept(pk, administrator) if number else renew())
    renew()
    assert [str(one) for one in Proposal.objects.all()] == ["Pay"]
    assert Project.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_link_and_take_out_at_once_leave_one_or_none(administrator: Any):
    [row, *_] = make_shop()
    project = make_project("Shop")
    kind = REGISTER.kind_of(row)
    at_once(lambda _: deeds.link(project, administrator, [(kind, row)]))
    assert project.holdings.count() == 1
    answers = at_once(lambda _: deeds.unlink(project, administrator, kind, row.pk))
    assert sorted(answers) == [False, True]


@pytest.fixture
def auto(settings: Any) -> None:
    settings.ADOPT = "auto"


def test_in_the_sandbox_everything_is_adopted_once_all_is_read(auto: None, administrator: Any):
    member = make_user("member", reads_everything=False)
    make_shop()
    made.function("alone")
    renew()
    Scope.objects.update(first_swept_at=None)
    assert by_itself.accept_all() == 0
    Scope.objects.update(first_swept_at=administrator.date_joined)
    assert by_itself.accept_all() == 1
    by_whom = {name for name, _ in told("project")}
    assert by_whom == {""}
    assert ("", "made the project") in told("project")
    assert any(one.startswith("added administrator") for _, one in told("project"))
    project = Project.objects.get()
    assert {(one.user, one.role) for one in project.memberships.all()} == {
        (administrator, "owner"),
        (member, "contributor"),
    }
    assert [str(one) for one in Proposal.objects.alone()] == ["Alone"]
    assert by_itself.accept_all() == 0


def test_what_was_deleted_is_proposed_and_not_adopted_again(auto: None, administrator: Any):
    make_shop()
    renew()
    by_itself.accept_all()
    delete(Project.objects.get())
    renew()
    assert by_itself.accept_all() == 0
    assert proposal().certain == 4


def test_more_is_added_by_itself_to_what_was_adopted_by_itself_alone(
    auto: None, administrator: Any
):
    [_, _, function, _] = make_shop()
    other = make_shop("pay")
    renew()
    deeds.accept(proposal("Pay").pk, administrator)
    by_itself.accept_all()
    made.alarm("shop-slow", function)
    made.alarm("pay-slow", other[2])
    renew()
    assert by_itself.accept_all() == 1
    assert Project.objects.get(name="Shop").holdings.count() == 5
    assert Proposal.objects.get().project == Project.objects.get(name="Pay")


def test_who_comes_later_is_let_in_once_and_who_left_stays_out(auto: None, administrator: Any):
    make_shop()
    renew()
    by_itself.accept_all()
    by_itself.let_in_newcomers()
    late = make_user("late", reads_everything=False)
    by_itself.let_in_newcomers()
    assert Membership.objects.get(user=late).role == "contributor"
    Membership.objects.filter(user=late).delete()
    by_itself.let_in_newcomers()
    assert not Membership.objects.filter(user=late).exists()


def test_nobody_is_adopted_unasked_elsewhere(settings: Any, administrator: Any):
    settings.ADOPT = "ask"
    make_shop()
    renew()
    assert by_itself.accept_all() == 0
    by_itself.let_in_newcomers()
    assert Adoption.here().let_in_to == 0


def test_the_task_looks_where_something_moved_that_may_tie(
    monkeypatch: pytest.MonkeyPatch, administrator: Any
):
    from django.core.cache import cache

    cache.clear()
    looked: list[int] = []
    monkeypatch.setattr(tasks, "timed", lambda: (looked.append(1) or True, 0.0))

    def look() -> int:
        cache.delete(tasks.RESTS)
        looked.clear()
        tasks.keep_proposing()
        return len(looked)

    [pipeline, *_] = make_shop()
    change(pipeline, "codepipeline.pipeline", verb=Change.Verb.APPEARED)
    assert look() == 1
    assert look() == 0
    change(pipeline, "codepipeline.pipeline", before={"status": "Failed", "state": "failed"})
    assert look() == 0
    change(pipeline, "codepipeline.pipeline", before={"definition": []})
    assert look() == 1
    change(pipeline, "codepipeline.pipeline")
    assert look() == 1
    tasks.keep_proposing()
    assert cache.get(tasks.RESTS)
    cache.clear()


def told(kind: str) -> list[tuple[str, str]]:
    """Who did what to subjects of a kind, the oldest first."""
    return [(one.who_name, one.told) for one in Record.objects.about(kind).order_by("pk")]


def test_what_is_decided_is_recorded_with_who_and_of_what(administrator: Any):
    make_shop()
    make_shop("pay")
    renew()
    shop, pay = Proposal.objects.get(name="Shop"), Proposal.objects.get(name="Pay")
    function = shop.rows.get(kind="awslambda.function").pk
    deeds.split(shop.pk, administrator, [function], version=None, name="API")
    deeds.merge(shop.pk, pay.pk, administrator)
    deeds.ignore(shop.pk, administrator)
    deeds.propose_again(shop.pk, administrator)
    who = "administrator"
    assert told("proposal") == [
        (who, "split function shop-api of Shop as API off"),
        (who, "put Shop and Pay together"),
        (who, "ignored Shop"),
        (who, "let Shop be proposed again"),
    ]
    rows = list(shop.rows.filter(shared=[]).order_by("kind", "pk"))
    deeds.accept(shop.pk, administrator, chosen=[one.pk for one in rows[1:]])
    assert told("project")[0] == (who, "made the project")
    adopted = next(one for _, one in told("project") if one.startswith("adopted"))
    assert "2 pipelines" in adopted
    # What is in no project is not its members' to know: no name.
    assert (who, "declined 1 resource") in told("project")


def test_nothing_is_recorded_of_what_is_refused(administrator: Any):
    make_shop()
    renew()
    pk = proposal().pk
    before = Record.objects.count()
    for deed in (
        lambda: deeds.accept(pk, administrator, version=99),
        lambda: deeds.accept(pk, administrator, chosen=[]),
        lambda: deeds.decline(pk, administrator),
        lambda: deeds.merge(pk, pk, administrator),
    ):
        with pytest.raises(RefusedError):
            deed()
    assert Record.objects.count() == before

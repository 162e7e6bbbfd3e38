"""What people decided about waits for them, under ADOPT=auto, too; what was split stays apart."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.adoption import by_itself, deeds
from apps.adoption.keep import renew
from apps.adoption.models import Accepted, Proposal, Shape
from apps.codepipeline.models import Pipeline
from apps.projects.deeds import delete
from apps.projects.models import Project
from tests.adoption import rows as made
from tests.adoption.test_deeds import certain, held, make_shop, proposal
from tests.adoption.test_twelve import names
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sql]


@pytest.fixture
def administrator(settings: Any) -> Any:
    settings.ADOPT = "auto"
    return make_user("administrator", staff=True)


def look() -> int:
    """What the task does every few seconds; how many were adopted."""
    assert renew()
    return by_itself.accept_all()


def make_basket() -> list[Any]:
    """Seven that hang together, without a pipeline: two groups with what they deploy to."""
    application, staging, production = made.application("basket", "staging", "production")
    fleets = [made.scaling_group(f"basket-{one}") for one in ("staging", "production")]
    for group, fleet in zip((staging, production), fleets, strict=True):
        made.tie(group, "deploys to", fleet)
    watching = [
        made.alarm(
            f"{fleet.key}-busy",
            namespace="AWS/AutoScaling",
            dimensions={"AutoScalingGroupName": fleet.key},
        )
        for fleet in fleets
    ]
    return [application, staging, production, *fleets, *watching]


def ticked(one: Proposal, rows: list[Any]) -> list[int]:
    wanted = names(rows)
    return [row.pk for row in one.rows.all() if row.row in wanted]


def split(one: Proposal, administrator: Any, rows: list[Any], name: str) -> Proposal:
    return deeds.split(one.pk, administrator, ticked(one, rows), version=one.version, name=name)


def test_both_halves_of_an_application_stay_apart_and_wait(administrator: Any):
    rows = make_basket()
    assert look() == 1
    delete(Project.objects.get())
    assert look() == 0
    assert certain(proposal("Basket")) == names(rows)
    split(proposal("Basket"), administrator, rows[:2], "Half")
    for _ in range(3):
        assert look() == 0
        assert certain(proposal("Half")) == names(rows[:2])
        assert certain(proposal("Basket")) == names(rows[2:])
    assert not Project.objects.exists()
    deeds.accept(proposal("Half").pk, administrator)
    assert look() == 0
    assert certain(proposal("Basket")) == names(rows[2:])
    assert held(deeds.accept(proposal("Basket").pk, administrator)) == names(rows[2:])
    assert look() == 0
    assert {project.name for project in Project.objects.all()} == {"Half", "Basket"}
    assert not Proposal.objects.exists()


def test_environments_that_are_split_from_their_application_stay_apart(administrator: Any):
    application, *environments = made.environments("reporting", "blue", "green")
    renew()
    split(proposal("Reporting"), administrator, environments, "Environments")
    for _ in range(2):
        assert look() == 0
        assert certain(proposal("Environments")) == names(environments)
        assert certain(proposal("Reporting")) == names([application])
    # Somebody who put it into a project of theirs leaves the other half as it is.
    deeds.accept(proposal("Reporting").pk, administrator)
    assert look() == 0
    assert certain(proposal("Environments")) == names(environments)


def test_what_is_taken_back_of_one_part_is_taken_back_of_all(administrator: Any):
    rows = make_basket()
    renew()
    split(proposal("Basket"), administrator, rows[:2], "Half")
    split(proposal("Half"), administrator, rows[:1], "Quarter")
    renew()
    assert {str(one) for one in Proposal.objects.all()} == {"Basket", "Half", "Quarter"}
    deeds.merge(proposal("Half").pk, proposal("Quarter").pk, administrator)
    renew()
    deeds.unshape(proposal("Basket").pk)
    assert not Shape.objects.exists()
    assert look() == 0
    [one] = Proposal.objects.all()
    assert (str(one), certain(one)) == ("Basket", names(rows))


def named(one: Proposal, administrator: Any) -> None:
    deeds.rename(one.pk, "Till")


def ignored_for_a_while(one: Proposal, administrator: Any) -> None:
    deeds.ignore(one.pk, administrator)
    deeds.propose_again(one.pk, administrator)


def put_together(one: Proposal, administrator: Any) -> None:
    deeds.merge(one.pk, proposal("Pay").pk, administrator)


def put_together_and_taken_back(one: Proposal, administrator: Any) -> None:
    put_together(one, administrator)
    deeds.unshape(one.pk)


def split_and_taken_back(one: Proposal, administrator: Any) -> None:
    row = one.rows.filter(kind="awslambda.function").values_list("pk", flat=True)
    deeds.unshape(deeds.split(one.pk, administrator, list(row), version=None, name="API").pk)


def named_and_unnamed(one: Proposal, administrator: Any) -> None:
    deeds.rename(one.pk, "Till")
    deeds.rename(one.pk, "")


@pytest.mark.parametrize(
    ("decided", "waiting"),
    [
        (named, {"Till", "Pay"}),
        (named_and_unnamed, {"Shop", "Pay"}),
        (ignored_for_a_while, {"Shop", "Pay"}),
        (put_together, {"Shop"}),
        (put_together_and_taken_back, {"Shop", "Pay"}),
        (split_and_taken_back, {"Shop", "Pay"}),
    ],
)
def test_what_a_person_decided_about_waits_for_them(
    administrator: Any, decided: Callable[[Proposal, Any], None], waiting: set[str]
):
    make_shop()
    make_shop("pay")
    renew()
    decided(proposal(), administrator)
    both = decided in (put_together, put_together_and_taken_back)
    assert look() == (0 if both else 1)
    assert {project.name for project in Project.objects.all()} == (set() if both else {"Pay"})
    open_ones = {str(one) for one in Proposal.objects.new()}
    assert open_ones == (waiting if both else waiting - {"Pay"})


def test_what_a_person_decides_while_it_is_being_adopted_is_theirs(
    administrator: Any, monkeypatch: pytest.MonkeyPatch
):
    make_shop()
    renew()
    real = by_itself.accept

    def meanwhile(pk: int, *given: Any, **more: Any) -> Any:
        deeds.rename(pk, "Till")
        return real(pk, *given, **more)

    monkeypatch.setattr(by_itself, "accept", meanwhile)
    assert by_itself.accept_all() == 0
    assert not Project.objects.exists()


def test_what_was_deleted_waits_under_another_anchor_too(administrator: Any):
    [_, build, function, alarm] = make_shop()
    assert look() == 1
    delete(Project.objects.get())
    renew()
    before = proposal().digest
    # The pipeline goes, and a stack has what it built with and deployed to.
    Pipeline.objects.update(gone_at=function.first_seen_at)
    fleet = made.stack("shop-stack", function, build)
    assert look() == 0
    [one] = Proposal.objects.new()
    assert one.digest != before
    assert certain(one) == names([build, function, alarm, fleet])
    assert not Accepted.objects.filter(digest=one.digest).exists()


def test_what_was_deleted_is_not_added_by_itself_to_what_is_near(administrator: Any):
    rows = make_basket()
    renew()
    deeds.split(
        proposal("Basket").pk,
        administrator,
        ticked(proposal("Basket"), rows[3:4]),
        version=None,
        name="Fleet",
    )
    deeds.accept(proposal("Fleet").pk, administrator)
    basket = deeds.accept(proposal("Basket").pk, administrator)
    # As if it had adopted itself.
    Accepted.objects.filter(project=basket).update(by_itself=True)
    delete(Project.objects.get(name="Fleet"))
    assert look() == 0
    [one] = Proposal.objects.of_projects()
    assert (one.project, certain(one)) == (basket, names(rows[3:4]))
    deeds.decline(one.pk, administrator)
    assert look() == 0
    assert not Project.objects.exclude(pk=basket.pk).exists()


def test_what_was_taken_out_of_a_project_waits(administrator: Any):
    row = made.pipeline("shop", made.source("acme/shop"))
    build = made.build_project("shop-build")
    assert look() == 1
    project = Project.objects.get()
    deeds.link(project, administrator, [("codebuild.project", build)])
    deeds.unlink(project, administrator, "codebuild.project", build.pk)
    made.pipeline("other", made.source("acme/other"), made.build("shop-build"))
    assert look() == 0
    assert held(project) == names([row])
    assert proposal("Other").certain == 2


def test_newcomers_are_let_in_to_what_adopted_itself_alone(administrator: Any):
    make_shop()
    make_shop("pay")
    make_shop("till")
    renew()
    deeds.rename(proposal("Pay").pk, "Pay")
    assert by_itself.accept_all() == 2
    deeds.accept(proposal("Pay").pk, administrator)
    delete(Project.objects.get(name="Till"))
    assert look() == 0
    deeds.accept(proposal("Till").pk, administrator)
    by_itself.let_in_newcomers()
    late = make_user("late", reads_everything=False)
    by_itself.let_in_newcomers()
    assert list(late.memberships.values_list("project__name", flat=True)) == ["Shop"]

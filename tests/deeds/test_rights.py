"""Who may do what: by role, for every act that is declared, and only where it is allowed."""

from typing import Any

import pytest
from django.utils.timezone import now

from apps.aws.models import Account
from apps.codepipeline.models import Pipeline
from apps.deeds.acts import ACTS, Act
from apps.deeds.policy import statements
from apps.deeds.rights import Standing, leave, leave_of, standings
from apps.people.rights import narrow
from apps.projects.models import Project
from apps.projects.roles import Role
from apps.wizard.deeds import READING, WIDE
from tests.factories import hold, make_project

from .making import permitted

pytestmark = pytest.mark.django_db

# Written by hand, as it was asked for: viewers do nothing; contributors release, start, retry,
# stop and approve; owners disable transitions, roll back, make and delete projects besides.
NEEDED = {
    "codepipeline.release": Role.CONTRIBUTOR,
    "codepipeline.stop": Role.CONTRIBUTOR,
    "codepipeline.retry": Role.CONTRIBUTOR,
    "codepipeline.retry_all": Role.CONTRIBUTOR,
    "codepipeline.retry_beside": Role.CONTRIBUTOR,
    "codepipeline.approve": Role.CONTRIBUTOR,
    "codepipeline.reject": Role.CONTRIBUTOR,
    "codepipeline.disable": Role.OWNER,
    "codepipeline.enable": Role.OWNER,
    "codepipeline.rollback": Role.OWNER,
    "codebuild.start": Role.CONTRIBUTOR,
    "codebuild.stop": Role.CONTRIBUTOR,
    "codebuild.retry": Role.CONTRIBUTOR,
    "codedeploy.deploy": Role.CONTRIBUTOR,
    "codedeploy.redeploy": Role.CONTRIBUTOR,
    "codedeploy.stop": Role.CONTRIBUTOR,
    "codedeploy.rollback": Role.OWNER,
    "codedeploy.reroute": Role.CONTRIBUTOR,
    "codedeploy.terminate": Role.OWNER,
    "beanstalk.deploy": Role.CONTRIBUTOR,
    "beanstalk.restart": Role.CONTRIBUTOR,
    "beanstalk.abort": Role.OWNER,
    "issues.create": Role.CONTRIBUTOR,
    "issues.comment": Role.CONTRIBUTOR,
    "issues.move": Role.CONTRIBUTOR,
    "issues.assign": Role.CONTRIBUTOR,
    "wizard.plan": Role.OWNER,
    "wizard.stage": Role.OWNER,
    "wizard.push": Role.OWNER,
    "wizard.create": Role.OWNER,
    "wizard.unstage": Role.OWNER,
    "wizard.drop": Role.OWNER,
    "wizard.halt": Role.OWNER,
    "wizard.keep": Role.OWNER,
    "wizard.empty": Role.OWNER,
    "wizard.remove_app": Role.OWNER,
    "wizard.remove": Role.OWNER,
    "wizard.forget_code": Role.OWNER,
}
DECLARED = sorted(ACTS.by_name)


def test_every_act_that_is_declared_stands_in_the_list():
    assert set(NEEDED) == set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_it_may_and_nothing_else(name: str, role: Role, project: Project):
    standing = Standing(project, role, role.value)
    may = leave(ACTS.by_name[name], [standing], None).standing is not None
    assert may is (role.rank >= NEEDED[name].rank and role is not Role.VIEWER)


@pytest.mark.parametrize("name", DECLARED)
def test_every_act_says_what_it_calls_and_what_it_is(name: str):
    act = ACTS.by_name[name]
    assert act.label
    assert "{what}" in act.told
    if name.startswith("issues.") or name == "wizard.push":
        # It is done outside AWS, where no account's permit is asked for.
        assert (act.calls, statements([act], "111122223333")) == ((), [])
        return
    assert act.calls
    granted = statements([act], "111122223333")
    assert granted
    for statement in granted:
        for action in statement["Action"]:
            assert "*" not in action
        resources = statement["Resource"]
        for arn in [resources] if isinstance(resources, str) else resources:
            if arn == "*":
                # What knows no ARN of the account: reading, and what runs on others' images.
                for action in statement["Action"]:
                    service, _, verb = action.partition(":")
                    assert service in WIDE or verb.startswith(READING), action
            else:
                assert "111122223333" in arn or arn.startswith("arn:aws:s3:::")


@pytest.mark.parametrize(
    ("person", "may"),
    [
        ("owner", True),
        ("contributor", True),
        ("viewer", False),
        ("stranger", False),
        ("administrator", True),
    ],
)
def test_people_act_by_their_role_in_a_project_that_has_the_thing(
    person: str, may: bool, people: dict[str, Any], pipeline: Pipeline, act: Act
):
    given = leave_of(people[person], act, pipeline)
    assert (given.standing is not None) is may
    assert given.why == ""


def test_who_only_looks_hears_nothing_of_what_is_not_allowed(
    people: dict[str, Any], pipeline: Pipeline, act: Act, account: Account
):
    permitted(account, [])
    assert leave_of(people["viewer"], act, pipeline).why == ""
    assert leave_of(people["owner"], act, pipeline).why.startswith("Account tools is only read")


def test_an_account_is_only_read_until_somebody_allows_something(
    people: dict[str, Any], pipeline: Pipeline, project: Project, account: Account
):
    account.permit.delete()
    release = ACTS.by_name["codepipeline.release"]
    given = leave_of(people["owner"], release, pipeline)
    assert given.standing is None
    assert given.why == (
        "Account tools is only read: an administrator has not allowed anything to be done."
    )


@pytest.mark.parametrize("rest", ["paused", "parked_at", "removed_at"])
def test_nothing_is_done_in_an_account_whose_credentials_rest(
    rest: str, people: dict[str, Any], pipeline: Pipeline, project: Project, account: Account
):
    permitted(account)
    release = ACTS.by_name["codepipeline.release"]
    assert leave_of(people["owner"], release, pipeline).standing is not None
    value = True if rest == "paused" else now()
    Account.objects.filter(pk=account.pk).update(**{rest: value})
    given = leave_of(people["owner"], release, pipeline)
    assert given.standing is None
    assert "is paused or taken off" in given.why


def test_only_what_is_allowed_is_done(
    people: dict[str, Any], pipeline: Pipeline, project: Project, account: Account
):
    permitted(account, ["codepipeline.release"])
    owner = people["owner"]
    assert leave_of(owner, ACTS.by_name["codepipeline.release"], pipeline).standing
    stop = leave_of(owner, ACTS.by_name["codepipeline.stop"], pipeline)
    assert stop.why == "An administrator has not allowed this in account tools."


def test_only_projects_that_were_named_act_there(
    people: dict[str, Any], pipeline: Pipeline, project: Project, account: Account, act: Act
):
    other = make_project("Payments")
    permitted(account, projects=[other])
    given = leave_of(people["owner"], act, pipeline)
    assert "project Checkout" in given.why
    permitted(account, projects=[project])
    assert leave_of(people["owner"], act, pipeline).standing


def test_of_two_projects_the_one_that_may_is_taken(
    people: dict[str, Any], pipeline: Pipeline, project: Project, account: Account, act: Act
):
    second = make_project("Shop", owner=people["owner"])
    hold(second, pipeline)
    permitted(account, projects=[second])
    given = leave_of(people["owner"], act, pipeline)
    assert given.standing
    assert given.standing.project == second


def test_what_no_project_has_nobody_acts_on(people: dict[str, Any], act: Act):
    from tests.factories import make_pipeline

    alone = make_pipeline("alone")
    assert standings(people["administrator"], "codepipeline.pipeline", alone) == []


def test_a_token_that_reads_one_project_does_nothing(
    people: dict[str, Any], pipeline: Pipeline, project: Project, act: Act
):
    owner = people["owner"]
    narrow(owner, project.pk)
    assert leave_of(owner, act, pipeline).standing is None

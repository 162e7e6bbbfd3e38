"""Versions are deployed, servers restarted and updates aborted: once, and as was seen."""

from typing import Any

import pytest

from apps.aws.policy import read_operations
from apps.beanstalk.models import Environment
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.policy import statements
from apps.projects.roles import Role
from apps.sandbox.policy import Policy
from tests.acting import Acting, acting, effect_of, form_of
from tests.deeds.making import performed
from tests.sandbox.test_beanstalk import NAMED, described, launch, said

__all__ = ["acting"]

pytestmark = pytest.mark.django_db
DONE, REFUSED, UNKNOWN = Deed.Outcome.DONE, Deed.Outcome.REFUSED, Deed.Outcome.UNKNOWN
KINDS = ("beanstalk.application", "beanstalk.version", "beanstalk.environment")
AN_HOUR = 3600
BEGINS = {
    "beanstalk.deploy": "Environment update is starting.",
    "beanstalk.restart": "restartAppServer is starting.",
    "beanstalk.abort": "Aborting the environment update at the request of a user.",
}
OPERATIONS = {
    "beanstalk.deploy": "UpdateEnvironment",
    "beanstalk.restart": "RestartAppServer",
    "beanstalk.abort": "AbortEnvironmentUpdate",
}
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = tuple(OPERATIONS)


@pytest.fixture
def client(acting: Acting) -> Any:
    """An application with two versions, the first of which runs."""
    beanstalk = acting.aws("elasticbeanstalk")
    beanstalk.create_application(ApplicationName="shop")
    for label, about in (("v1", "First"), ("v2", "Second")):
        beanstalk.create_application_version(
            ApplicationName="shop", VersionLabel=label, Description=about, Process=True
        )
        acting.clock.advance(1)
    launch(beanstalk)
    acting.clock.advance(AN_HOUR)
    return beanstalk


@pytest.fixture
def environment(acting: Acting, client: Any) -> Environment:
    row = read(acting)
    acting.hold(row)
    return row


def read(acting: Acting) -> Environment:
    acting.sweep(*KINDS)
    found: Environment = Environment.objects.select_related("application", "scope").get()
    return found


def begun(client: Any, name: str) -> int:
    """How often it began, by the environment's events."""
    return said(client).count(BEGINS[name])


def prepared(acting: Acting, client: Any, name: str) -> Environment:
    """The environment as somebody sees it who does that: to abort, something must be under way."""
    if name == "beanstalk.abort":
        client.update_environment(**NAMED, VersionLabel="v2")
        acting.clock.advance(10)
    row = read(acting)
    acting.hold(row)
    return row


def test_a_version_is_deployed(acting: Acting, client: Any, environment: Environment):
    form = form_of("beanstalk.deploy", environment, version="v2")
    assert form.is_valid(), form.errors
    deed = acting.do("beanstalk.deploy", environment, form.said())
    assert (deed.outcome, deed.told) == (DONE, "v2 is being deployed.")
    assert deed.request_id
    acting.clock.advance(AN_HOUR)
    assert described(client)["VersionLabel"] == "v2"


def test_the_application_servers_are_restarted(
    acting: Acting, client: Any, environment: Environment
):
    assert acting.do("beanstalk.restart", environment).outcome == DONE
    acting.clock.advance(AN_HOUR)
    assert "restartAppServer completed successfully." in said(client)


def test_an_update_is_aborted(acting: Acting, client: Any):
    row = prepared(acting, client, "beanstalk.abort")
    assert ACTS.by_name["beanstalk.abort"].needed is Role.OWNER
    assert acting.do("beanstalk.abort", row, why="wrong version").outcome == DONE
    acting.clock.advance(AN_HOUR)
    now = described(client)
    assert (now["Status"], now["VersionLabel"]) == ("Ready", "v1")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_worker_that_died_after_sending_leaves_one_effect(acting: Acting, client: Any, name: str):
    row = prepared(acting, client, name)
    before = begun(client, name)
    acting.clock.advance(0.5)
    over = acting.do_and_die(name, row, {"version": "v2"})
    assert (over.outcome, begun(client, name)) == (UNKNOWN, before + 1)
    assert over.told == ""
    assert over.reason.endswith("; whether by this or by somebody else cannot be told.")


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_had_no_effect_asks_a_person_and_is_not_repeated(
    acting: Acting, client: Any, name: str
):
    row = prepared(acting, client, name)
    deed = acting.ask(name, row, {"version": "v2"})
    later = deed.asked_at.fromtimestamp(acting.clock.now() + 60, deed.asked_at.tzinfo)
    Deed.objects.filter(pk=deed.pk).update(begun_at=later)
    before = begun(client, name)
    for _ in range(4):
        over = performed(deed)
    assert (over.outcome, begun(client, name)) == (UNKNOWN, before)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_denial_is_told_with_its_cure(acting: Acting, client: Any, name: str):
    row = prepared(acting, client, name)
    acting.deny("elasticbeanstalk", OPERATIONS[name])
    deed = acting.do(name, row, {"version": "v2"})
    assert deed.outcome == REFUSED
    assert f"elasticbeanstalk:{OPERATIONS[name]}" in deed.cure


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_printed_statements_are_what_beanstalk_takes_of_its_caller(
    acting: Acting, client: Any, name: str
):
    row = prepared(acting, client, name)
    act = ACTS.by_name[name]
    reads = {"Effect": "Allow", "Action": read_operations(), "Resource": "*"}
    call = {"Effect": "Allow", "Action": list(act.calls), "Resource": "*"}
    door: Any = acting.server.world.door

    def held_to(*statements: Any) -> Deed:
        door.policy = Policy({"Statement": [reads, *statements]})
        return acting.do(name, row, {"version": "v2"}, why="for the sale")

    client.disassociate_environment_operations_role(EnvironmentName="shop-web")
    deed = held_to(call)
    assert deed.outcome == REFUSED
    assert "You do not have permission to perform the" in deed.reason
    deed = held_to(*statements([act], row.scope.account))
    assert (deed.outcome, deed.reason) == (DONE, "")


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_environment_with_an_operations_role_takes_the_call_alone(
    acting: Acting, client: Any, name: str
):
    row = prepared(acting, client, name)
    call = {"Effect": "Allow", "Action": list(ACTS.by_name[name].calls), "Resource": "*"}
    reads = {"Effect": "Allow", "Action": read_operations(), "Resource": "*"}
    client.associate_environment_operations_role(
        EnvironmentName="shop-web", OperationsRole="arn:aws:iam::111122223333:role/operations"
    )
    door: Any = acting.server.world.door
    door.policy = Policy({"Statement": [reads, call]})
    assert acting.do(name, row, {"version": "v2"}, why="for the sale").outcome == DONE


def test_nothing_is_printed_twice_and_nothing_wide_without_a_condition():
    acts = [ACTS.by_name[name] for name in OPERATIONS]
    printed = statements(acts, "111122223333")
    told = [{word: one[word] for word in one if word != "Sid"} for one in printed]
    assert all(one not in told[:place] for place, one in enumerate(told))
    restart = statements([ACTS.by_name["beanstalk.restart"]], "111122223333")
    changing = {action for one in restart for action in one["Action"] if ":Describe" not in action}
    assert not {action for action in changing if action.startswith(("ec2:", "autoscaling:"))}
    for one in printed:
        writes = [action for action in one["Action"] if ":Describe" not in action]
        assert not (writes and one["Resource"] == "*" and "Condition" not in one), writes


@pytest.mark.parametrize("name", ["beanstalk.deploy", "beanstalk.restart"])
def test_what_is_being_done_meanwhile_is_waited_for(
    acting: Acting, client: Any, environment: Environment, name: str
):
    deed = acting.ask(name, environment, {"version": "v2"})
    client.update_environment(**NAMED, VersionLabel="v2")
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "It is Updating by now: wait until that is over.",
    )
    assert "wait until that is over" in str(ACTS.by_name[name].offered(read(acting)))


def test_another_version_meanwhile_is_looked_at_first(
    acting: Acting, client: Any, environment: Environment
):
    deed = acting.ask("beanstalk.deploy", environment, {"version": "v1"})
    client.update_environment(**NAMED, VersionLabel="v2")
    acting.clock.advance(AN_HOUR)
    over = performed(deed)
    assert over.outcome == REFUSED
    assert over.reason.startswith("v2 runs there by now")


def test_an_update_that_is_over_is_not_aborted(acting: Acting, client: Any):
    row = prepared(acting, client, "beanstalk.abort")
    deed = acting.ask("beanstalk.abort", row)
    acting.clock.advance(AN_HOUR)
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "It is Ready by now: there is nothing to abort.",
    )


def test_an_update_that_somebody_aborts_is_as_it_was_to_be(acting: Acting, client: Any):
    row = prepared(acting, client, "beanstalk.abort")
    deed = acting.ask("beanstalk.abort", row)
    client.abort_environment_update(**NAMED)
    assert performed(deed).told == "It was being aborted already."


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_environment_that_is_gone_is_told(acting: Acting, client: Any, name: str):
    row = prepared(acting, client, name)
    deed = acting.ask(name, row, {"version": "v2"})
    client.terminate_environment(**NAMED)
    acting.clock.advance(AN_HOUR)
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "Elastic Beanstalk has no such environment any more.",
    )


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("", "Choose what is to be deployed."),
        ("v9", "That version is not offered any more. Choose anew."),
    ],
)
def test_what_cannot_be_taken_is_said_with_what_to_do(
    environment: Environment, version: str, sentence: str
):
    form = form_of("beanstalk.deploy", environment, version=version)
    assert not form.is_valid()
    assert form.errors["version"] == [sentence]


def test_versions_are_offered_the_newest_first_by_what_they_are(environment: Environment):
    field: Any = form_of("beanstalk.deploy", environment).fields["version"]
    _, first, second = field.choices
    assert first[1].startswith("v2 Second, 2")
    assert second[1].startswith("v1 First, 2")


def test_it_is_said_what_will_happen(environment: Environment):
    assert "v2 is deployed to shop-web in place of v1." in effect_of(
        "beanstalk.deploy", environment, version="v2"
    )
    assert "once more" in effect_of("beanstalk.deploy", environment, version="v1")
    assert "What they were answering may fail" in effect_of("beanstalk.restart", environment)
    assert "goes back to what it was before, v1" in effect_of("beanstalk.abort", environment)


def test_nothing_is_aborted_where_nothing_is_done(environment: Environment):
    assert ACTS.by_name["beanstalk.abort"].offered(environment) is None

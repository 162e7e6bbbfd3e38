"""Revisions are deployed, and deployments stopped, rolled back and continued: once, as was seen."""

import json
from datetime import timedelta
from typing import Any

import pytest

from apps.codedeploy import begin, redeploy
from apps.codedeploy.models import Deployment, DeploymentGroup
from apps.deeds import asking
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.signature import signed
from apps.mirror.models import Link
from apps.projects.roles import Role
from apps.sandbox.codedeploy import causes
from apps.sandbox.compute import functions
from tests.acting import Acting, acting, effect_of, form_of
from tests.deeds.making import performed
from tests.factories import make_action, make_execution, make_pipeline
from tests.sandbox.test_codedeploy import (
    REVISION,
    ROLLS_BACK,
    appspec,
    blue_green,
    canary,
    fleet,
    make_group,
    plan,
    told,
)
from tests.sandbox.test_codedeploy import begin as begins

__all__ = ["acting"]

pytestmark = pytest.mark.django_db
DONE, REFUSED, UNKNOWN = Deed.Outcome.DONE, Deed.Outcome.REFUSED, Deed.Outcome.UNKNOWN
KINDS = (
    "codedeploy.application",
    "codedeploy.deploymentgroup",
    "codedeploy.deployment",
    "codedeploy.target",
)
COMMIT = {
    "revisionType": "GitHub",
    "gitHubLocation": {"repository": "shop/web", "commitId": "1a2b3c4d" * 5},
}
AN_HOUR = 3600
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = (
    *("codedeploy.deploy", "codedeploy.redeploy", "codedeploy.stop", "codedeploy.rollback"),
    *("codedeploy.reroute", "codedeploy.terminate"),
)


@pytest.fixture
def client(acting: Acting) -> Any:
    return acting.aws("codedeploy")


@pytest.fixture
def group(acting: Acting, client: Any) -> DeploymentGroup:
    """A group to which a bundle was deployed, and then a commit."""
    fleet(acting.server)
    make_group(client, autoRollbackConfiguration={"enabled": False})
    for revision in (REVISION, COMMIT):
        begins(client, revision)
        acting.clock.advance(AN_HOUR)
    return read(acting)


def read(acting: Acting) -> DeploymentGroup:
    """The group as it is mirrored now, which the project has."""
    acting.sweep(*KINDS)
    row = DeploymentGroup.objects.select_related("application", "scope").get()
    if not acting.project.holdings.exists():
        acting.hold(row)
    return row


def ids(client: Any) -> list[str]:
    """All deployments, the newest first."""
    found: list[str] = client.list_deployments()["deployments"]
    return found


def of_revision(commit: bool) -> str:
    """The id of the deployment of the commit, or of the bundle."""
    kind = "GitHub" if commit else "S3"
    return str(Deployment.objects.filter(revision__type=kind).latest("created_at").key)


def offered(name: str, row: Any) -> Any:
    return ACTS.by_name[name].offered(row)


# --- Deploy ---------------------------------------------------------------------------------------


def test_a_revision_is_deployed_with_what_was_said_and_leads_to_its_page(
    acting: Acting, client: Any, group: DeploymentGroup
):
    form = form_of(
        "codedeploy.deploy",
        group,
        revision=of_revision(commit=False),
        rollback="on",
        existing="OVERWRITE",
        outdated="on",
        ignore_stop="on",
    )
    assert form.is_valid(), form.errors
    deed = acting.do("codedeploy.deploy", group, form.said(), why="for the sale")
    newest = told(client, ids(client)[0])
    assert (deed.outcome, deed.made["key"]) == (DONE, newest["deploymentId"])
    assert deed.request_id
    place = newest["revision"]["s3Location"]
    assert (place["bucket"], place["key"], place["bundleType"]) == ("b", "shop.zip", "zip")
    assert newest["description"] == f"for the sale (contributor by CodeStar Dash, {deed.mark})"
    assert newest["ignoreApplicationStopFailures"]
    assert newest["updateOutdatedInstancesOnly"]
    assert newest["fileExistsBehavior"] == "OVERWRITE"
    assert newest["autoRollbackConfiguration"] == {
        "enabled": True,
        "events": ["DEPLOYMENT_FAILURE"],
    }


def test_automatic_rollback_can_be_switched_off_for_one_deployment(
    acting: Acting, client: Any, group: DeploymentGroup
):
    client.update_deployment_group(
        applicationName="shop",
        currentDeploymentGroupName="live",
        autoRollbackConfiguration=ROLLS_BACK,
    )
    plan(acting.server, causes.HEALTH_CHECK)
    said = {"revision": of_revision(commit=True), "rollback": "off"}
    deed = acting.do("codedeploy.deploy", group, said)
    acting.clock.advance(AN_HOUR)
    assert told(client, deed.made["key"])["status"] == "Failed"
    assert ids(client)[0] == deed.made["key"]


def test_a_worker_that_died_after_sending_leaves_one_deployment(
    acting: Acting, client: Any, group: DeploymentGroup
):
    deed = acting.do_and_die("codedeploy.deploy", group, {"revision": of_revision(commit=True)})
    assert (deed.outcome, deed.made["key"]) == (DONE, ids(client)[0])
    assert len(ids(client)) == 3


def test_what_is_not_to_be_found_asks_a_person_and_is_not_repeated(
    acting: Acting, client: Any, group: DeploymentGroup
):
    deed = acting.ask("codedeploy.deploy", group, {"revision": of_revision(commit=True)})
    Deed.objects.filter(pk=deed.pk).update(begun_at=deed.asked_at)
    for _ in range(4):
        over = performed(deed)
    assert (over.outcome, len(ids(client))) == (UNKNOWN, 2)


@pytest.mark.parametrize("over", [True, False])
def test_what_was_deployed_meanwhile_is_looked_at_first(
    acting: Acting, client: Any, group: DeploymentGroup, over: bool
):
    deed = acting.ask("codedeploy.deploy", group, {"revision": of_revision(commit=True)})
    other = begins(client)
    acting.clock.advance(AN_HOUR if over else 5)
    refused = performed(deed)
    assert (refused.outcome, len(ids(client))) == (REFUSED, 3)
    assert other in refused.reason
    assert ("meanwhile" if over else "runs there by now") in refused.reason


def test_a_group_that_is_gone_is_told(acting: Acting, client: Any, group: DeploymentGroup):
    deed = acting.ask("codedeploy.deploy", group, {"revision": of_revision(commit=True)})
    client.delete_deployment_group(applicationName="shop", deploymentGroupName="live")
    over = performed(deed)
    assert over.outcome == REFUSED
    assert "No Deployment Group found" in over.reason


@pytest.mark.parametrize("name", ["codedeploy.deploy", "codedeploy.redeploy"])
def test_a_denied_deployment_is_told_with_its_cure(
    acting: Acting, client: Any, group: DeploymentGroup, name: str
):
    begins(client)
    acting.clock.advance(5)
    client.stop_deployment(deploymentId=ids(client)[0])
    group = read(acting)
    acting.deny("codedeploy", "CreateDeployment")
    deed = acting.do(name, group, {"revision": of_revision(commit=True)})
    assert (deed.outcome, len(ids(client))) == (REFUSED, 3)
    assert "codedeploy:CreateDeployment" in deed.cure


def test_each_revision_is_offered_once_by_what_it_is(
    acting: Acting, client: Any, group: DeploymentGroup
):
    begins(client, COMMIT)
    acting.clock.advance(AN_HOUR)
    form = form_of("codedeploy.deploy", read(acting))
    _, first, second = form.fields["revision"].choices  # type: ignore[attr-defined]
    assert first[1].startswith("shop/web 1a2b3c4 · succeeded here, 2")
    assert second[1].startswith("shop.zip · succeeded here, 2")
    assert first[0] == ids(client)[0]


def test_what_another_group_of_the_application_had_is_offered_and_says_so(
    acting: Acting, client: Any, group: DeploymentGroup
):
    Deployment.objects.filter(revision__type="S3").update(group=None, group_name="staging")
    assert any("shop.zip · succeeded to staging" in label for label in labels_of(group))


def test_the_commit_of_a_bundle_is_told_by_the_pipeline_that_deployed_it(
    acting: Acting, group: DeploymentGroup
):
    bundle = Deployment.objects.get(revision__type="S3")
    pipeline = make_pipeline("shop", group.scope)
    said = {"revision_id": "9f8e7d6c" * 5, "summary": "Fix it\n\nAt length."}
    action = make_action(make_execution(pipeline, **said), "Deploy", "Ship")
    Link.objects.create(
        from_kind="codepipeline.action",
        from_id=action.pk,
        relation="runs",
        to_kind="codedeploy.deployment",
        to_arn=bundle.arn,
    )
    # What not everybody who sees the deployment may know of stays untold.
    assert not any("Fix it" in label for label in labels_of(group))
    acting.hold(pipeline)
    assert any(one.startswith("9f8e7d6 Fix it (shop.zip) · ") for one in labels_of(group))
    # A rollback, which no pipeline began, deploys that commit where the version is the same.
    bundle.pk, bundle.key, bundle.arn = None, "d-AGAIN0000", "d-AGAIN0000"
    bundle.created_at = Deployment.objects.latest("created_at").created_at + timedelta(hours=1)
    bundle._state.adding = True
    bundle.save()
    assert labels_of(group)[1].startswith("shop.zip · ")
    revision = {**bundle.revision, "etag": "e1"}
    Deployment.objects.filter(revision__type="S3").update(revision=revision, revision_id="e1")
    _, again, _ = labels_of(group)
    assert again.startswith("9f8e7d6 Fix it (shop.zip) · succeeded here")


def labels_of(group: DeploymentGroup) -> list[str]:
    """What the form offers to deploy."""
    field: Any = form_of("codedeploy.deploy", group).fields["revision"]
    return [label for _, label in field.choices]


@pytest.mark.parametrize(
    ("written", "field", "sentence"),
    [
        ({}, "revision", "Choose what is to be deployed."),
        ({"revision": "d-NOTHERE00"}, "revision", "That is not offered any more. Choose anew."),
        ({"revision": "d", "existing": "BURN"}, "existing", "Select a valid choice"),
    ],
)
def test_what_cannot_be_taken_is_said_with_what_to_do(
    group: DeploymentGroup, written: dict[str, str], field: str, sentence: str
):
    form = form_of("codedeploy.deploy", group, **written)
    assert not form.is_valid()
    assert any(sentence in line for line in form.errors[field])


def test_it_is_said_what_will_happen(group: DeploymentGroup):
    key = of_revision(commit=True)
    said = effect_of("codedeploy.deploy", group, revision=key, rollback="off", existing="OVERWRITE")
    assert "shop/web 1a2b3c4 is deployed to shop / live." in said
    assert "deployed once more" in said
    assert "nothing is rolled back" in said
    assert "Files that no deployment put there are lost" in said
    other = effect_of("codedeploy.deploy", group, revision=of_revision(commit=False), rollback="on")
    assert "deployed once more" not in other
    assert "what lies there now is what is deployed" in other
    assert "what lies there now" not in said
    assert "deploys the last good revision again" in other


def test_nothing_is_deployed_beside_what_runs(acting: Acting, client: Any, group: DeploymentGroup):
    assert offered("codedeploy.deploy", group) == ""
    running = begins(client)
    acting.clock.advance(5)
    row = read(acting)
    for name in ("codedeploy.deploy", "codedeploy.redeploy"):
        assert running in offered(name, row)
    (part,) = ACTS.parts["codedeploy.deploymentgroup"](row)
    assert (part.kind, part.name) == ("codedeploy.deployment", f"Deployment {running}")


def test_where_no_revision_is_known_none_is_deployed(acting: Acting, client: Any):
    make_group(client)
    row = read(acting)
    assert "No revision is known" in offered("codedeploy.deploy", row)
    assert "Nothing was deployed" in offered("codedeploy.redeploy", row)


def test_the_description_keeps_the_mark_however_long_the_reason(
    acting: Acting, client: Any, group: DeploymentGroup
):
    said = {"revision": of_revision(commit=True)}
    deed = acting.do("codedeploy.deploy", group, said, why="x" * 500)
    assert deed.outcome == DONE
    text = signed(deed, begin.LONGEST_DESCRIPTION)
    assert len(text) <= begin.LONGEST_DESCRIPTION
    assert str(deed.mark) in told(client, deed.made["key"])["description"] == text


# --- Redeploy -------------------------------------------------------------------------------------


@pytest.fixture
def failed(acting: Acting, client: Any, group: DeploymentGroup) -> DeploymentGroup:
    """The same group, where the bundle was deployed last, and failed."""
    plan(acting.server, causes.HEALTH_CHECK)
    begins(client)
    acting.clock.advance(AN_HOUR)
    return read(acting)


def test_the_last_good_one_is_deployed_again(acting: Acting, client: Any, failed: DeploymentGroup):
    said = effect_of("codedeploy.deploy", failed, revision=of_revision(commit=False))
    assert f"Deployment {ids(client)[0]}, the last one of it, failed." in said
    said = effect_of("codedeploy.redeploy", failed)
    assert "shop/web 1a2b3c4" in said
    assert "goes back: shop.zip" in said
    deed = acting.do("codedeploy.redeploy", failed)
    acting.clock.advance(AN_HOUR)
    newest = told(client, ids(client)[0])
    assert (deed.outcome, deed.made["key"]) == (DONE, newest["deploymentId"])
    assert (newest["status"], newest["revision"]) == ("Succeeded", COMMIT)


def test_a_bundle_in_whose_place_another_one_lies_is_not_deployed_again(failed: DeploymentGroup):
    good, bad = redeploy.last_good(failed), begin.newest(failed)
    assert good is not None
    assert bad is not None
    place = {"type": "S3", "bucket": "b", "key": "shop.zip", "bundle_type": "zip"}
    for one in (good, bad):
        Deployment.objects.filter(pk=one.pk).update(revision={**place}, revision_id="")
    told = offered("codedeploy.redeploy", failed)
    assert told.startswith(f"The bundle that {good.key} deployed is named by no version")
    Deployment.objects.filter(pk=bad.pk).update(revision={**place, "key": "shop-2.zip"})
    assert offered("codedeploy.redeploy", failed) == ""
    assert "what lies there now is what is deployed" in effect_of("codedeploy.redeploy", failed)


def test_a_worker_that_died_after_redeploying_leaves_one(
    acting: Acting, client: Any, failed: DeploymentGroup
):
    assert acting.do_and_die("codedeploy.redeploy", failed).outcome == DONE
    assert len(ids(client)) == 4


def test_another_good_one_meanwhile_is_looked_at_first(
    acting: Acting, client: Any, failed: DeploymentGroup
):
    deed = acting.ask("codedeploy.redeploy", failed)
    begins(client)
    acting.clock.advance(AN_HOUR)
    assert performed(deed).outcome == REFUSED
    read(acting)
    again = acting.ask("codedeploy.redeploy", failed, seen=deed.seen)
    over = performed(again)
    assert (over.outcome, len(ids(client))) == (REFUSED, 4)
    assert "Another deployment succeeded" in over.reason


def test_what_runs_there_now_is_not_redeployed(group: DeploymentGroup):
    assert offered("codedeploy.redeploy", group) == "It is what runs there now."


def test_what_auto_scaling_deployed_to_one_instance_is_not_what_runs(failed: DeploymentGroup):
    newest = Deployment.objects.latest("created_at")
    Deployment.objects.filter(pk=newest.pk).update(creator="autoscaling", state="done")
    assert offered("codedeploy.redeploy", failed) == "It is what runs there now."
    first = Deployment.objects.order_by("created_at")[1]
    Deployment.objects.filter(pk=first.pk).update(state="failed")
    assert offered("codedeploy.redeploy", failed) == ""


def test_where_nothing_succeeded_nothing_is_redeployed(acting: Acting, client: Any):
    make_group(client)
    begins(client)
    acting.clock.advance(AN_HOUR)
    assert "has succeeded yet" in offered("codedeploy.redeploy", read(acting))


# --- Functions ------------------------------------------------------------------------------------


@pytest.fixture
def function(acting: Acting, client: Any) -> Any:
    """A function whose alias went to its second version, back to the first and on to the second."""
    made = canary(acting.server, client)
    for version, before in (("2", "1"), ("1", "2"), ("2", "1")):
        begins(client, appspec(version, before))
        acting.clock.advance(AN_HOUR)
        # What was read while it was the newest stays known.
        read(acting)
    return made


def test_the_appspec_of_a_function_is_turned_to_what_runs_now(
    acting: Acting, client: Any, function: Any
):
    row = read(acting)
    form = form_of("codedeploy.deploy", row)
    assert "existing" not in form.fields
    (_, _, first) = form.fields["revision"].choices  # type: ignore[attr-defined]
    assert first[1].startswith("version 1 of score · succeeded here")
    deed = acting.do("codedeploy.deploy", row, {"revision": first[0]})
    assert deed.outcome == DONE
    revision = told(client, deed.made["key"])["revision"]
    sent = client.get_application_revision(applicationName="shop", revision=revision)["revision"]
    (resource,) = json.loads(sent["appSpecContent"]["content"])["Resources"]
    properties = resource["score"]["Properties"]
    assert (properties["CurrentVersion"], properties["TargetVersion"]) == ("2", "1")
    acting.clock.advance(AN_HOUR)
    assert function.aliases["live"].version == "1"


def test_what_cannot_be_read_for_a_deployment_was_not_sent(
    acting: Acting, client: Any, function: Any
):
    row = read(acting)
    first = form_of("codedeploy.deploy", row).fields["revision"].choices[2][0]  # type: ignore[attr-defined]
    faults = acting.server.faults
    faults.add("error", service="codedeploy", operation="GetApplicationRevision", times=20)
    deed = acting.do("codedeploy.deploy", row, {"revision": first})
    assert (deed.outcome, deed.begun_at) == (Deed.Outcome.WAITING, None)
    faults.clear()
    assert performed(deed).outcome == DONE


def test_an_appspec_is_turned_whoever_moved_the_alias_meanwhile(
    acting: Acting, client: Any, function: Any
):
    """The last deployment shifted from the first version to the second: so says its AppSpec."""
    row = read(acting)
    functions.update_code(function)
    functions.publish(function)
    functions.point(function, "live", "3")
    newest = form_of("codedeploy.deploy", row).fields["revision"].choices[1][0]  # type: ignore[attr-defined]
    deed = acting.do("codedeploy.deploy", row, {"revision": newest})
    acting.clock.advance(AN_HOUR)
    assert told(client, deed.made["key"])["status"] == "Succeeded"
    assert function.aliases["live"].version == "2"


def test_a_version_that_has_the_traffic_already_is_refused(
    acting: Acting, client: Any, function: Any
):
    row = read(acting)
    (_, second, _) = form_of("codedeploy.deploy", row).fields["revision"].choices  # type: ignore[attr-defined]
    deed = acting.do("codedeploy.deploy", row, {"revision": second[0]})
    assert (deed.outcome, len(ids(client))) == (REFUSED, 3)
    assert deed.reason == "Version 2 of score is what live points to already."


# --- Stop -----------------------------------------------------------------------------------------


@pytest.fixture
def running(acting: Acting, client: Any, group: DeploymentGroup) -> Deployment:
    key = begins(client)
    acting.clock.advance(5)
    read(acting)
    found: Deployment = Deployment.objects.select_related("group__application").get(key=key)
    return found


def test_a_deployment_is_stopped_and_nothing_rolled_back(
    acting: Acting, client: Any, running: Deployment
):
    client.update_deployment_group(
        applicationName="shop",
        currentDeploymentGroupName="live",
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_STOP_ON_REQUEST"]},
    )
    deed = acting.do("codedeploy.stop", running)
    acting.clock.advance(60)
    assert deed.outcome == DONE
    assert told(client, running.key)["status"] == "Stopped"
    assert ids(client)[0] == running.key


def test_a_deployment_is_stopped_and_rolled_back(acting: Acting, client: Any, running: Deployment):
    assert ACTS.by_name["codedeploy.rollback"].needed is Role.OWNER
    assert "shop/web 1a2b3c4" in effect_of("codedeploy.rollback", running)
    deed = acting.do("codedeploy.rollback", running, why="broken")
    acting.clock.advance(60)
    back = told(client, running.key)["rollbackInfo"]["rollbackDeploymentId"]
    assert (deed.outcome, ids(client)[0]) == (DONE, back)
    assert told(client, back)["revision"] == COMMIT


@pytest.mark.parametrize("name", ["codedeploy.stop", "codedeploy.rollback"])
def test_a_worker_that_died_after_stopping_finds_it_stopped_by_whomsoever(
    acting: Acting, client: Any, running: Deployment, name: str
):
    over = acting.do_and_die(name, running)
    assert (over.outcome, over.told) == (UNKNOWN, "")
    assert over.reason == (
        "It is Stopped, and nothing rolls it back so far; "
        "whether by this or by somebody else cannot be told."
    )
    acting.clock.advance(60)
    assert len(ids(client)) == (3 if name == "codedeploy.stop" else 4)
    if name == "codedeploy.rollback":
        asking.look_again(over)
        assert f"{ids(client)[0]} rolls it back; whether by this" in performed(over).reason


@pytest.mark.parametrize("name", ["codedeploy.stop", "codedeploy.rollback"])
def test_what_is_over_by_now_is_not_stopped(
    acting: Acting, client: Any, running: Deployment, name: str
):
    deed = acting.ask(name, running)
    acting.clock.advance(AN_HOUR)
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "It is Succeeded by now: there is nothing to stop.",
    )


@pytest.mark.parametrize("name", ["codedeploy.stop", "codedeploy.rollback"])
def test_a_denied_stop_is_told_with_its_cure(
    acting: Acting, client: Any, running: Deployment, name: str
):
    acting.deny("codedeploy", "StopDeployment")
    deed = acting.do(name, running)
    assert deed.outcome == REFUSED
    assert "codedeploy:StopDeployment" in deed.cure


def test_a_rollback_is_offered_where_there_is_something_to_go_back_to(running: Deployment):
    assert offered("codedeploy.rollback", running) == ""
    running.rollback_triggering_deployment_id = "d-BEFORE000"
    assert offered("codedeploy.rollback", running) == "It is a rollback itself."
    running.rollback_triggering_deployment_id, running.previous_revision = "", {}
    assert "nothing to go back to" in offered("codedeploy.rollback", running)
    running.state = "done"
    assert offered("codedeploy.rollback", running) is None
    assert offered("codedeploy.stop", running) is None


# --- Continue -------------------------------------------------------------------------------------


@pytest.fixture
def ready(acting: Acting, client: Any) -> Deployment:
    """A blue/green deployment that waits for somebody to reroute its traffic."""
    blue_green(client, acting.server, "STOP_DEPLOYMENT")
    begins(client)
    acting.clock.advance(240)
    read(acting)
    return the_one()


def the_one() -> Deployment:
    found: Deployment = Deployment.objects.select_related("group__application", "scope").get()
    return found


def test_traffic_is_rerouted_then_the_wait_is_ended(acting: Acting, client: Any, ready: Deployment):
    assert offered("codedeploy.reroute", ready) == ""
    assert offered("codedeploy.terminate", ready) is None
    assert "terminated 5 minutes later" in effect_of("codedeploy.reroute", ready)
    assert acting.do("codedeploy.reroute", ready).outcome == DONE
    acting.clock.advance(120)
    read(acting)
    waits = the_one()
    assert offered("codedeploy.reroute", waits) is None
    assert offered("codedeploy.terminate", waits) == ""
    assert ACTS.by_name["codedeploy.terminate"].needed is Role.OWNER
    assert acting.do("codedeploy.terminate", waits, why="it is good").outcome == DONE
    assert told(client, ready.key)["status"] == "Succeeded"


def test_a_worker_that_died_after_rerouting_finds_it_rerouted(
    acting: Acting, client: Any, ready: Deployment
):
    over = acting.do_and_die("codedeploy.reroute", ready)
    assert (over.outcome, over.told) == (UNKNOWN, "")
    assert over.reason.startswith("It waits no more to reroute its traffic; whether by this")
    assert told(client, ready.key)["status"] == "InProgress"


def test_a_worker_that_died_after_ending_the_wait_finds_it_ended(
    acting: Acting, client: Any, ready: Deployment
):
    client.continue_deployment(deploymentId=ready.key, deploymentWaitType="READY_WAIT")
    acting.clock.advance(120)
    read(acting)
    over = acting.do_and_die("codedeploy.terminate", the_one())
    assert (over.outcome, over.told) == (UNKNOWN, "")
    assert over.reason.startswith("It waits no more to terminate its originals; whether by this")
    assert told(client, ready.key)["status"] == "Succeeded"


def test_what_somebody_rerouted_meanwhile_is_not_rerouted_again(
    acting: Acting, client: Any, ready: Deployment
):
    deed = acting.ask("codedeploy.reroute", ready)
    client.continue_deployment(deploymentId=ready.key, deploymentWaitType="READY_WAIT")
    over = performed(deed)
    assert (over.outcome, over.reason) == (
        REFUSED,
        "It does not wait any more: its traffic is rerouted already.",
    )


def test_a_wait_that_ended_by_itself_is_as_it_was_to_be(
    acting: Acting, client: Any, ready: Deployment
):
    client.continue_deployment(deploymentId=ready.key, deploymentWaitType="READY_WAIT")
    acting.clock.advance(120)
    read(acting)
    deed = acting.ask("codedeploy.terminate", the_one())
    acting.clock.advance(AN_HOUR)
    over = performed(deed)
    assert (over.outcome, over.told) == (DONE, "Its originals went already.")


@pytest.mark.parametrize("name", ["codedeploy.reroute", "codedeploy.terminate"])
def test_a_denied_continuation_is_told_with_its_cure(
    acting: Acting, client: Any, ready: Deployment, name: str
):
    if name == "codedeploy.terminate":
        client.continue_deployment(deploymentId=ready.key, deploymentWaitType="READY_WAIT")
        acting.clock.advance(120)
        read(acting)
    acting.deny("codedeploy", "ContinueDeployment")
    deed = acting.do(name, the_one())
    assert deed.outcome == REFUSED
    assert "codedeploy:ContinueDeployment" in deed.cure

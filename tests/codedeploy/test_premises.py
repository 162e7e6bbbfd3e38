"""Machines outside AWS: mirrored with their tags, found by their groups, and shown to people."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.aws.events import API_CALL
from apps.codedeploy import find, on_premises, registered
from apps.codedeploy.models import Deployment, DeploymentGroup, OnPremisesInstance, Target
from apps.codedeploy.targets import _links
from apps.mirror.ask import Ask, LinkTo
from apps.mirror.asking import hint
from apps.mirror.hints import follow_hints
from apps.mirror.ingest import Event, names_in
from apps.mirror.listener import listener_for
from apps.mirror.masking import MASK
from apps.mirror.models import Operation
from apps.mirror.visibility import VISIBILITY
from apps.sandbox.server import SandboxServer
from tests import factories
from tests.codedeploy.test_collect import account
from tests.flight import Fault, Flight
from tests.sandbox.conftest import Aws

KIND = "codedeploy.on_premises_instance"


def tag(key: str = "", value: str = "", kind: str = "KEY_AND_VALUE") -> dict[str, str]:
    return {"key": key, "value": value, "type": kind}


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("reader"))
    return client


def instance(name: str = "rack-01") -> OnPremisesInstance:
    return OnPremisesInstance.objects.get(key=name)


def test_registered_and_deregistered_ones_are_mirrored_with_who_they_are(swept):
    rack = instance()
    assert (rack.status, rack.state) == ("Registered", "done")
    assert rack.tags == {"location": "basement", "team": ""}
    assert rack.iam_user_arn.endswith(":user/CodeDeploy/rack-01")
    assert instance("rack-02").iam_session_arn.endswith("assumed-role/rack/rack-02")
    old = instance("rack-00")
    assert (old.status, old.state) == ("Deregistered", "stopped")
    assert old.deregistered_at is not None


def test_a_sweep_asks_for_names_and_for_a_hundred_of_them_at_once(sweep, scope):
    names = [f"rack-{number:04}" for number in range(230)]

    def described(params: Any) -> Any:
        assert len(params["instanceNames"]) <= 100
        return {
            "instanceInfos": [
                {"instanceName": name, "registerTime": 1.0} for name in params["instanceNames"]
            ]
        }

    flight = account().on("codedeploy:ListOnPremisesInstances", {"instanceNames": names})
    flight.on("codedeploy:BatchGetOnPremisesInstances", described)
    sweep(flight, KIND)
    assert flight.count() == {
        "codedeploy:ListOnPremisesInstances": 1,
        "codedeploy:BatchGetOnPremisesInstances": 3,
    }
    assert OnPremisesInstance.objects.count() == 230
    # One that AWS forgets is gone; its row stays.
    sweep(flight.on("codedeploy:ListOnPremisesInstances", {"instanceNames": names[1:]}), KIND)
    assert instance(names[0]).gone_at is not None


def test_details_that_are_denied_leave_the_rows_and_are_told(sweep, scope, full):
    sweep(full)
    denied = Fault("AccessDeniedException", "not authorized to perform: x")
    sweep(full.on("codedeploy:BatchGetOnPremisesInstances", denied), KIND)
    assert instance().tags["location"] == "basement"
    assert instance().gone_at is None
    told = Operation.objects.get(operation="codedeploy:BatchGetOnPremisesInstances")
    assert told.health == "denied"


@pytest.mark.parametrize(
    ("tag_set", "fits"),
    [
        ([[tag("location", "basement")]], True),
        ([[tag("location", "attic")]], False),
        ([[tag("location", "attic"), tag("location", "basement")]], True),
        ([[tag("location", "basement")], [tag("team", kind="KEY_ONLY")]], True),
        ([[tag("location", "basement")], [tag("rack", kind="KEY_ONLY")]], False),
        ([[tag(value="basement", kind="VALUE_ONLY")]], True),
        ([[tag(value="location", kind="VALUE_ONLY")]], False),
        ([[tag("team", "")]], True),
        ([[tag("rack", "")]], False),
        ([], False),
        ([[]], False),
    ],
)
def test_an_instance_has_one_tag_of_each_list_of_its_groups(tag_set, fits):
    one = OnPremisesInstance(status="Registered", tags={"location": "basement", "team": ""})
    assert one.is_in(tag_set) is fits
    one.status = "Deregistered"
    assert not one.is_in(tag_set)


def test_its_page_and_its_groups_lead_to_each_other(swept, viewer):
    group = DeploymentGroup.objects.present().first()
    assert group is not None
    DeploymentGroup.objects.filter(pk=group.pk).update(
        on_premises_tag_set=[[tag("location", "basement")]]
    )
    rack = instance()
    page = viewer.get(rack.get_absolute_url()).text
    assert group.get_absolute_url() in page
    assert "rack-01_f6g7h8j9k2" in page
    page = viewer.get(group.get_absolute_url()).text
    assert rack.get_absolute_url() in page
    assert instance("rack-02").get_absolute_url() not in page
    page = viewer.get(instance("rack-00").get_absolute_url()).text
    assert "It was deregistered" in page
    assert "No group deploys to it" in page


def test_its_page_shows_how_the_last_deployments_to_it_went(swept, viewer):
    deployment = Deployment.objects.order_by("-created_at").first()
    rack = instance()
    target = Target.objects.create(
        scope=rack.scope,
        deployment=deployment,
        key=f"{deployment.key}/rack-01",
        arn=rack.arn,
        target_id="rack-01",
        state="failed",
        status="Failed",
        failing_event="AfterInstall",
        failing_message="<b>No space left</b>",
    )
    page = viewer.get(rack.get_absolute_url()).text
    assert f"{deployment.get_absolute_url()}#target-{target.pk}" in page
    assert "&lt;b&gt;No space left" in page
    nobody = OnPremisesInstance(arn="", scope=rack.scope)
    assert on_premises.last_targets(nobody, factories.make_user("other")) == []


def basement() -> DeploymentGroup:
    """A group that deploys to whatever stands in the basement."""
    group = DeploymentGroup.objects.present().filter(compute_platform="Server").earliest("pk")
    group.on_premises_tag_set = [[tag("location", "basement")]]
    group.save()
    return group


def test_of_many_the_first_are_named_and_the_others_counted(
    swept, viewer, django_assert_max_num_queries
):
    group, rack = basement(), instance()
    OnPremisesInstance.objects.bulk_create(
        OnPremisesInstance(
            scope=rack.scope, key=f"x-{n:03}", status="Registered", state="done", tags=rack.tags
        )
        for n in range(64)
    )
    place = f"account={rack.scope.account}&amp;region={rack.scope.region}"
    with django_assert_max_num_queries(30):
        page = viewer.get(group.get_absolute_url()).text
    # rack-01 and 59 of the others.
    assert ">x-058</a>" in page
    assert ">x-059</a>" not in page
    assert f'and 5 more, among <a class="link" href="/codedeploy/on-premises/?{place}' in page
    DeploymentGroup.objects.bulk_create(
        DeploymentGroup(
            scope=rack.scope,
            application=group.application,
            key=f"zz/{n:03}",
            on_premises_tag_set=group.on_premises_tag_set,
        )
        for n in range(64)
    )
    with django_assert_max_num_queries(30):
        page = viewer.get(rack.get_absolute_url()).text
    assert ">zz / 058</a>" in page
    assert ">zz / 059</a>" not in page
    assert "and 5 more, among" in page


def test_only_what_fitting_takes_is_read_of_rows(swept):
    group, rack, user = basement(), instance(), factories.make_user("other")
    with CaptureQueriesContext(connection) as queries:
        assert [one.key for one in on_premises.instances_of(group, user).rows] == ["rack-01"]
        assert list(on_premises.groups_of(rack, user)) == [group]
    read = " ".join(query["sql"] for query in queries)
    assert "iam_user_arn" not in read
    assert "load_balancer_info" not in read


def test_where_tags_were_not_read_nothing_is_said_to_be_none(swept, viewer):
    group, rack = basement(), instance()
    listed = OnPremisesInstance.objects.create(scope=rack.scope, key="rack-07")
    page = viewer.get(listed.get_absolute_url()).text
    assert '<dt>Tags</dt><dd class="muted">not read yet</dd>' in page
    assert "Which groups deploy to it is not known" in page
    assert "No group deploys to it" not in page
    assert "not read yet" in viewer.get("/codedeploy/on-premises/?q=rack-07").text
    page = viewer.get(group.get_absolute_url()).text
    assert "Of 1 other instance the tags were not read yet: it may belong here, too." in page
    # One that has none says so, and the group no more than is known.
    OnPremisesInstance.objects.filter(pk=rack.pk).update(tags={}, version=rack.version + 1)
    assert "<dt>Tags</dt><dd>none</dd>" in viewer.get(rack.get_absolute_url()).text
    page = viewer.get(group.get_absolute_url()).text
    assert "Of 1 instance the tags were not read yet" in page
    assert "No registered instance" not in page


def test_where_tags_cannot_be_read_the_page_says_what_denies_it(swept, viewer):
    rack = instance()
    listed = OnPremisesInstance.objects.create(scope=rack.scope, key="rack-07")
    told = Operation.objects.get(operation="codedeploy:BatchGetOnPremisesInstances")
    told.health, told.cure = "denied", "Allow it."
    told.save()
    response = viewer.get(listed.get_absolute_url())
    assert "codedeploy:BatchGetOnPremisesInstances" in response.text
    assert "scope" in response.context["live"]["refresh_on"].split()
    assert "scope" not in viewer.get(rack.get_absolute_url()).context["live"]["refresh_on"]


def test_open_pages_are_fetched_again_when_instances_groups_or_deployments_move(swept, viewer):
    group, rack = basement(), instance()
    user = factories.make_user("looking")
    for row, kinds in (
        (group, {KIND, "codedeploy.deploymentgroup"}),
        (rack, {KIND, "codedeploy.deploymentgroup", "codedeploy.deployment"}),
    ):
        told = viewer.get(row.get_absolute_url()).context["live"]
        assert set(told["refresh_on"].split()) == kinds
        # What refreshes a page is what its stream tells.
        assert listener_for(user, told["topics"].split(), print).touched == kinds


def test_rows_on_anothers_page_obey_the_rule_for_rows(swept, viewer, monkeypatch):
    group, rack = basement(), instance()
    deployment = Deployment.objects.latest("created_at")
    Target.objects.create(
        scope=rack.scope, deployment=deployment, key=f"{deployment.key}/rack", arn=rack.arn
    )
    pages = {rack: (group, deployment), group: (rack,), group.application: (group,)}
    for row, others in pages.items():
        page = viewer.get(row.get_absolute_url()).text
        assert all(f'"{one.get_absolute_url()}' in page for one in others)
        with monkeypatch.context() as patched:
            patched.setattr(VISIBILITY.rule, "rows", lambda user, _model, key=row.key: Q(key=key))
            page = viewer.get(row.get_absolute_url()).text
        assert not any(f'"{one.get_absolute_url()}' in page for one in others)


def test_the_list_is_searched_by_name_tag_and_identity_at_a_constant_cost(
    swept, viewer, django_assert_max_num_queries
):
    for words, found in (
        ("rack-01", {"rack-01"}),
        ("attic", {"rack-02"}),
        ("assumed-role", {"rack-02"}),
        ("nothing", set()),
    ):
        page = viewer.get("/codedeploy/on-premises/", {"q": words}).text
        named = {one for one in ("rack-00", "rack-01", "rack-02") if f">{one}</a>" in page}
        assert named == found, words
    page = viewer.get("/codedeploy/on-premises/", {"state": "stopped"}).text
    assert ">rack-00</a>" in page
    assert ">rack-01</a>" not in page
    assert Client().get("/codedeploy/on-premises/").status_code == 302
    rack = instance()
    many = [
        OnPremisesInstance(
            scope=rack.scope, key=f"more-{n}", status="Registered", state="done", tags=rack.tags
        )
        for n in range(30)
    ]
    OnPremisesInstance.objects.bulk_create(many)
    viewer.get("/codedeploy/on-premises/")
    with django_assert_max_num_queries(18):
        viewer.get("/codedeploy/on-premises/?q=rack")


def test_the_search_finds_it_by_name_and_by_tag(swept):
    user = factories.make_user("searcher")
    for words, found in (("rack-01", ["rack-01"]), ("attic", ["rack-02"]), ("rack", 3 * ["rack"])):
        told = find.on_premises(user, words, 5)
        assert len(told) == len(found)
        assert all(one.title.startswith(name) for one, name in zip(told, found, strict=True))
        assert all(one.url.startswith("/codedeploy/on-premises/") for one in told)


def test_a_tag_that_names_a_secret_is_kept_without_it():
    told = {
        "instanceInfos": [
            {
                "instanceName": "rack-01",
                "tags": [
                    {"Key": "db_password", "Value": "hunter2"},
                    {"Key": "location", "Value": "basement"},
                ],
            }
        ]
    }
    flight = Flight().on("codedeploy:BatchGetOnPremisesInstances", told)
    (record,) = registered.instances(flight.reach(), Ask(keys=("rack-01",)))
    assert record.tags == {"db_password": MASK, "location": "basement"}


def test_registrations_and_tags_are_heard_by_name(sweep, scope, full):
    sweep(full)
    detail = {
        "eventName": "RemoveTagsFromOnPremisesInstances",
        "requestParameters": {"instanceNames": ["rack-01", "rack-09"], "tags": []},
    }
    event = Event("111122223333/eu-west-1", "aws.codedeploy", API_CALL, detail)
    names = [one for one in names_in(event) if one.kind == KIND]
    assert {one.key for one in names} == {"rack-01", "rack-09"}
    told = {"instanceName": "rack-01", "registerTime": 1.0, "tags": []}
    full.on("codedeploy:BatchGetOnPremisesInstances", {"instanceInfos": [told]})
    hint(scope, names)
    while follow_hints(scope.pk):
        pass
    assert instance().tags == {}
    assert not OnPremisesInstance.objects.filter(key="rack-09").exists()


def test_a_target_outside_aws_is_linked_with_its_instance():
    arn = "arn:aws:codedeploy:eu-west-1:111122223333:instance/rack-01_f6g7h8j9k2"
    assert _links("InstanceTarget", arn) == [LinkTo("deploys to", KIND, arn)]


# --- The simulated account ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aws() -> Any:
    with SandboxServer(seed=1, speed=0, scenario="default") as sandbox:
        yield Aws(sandbox.url)


def test_the_simulated_racks_are_registered_and_the_oldest_is_not_any_more(aws):
    deploy = aws("codedeploy")
    names = deploy.list_on_premises_instances()["instanceNames"]
    assert names == ["build-rack-00", "build-rack-01", "build-rack-02"]
    left = deploy.list_on_premises_instances(registrationStatus="Deregistered")["instanceNames"]
    assert left == ["build-rack-00"]
    told = deploy.batch_get_on_premises_instances(instanceNames=[*names, "nobody"])["instanceInfos"]
    assert [one["instanceName"] for one in told] == names
    assert told[0]["deregisterTime"] >= told[0]["registerTime"]
    # Deployments go to the very instances.
    group = {"applicationName": "build-rack", "deploymentGroupName": "basement"}
    newest = deploy.list_deployments(**group)["deployments"][0]
    ids = deploy.list_deployment_targets(deploymentId=newest)["targetIds"]
    targets = deploy.batch_get_deployment_targets(deploymentId=newest, targetIds=ids)
    arns = {one["instanceTarget"]["targetArn"] for one in targets["deploymentTargets"]}
    assert arns == {one["instanceArn"] for one in told[1:]}


def test_simulated_machines_are_registered_tagged_and_deregistered(aws):
    deploy = aws("codedeploy", "444455556666")
    user = "arn:aws:iam::444455556666:user/lab"
    with pytest.raises(deploy.exceptions.IamArnRequiredException):
        deploy.register_on_premises_instance(instanceName="lab-1")
    deploy.register_on_premises_instance(instanceName="lab-1", iamUserArn=user)
    with pytest.raises(deploy.exceptions.InstanceNameAlreadyRegisteredException):
        deploy.register_on_premises_instance(instanceName="lab-1", iamUserArn=user)
    tags = [{"Key": "stage", "Value": "lab"}, {"Key": "rack", "Value": "7"}]
    deploy.add_tags_to_on_premises_instances(instanceNames=["lab-1"], tags=tags)
    deploy.remove_tags_from_on_premises_instances(instanceNames=["lab-1"], tags=tags[1:])
    [told] = deploy.batch_get_on_premises_instances(instanceNames=["lab-1"])["instanceInfos"]
    assert told["tags"] == tags[:1]
    deploy.deregister_on_premises_instance(instanceName="lab-1")
    [told] = deploy.batch_get_on_premises_instances(instanceNames=["lab-1"])["instanceInfos"]
    assert told["deregisterTime"]
    with pytest.raises(deploy.exceptions.InstanceNotRegisteredException):
        deploy.add_tags_to_on_premises_instances(instanceNames=["lab-1"], tags=tags)

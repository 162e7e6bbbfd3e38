"""Bundles of deployments in S3 as boto3 sees them, applications that change, and test traffic."""

import io
import tarfile
import zipfile
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from apps.sandbox.codedeploy.furnish import _basket
from apps.sandbox.codedeploy.model import DeployStore
from apps.sandbox.server import SandboxServer

from .conftest import Aws
from .test_codedeploy import begin, fleet, make_group, place_of


def revision(kind: str, **more: str) -> dict[str, Any]:
    at = {"bucket": "releases", "key": f"shop.{kind}", "bundleType": kind, **more}
    return {"revisionType": "S3", "s3Location": at}


@pytest.fixture
def deployed(sandbox: SandboxServer, aws: Aws) -> Any:
    """Deploy a revision of a bundle type to the instances of a group."""
    fleet(sandbox)
    deploy = aws("codedeploy")
    make_group(deploy)

    def go(kind: str, **more: str) -> Any:
        begin(deploy, revision(kind, **more))
        return aws("s3")

    return go


def test_a_bundle_holds_an_appspec_with_the_hooks_of_its_events(deployed):
    s3 = deployed("zip", eTag="abc")
    answer = s3.get_object(Bucket="releases", Key="shop.zip")
    assert answer["ETag"] == '"abc"'
    with zipfile.ZipFile(io.BytesIO(answer["Body"].read())) as archive:
        told = yaml.safe_load(archive.read("appspec.yml"))
        scripts = [one[0]["location"] for one in told["hooks"].values()]
        assert set(scripts) <= set(archive.namelist())
    assert set(told["hooks"]) == {
        *("ApplicationStop", "BeforeInstall", "AfterInstall"),
        *("ApplicationStart", "ValidateService"),
    }


@pytest.mark.parametrize(("kind", "mode"), [("tar", "r:"), ("tgz", "r:gz")])
def test_a_tar_is_one(deployed, kind, mode):
    body = deployed(kind).get_object(Bucket="releases", Key=f"shop.{kind}")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body), mode=mode) as archive:
        assert "appspec.yml" in archive.getnames()


def test_a_part_of_a_bundle_is_that_part(deployed):
    s3 = deployed("zip")
    whole = s3.get_object(Bucket="releases", Key="shop.zip")["Body"].read()
    for wanted, part in (
        ("bytes=-22", whole[-22:]),
        ("bytes=0-3", whole[:4]),
        ("bytes=10-", whole[10:]),
        ("bytes=-999999", whole),
    ):
        answer = s3.get_object(Bucket="releases", Key="shop.zip", Range=wanted)
        assert answer["Body"].read() == part
        assert answer["ContentRange"].endswith(f"/{len(whole)}")
    assert whole == s3.get_object(Bucket="releases", Key="shop.zip")["Body"].read()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Bucket": "nobodys"}, "NoSuchBucket"),
        ({"Key": "other.zip"}, "NoSuchKey"),
        ({"VersionId": "v9"}, "NoSuchVersion"),
        ({"IfMatch": '"other"'}, "PreconditionFailed"),
        ({"Range": "bytes=999999-"}, "InvalidRange"),
    ],
)
def test_what_is_not_there_is_refused_as_s3_does(deployed, asked, code):
    s3 = deployed("zip", eTag="abc", version="v1")
    with pytest.raises(ClientError) as raised:
        s3.get_object(**{"Bucket": "releases", "Key": "shop.zip", **asked})
    assert raised.value.response["Error"]["Code"] == code


def test_an_application_is_renamed_with_its_groups_and_deleted(sandbox, aws):
    deploy = aws("codedeploy")
    make_group(deploy)
    deploy.create_application(applicationName="other")
    with pytest.raises(deploy.exceptions.ApplicationAlreadyExistsException):
        deploy.update_application(applicationName="shop", newApplicationName="other")
    deploy.update_application(applicationName="shop", newApplicationName="store")
    assert deploy.list_applications()["applications"] == ["other", "store"]
    assert deploy.list_deployment_groups(applicationName="store")["deploymentGroups"] == ["live"]
    deploy.delete_application(applicationName="store")
    deploy.delete_application(applicationName="nobodys")
    assert deploy.list_applications()["applications"] == ["other"]


@pytest.mark.parametrize("tested", [True, False])
def test_test_traffic_has_events_where_a_group_has_a_test_listener_and_only_there(
    sandbox, aws, tested
):
    group = _basket(place_of(sandbox))
    if not tested:
        [pair] = group.declaration["loadBalancerInfo"]["targetGroupPairInfoList"]
        del pair["testTrafficRoute"]
    service = group.place.of(DeployStore).applications["basket"]
    assert service.groups["blue-green"] is group
    content = (
        '{"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", '
        '"Properties": {"TaskDefinition": "basket:1", "LoadBalancerInfo": {}}}}]}'
    )
    deploy = aws("codedeploy")
    made = deploy.create_deployment(
        applicationName="basket",
        deploymentGroupName="blue-green",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )["deploymentId"]
    ids = deploy.list_deployment_targets(deploymentId=made)["targetIds"]
    [target] = deploy.batch_get_deployment_targets(deploymentId=made, targetIds=ids)[
        "deploymentTargets"
    ]
    names = {one["lifecycleEventName"] for one in target["ecsTarget"]["lifecycleEvents"]}
    assert ({"AllowTestTraffic", "AfterAllowTestTraffic"} <= names) is tested
    assert "AllowTraffic" in names

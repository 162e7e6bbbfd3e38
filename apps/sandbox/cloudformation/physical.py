"""Names of what stacks make: physical ids and attributes by type, as AWS makes them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    import random

    from apps.sandbox.cloudformation.model import Resource, Stack
    from apps.sandbox.world import Place

#: Types whose Ref is a name that the template may give: type → property.
_NAMED = {
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}
#: Types whose Ref is an id with a prefix.
_IDS = {
    "AWS::EC2::EIP": "eipalloc",
    "AWS::EC2::Instance": "i",
    "AWS::EC2::InternetGateway": "igw",
    "AWS::EC2::LaunchTemplate": "lt",
    "AWS::EC2::NatGateway": "nat",
    "AWS::EC2::Route": "r",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::SubnetRouteTableAssociation": "rtbassoc",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCGatewayAttachment": "IGW",
}
#: Types whose Ref is an ARN: type → (service, resource with {name}, the property that names it).
_ARNS = {
    "AWS::ECS::Service": ("ecs", "service/{cluster}/{name}", "ServiceName"),
    "AWS::ECS::TaskDefinition": ("ecs", "task-definition/{name}:1", "Family"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elasticloadbalancing",
        "loadbalancer/app/{name}/{hex}",
        "Name",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "elasticloadbalancing",
        "targetgroup/{name}/{hex}",
        "Name",
    ),
    "AWS::Lambda::Alias": ("lambda", "function:{function}:{name}", "Name"),
    "AWS::Lambda::Version": ("lambda", "function:{function}:1", ""),
    "AWS::SNS::Topic": ("sns", "{name}", "TopicName"),
}
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def make_id(stack: Stack, resource: Resource) -> str:
    """A physical id for a resource that is being made."""
    chance = stack.place.world.chance(stack.id, resource.logical_id, stack.operations)
    kind, properties = resource.type, resource.properties
    if kind in _ARNS:
        service, form, named_by = _ARNS[kind]
        name = str(properties.get(named_by) or _generated(stack, resource, chance))
        cluster = str(properties.get("Cluster") or "default").rpartition("/")[2]
        function = str(properties.get("FunctionName") or "function").rpartition(":")[2]
        path = form.format(name=name, cluster=cluster, function=function, hex=hex_from(chance, 16))
        return stack.place.arn(service, path)
    if kind in _IDS:
        return f"{_IDS[kind]}-{hex_from(chance, 17)}"
    if kind == "AWS::KMS::Key":
        return uuid_from(chance)
    if kind == "AWS::SQS::Queue":
        name = properties.get("QueueName") or _generated(stack, resource, chance)
        return f"https://sqs.{stack.place.region}.amazonaws.com/{stack.place.account}/{name}"
    named = str(properties.get(_NAMED.get(kind, "")) or "")
    made = named or _generated(stack, resource, chance)
    return made.lower() if kind == "AWS::S3::Bucket" else made


def is_renamed(resource: Resource) -> bool:
    """Whether a resource's template gives it another name than it has."""
    named = resource.properties.get(_NAMED.get(resource.type, ""))
    return bool(named) and str(named) != resource.physical_id


def generated(stack: Stack, resource: Resource, most: int) -> str:
    """A name as CloudFormation makes it up, of at most so many signs; another each time."""
    chance = stack.place.world.chance(stack.id, resource.logical_id, len(stack.events), "name")
    ending = "".join(chance.choices(_BASE36, k=12))
    room = most - len(ending) - 2
    logical = resource.logical_id[: max(room // 2, room - len(stack.name))]
    return f"{stack.name[: room - len(logical)]}-{logical}-{ending}"


def _generated(stack: Stack, resource: Resource, chance: random.Random) -> str:
    ending = "".join(chance.choices(_BASE36, k=12))
    return f"{stack.name[:24]}-{resource.logical_id[:24]}-{ending}"


def attribute_of(place: Place, resource: Resource, attribute: str) -> Any:
    """What ``Fn::GetAtt`` tells of a resource: what its making said, or what is made up."""
    if attribute in resource.attributes:
        return resource.attributes[attribute]
    name = resource.physical_id
    arn = name.startswith("arn:")
    match attribute:
        case "Arn" | "Ref" if arn:
            return name
        case "Arn":
            return _arn(place, resource.type, name)
        case "QueueName" | "Name" | "TopicName":
            return name.rpartition("/")[2].rpartition(":")[2]
        case "DomainName" | "DNSName" | "RegionalDomainName":
            return f"{name.rpartition('/')[2].lower()}.{place.region}.amazonaws.com"
        case "RoleId" | "GroupId" | "VpcId" | "AllocationId" | "InstanceId":
            return name
    return f"{name}.{attribute}" if attribute else name


def _arn(place: Place, kind: str, name: str) -> str:
    match kind:
        case "AWS::IAM::Role":
            return f"arn:aws:iam::{place.account}:role/{name}"
        case "AWS::S3::Bucket":
            return f"arn:aws:s3:::{name}"
        case "AWS::Lambda::Function":
            return place.arn("lambda", f"function:{name}")
        case "AWS::SQS::Queue":
            return place.arn("sqs", name.rpartition("/")[2])
        case "AWS::Logs::LogGroup":
            return place.arn("logs", f"log-group:{name}:*")
    service = kind.split("::")[1].lower()
    return place.arn(service, name)

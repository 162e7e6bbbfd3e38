"""Why a resource cannot be made or changed, in AWS's words: told by what its template asks for.

A bucket whose name is taken, a role that whoever deploys may not make, a function whose role trusts
somebody else or whose memory is too much, a network that is none, an instance that never signals.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING

from apps.sandbox.buckets import TAKEN
from apps.sandbox.cloudformation.template import references
from apps.sandbox.compute.lambda_making import MOST_MEMORY
from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.cloudformation.model import Resource, Stack

#: A role of CloudFormation with this in its name may make no roles.
LIMITED = "limited"

Cause = str | None


def cause_of(stack: Stack, resource: Resource, verb: str) -> Cause:
    """Why ``verb`` (CREATE or UPDATE) fails; None where it goes well."""
    judge = _BY_TYPE.get(resource.type)
    found = judge(stack, resource, verb) if judge is not None else None
    return found or (_silent(stack, resource) if verb == "CREATE" else None)


def handler_said(stack: Stack, resource: Resource, text: str, code: str, error: str) -> str:
    """The words of a resource handler; ``code`` is ``S3, 409``."""
    chance = stack.place.world.chance(stack.id, resource.logical_id, len(stack.events))
    service, status = code.split(", ")
    request, token = hex_from(chance, 16).upper(), uuid_from(chance)
    return (
        f'Resource handler returned message: "{text} (Service: {service}, Status Code: {status}, '
        f'Request ID: {request})" (RequestToken: {token}, HandlerErrorCode: {error})'
    )


def _bucket(stack: Stack, resource: Resource, verb: str) -> Cause:
    from apps.sandbox.cloudformation.model import StackStore

    name = resource.properties.get("BucketName")
    if not name or (verb == "UPDATE" and resource.physical_id == name):
        return None
    owners = (
        other
        for place in stack.place.world.places()
        for one in place.of(StackStore).stacks.values()
        for other in one.resources.values()
        if other is not resource and other.type == resource.type
    )
    if name in TAKEN or any(other.physical_id == name for other in owners):
        return handler_said(stack, resource, f"{name} already exists", "S3, 409", "AlreadyExists")
    return None


def _role(stack: Stack, resource: Resource, verb: str) -> Cause:
    if LIMITED not in stack.role:
        return None
    account, deployer = stack.place.account, stack.role.rpartition("/")[2]
    action = "iam:CreateRole" if verb == "CREATE" else "iam:UpdateRole"
    name = resource.physical_id or f"{stack.name}-{resource.logical_id}"
    text = (
        f"User: arn:aws:sts::{account}:assumed-role/{deployer}/AWSCloudFormation is not authorized "
        f"to perform: {action} on resource: arn:aws:iam::{account}:role/{name} because no "
        f"identity-based policy allows the {action} action"
    )
    return handler_said(stack, resource, text, "Iam, 403", "AccessDenied")


def _function(stack: Stack, resource: Resource, _verb: str) -> Cause:
    memory = str(resource.properties.get("MemorySize", 128))
    if memory.isdecimal() and int(memory) > MOST_MEMORY:
        text = (
            f"1 validation error detected: Value '{memory}' at 'memorySize' failed to satisfy "
            f"constraint: Member must have value less than or equal to {MOST_MEMORY}"
        )
        return handler_said(stack, resource, text, "Lambda, 400", "InvalidRequest")
    named = references(resource.definition.get("Properties", {}).get("Role"))
    for name in named:
        role = stack.resources.get(name)
        trust = role.properties.get("AssumeRolePolicyDocument") if role is not None else None
        if trust is not None and "lambda.amazonaws.com" not in json.dumps(trust, default=str):
            text = "The role defined for the function cannot be assumed by Lambda."
            return handler_said(stack, resource, text, "Lambda, 400", "InvalidRequest")
    return None


def _network(stack: Stack, resource: Resource, _verb: str) -> Cause:
    block = resource.properties.get("CidrBlock")
    try:
        ipaddress.ip_network(str(block or "10.0.0.0/16"))
    except ValueError:
        text = (
            f"Value ({block}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        )
        return handler_said(stack, resource, text, "Ec2, 400", "InvalidRequest")
    return None


def _silent(stack: Stack, resource: Resource) -> Cause:
    """An instance that does not run cfn-signal though somebody waits for its signal."""
    wanted = resource.definition.get("CreationPolicy", {}).get("ResourceSignal")
    # A group's instances signal by what their launch template runs, which is not among its own.
    told = stack.template if resource.type.startswith("AWS::AutoScaling") else resource.definition
    if wanted is None or "cfn-signal" in json.dumps(told, default=str):
        return None
    count = wanted.get("Count", 1)
    return f"Failed to receive {count} resource signal(s) within the specified duration"


_BY_TYPE: dict[str, Callable[[Stack, Resource, str], Cause]] = {
    "AWS::EC2::Subnet": _network,
    "AWS::EC2::VPC": _network,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::S3::Bucket": _bucket,
}

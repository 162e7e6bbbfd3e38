"""What S3 says of bucket names, one list for the whole world, and buckets' policies.

The rest is moto's, which judges a policy without its conditions: one that denies what is not sent
by TLS would deny everything. So policies are kept here, and judged by nobody.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from apps.sandbox.operations import Answer, AwsError, Call, NotOursError, Params, operation

if TYPE_CHECKING:
    from apps.sandbox.world import World

#: Names that somebody else in the world has.
TAKEN = frozenset({"assets", "example-artifacts", "reports", "shared-artifacts"})


def owner_of(bucket: str) -> str | None:
    """The account that has a bucket, "" for somebody unknown, None where nobody has it."""
    if bucket in TAKEN:
        return ""
    if "moto.s3.models" not in sys.modules:
        return None  # nobody has made any yet
    from moto.s3.models import s3_backends

    for account in list(s3_backends):
        if bucket in s3_backends[account]["aws"].buckets:
            return str(account)
    return None


@operation("s3", "CreateBucket")
def create_bucket(_call: Call, params: Params) -> Answer:
    """Refuse a name that the sandbox keeps for somebody else."""
    if params["Bucket"] in TAKEN:
        text = (
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. Please select a different name and try again."
        )
        raise AwsError("BucketAlreadyExists", text, status=409)
    raise NotOursError


@operation("s3", "HeadBucket")
def head_bucket(call: Call, params: Params) -> Answer:
    """Whether a name is free (404), one's own, or somebody else's (403)."""
    owner = owner_of(params["Bucket"])
    if owner is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", status=404)
    if owner != call.account:
        raise AwsError("AccessDenied", "Access Denied", status=403)
    raise NotOursError


class BucketPolicies:
    """The policies of all buckets, by name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.policies: dict[str, str] = {}


def check_owner(world: World, account: str, path: str) -> None:
    """Refuse what somebody asks of another account's bucket whose policy does not name them.

    ``path`` is the request's: ``/bucket/key``.
    """
    bucket = path.lstrip("/").partition("/")[0]
    owner = owner_of(bucket) if bucket else None
    if owner in (None, account) or account in world.of(BucketPolicies).policies.get(bucket, ""):
        return
    raise AwsError("AccessDenied", "Access Denied", status=403)


def _own(call: Call, params: Params) -> str:
    """The name of one of the caller's own buckets."""
    owner = owner_of(params["Bucket"])
    if owner is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", status=404)
    if owner != call.account:
        raise AwsError("AccessDenied", "Access Denied", status=403)
    return str(params["Bucket"])


@operation("s3", "DeleteBucket")
def delete_bucket(call: Call, params: Params) -> Answer:
    """An empty bucket; its policy goes with it."""
    name = _own(call, params)
    from moto.s3.models import s3_backends

    if not s3_backends[call.account]["aws"].buckets[name].keys:
        call.world.of(BucketPolicies).policies.pop(name, None)
    raise NotOursError


@operation("s3", "PutBucketPolicy")
def put_bucket_policy(call: Call, params: Params) -> Answer:
    """Who may do what with a bucket."""
    name, text = _own(call, params), params["Policy"]
    text = text.decode() if isinstance(text, bytes) else str(text)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        text = "Policies must be valid JSON and the first byte must be '{'"
        raise AwsError("MalformedPolicy", text, status=400)
    call.world.of(BucketPolicies).policies[name] = text
    return {}


@operation("s3", "GetBucketPolicy")
def get_bucket_policy(call: Call, params: Params) -> Answer:
    """A bucket's policy."""
    text = call.world.of(BucketPolicies).policies.get(_own(call, params))
    if text is None:
        said = "The bucket policy does not exist"
        raise AwsError("NoSuchBucketPolicy", said, status=404)
    return {"Policy": text}


@operation("s3", "DeleteBucketPolicy")
def delete_bucket_policy(call: Call, params: Params) -> Answer:
    """No policy any more."""
    call.world.of(BucketPolicies).policies.pop(_own(call, params), None)
    return {}

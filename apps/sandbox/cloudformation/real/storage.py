"""Buckets and their policies.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox.cloudformation.real.kinds import Deed, Kind, NotValidError, Properties, kind
from apps.sandbox.inside import RefusedError

#: Property → the operation that sets it, the one that takes it away, and the member it becomes.
_SETTINGS = {
    "BucketEncryption": (
        "PutBucketEncryption",
        "DeleteBucketEncryption",
        "ServerSideEncryptionConfiguration",
    ),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
        "LifecycleConfiguration",
    ),
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration",
    ),
    "OwnershipControls": (
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        "OwnershipControls",
    ),
    "VersioningConfiguration": ("PutBucketVersioning", "", "VersioningConfiguration"),
    "LoggingConfiguration": ("PutBucketLogging", "", "BucketLoggingStatus"),
    "NotificationConfiguration": (
        "PutBucketNotificationConfiguration",
        "",
        "NotificationConfiguration",
    ),
    "CorsConfiguration": ("PutBucketCors", "DeleteBucketCors", "CORSConfiguration"),
    "WebsiteConfiguration": ("PutBucketWebsite", "DeleteBucketWebsite", "WebsiteConfiguration"),
}
_KNOWN = {*_SETTINGS, "BucketName", "Tags", "AccessControl"}


@kind("AWS::S3::Bucket")
class Bucket(Kind):
    """A bucket; one with something in it cannot be deleted."""

    replacing = frozenset({"BucketName"})

    def create(self, deed: Deed) -> None:
        """Its name is its own in the whole world."""
        self._check(deed)
        name, region = deed.named("BucketName", 63, lower=True), deed.place.region
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        members: dict[str, Any] = {"CreateBucketConfiguration": where} if where else {}
        if "OwnershipControls" in deed.properties:
            rules = deed.properties["OwnershipControls"]["Rules"]
            members["ObjectOwnership"] = rules[0]["ObjectOwnership"]
        try:
            deed.call("s3", "CreateBucket", Bucket=name, **members)
        except RefusedError as error:
            if error.code not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
                raise
            # What CloudFormation's handler says, whoever has it.
            raise RefusedError("s3", "AlreadyExists", f"{name} already exists", 409) from None
        host = f"{name}.s3"
        deed.made(
            name,
            Arn=f"arn:aws:s3:::{name}",
            DomainName=f"{host}.amazonaws.com",
            RegionalDomainName=f"{host}.{region}.amazonaws.com",
            DualStackDomainName=f"{host}.dualstack.{region}.amazonaws.com",
            WebsiteURL=f"http://{name}.s3-website-{region}.amazonaws.com",
        )
        self._set(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Its settings."""
        self._check(deed)
        self._set(deed, before)

    def delete(self, deed: Deed) -> None:
        """Only an empty one."""
        try:
            deed.call("s3", "DeleteBucket", Bucket=deed.id)
        except RefusedError as error:
            if not error.missing:
                raise

    def _check(self, deed: Deed) -> None:
        unknown = sorted(deed.properties.keys() - _KNOWN)
        if unknown:
            raise NotValidError(f"#: extraneous key [{unknown[0]}] is not permitted")

    def _set(self, deed: Deed, before: Properties) -> None:
        for name, (put, remove, member) in _SETTINGS.items():
            wanted = deed.properties.get(name)
            if wanted == before.get(name):
                continue
            if wanted is not None:
                told = _TOLD.get(name, lambda one: one)(wanted)
                deed.call("s3", put, Bucket=deed.id, **{member: told})
            elif remove:
                deed.call("s3", remove, Bucket=deed.id)
        if tags := deed.tags():
            tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
            deed.call("s3", "PutBucketTagging", Bucket=deed.id, Tagging={"TagSet": tag_set})


def encryption(told: dict[str, Any]) -> dict[str, Any]:
    """A bucket's encryption as S3's operations tell it."""
    rules = []
    for rule in told["ServerSideEncryptionConfiguration"]:
        by = rule.get("ServerSideEncryptionByDefault", {})
        default = {"SSEAlgorithm": by.get("SSEAlgorithm", "AES256")}
        if key := by.get("KMSMasterKeyID"):
            default["KMSMasterKeyID"] = key
        made: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": default}
        if "BucketKeyEnabled" in rule:
            made["BucketKeyEnabled"] = _yes(rule["BucketKeyEnabled"])
        rules.append(made)
    return {"Rules": rules}


def lifecycle(told: dict[str, Any]) -> dict[str, Any]:
    """A bucket's lifecycle as S3's operations tell it."""
    rules = []
    for number, rule in enumerate(told["Rules"], 1):
        made: dict[str, Any] = {
            "ID": str(rule.get("Id") or f"rule-{number}"),
            "Status": rule["Status"],
            "Filter": {"Prefix": str(rule.get("Prefix", ""))},
        }
        if "ExpirationInDays" in rule:
            made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
        if _yes(rule.get("ExpiredObjectDeleteMarker", False)):
            made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
        past = rule.get("NoncurrentVersionExpiration") or {}
        days = past.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays"))
        if days is not None:
            made["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(days)}
        if upload := rule.get("AbortIncompleteMultipartUpload"):
            after = int(upload["DaysAfterInitiation"])
            made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": after}
        rules.append(made)
    return {"Rules": rules}


def _logging(told: dict[str, Any]) -> dict[str, Any]:
    wanted = {"TargetPrefix": str(told.get("LogFilePrefix", ""))}
    if bucket := told.get("DestinationBucketName"):
        wanted["TargetBucket"] = str(bucket)
    return {"LoggingEnabled": wanted}


def blocks(told: dict[str, Any]) -> dict[str, Any]:
    """What a bucket blocks of public access."""
    return {name: _yes(value) for name, value in told.items()}


def _notifications(told: dict[str, Any]) -> dict[str, Any]:
    return {"EventBridgeConfiguration": {}} if "EventBridgeConfiguration" in told else told


def _yes(value: Any) -> bool:
    return str(value).lower() == "true"


_TOLD = {
    "BucketEncryption": encryption,
    "LifecycleConfiguration": lifecycle,
    "LoggingConfiguration": _logging,
    "NotificationConfiguration": _notifications,
    "PublicAccessBlockConfiguration": blocks,
}


@kind("AWS::S3::BucketPolicy")
class BucketPolicy(Kind):
    """Who may do what with a bucket."""

    replacing = frozenset({"Bucket"})

    def create(self, deed: Deed) -> None:
        """It goes by the bucket's name."""
        self.update(deed, {})
        deed.made(str(deed.given("Bucket")))

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """The whole of it."""
        policy = json.dumps(deed.given("PolicyDocument"))
        deed.call("s3", "PutBucketPolicy", Bucket=str(deed.given("Bucket")), Policy=policy)

    def delete(self, deed: Deed) -> None:
        """A bucket that is gone has none."""
        try:
            deed.call("s3", "DeleteBucketPolicy", Bucket=deed.id)
        except RefusedError as error:
            if not error.missing:
                raise

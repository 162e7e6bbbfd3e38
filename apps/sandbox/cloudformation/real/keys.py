"""Keys of KMS and their aliases.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
"""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox.cloudformation.real.kinds import Deed, Kind, Properties, kind, quietly
from apps.sandbox.inside import RefusedError

#: Days until a key is gone that somebody deletes.
_DAYS = 30
#: What the sandbox leaves as KMS has it.
_LATER = ("Enabled", "RotationPeriodInDays")


@kind("AWS::KMS::Key")
class Key(Kind):
    """A key; deleting it only begins the days in which that can be taken back."""

    replacing = frozenset({"KeySpec", "KeyUsage", "MultiRegion"})

    def create(self, deed: Deed) -> None:
        """With its policy, and rotated if asked for."""
        less = ("KeyPolicy", "EnableKeyRotation", "PendingWindowInDays", *_LATER)
        more: dict[str, Any] = {}
        if policy := deed.given("KeyPolicy"):
            more["Policy"] = json.dumps(policy)
        made = deed.send("kms", "CreateKey", deed.properties, less=less, **more)["KeyMetadata"]
        deed.made(made["KeyId"], Arn=made["Arn"], KeyId=made["KeyId"])
        self._rotate(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """Its policy, description and rotation."""
        if policy := deed.given("KeyPolicy"):
            text = json.dumps(policy)
            deed.call("kms", "PutKeyPolicy", KeyId=deed.id, PolicyName="default", Policy=text)
        if deed.given("Description", "") != before.get("Description", ""):
            said = str(deed.given("Description", ""))
            deed.call("kms", "UpdateKeyDescription", KeyId=deed.id, Description=said)
        self._rotate(deed, before)

    def _rotate(self, deed: Deed, before: Properties) -> None:
        wanted = str(deed.given("EnableKeyRotation", False)).lower() == "true"
        was = str(before.get("EnableKeyRotation", False)).lower() == "true"
        if wanted != was:
            verb = "EnableKeyRotation" if wanted else "DisableKeyRotation"
            deed.call("kms", verb, KeyId=deed.id)

    def delete(self, deed: Deed) -> None:
        """In so many days."""
        days = int(deed.given("PendingWindowInDays", _DAYS))
        try:
            deed.call("kms", "ScheduleKeyDeletion", KeyId=deed.id, PendingWindowInDays=days)
        except RefusedError as error:
            if not error.missing and error.code != "KMSInvalidStateException":
                raise


@kind("AWS::KMS::Alias")
class Alias(Kind):
    """Another name of a key."""

    replacing = frozenset({"AliasName"})

    def create(self, deed: Deed) -> None:
        """It goes by its own name."""
        deed.send("kms", "CreateAlias", deed.properties)
        deed.made(str(deed.given("AliasName")))

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - one thing can change
        """The key it names."""
        deed.send("kms", "UpdateAlias", deed.properties)

    def delete(self, deed: Deed) -> None:
        """The name alone."""
        quietly(deed, "kms", "DeleteAlias", AliasName=deed.id)

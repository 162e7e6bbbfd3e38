"""Log groups and alarms."""

from __future__ import annotations

from apps.sandbox.cloudformation.real.kinds import Deed, Kind, Properties, kind, quietly
from apps.sandbox.inside import RefusedError


@kind("AWS::Logs::LogGroup")
class LogGroup(Kind):
    """A log group."""

    replacing = frozenset({"LogGroupName", "LogGroupClass"})

    def create(self, deed: Deed) -> None:
        """And for how long it keeps what it gets."""
        name = deed.named("LogGroupName", 512)
        less = ("LogGroupName", "RetentionInDays", "DataProtectionPolicy", "FieldIndexPolicies")
        deed.send("logs", "CreateLogGroup", deed.properties, less=less, logGroupName=name)
        deed.made(name, Arn=deed.place.arn("logs", f"log-group:{name}:*"))
        self._keep(deed)

    def update(self, deed: Deed, before: Properties) -> None:
        """For how long."""
        if deed.given("RetentionInDays") != before.get("RetentionInDays"):
            self._keep(deed)

    def _keep(self, deed: Deed) -> None:
        days = deed.given("RetentionInDays")
        if days is not None:
            deed.call("logs", "PutRetentionPolicy", logGroupName=deed.id, retentionInDays=int(days))

    def delete(self, deed: Deed) -> None:
        """With what is in it."""
        quietly(deed, "logs", "DeleteLogGroup", logGroupName=deed.id)


@kind("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
class Alarm(Kind):
    """An alarm on a metric, or on other alarms."""

    replacing = frozenset({"AlarmName"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("AlarmName", 255)
        self._put(deed, name)
        deed.made(name, Arn=deed.place.arn("cloudwatch", f"alarm:{name}"))

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """The whole of it; its state stays."""
        self._put(deed, deed.id)

    def _put(self, deed: Deed, name: str) -> None:
        verb = "PutCompositeAlarm" if "AlarmRule" in deed.properties else "PutMetricAlarm"
        deed.send("cloudwatch", verb, deed.properties, less=("AlarmName",), AlarmName=name)

    def delete(self, deed: Deed) -> None:
        """Its history stays."""
        try:
            deed.call("cloudwatch", "DeleteAlarms", AlarmNames=[deed.id])
        except RefusedError as error:
            if error.code != "ResourceNotFound":
                raise

"""Topics, queues, parameters, and the rules of EventBridge."""

from __future__ import annotations

import json
from typing import Any

from apps.sandbox import wire
from apps.sandbox.cloudformation.real.kinds import Deed, Kind, Properties, fit, kind, quietly
from apps.sandbox.inside import RefusedError


@kind("AWS::SNS::Topic")
class Topic(Kind):
    """A topic and its subscriptions."""

    replacing = frozenset({"TopicName", "FifoTopic"})

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        name = deed.named("TopicName", 256)
        tags = [{"Key": key, "Value": value} for key, value in deed.tags().items()]
        members: dict[str, Any] = {"Tags": tags} if tags else {}
        made = deed.call("sns", "CreateTopic", Name=name, Attributes=_settings(deed), **members)
        deed.made(made["TopicArn"], TopicArn=made["TopicArn"], TopicName=name)
        for one in deed.given("Subscription") or ():
            _subscribe(deed, deed.id, one)

    def update(self, deed: Deed, before: Properties) -> None:
        """Its settings, and who hears it."""
        for name, value in _settings(deed).items():
            deed.call(
                "sns",
                "SetTopicAttributes",
                TopicArn=deed.id,
                AttributeName=name,
                AttributeValue=value,
            )
        had = list(before.get("Subscription") or ())
        for one in deed.given("Subscription") or ():
            if one not in had:
                _subscribe(deed, deed.id, one)

    def delete(self, deed: Deed) -> None:
        """With its subscriptions."""
        try:
            told = deed.call("sns", "ListSubscriptionsByTopic", TopicArn=deed.id)
        except RefusedError as error:
            if error.missing:
                return
            raise
        for one in told["Subscriptions"]:
            if one["SubscriptionArn"].startswith("arn:"):
                quietly(deed, "sns", "Unsubscribe", SubscriptionArn=one["SubscriptionArn"])
        quietly(deed, "sns", "DeleteTopic", TopicArn=deed.id)


def _settings(deed: Deed) -> dict[str, str]:
    return {
        name: str(deed.given(name))
        for name in ("DisplayName", "KmsMasterKeyId")
        if deed.given(name) is not None
    }


def _subscribe(deed: Deed, topic: str, one: dict[str, Any]) -> str:
    members = {"Protocol": str(one["Protocol"]), "Endpoint": str(one["Endpoint"])}
    answer = deed.call("sns", "Subscribe", TopicArn=topic, ReturnSubscriptionArn=True, **members)
    return str(answer["SubscriptionArn"])


@kind("AWS::SNS::Subscription")
class Subscription(Kind):
    """Somebody who hears a topic."""

    replacing = frozenset({"TopicArn", "Protocol", "Endpoint"})

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        deed.made(_subscribe(deed, str(deed.given("TopicArn")), deed.properties))

    def update(self, deed: Deed, before: Properties) -> None:
        """Nothing that the sandbox tells apart."""

    def delete(self, deed: Deed) -> None:
        """No longer."""
        quietly(deed, "sns", "Unsubscribe", SubscriptionArn=deed.id)


@kind("AWS::SNS::TopicPolicy")
class TopicPolicy(Kind):
    """Who may do what with topics."""

    def create(self, deed: Deed) -> None:
        """Of each topic."""
        deed.made(deed.named("", 128))
        self.update(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """The whole of it."""
        for topic in deed.given("Topics") or ():
            deed.call(
                "sns",
                "SetTopicAttributes",
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(deed.given("PolicyDocument")),
            )

    def delete(self, deed: Deed) -> None:
        """A topic keeps the policy that it has, as CloudFormation leaves it."""


@kind("AWS::SQS::Queue")
class Queue(Kind):
    """A queue."""

    replacing = frozenset({"QueueName", "FifoQueue"})

    def create(self, deed: Deed) -> None:
        """It goes by its address."""
        name = deed.named("QueueName", 80)
        made = deed.call(
            "sqs", "CreateQueue", QueueName=name, Attributes=_of_queue(deed), tags=deed.tags()
        )
        arn = deed.place.arn("sqs", name)
        deed.made(made["QueueUrl"], Arn=arn, QueueName=name, QueueUrl=made["QueueUrl"])

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - they are put whole
        """Its settings."""
        deed.call("sqs", "SetQueueAttributes", QueueUrl=deed.id, Attributes=_of_queue(deed))

    def delete(self, deed: Deed) -> None:
        """With what is in it."""
        quietly(deed, "sqs", "DeleteQueue", QueueUrl=deed.id)


def _of_queue(deed: Deed) -> dict[str, str]:
    told = {name: one for name, one in deed.properties.items() if name not in ("QueueName", "Tags")}
    shape = wire.operation_model("sqs", "CreateQueue").input_shape.members["Attributes"]
    return {str(name): str(one) for name, one in fit(shape, told, "#").items()}


@kind("AWS::SQS::QueuePolicy")
class QueuePolicy(Kind):
    """Who may do what with queues."""

    def create(self, deed: Deed) -> None:
        """Of each queue."""
        deed.made(deed.named("", 128))
        self.update(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """The whole of it."""
        policy = {"Policy": json.dumps(deed.given("PolicyDocument"))}
        for url in deed.given("Queues") or ():
            deed.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=policy)

    def delete(self, deed: Deed) -> None:
        """Nobody else may any more."""
        for url in deed.given("Queues") or ():
            quietly(deed, "sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


@kind("AWS::SSM::Parameter")
class Parameter(Kind):
    """A parameter of Systems Manager."""

    replacing = frozenset({"Name"})

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("Name", 256)
        deed.send("ssm", "PutParameter", deed.properties, less=("Name",), Name=name)
        deed.made(name, Type=str(deed.given("Type")), Value=str(deed.given("Value")))

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """Another value."""
        members = {
            name: str(deed.given(name))
            for name in ("Value", "Type", "Description")
            if deed.given(name) is not None
        }
        deed.call("ssm", "PutParameter", Name=deed.id, Overwrite=True, **members)
        deed.made(deed.id, Value=members["Value"])

    def delete(self, deed: Deed) -> None:
        """With its history."""
        quietly(deed, "ssm", "DeleteParameter", Name=deed.id)


@kind("AWS::Events::Rule")
class Rule(Kind):
    """A rule and whom it tells."""

    replacing = frozenset({"Name", "EventBusName"})

    def create(self, deed: Deed) -> None:
        """The rule, then its targets."""
        name = deed.named("Name")
        made = deed.send("events", "PutRule", deed.properties, less=("Name", "Targets"), Name=name)
        deed.made(name, Arn=made["RuleArn"])
        self._aim(deed, {})

    def update(self, deed: Deed, before: Properties) -> None:
        """The same, put again."""
        deed.send("events", "PutRule", deed.properties, less=("Name", "Targets"), Name=deed.id)
        self._aim(deed, before)

    def _aim(self, deed: Deed, before: Properties) -> None:
        wanted = list(deed.given("Targets") or ())
        ids = {str(one["Id"]) for one in wanted}
        gone = [str(one["Id"]) for one in before.get("Targets") or () if str(one["Id"]) not in ids]
        if gone:
            deed.call("events", "RemoveTargets", Rule=deed.id, Ids=gone, **_bus(deed))
        if wanted:
            shape = wire.operation_model("events", "PutTargets").input_shape.members["Targets"]
            targets = fit(shape, wanted, "#/Targets")
            deed.call("events", "PutTargets", Rule=deed.id, Targets=targets, **_bus(deed))

    def delete(self, deed: Deed) -> None:
        """Its targets first."""
        ids = [str(one["Id"]) for one in deed.given("Targets") or ()]
        if ids:
            quietly(deed, "events", "RemoveTargets", Rule=deed.id, Ids=ids, **_bus(deed))
        quietly(deed, "events", "DeleteRule", Name=deed.id, **_bus(deed))


def _bus(deed: Deed) -> dict[str, str]:
    name = deed.given("EventBusName")
    return {"EventBusName": str(name)} if name else {}

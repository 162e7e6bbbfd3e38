"""Rows of Elastic Beanstalk as reconcile leaves them, for tests of pages and of the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.beanstalk import digest
from apps.beanstalk.models import Application, Environment, Event, Instance, ManagedAction, Version
from apps.mirror.models import Scope
from tests import factories

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ARN = "arn:aws:elasticbeanstalk"
SEVERE: dict[str, Any] = {
    "state": "failed",
    "health": "Red",
    "health_status": "Severe",
    "urgency": 0,
    "causes": ["Command failed on all instances."],
}


def make_application(name: str = "loyalty", scope: Scope | None = None) -> Application:
    scope = scope or factories.make_scope()
    row, _ = Application.objects.get_or_create(
        scope=scope,
        key=name,
        defaults={
            "arn": f"{ARN}:{scope.region}:{scope.account}:application/{name}",
            "description": "Points and vouchers",
            "date_created": BEGAN,
            "date_updated": BEGAN,
        },
    )
    return row


def make_version(label: str, application: Application, **more: Any) -> Version:
    place = f"{ARN}:{application.scope.region}:{application.scope.account}"
    given: dict[str, Any] = {"status": "Processed", "state": "done", "date_created": BEGAN}
    return Version.objects.create(
        scope=application.scope,
        key=f"{application.key}/{label}",
        arn=f"{place}:applicationversion/{application.key}/{label}",
        application=application,
        application_name=application.key,
        version_label=label,
        source_bundle={"s3_bucket": "bundles", "s3_key": f"{label}.zip"},
        **{**given, **more},
    )


def make_environment(
    name: str = "loyalty-api", application: Application | None = None, **more: Any
) -> Environment:
    """A well environment, or `**SEVERE`."""
    application = application or make_application()
    scope = application.scope
    given: dict[str, Any] = {
        "status": "Ready",
        "state": "done",
        "health": "Green",
        "health_status": "Ok",
        "urgency": 11,
        "version_label": "v1",
        "environment_id": f"e-{name}",
        "cname": f"{name}.eu-west-1.elasticbeanstalk.com",
        "tier_name": "WebServer",
        "solution_stack_name": "64bit Amazon Linux 2023 v4.3.1 running Python 3.11",
        "date_created": BEGAN,
        "date_updated": BEGAN,
    }
    return Environment.objects.create(
        scope=scope,
        key=name,
        arn=f"{ARN}:{scope.region}:{scope.account}:environment/{application.key}/{name}",
        application=application,
        application_name=application.key,
        **{**given, **more},
    )


def make_event(
    environment: Environment, minute: int, message: str, severity: str = "INFO", **more: Any
) -> Event:
    failed = severity in ("ERROR", "FATAL")
    row = Event.objects.create(
        scope=environment.scope,
        key=f"{minute:06} {environment.key} {severity} {message[:40]}",
        environment=environment,
        status=severity,
        state="failed" if failed else "",
        event_date=BEGAN + timedelta(minutes=minute),
        message=message,
        **more,
    )
    tell(environment)
    return row


def make_instance(environment: Environment, key: str, **more: Any) -> Instance:
    given: dict[str, Any] = {
        "status": "Severe",
        "state": "failed",
        "causes": ["Application deployment failed."],
        "version_label": "v2",
        "deployment_id": 12,
        "deployment_status": "Failed",
        "system": {"load_average": [1.5, 0.7], "cpu_utilization": {"user": 61.5}},
        "launched_at": BEGAN,
        "instance_type": "t3.small",
        "availability_zone": "eu-west-1a",
    }
    row = Instance.objects.create(
        scope=environment.scope,
        key=key,
        arn=f"arn:aws:ec2:eu-west-1:{environment.scope.account}:instance/{key}",
        environment=environment,
        **{**given, **more},
    )
    tell(environment)
    return row


def make_managed(environment: Environment, key: str, **more: Any) -> ManagedAction:
    """A scheduled platform update, unless said otherwise."""
    given: dict[str, Any] = {"status": "Scheduled", "action_type": "PlatformUpdate"}
    row = ManagedAction.objects.create(
        scope=environment.scope,
        key=f"{environment.key}/{key}",
        environment=environment,
        **{**given, **more},
    )
    tell(environment)
    return row


def tell(environment: Environment) -> None:
    """Write the columns that follow from events, instances and managed actions."""
    for told in (
        digest.environments_by_events,
        digest.environments_by_instances,
        digest.environments_by_managed,
    ):
        for pk, values in told([environment.pk]).items():
            Environment.objects.filter(pk=pk).update(**values)

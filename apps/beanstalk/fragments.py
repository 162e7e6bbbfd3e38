"""The pieces of pages that picture environments and applications; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_environment = partial(FRAGMENTS.picture, "beanstalk.environment")
_of_application = partial(FRAGMENTS.picture, "beanstalk.application")

ENVIRONMENT_ROW = _of_environment("environment-row", "environments.html#row", load.environment_row)
ENVIRONMENT_HEAD = _of_environment(
    "environment-head", "environment.html#head", load.environment_head
)
ENVIRONMENT_FACTS = _of_environment(
    "environment-facts", "environment.html#facts", load.environment_facts
)
ENVIRONMENT_INSTANCES = _of_environment(
    "environment-instances", "environment.html#instances", load.environment_instances
)
ENVIRONMENT_MANAGED = _of_environment(
    "environment-managed", "environment.html#managed", load.environment_facts
)
# The newest events, by what a reader asked to see of them.
EVENTS = {
    severity: _of_environment(
        f"environment-events{'-' if severity else ''}{severity.lower()}",
        "environment.html#events",
        load.events_loader(severity),
    )
    for severity in load.SEVERITIES
}
APPLICATION_ROW = _of_application("application-row", "applications.html#row", load.application_row)
APPLICATION_HEAD = _of_application(
    "application-head", "application.html#head", load.application_head
)
APPLICATION_ENVIRONMENTS = _of_application(
    "application-environments", "application.html#environments", load.application_environments
)

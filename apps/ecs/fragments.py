"""The pieces of pages that picture services and task definitions; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_service = partial(FRAGMENTS.picture, "ecs.service")

SERVICE_ROW = _of_service("service-row", "services.html#row", load.service_row)
SERVICE_HEAD = _of_service("service-head", "service.html#head", load.service_page)
SERVICE_EVENTS = _of_service("service-events", "service.html#events", load.service_page)
SERVICE_FACTS = _of_service("service-facts", "service.html#facts", load.service_page)
CLUSTER_HEAD = FRAGMENTS.picture(
    "ecs.cluster", "cluster-head", "cluster.html#head", load.cluster_head
)
DEFINITION = FRAGMENTS.picture(
    "ecs.taskdefinition", "task-definition", "task_definition.html#body", load.definition_page
)

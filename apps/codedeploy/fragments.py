"""The pieces of pages that picture deployments and groups; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load, on_premises

_of_application = partial(FRAGMENTS.picture, "codedeploy.application")
_of_group = partial(FRAGMENTS.picture, "codedeploy.deploymentgroup")
_of_config = partial(FRAGMENTS.picture, "codedeploy.deploymentconfig")
_of_on_premises = partial(FRAGMENTS.picture, "codedeploy.on_premises_instance")
_of_deployment = partial(FRAGMENTS.picture, "codedeploy.deployment")

APPLICATION_HEAD = _of_application(
    "deploy-app-head", "application.html#head", load.application_head
)
GROUP_ROW = _of_group("deploy-group-row", "groups.html#row", load.group_row)
GROUP_HEAD = _of_group("deploy-group-head", "group.html#head", load.group_head)
GROUP_FACTS = _of_group("deploy-group-facts", "group.html#facts", load.group_facts)
GROUP_DEPLOYMENTS = _of_group("deploy-group-newest", "group.html#newest", load.group_deployments)
CONFIG_ROW = _of_config("deploy-config-row", "configs.html#row", load.config_row)
DEPLOYMENT_ROW = _of_deployment("deployment-row", "deployments.html#row", load.deployment_row)
DEPLOYMENT_HEAD = _of_deployment("deployment-head", "deployment.html#head", load.deployment_head)
DEPLOYMENT_TARGETS = _of_deployment(
    "deployment-targets", "deployment.html#targets", load.deployment_targets
)
DEPLOYMENT_FACTS = _of_deployment(
    "deployment-facts", "deployment.html#facts", load.deployment_facts
)
ON_PREMISES_ROW = _of_on_premises(
    "on-premises-row", "on_premises_list.html#row", on_premises.on_premises_row
)
ON_PREMISES_HEAD = _of_on_premises(
    "on-premises-head", "on_premises.html#head", on_premises.on_premises_row
)

"""Deploys a revision that is known to a group, with options of its own.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.functional import cached_property

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, RefusedError
from apps.deeds.at_aws import AtAws
from apps.deeds.forms import ActForm
from apps.live.templatetags.live_tags import plain
from apps.mirror.state import State

from . import begin, words
from .models import SERVER, Deployment, DeploymentGroup
from .revisions import Choice, as_asked, choices, deployed, identity

if TYPE_CHECKING:
    from apps.deeds.models import Deed

ON, OFF = "on", "off"
FILES = {
    "DISALLOW": "The deployment fails",
    "OVERWRITE": "The file of the revision replaces it",
    "RETAIN": "The file that is there is kept",
}
IN_PLACE = "IN_PLACE"


class DeployForm(ActForm):
    """Which revision, and what is otherwise in this one deployment."""

    revision = forms.ChoiceField(
        label="Revision",
        error_messages={
            "required": "Choose what is to be deployed.",
            "invalid_choice": "That is not offered any more. Choose anew.",
        },
    )
    rollback = forms.ChoiceField(
        label="If it fails",
        required=False,
        choices=[
            ("", "As the group says"),
            (ON, "Roll back to the last good revision"),
            (OFF, "Leave it as it is"),
        ],
    )
    existing = forms.ChoiceField(
        label="If a file is there that no deployment put there",
        required=False,
        choices=[("", "The deployment fails"), *list(FILES.items())[1:]],
    )
    outdated = forms.BooleanField(
        label="Only to instances that do not have the revision", required=False
    )
    ignore_stop = forms.BooleanField(
        label="Go on where ApplicationStop fails",
        required=False,
        help_text="That script is the last good revision's: a broken one blocks each deployment.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group: DeploymentGroup = self.row
        field: Any = self.fields["revision"]
        field.choices = [
            ("", "Choose a revision"),
            *((one.deployment.key, plain(one.told)) for one in self.known),
        ]
        if group.compute_platform != SERVER:
            for name in ("existing", "outdated", "ignore_stop"):
                del self.fields[name]
        elif group.deployment_type not in ("", IN_PLACE):
            del self.fields["outdated"]
        rules = when_rolled_back(group)
        told = f"The group rolls back when {rules}." if rules else "The group never rolls back."
        self.fields["rollback"].help_text = told
        self.fields["why"].help_text = "Stands with it here and in CodeDeploy."

    @cached_property
    def known(self) -> list[Choice]:
        """What may be deployed."""
        return choices(self.row)

    def said(self) -> dict[str, Any]:
        """Return {revision: id of a deployment, what: it in words, …} of what was chosen."""
        told = {name: value for name, value in super().said().items() if value}
        chosen = next(one for one in self.known if one.deployment.key == told["revision"])
        return {**told, "what": str(plain(chosen.told))}


def when_rolled_back(group: DeploymentGroup) -> str:
    """Say when a group rolls back by itself: "a deployment fails, or an alarm goes off"."""
    if not group.auto_rollback.get("enabled"):
        return ""
    events = group.auto_rollback.get("events") or ()
    return ", or ".join(words.ROLLBACKS.get(one, one) for one in events)


def _effect(group: DeploymentGroup, meant: Mapping[str, Any]) -> Iterator[str]:
    key = meant.get("revision")
    chosen = next((one for one in choices(group) if one.deployment.key == key), None)
    if chosen is None:
        yield f"The revision that you choose is deployed to {group}."
    else:
        yield f"{chosen.told.partition(' · ')[0]} is deployed to {group}."
        latest = begin.newest(group)
        if latest is not None and identity(latest.revision) == identity(chosen.deployment.revision):
            yield "That is what was deployed there last: it is deployed once more."
        if chosen.deployment.in_s3 and not chosen.deployment.revision_id:
            yield "No version of the bundle is named: what lies there now is what is deployed."
        if chosen.deployment.state == State.FAILED:
            yield f"Deployment {chosen.deployment.key}, the last one of it, failed."
    if group.config_name and (how := words.configuration(group.config_name)):
        yield f"It goes as {group.config_name} says: {how}."
    if meant.get("rollback") == OFF:
        yield "If it fails, nothing is rolled back: what it reached keeps the revision."
    elif meant.get("rollback") == ON:
        yield "If it fails, CodeDeploy deploys the last good revision again."
    if meant.get("existing") == "OVERWRITE":
        yield "Files that no deployment put there are lost where the revision has one of that name."


def _chosen(deed: "Deed", group: DeploymentGroup) -> Deployment:
    rows = Deployment.objects.filter(scope=group.scope_id, key=deed.said.get("revision", ""))
    found: Deployment | None = rows.first()
    if found is None:
        raise RefusedError(begin.FORGOTTEN)
    return found


def _prepares(reach: Reach, deed: "Deed", group: DeploymentGroup) -> dict[str, Any]:
    return as_asked(reach, _chosen(deed, group))


def _options(said: Mapping[str, Any], group: DeploymentGroup) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if said.get("rollback") == OFF:
        given["autoRollbackConfiguration"] = {"enabled": False}
    elif said.get("rollback") == ON:
        events = ["DEPLOYMENT_FAILURE"]
        if group.alarm_configuration.get("enabled"):
            events.append("DEPLOYMENT_STOP_ON_ALARM")
        given["autoRollbackConfiguration"] = {"enabled": True, "events": events}
    if said.get("existing"):
        given["fileExistsBehavior"] = said["existing"]
    if said.get("outdated"):
        given["updateOutdatedInstancesOnly"] = True
    if said.get("ignore_stop"):
        given["ignoreApplicationStopFailures"] = True
    return given


def _sends(reach: Reach, deed: "Deed", group: DeploymentGroup) -> Done:
    return begin.create(reach, deed, group, **_options(deed.said, group))


def _offered(group: DeploymentGroup) -> str | None:
    if group.gone_at or group.application.gone_at:
        return None
    if not deployed(group).exists():
        return "No revision is known that could be deployed: let a pipeline deploy one first."
    return begin.in_the_way(group)


ACTS.add(
    Act(
        name="codedeploy.deploy",
        kind="codedeploy.deploymentgroup",
        label="Deploy",
        group="Deployments",
        icon="rocket",
        told="deployed to {what}",
        calls=begin.CALLS,
        offered=_offered,
        form=DeployForm,
        effect=_effect,
        seen=begin.seen,
        doer=AtAws(judges=begin.stands, prepares=_prepares, sends=_sends, finds=begin.found),
        reread=begin.reread,
    )
)

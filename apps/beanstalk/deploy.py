"""Deploys a version of its application to an environment.

https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.live.templatetags.live_tags import plain

from . import asked, needed
from .models import Environment, Version

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Versions that a form offers, the newest.
MOST = 50
BEGINS = "Environment update is starting"


def versions_of(environment: Environment) -> Any:
    """Return the versions that may be deployed: those that AWS still has, the newest first."""
    rows = Version.objects.filter(application=environment.application_id, gone_at=None)
    return rows.exclude(version_label="").newest()


class DeployForm(ActForm):
    """Which version."""

    version = forms.ChoiceField(
        label="Version",
        error_messages={
            "required": "Choose what is to be deployed.",
            "invalid_choice": "That version is not offered any more. Choose anew.",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["version"]
        rows = versions_of(self.row)[:MOST]
        field.choices = [
            ("", "Choose a version"),
            *((one.version_label, _told(one)) for one in rows),
        ]


def _told(version: Version) -> str:
    moment = f", {version.date_created:%Y-%m-%d %H:%M} UTC" if version.date_created else ""
    about = f" {plain(version.description)[:120]}" if version.description else ""
    return f"{plain(version.version_label)}{about}{moment}"


def _effect(environment: Environment, meant: Mapping[str, Any]) -> Iterator[str]:
    version = meant.get("version")
    now = environment.version_label
    if not version:
        yield f"The version that you choose is deployed to {environment.key}."
    elif version == now:
        yield f"{version}, which runs there, is deployed to {environment.key} once more."
    else:
        yield f"{version} is deployed to {environment.key}" + (
            f" in place of {now}." if now else "."
        )
    yield "It goes as the environment's deployment policy says; its settings stay as they are."


def _judges(reach: Reach, deed: "Deed", environment: Environment) -> Moved | Done | None:
    now = asked.described(reach, environment)
    if not now:
        return asked.GONE
    if now.get("Status") != asked.READY:
        return asked.not_ready(str(now.get("Status")))
    if now.get("VersionLabel", "") != deed.seen.get("version", ""):
        return Moved(f"{now.get('VersionLabel')} runs there by now: look at that, then again.")
    return None


def _sends(reach: Reach, deed: "Deed", environment: Environment) -> Done:
    answer = reach.call(
        "elasticbeanstalk:UpdateEnvironment",
        EnvironmentId=environment.environment_id,
        VersionLabel=deed.said["version"],
    )
    return Done(request=request_of(answer), told=f"{deed.said['version']} is being deployed.")


def _finds(reach: Reach, deed: "Deed", environment: Environment) -> Untold | None:
    """Whether an update began; its events do not tell of what, or by whom."""
    said = asked.was_said(reach, deed, environment, BEGINS)
    return Untold("An update of the environment has begun since") if said else None


def _offered(environment: Environment) -> str | None:
    if environment.gone_at:
        return None
    if not versions_of(environment).exists():
        return "No version of its application is known."
    return asked.busy(environment)


ACTS.add(
    Act(
        name="beanstalk.deploy",
        kind="beanstalk.environment",
        label="Deploy a version",
        group="Environments",
        icon="rocket",
        told="deployed a version to {what}",
        calls=("elasticbeanstalk:UpdateEnvironment",),
        beyond=needed.to_update,
        beyond_page=needed.PAGE,
        offered=_offered,
        form=DeployForm,
        effect=_effect,
        seen=lambda environment: {"version": environment.version_label},
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds),
        reread=asked.reread,
    )
)

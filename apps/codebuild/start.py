"""Starts a build by hand, with a version, variables and a machine of its own.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html

Neither another buildspec nor an image that is not AWS's own is taken: either runs with the role of
the project whatever its author wants, which nobody reviewed. Whoever may do that changes the
repository or the project.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.deeds.permits import caller_in
from apps.live.templatetags.live_tags import plain
from apps.mirror.resource import Names

from . import begun, variables
from .models import Project

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# What a version is called where the source is this; what is not here takes none.
VERSIONS = {
    "S3": "A version id of the object.",
    "CODECOMMIT": "A branch, a tag or a commit.",
    "GITHUB": "A branch, a tag, a commit, or a pull request as pr/25.",
    "GITHUB_ENTERPRISE": "A branch, a tag, a commit, or a pull request as pr/25.",
    "GITLAB": "A branch, a tag or a commit.",
    "GITLAB_SELF_MANAGED": "A branch, a tag or a commit.",
    "BITBUCKET": "A branch, a tag or a commit.",
}
# Git takes none of these in names, nor what turns a line around.
VERSION = re.compile(r"[^\s\x00-\x1f\x7f~^?*\[\\]{1,1024}")
PULL_REQUEST = re.compile(r"pr/\d+|refs/pull/\d+/.*")
OWN_IMAGE = re.compile(r"aws/codebuild/[A-Za-z0-9._-]+:[A-Za-z0-9._-]+")
GENERAL = {
    "BUILD_GENERAL1_SMALL": "Small: 2 vCPUs, 4 GiB",
    "BUILD_GENERAL1_MEDIUM": "Medium: 4 vCPUs, 8 GiB",
    "BUILD_GENERAL1_LARGE": "Large: 8 vCPUs, 16 GiB",
    "BUILD_GENERAL1_XLARGE": "Extra large: 36 vCPUs, 72 GiB",
    "BUILD_GENERAL1_2XLARGE": "Twice extra large: 72 vCPUs, 144 GiB",
}
LAMBDA = {f"BUILD_LAMBDA_{size}GB": f"Lambda: {size} GiB" for size in (1, 2, 4, 8, 10)}
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
MACHINES = {
    "LINUX_CONTAINER": tuple(GENERAL),
    "ARM_CONTAINER": tuple(GENERAL),
    "LINUX_LAMBDA_CONTAINER": tuple(LAMBDA),
    "ARM_LAMBDA_CONTAINER": tuple(LAMBDA),
}
SHORTEST, LONGEST = 5, 2160
NO_CACHE = "NO_CACHE"
PIPELINE = "CODEPIPELINE"


def machines_of(project: Project) -> list[str]:
    """Return the compute types that may be chosen: none for machines of one's own."""
    if project.environment.get("fleet"):
        return []
    return list(MACHINES.get(project.environment_type, ()))


def _in_lambda(project: Project) -> bool:
    return "_LAMBDA_" in project.environment_type


def _caches(project: Project) -> bool:
    return bool(project.cache.get("type", NO_CACHE) != NO_CACHE)


class StartForm(ActForm):
    """What of the project is another in this one build; empty for what the project says."""

    version = forms.CharField(
        label="Version",
        required=False,
        max_length=1024,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    variables = forms.CharField(
        label="Environment variables",
        required=False,
        max_length=variables.LONGEST,
        help_text=(
            "For this build alone, one a line: NAME=value. A secret by where it is: "
            "NAME=secrets-manager:its-name or NAME=parameter-store:/its/path."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )
    machine = forms.ChoiceField(label="Machine", required=False)
    image = forms.CharField(
        label="Image",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    minutes = forms.IntegerField(
        label="Minutes until it is timed out",
        required=False,
        min_value=SHORTEST,
        max_value=LONGEST,
        error_messages={
            "invalid": f"Give a number of minutes, {SHORTEST} to {LONGEST}, or nothing.",
            "min_value": f"CodeBuild takes no less than {SHORTEST} minutes.",
            "max_value": f"CodeBuild takes no more than {LONGEST} minutes.",
        },
    )
    no_cache = forms.BooleanField(label="Without the cache", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project: Project = self.row
        if project.source_type in VERSIONS:
            usual = plain(project.source_version) or "the newest of its default branch"
            usual = "the newest" if project.source_type == "S3" else usual
            told = VERSIONS[project.source_type]
            self.fields["version"].help_text = f"{told} Empty for {usual}."
        else:
            del self.fields["version"]
        self._machine(project)
        if _in_lambda(project):
            # Lambda ends a build by itself after 15 minutes.
            del self.fields["minutes"]
        else:
            minutes = project.timeout_in_minutes or 60
            self.fields["minutes"].help_text = f"Empty for the project's: {minutes}."
        self.fields["image"].help_text = (
            f"Empty for the project's: {plain(project.image) or 'not read'}. Else one of AWS's "
            "own, like aws/codebuild/standard:7.0."
        )
        if not _caches(project):
            del self.fields["no_cache"]

    def _machine(self, project: Project) -> None:
        machines = machines_of(project)
        if not machines:
            del self.fields["machine"]
            return
        named = {**GENERAL, **LAMBDA}
        usual = named.get(project.compute_type, project.compute_type)
        field: Any = self.fields["machine"]
        field.choices = [
            ("", f"As the project says ({usual})"),
            *((one, named[one]) for one in machines if one != project.compute_type),
        ]

    def clean_version(self) -> str:
        """Raises ValidationError for what can be none."""
        value = str(self.cleaned_data["version"]).strip()
        if value and not VERSION.fullmatch(value):
            told = VERSIONS[self.row.source_type].lower().rstrip(".")
            raise ValidationError(f"Give {told}, without spaces, or nothing.")
        return value

    def clean_variables(self) -> dict[str, str]:
        """Raises ValidationError for what cannot be taken, secrets among it."""
        try:
            return variables.read(self.cleaned_data["variables"], self.row.environment_variables)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_image(self) -> str:
        """Raises ValidationError for any image that is not AWS's own."""
        value = str(self.cleaned_data["image"]).strip()
        if value and not OWN_IMAGE.fullmatch(value):
            raise ValidationError(
                "Give one of AWS's own images, like aws/codebuild/standard:7.0, or nothing: any "
                "other would run with the project's role. Change the project for that."
            )
        return value

    def said(self) -> dict[str, Any]:
        """Return what was given: {version, variables: {name: value}, machine, image, …}."""
        return {name: value for name, value in super().said().items() if value}


def _effect(project: Project, meant: Mapping[str, Any]) -> Iterator[str]:
    version = str(meant.get("version") or "")
    usual = project.source_version or "the newest of its source"
    if project.source_type == "NO_SOURCE":
        yield f"A build of {project.key} begins; it has no source."
    else:
        yield f"A build of {project.key} begins with {version or usual}."
    if PULL_REQUEST.fullmatch(version):
        yield "The code of that pull request runs with the role of the project."
    given = meant.get("variables")
    if isinstance(given, Mapping) and given:
        yield f"For this build alone it has other values of {', '.join(given)}."
    place = project.artifacts.get("location")
    if project.artifacts.get("type") == "S3" and place:
        yield f"If it succeeds, what it built is put into {place}, as of any build of the project."
    if meant.get("machine"):
        yield "AWS bills each minute at the price of the machine that you chose."
    if project.concurrent_build_limit:
        most = project.concurrent_build_limit
        told = "one build runs" if most == 1 else f"{most} builds run"
        yield f"No more than {told} at once: CodeBuild refuses it where they do."


def _modified(answer: Mapping[str, Any]) -> str:
    moment = answer.get("lastModified")
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _seen(project: Project) -> Mapping[str, Any]:
    moment = project.last_modified
    return {"modified": "" if moment is None else moment.isoformat(timespec="seconds")}


def _judges(reach: Reach, deed: "Deed", project: Project) -> Moved | Done | None:
    answer = reach.call("codebuild:BatchGetProjects", names=[project.key])
    now = next(iter(answer.get("projects", ())), None)
    if now is None:
        return Moved("CodeBuild has no such project any more.")
    if _modified(now) != deed.seen.get("modified", ""):
        return Moved("The project was changed meanwhile: look at it, then again.")
    return None


def _sends(reach: Reach, deed: "Deed", project: Project) -> Done:
    said = deed.said
    given: dict[str, Any] = {}
    if said.get("version"):
        given["sourceVersion"] = said["version"]
    if said.get("variables"):
        given["environmentVariablesOverride"] = variables.as_asked(said["variables"])
    if said.get("machine"):
        given["computeTypeOverride"] = said["machine"]
    if said.get("image"):
        given["imageOverride"] = said["image"]
        # AWS pulls its own images by itself alone.
        given["imagePullCredentialsTypeOverride"] = "CODEBUILD"
    if said.get("minutes"):
        given["timeoutInMinutesOverride"] = said["minutes"]
    if said.get("no_cache"):
        given["cacheOverride"] = {"type": NO_CACHE}
    answer = reach.call(
        "codebuild:StartBuild",
        projectName=project.key,
        idempotencyToken=str(deed.mark),
        **given,
    )
    return begun.made(answer["build"], request_of(answer))


def _finds(reach: Reach, deed: "Deed", project: Project) -> Untold | None:
    return begun.found(
        reach,
        project.key,
        since=deed.since,
        caller=caller_in(project.scope),
        version=deed.said.get("version", ""),
    )


def _reread(deed: "Deed", project: Project) -> Iterable[Names]:
    yield Names(kind="codebuild.project", key=project.key)
    if key := deed.made.get("key"):
        yield Names(kind="codebuild.build", key=key)


def _offered(project: Project) -> str | None:
    if project.gone_at:
        return None
    if project.source_type == PIPELINE:
        return "Its source comes from a pipeline: release a change of that."
    return ""


ACTS.add(
    Act(
        name="codebuild.start",
        kind="codebuild.project",
        label="Start build",
        group="Builds",
        icon="play",
        told="started a build of {what}",
        calls=("codebuild:StartBuild", "codebuild:ListBuildsForProject"),
        offered=_offered,
        form=StartForm,
        effect=_effect,
        seen=_seen,
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds, repeats=begun.REPEATS),
        reread=_reread,
        # Builds of several branches may well be started at once.
        alone=False,
    )
)

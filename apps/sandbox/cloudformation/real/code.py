"""Repositories, build projects, pipelines and connections.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codecommit-repository.html
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from apps.sandbox import wire
from apps.sandbox.cloudformation.real.kinds import (
    Deed,
    FailedError,
    Kind,
    Properties,
    fit,
    kind,
    quietly,
)
from apps.sandbox.codecommit import writing
from apps.sandbox.codecommit.model import MODES, Entry, SourceStore, Who
from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.inside import RefusedError

#: Who makes the first commit of a repository that a stack fills.
_AUTHOR = Who("AWS CloudFormation", "cloudformation@example.com")
_MESSAGE = "Initial commit by AWS CloudFormation"
#: What CodeCommit takes of a bundle at the most.
_MOST_FILES = 100


@kind("AWS::CodeCommit::Repository")
class Repository(Kind):
    """A repository, with a first commit of what a bundle in S3 holds."""

    def create(self, deed: Deed) -> None:
        """It goes by its id, not by its name."""
        bundle = self._bundle(deed)
        told = deed.call(
            "codecommit", "CreateRepository", repositoryName=self._name(deed), **self._about(deed)
        )["repositoryMetadata"]
        deed.made(
            told["repositoryId"],
            Arn=told["Arn"],
            Name=told["repositoryName"],
            CloneUrlHttp=told["cloneUrlHttp"],
            CloneUrlSsh=told["cloneUrlSsh"],
        )
        if bundle is not None:
            self._fill(deed, bundle)
        if triggers := deed.given("Triggers"):
            shape = wire.operation_model("codecommit", "PutRepositoryTriggers").input_shape
            fitted = fit(shape.members["triggers"], triggers, "#/Triggers")
            deed.call(
                "codecommit",
                "PutRepositoryTriggers",
                repositoryName=self._name(deed),
                triggers=fitted,
            )

    def _name(self, deed: Deed) -> str:
        return str(deed.given("RepositoryName"))

    def _about(self, deed: Deed) -> dict[str, Any]:
        members: dict[str, Any] = {"tags": deed.tags()} if deed.tags() else {}
        if said := deed.given("RepositoryDescription"):
            members["repositoryDescription"] = str(said)
        if key := deed.given("KmsKeyId"):
            members["kmsKeyId"] = str(key)
        return members

    def _bundle(self, deed: Deed) -> bytes | None:
        told = (deed.given("Code") or {}).get("S3")
        if told is None:
            return None
        version = {"VersionId": str(told["ObjectVersion"])} if told.get("ObjectVersion") else {}
        found = deed.call(
            "s3", "GetObject", Bucket=str(told["Bucket"]), Key=str(told["Key"]), **version
        )
        return bytes(found["Body"].read())

    def _fill(self, deed: Deed, bundle: bytes) -> None:
        repository = deed.place.of(SourceStore).repositories[self._name(deed)]
        files = {}
        try:
            with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
                members = [one for one in archive.infolist() if not one.is_dir()]
                if len(members) > _MOST_FILES:
                    raise FailedError(f"The bundle has more than {_MOST_FILES} files.")
                for one in members:
                    stored = writing.store_files(repository, {}, {one.filename: archive.read(one)})
                    runs = bool(one.external_attr >> 16 & 0o100)
                    mode = MODES["EXECUTABLE" if runs else "NORMAL"]
                    files[one.filename] = Entry(stored[one.filename].blob, mode)
        except zipfile.BadZipFile:
            raise FailedError("The object in S3 is not a ZIP file.") from None
        branch = str((deed.given("Code") or {}).get("BranchName") or "main")
        commit = writing.make_commit(repository, files, _MESSAGE, _AUTHOR, [])
        who = f"arn:aws:iam::{deed.place.account}:root"
        writing.move(repository, branch, commit.id, who)

    def update(self, deed: Deed, before: Properties) -> None:
        """Its name and description; its code is the team's."""
        was, name = str(before["RepositoryName"]), self._name(deed)
        if was != name:
            deed.call("codecommit", "UpdateRepositoryName", oldName=was, newName=name)
            deed.made(deed.id, Name=name, Arn=deed.place.arn("codecommit", name))
        if deed.given("RepositoryDescription") != before.get("RepositoryDescription"):
            said = str(deed.given("RepositoryDescription") or "")
            deed.call(
                "codecommit",
                "UpdateRepositoryDescription",
                repositoryName=name,
                repositoryDescription=said,
            )

    def delete(self, deed: Deed) -> None:
        """With everything in it."""
        quietly(deed, "codecommit", "DeleteRepository", repositoryName=self._name(deed))


@kind("AWS::CodeBuild::Project")
class Project(Kind):
    """A build project."""

    replacing = frozenset({"Name"})
    passes = ("ServiceRole",)
    _less = ("Name", "Triggers", "Visibility", "ResourceAccessRole", "BuildBatchConfig")

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("Name", 150)
        deed.send("codebuild", "CreateProject", deed.properties, less=self._less, name=name)
        deed.made(name, Arn=deed.place.arn("codebuild", f"project/{name}"))

    def update(self, deed: Deed, before: Properties) -> None:
        """All of it."""
        gone = {one: _NONE[one] for one in _NONE if one in before and one not in deed.properties}
        deed.send(
            "codebuild", "UpdateProject", deed.properties, less=self._less, name=deed.id, **gone
        )

    def delete(self, deed: Deed) -> None:
        """Its builds can still be read."""
        quietly(deed, "codebuild", "DeleteProject", name=deed.id)


#: What a property becomes that a template no longer has.
_NONE: dict[str, Any] = {"vpcConfig": {}}


@kind("AWS::CodeBuild::ReportGroup")
class ReportGroup(Kind):
    """Where builds put their test reports."""

    replacing = frozenset({"Name", "Type"})

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        name = deed.named("Name", 128)
        told = deed.send(
            "codebuild",
            "CreateReportGroup",
            deed.properties,
            less=("Name", "DeleteReports"),
            name=name,
        )["reportGroup"]
        deed.made(told["arn"], Arn=told["arn"])

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """Where reports are exported to."""
        deed.send(
            "codebuild",
            "UpdateReportGroup",
            deed.properties,
            less=("Name", "Type", "DeleteReports"),
            arn=deed.id,
        )

    def delete(self, deed: Deed) -> None:
        """With its reports if the template says so; one that has some stays else."""
        also = str(deed.given("DeleteReports", False)).lower() == "true"
        quietly(deed, "codebuild", "DeleteReportGroup", arn=deed.id, deleteReports=also)


@kind("AWS::CodePipeline::Pipeline")
class Pipeline(Kind):
    """A pipeline, which runs at once."""

    replacing = frozenset({"Name"})
    passes = ("RoleArn",)

    def create(self, deed: Deed) -> None:
        """It goes by its name, and starts by the rules that are there, no assumed one."""
        name = deed.named("Name", 100)
        members: dict[str, Any] = {}
        if tags := deed.tags():
            members["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        deed.call("codepipeline", "CreatePipeline", pipeline=self.declared(deed, name), **members)
        deed.place.of(PipelineStore).pipelines[name].assumes_rule = False
        deed.made(name, Version="1")
        self._close(deed)

    def declared(self, deed: Deed, name: str) -> dict[str, Any]:
        """Its structure as CreatePipeline takes it."""
        told = dict(deed.properties)
        for other in ("DisableInboundStageTransitions", "RestartExecutionOnUpdate", "Tags"):
            told.pop(other, None)
        told["Name"] = name
        stores = told.pop("ArtifactStores", None)
        if stores:
            told["ArtifactStores"] = {one["Region"]: one["ArtifactStore"] for one in stores}
        shape = wire.operation_model("codepipeline", "CreatePipeline").input_shape
        found: dict[str, Any] = fit(shape.members["pipeline"], told, "#")
        return found

    def _close(self, deed: Deed) -> None:
        for one in deed.given("DisableInboundStageTransitions") or ():
            deed.call(
                "codepipeline",
                "DisableStageTransition",
                pipelineName=deed.id,
                stageName=one["StageName"],
                transitionType="Inbound",
                reason=str(one["Reason"]),
            )

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """Another version of its structure."""
        told = deed.call("codepipeline", "UpdatePipeline", pipeline=self.declared(deed, deed.id))[
            "pipeline"
        ]
        deed.made(deed.id, Version=str(told["version"]))
        if str(deed.given("RestartExecutionOnUpdate", False)).lower() == "true":
            deed.call("codepipeline", "StartPipelineExecution", name=deed.id)

    def delete(self, deed: Deed) -> None:
        """With all that runs in it."""
        quietly(deed, "codepipeline", "DeletePipeline", name=deed.id)


@kind("AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection")
class Connection(Kind):
    """A connection to where code is hosted, PENDING until somebody completes it."""

    replacing = frozenset({"ConnectionName", "ProviderType", "HostArn"})

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        service = _connections(deed)
        arn = str(deed.send(service, "CreateConnection", deed.properties)["ConnectionArn"])
        deed.made(
            arn,
            ConnectionArn=arn,
            ConnectionStatus="PENDING",
            OwnerAccountId=deed.place.account,
        )

    def update(self, deed: Deed, before: Properties) -> None:
        """Its tags, which the sandbox leaves."""

    def delete(self, deed: Deed) -> None:
        """Pipelines that use it fail from now on."""
        try:
            deed.call(_connections(deed), "DeleteConnection", ConnectionArn=deed.id)
        except RefusedError as error:
            if not error.missing:
                raise


def _connections(deed: Deed) -> str:
    old = deed.resource.type == "AWS::CodeStarConnections::Connection"
    return "codestar-connections" if old else "codeconnections"

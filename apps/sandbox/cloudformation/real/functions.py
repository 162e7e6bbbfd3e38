"""Lambda functions, their versions, aliases and who may call them; HTTP APIs in front of them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
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
from apps.sandbox.codedeploy.acts import appspec_of_function

#: What a published version is, beside its function's code: another of these is another version.
_CONFIGURED = ("Code", "PackageType", "FunctionName", "Tags", "SnapStart")


@kind("AWS::Lambda::Function")
class Function(Kind):
    """A function with its code."""

    replacing = frozenset({"FunctionName", "PackageType"})
    passes = ("Role",)

    def create(self, deed: Deed) -> None:
        """It goes by its name."""
        name = deed.named("FunctionName", 64)
        deed.send(
            "lambda",
            "CreateFunction",
            deed.properties,
            less=("FunctionName", "Code"),
            FunctionName=name,
            Code=self._code(deed),
        )
        deed.made(name, Arn=deed.place.arn("lambda", f"function:{name}"))

    def _code(self, deed: Deed) -> dict[str, Any]:
        told = dict(deed.given("Code") or {})
        if text := told.pop("ZipFile", None):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                module = str(deed.given("Handler", "index.handler")).partition(".")[0]
                ending = "py" if "python" in str(deed.given("Runtime", "")) else "js"
                archive.writestr(zipfile.ZipInfo(f"{module}.{ending}"), str(text))
            told["ZipFile"] = packed.getvalue()
        return told

    def update(self, deed: Deed, before: Properties) -> None:
        """Its code, and how it runs."""
        if deed.given("Code") != before.get("Code"):
            deed.call("lambda", "UpdateFunctionCode", FunctionName=deed.id, **self._code(deed))
        now = {name: one for name, one in deed.properties.items() if name not in _CONFIGURED}
        was = {name: one for name, one in before.items() if name not in _CONFIGURED}
        if now != was:
            now.pop("Architectures", None)
            deed.send("lambda", "UpdateFunctionConfiguration", now, FunctionName=deed.id)

    def delete(self, deed: Deed) -> None:
        """With its versions and aliases."""
        quietly(deed, "lambda", "DeleteFunction", FunctionName=deed.id)


@kind("AWS::Lambda::Version")
class Version(Kind):
    """A published version."""

    replacing = frozenset({"FunctionName", "CodeSha256", "Description"})

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        said = {"Description": str(deed.given("Description"))} if deed.given("Description") else {}
        told = deed.call(
            "lambda", "PublishVersion", FunctionName=str(deed.given("FunctionName")), **said
        )
        deed.made(told["FunctionArn"], Version=told["Version"], FunctionArn=told["FunctionArn"])

    def update(self, deed: Deed, before: Properties) -> None:
        """A version never changes."""

    def delete(self, deed: Deed) -> None:
        """One that an alias names stays."""
        name, _, number = deed.id.rpartition(":")
        quietly(deed, "lambda", "DeleteFunction", FunctionName=name, Qualifier=number)


@kind("AWS::Lambda::Alias")
class Alias(Kind):
    """An alias, which CodeDeploy shifts where its template says so."""

    replacing = frozenset({"FunctionName", "Name"})
    _members = ("FunctionName", "Name", "FunctionVersion", "Description", "RoutingConfig")

    def create(self, deed: Deed) -> None:
        """It goes by its ARN."""
        told = deed.call("lambda", "CreateAlias", **self._told(deed))
        deed.made(told["AliasArn"], AliasArn=told["AliasArn"])

    def _told(self, deed: Deed) -> dict[str, Any]:
        told = {name: deed.given(name) for name in self._members if deed.given(name) is not None}
        told["FunctionName"] = str(told["FunctionName"])
        told["FunctionVersion"] = str(told["FunctionVersion"])
        if routing := told.get("RoutingConfig"):
            weights = {
                str(one["FunctionVersion"]): float(one["FunctionWeight"])
                for one in routing.get("AdditionalVersionWeights") or ()
            }
            told["RoutingConfig"] = {"AdditionalVersionWeights": weights}
        return told

    def update(self, deed: Deed, before: Properties) -> None:
        """At once, or as a deployment of CodeDeploy."""
        version = str(deed.given("FunctionVersion"))
        policy = (deed.resource.definition.get("UpdatePolicy") or {}).get(
            "CodeDeployLambdaAliasUpdate"
        )
        if policy is None or version == str(before.get("FunctionVersion")) or deed.stack.going_back:
            deed.call("lambda", "UpdateAlias", **self._told(deed))
            return
        told = deed.resolved(policy)
        hook = str(told.get("BeforeAllowTrafficHook") or "")
        function = str(deed.given("FunctionName")).rpartition("function:")[2]
        content = appspec_of_function(
            function, str(deed.given("Name")), str(before.get("FunctionVersion")), version, hook
        )
        made = deed.call(
            "codedeploy",
            "CreateDeployment",
            applicationName=str(told["ApplicationName"]),
            deploymentGroupName=str(told["DeploymentGroupName"]),
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        )
        deed.made(deed.id, Deployment=made["deploymentId"])

    def settled(self, deed: Deed) -> bool:
        """Once the deployment is over that shifts it."""
        name = deed.resource.attributes.get("Deployment")
        if name is None:
            return True
        told = deed.call("codedeploy", "GetDeployment", deploymentId=name)["deploymentInfo"]
        if told["status"] in ("Created", "Queued", "InProgress", "Baking", "Ready"):
            return False
        del deed.resource.attributes["Deployment"]
        if told["status"] != "Succeeded":
            why = told.get("errorInformation", {}).get("message", "")
            raise FailedError(f"CodeDeploy deployment {name} did not succeed. {why}".rstrip())
        return True

    def delete(self, deed: Deed) -> None:
        """The version stays."""
        quietly(
            deed,
            "lambda",
            "DeleteAlias",
            FunctionName=str(deed.given("FunctionName")),
            Name=str(deed.given("Name")),
        )


@kind("AWS::Lambda::Permission")
class Permission(Kind):
    """Who else may call a function."""

    replacing = frozenset(
        {"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "EventSourceToken"}
    )

    def create(self, deed: Deed) -> None:
        """It goes by its statement's id."""
        name = deed.named("", 100)
        deed.send("lambda", "AddPermission", deed.properties, StatementId=name)
        deed.made(name, Id=name)

    def update(self, deed: Deed, before: Properties) -> None:
        """A permission never changes."""

    def delete(self, deed: Deed) -> None:
        """No longer."""
        name = str(deed.given("FunctionName"))
        quietly(deed, "lambda", "RemovePermission", FunctionName=name, StatementId=deed.id)


@kind("AWS::ApiGatewayV2::Api")
class Api(Kind):
    """An HTTP API, its routes told by an OpenAPI description or by resources of their own."""

    replacing = frozenset({"ProtocolType"})

    def create(self, deed: Deed) -> None:
        """It goes by its id."""
        body = deed.given("Body") or {}
        name = deed.given("Name") or body.get("info", {}).get("title") or deed.stack.name
        tags = {**deed.stack.tags, **(deed.given("Tags") or {})}
        told = deed.call(
            "apigatewayv2",
            "CreateApi",
            Name=str(name),
            ProtocolType=str(deed.given("ProtocolType") or "HTTP"),
            Tags={str(key): str(value) for key, value in tags.items()},
        )
        host = f"{told['ApiId']}.execute-api.{deed.place.region}.amazonaws.com"
        deed.made(told["ApiId"], ApiId=told["ApiId"], ApiEndpoint=f"https://{host}")
        self._route(deed, body)

    def _route(self, deed: Deed, body: dict[str, Any]) -> None:
        for path, methods in (body.get("paths") or {}).items():
            for method, told in methods.items():
                integration = told.get("x-amazon-apigateway-integration") or {}
                made = deed.call(
                    "apigatewayv2",
                    "CreateIntegration",
                    ApiId=deed.id,
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=str(integration.get("uri", "")),
                    PayloadFormatVersion=str(integration.get("payloadFormatVersion", "2.0")),
                )["IntegrationId"]
                any_of = "ANY" if "any" in method.lower() else method.upper()
                key = "$default" if path == "/$default" else f"{any_of} {path}"
                target = f"integrations/{made}"
                deed.call("apigatewayv2", "CreateRoute", ApiId=deed.id, RouteKey=key, Target=target)

    def update(self, deed: Deed, before: Properties) -> None:
        """Its routes, put anew."""
        if deed.given("Body") == before.get("Body"):
            return
        for one in deed.call("apigatewayv2", "GetRoutes", ApiId=deed.id)["Items"]:
            deed.call("apigatewayv2", "DeleteRoute", ApiId=deed.id, RouteId=one["RouteId"])
        for one in deed.call("apigatewayv2", "GetIntegrations", ApiId=deed.id)["Items"]:
            which = one["IntegrationId"]
            deed.call("apigatewayv2", "DeleteIntegration", ApiId=deed.id, IntegrationId=which)
        self._route(deed, deed.given("Body") or {})

    def delete(self, deed: Deed) -> None:
        """With its routes and stages."""
        quietly(deed, "apigatewayv2", "DeleteApi", ApiId=deed.id)


class _OfApi(Kind):
    """A part of an HTTP API, which CloudFormation makes with one call."""

    what = ""
    key = ""

    def create(self, deed: Deed) -> None:
        """It goes by its own id or name."""
        told = deed.call("apigatewayv2", f"Create{self.what}", **self._told(deed, "Create"))
        deed.made(str(told[self.key]), **{self.key: told[self.key]})

    def _told(self, deed: Deed, verb: str) -> dict[str, Any]:
        shape = wire.operation_model("apigatewayv2", f"{verb}{self.what}").input_shape
        found: dict[str, Any] = fit(shape, deed.properties, "#")
        return found

    def update(self, deed: Deed, before: Properties) -> None:  # noqa: ARG002 - it is put whole
        """All of it."""
        told = {**self._told(deed, "Create"), self.key: deed.id}
        told.pop("Tags", None)
        deed.call("apigatewayv2", f"Update{self.what}", **told)

    def delete(self, deed: Deed) -> None:
        """Out of its API, which may be gone."""
        member = {self.key: deed.id}
        api = str(deed.given("ApiId"))
        quietly(deed, "apigatewayv2", f"Delete{self.what}", ApiId=api, **member)


@kind("AWS::ApiGatewayV2::Stage")
class Stage(_OfApi):
    """A stage of an HTTP API."""

    what, key = "Stage", "StageName"
    replacing = frozenset({"ApiId", "StageName"})


@kind("AWS::ApiGatewayV2::Route")
class Route(_OfApi):
    """A route of an HTTP API."""

    what, key = "Route", "RouteId"
    replacing = frozenset({"ApiId"})


@kind("AWS::ApiGatewayV2::Integration")
class Integration(_OfApi):
    """What a route leads to."""

    what, key = "Integration", "IntegrationId"
    replacing = frozenset({"ApiId"})

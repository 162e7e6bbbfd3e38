"""Expands AWS::Serverless-2016-10-31: functions with versions and aliases, HTTP APIs, deployments.

Names of what is generated are those that SAM gives.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

Part = dict[str, Any]

TRANSFORM = "AWS::Serverless-2016-10-31"
FUNCTION, HTTP_API = "AWS::Serverless::Function", "AWS::Serverless::HttpApi"
_IMPLICIT = "ServerlessHttpApi"
_APPLICATION, _SERVICE_ROLE = "ServerlessDeploymentApplication", "CodeDeployServiceRole"
#: Properties that a function has in both languages.
_SAME = (
    "Architectures",
    "Description",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "VpcConfig",
)
_BASIC = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_DEPLOYS = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"


def expand(template: Part) -> Part:
    """The template that CloudFormation makes of one that names SAM's macro."""
    made = copy.deepcopy(template)
    shared = made.pop("Globals", {})
    resources: dict[str, Part] = {}
    routes: dict[str, Part] = {}
    for name, resource in made["Resources"].items():
        if resource["Type"] == FUNCTION:
            resource["Properties"] = _over(
                shared.get("Function", {}), resource.get("Properties", {})
            )
            _Function(name, resource, resources, routes).expand()
        elif resource["Type"] == HTTP_API:
            resource["Properties"] = _over(
                shared.get("HttpApi", {}), resource.get("Properties", {})
            )
            routes.setdefault(name, {})
            resources[name] = resource
        else:
            resources[name] = resource
    for name, paths in routes.items():
        _api(name, resources.pop(name, {}), paths, resources)
    made["Resources"] = resources
    return made


def _over(shared: Part, own: Part) -> Part:
    """A resource's properties over the template's globals: maps together, lists one after other."""
    found = dict(shared)
    for name, value in own.items():
        before = found.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            found[name] = _over(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[name] = [*before, *value]
        else:
            found[name] = value
    return found


def _tags(told: Part | None) -> list[Part]:
    tags = {"lambda:createdBy": "SAM", **(told or {})}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _trust(service: str) -> Part:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }


class _Function:
    """One function at its turn: ``resources`` gets what it becomes, ``routes`` what calls it."""

    def __init__(
        self, name: str, resource: Part, resources: dict[str, Part], routes: dict[str, Part]
    ) -> None:
        self.name, self.resource = name, resource
        self.told: Part = resource["Properties"]
        self.resources, self.routes = resources, routes

    def expand(self) -> None:
        """The function, its role, version, alias, deployment group, and who calls it."""
        kept: Part = {
            part: self.resource[part]
            for part in ("Condition", "DependsOn", "DeletionPolicy", "Metadata")
            if part in self.resource
        }
        properties = {one: self.told[one] for one in _SAME if one in self.told}
        properties["Code"] = self._code()
        properties["Tags"] = _tags(self.told.get("Tags"))
        if "Environment" in self.told:
            properties["Environment"] = self.told["Environment"]
        if "Tracing" in self.told:
            properties["TracingConfig"] = {"Mode": self.told["Tracing"]}
        if "Role" not in properties:
            properties["Role"] = {"Fn::GetAtt": [f"{self.name}Role", "Arn"]}
            self._role()
        self.resources[self.name] = {
            **kept,
            "Type": "AWS::Lambda::Function",
            "Properties": properties,
        }
        target: Part = {"Fn::GetAtt": [self.name, "Arn"]}
        callee: Part = {"Ref": self.name}
        if alias := self.told.get("AutoPublishAlias"):
            target = callee = {"Ref": self._publish(str(alias))}
        for event, one in (self.told.get("Events") or {}).items():
            self._call(str(event), one, target, callee)

    def _code(self) -> Part:
        if text := self.told.get("InlineCode"):
            return {"ZipFile": text}
        if image := self.told.get("ImageUri"):
            return {"ImageUri": image}
        place = self.told.get("CodeUri")
        if isinstance(place, dict):
            names: dict[str, str] = {
                "Bucket": "S3Bucket",
                "Key": "S3Key",
                "Version": "S3ObjectVersion",
            }
            return {names.get(str(name), str(name)): value for name, value in place.items()}
        bucket, _, key = str(place).removeprefix("s3://").partition("/")
        return {"S3Bucket": bucket, "S3Key": key}

    def _role(self) -> None:
        wanted = self.told.get("Policies") or []
        every = wanted if isinstance(wanted, list) else [wanted]
        managed: list[Any] = [{"Fn::Sub": _BASIC}]
        inline: list[Part] = []
        for number, one in enumerate(every):
            if isinstance(one, dict) and "Statement" in one:
                document = {"Version": "2012-10-17", **one}
                inline.append(
                    {"PolicyName": f"{self.name}RolePolicy{number}", "PolicyDocument": document}
                )
            elif isinstance(one, str) and not one.startswith("arn:"):
                managed.append({"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{one}"})
            elif isinstance(one, str) or set(one) & {"Ref", "Fn::Sub", "Fn::GetAtt"}:
                managed.append(one)
        self.resources[f"{self.name}Role"] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _trust("lambda.amazonaws.com"),
                "ManagedPolicyArns": managed,
                "Policies": inline,
                "Tags": _tags(self.told.get("Tags")),
            },
        }

    def _publish(self, alias: str) -> str:
        said = json.dumps(self._code(), sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()[:10]
        version, name = f"{self.name}Version{digest}", f"{self.name}Alias{alias}"
        self.resources[version] = {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": self.name}},
        }
        self.resources[name] = {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": alias,
                "FunctionName": {"Ref": self.name},
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
            },
        }
        preference = self.told.get("DeploymentPreference")
        if preference and str(preference.get("Enabled", True)).lower() != "false":
            group = self._deployment_group(preference)
            policy = {
                "ApplicationName": {"Ref": _APPLICATION},
                "DeploymentGroupName": {"Ref": group},
            }
            hooks = preference.get("Hooks") or {}
            for hook, member in (
                ("PreTraffic", "BeforeAllowTrafficHook"),
                ("PostTraffic", "AfterAllowTrafficHook"),
            ):
                if hook in hooks:
                    policy[member] = hooks[hook]
            self.resources[name]["UpdatePolicy"] = {"CodeDeployLambdaAliasUpdate": policy}
        return name

    def _deployment_group(self, preference: Part) -> str:
        self.resources.setdefault(
            _APPLICATION,
            {
                "Type": "AWS::CodeDeploy::Application",
                "Properties": {"ComputePlatform": "Lambda"},
            },
        )
        role = preference.get("Role")
        if role is None:
            role = {"Fn::GetAtt": [_SERVICE_ROLE, "Arn"]}
            self.resources.setdefault(
                _SERVICE_ROLE,
                {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "AssumeRolePolicyDocument": _trust("codedeploy.amazonaws.com"),
                        "ManagedPolicyArns": [{"Fn::Sub": _DEPLOYS}],
                    },
                },
            )
        properties: Part = {
            "ApplicationName": {"Ref": _APPLICATION},
            "ServiceRoleArn": role,
            "DeploymentConfigName": f"CodeDeployDefault.Lambda{preference.get('Type')}",
            "DeploymentStyle": {
                "DeploymentType": "BLUE_GREEN",
                "DeploymentOption": "WITH_TRAFFIC_CONTROL",
            },
            "AutoRollbackConfiguration": {
                "Enabled": True,
                "Events": [
                    "DEPLOYMENT_FAILURE",
                    "DEPLOYMENT_STOP_ON_ALARM",
                    "DEPLOYMENT_STOP_ON_REQUEST",
                ],
            },
        }
        if alarms := preference.get("Alarms"):
            properties["AlarmConfiguration"] = {
                "Enabled": True,
                "Alarms": [{"Name": one} for one in alarms],
            }
        if triggers := preference.get("TriggerConfigurations"):
            properties["TriggerConfigurations"] = triggers
        group = f"{self.name}DeploymentGroup"
        self.resources[group] = {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": properties,
        }
        return group

    def _call(self, event: str, one: Part, target: Part, callee: Part) -> None:
        told = one.get("Properties") or {}
        if one.get("Type") == "HttpApi":
            self._route(event, told, target, callee)
        elif one.get("Type") in ("Schedule", "EventBridgeRule", "CloudWatchEvent"):
            self._rule(event, told, target, callee)

    def _route(self, event: str, told: Part, target: Part, callee: Part) -> None:
        wanted = told.get("ApiId")
        api = str(wanted["Ref"]) if isinstance(wanted, dict) and "Ref" in wanted else _IMPLICIT
        path, method = str(told.get("Path", "/$default")), str(told.get("Method", "any")).lower()
        verb = "x-amazon-apigateway-any-method" if method in ("any", "*") else method
        reference = f"${{{target.get('Ref') or self.name + '.Arn'}}}"
        uri = (
            "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            f"{reference}/invocations"
        )
        self.routes.setdefault(api, {}).setdefault(path, {})[verb] = {
            "x-amazon-apigateway-integration": {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "payloadFormatVersion": str(told.get("PayloadFormatVersion", "2.0")),
                "uri": {"Fn::Sub": uri},
            },
            "isDefaultRoute": path == "/$default",
        }
        ending = "$default" if path == "/$default" else f"*{path}"
        source = (
            "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
            f"${{{api}}}/*/{ending}"
        )
        self.resources[f"{self.name}{event}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": callee,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": source},
            },
        }

    def _rule(self, event: str, told: Part, target: Part, callee: Part) -> None:
        name = f"{self.name}{event}"
        properties: Part = {"Targets": [{"Id": f"{name}LambdaTarget", "Arn": target}]}
        if "Schedule" in told:
            properties["ScheduleExpression"] = told["Schedule"]
        if "Pattern" in told:
            properties["EventPattern"] = told["Pattern"]
        for member in ("Name", "Description", "State"):
            if member in told:
                properties[member] = told[member]
        self.resources[name] = {"Type": "AWS::Events::Rule", "Properties": properties}
        self.resources[f"{name}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": callee,
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": [name, "Arn"]},
            },
        }


def _api(name: str, resource: Part, paths: Part, resources: dict[str, Part]) -> None:
    told = resource.get("Properties", {})
    tags = {"httpapi:createdBy": "SAM", **(told.get("Tags") or {})}
    body = told.get("DefinitionBody") or {
        "openapi": "3.0.1",
        "info": {"version": "1.0", "title": {"Ref": "AWS::StackName"}},
        "paths": paths,
    }
    api: Part = {"Body": body, "Tags": tags}
    if "Name" in told:
        api["Name"] = told["Name"]
    kept: Part = {part: resource[part] for part in ("Condition", "DependsOn") if part in resource}
    resources[name] = {**kept, "Type": "AWS::ApiGatewayV2::Api", "Properties": api}
    stage: Part = {
        "ApiId": {"Ref": name},
        "StageName": told.get("StageName", "$default"),
        "AutoDeploy": True,
        "Tags": tags,
    }
    for member in ("AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "StageVariables"):
        if member in told:
            stage[member] = told[member]
    resources[f"{name}ApiGatewayDefaultStage"] = {
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": stage,
    }

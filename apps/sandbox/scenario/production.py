"""The default scenario's account 111122223333 in eu-west-1: a shop that builds and fails."""

from __future__ import annotations

from apps.sandbox.codepipeline.model import Script
from apps.sandbox.scenario import suites
from apps.sandbox.scenario.plan import (
    RELEASE_MANAGER,
    PipelinePlan,
    PlacePlan,
    ProjectPlan,
    action,
    approval,
    build,
    codedeploy,
    from_connection,
    stage,
)

ACCOUNT = "111122223333"
_APPROVER = RELEASE_MANAGER.format(account=ACCOUNT)

CHECKOUT_WEB = PipelinePlan(
    "checkout-web",
    (
        stage("Source", from_connection("example-shop/checkout-web")),
        stage(
            "Build",
            build(
                "BuildAndTest",
                "checkout-web-build",
                gives=("BuildArtifact",),
                namespace="BuildVariables",
            ),
        ),
        stage("Deploy", codedeploy("DeployToFleet", "checkout-web", "production")),
    ),
    projects=(
        ProjectPlan(
            "checkout-web-build",
            "npm",
            {
                "description": "Builds and tests the checkout's front end",
                "cache": {"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE", "LOCAL_CUSTOM_CACHE"]},
                "variables": [
                    ("NODE_ENV", "production", "PLAINTEXT"),
                    ("SENTRY_DSN", "/checkout/sentry-dsn", "PARAMETER_STORE"),
                ],
            },
            hostile_log=True,
            tests=suites.CHECKOUT_WEB,
        ),
    ),
    tags={"team": "checkout", "tier": "frontend", "cost-center": "4711"},
    scripts={"Deploy/DeployToFleet": Script(fails_every=6, fails_at=3)},
    past=30,
    gap_hours=3.0,
    every=420,
    first=2,
)

CHECKOUT_API = PipelinePlan(
    "checkout-api",
    (
        stage("Source", from_connection("example-shop/checkout-api")),
        stage(
            "Build",
            build("UnitTests", "checkout-api-unit", test=True),
            build("Lint", "checkout-api-lint", test=True),
            build("Package", "checkout-api-package", order=2, gives=("BuildArtifact",)),
        ),
        stage(
            "Verify",
            build("IntegrationTests", "checkout-api-integration", test=True),
            build("SecurityScan", "checkout-api-scan", test=True),
            approval(
                "ReleaseApproval",
                2,
                CustomData="Release #{SourceVariables.CommitId} to production?",
                ExternalEntityLink="https://staging.example.com/checkout",
            ),
        ),
        stage("Production", codedeploy("Deploy", "checkout-api", "production")),
    ),
    projects=(
        ProjectPlan(
            "checkout-api-unit", "maven", build_seconds=(20, 35), tests=suites.CHECKOUT_API
        ),
        ProjectPlan("checkout-api-lint", "npm", build_seconds=(8, 14)),
        ProjectPlan(
            "checkout-api-package",
            "docker",
            {
                "privileged": True,
                "vpc": True,
                "variables": [
                    ("DB_PASSWORD", "sandbox-secret-marker-1", "PLAINTEXT"),
                    ("REGISTRY_TOKEN", "checkout/registry", "SECRETS_MANAGER"),
                ],
            },
            build_seconds=(20, 40),
        ),
        ProjectPlan(
            "checkout-api-integration",
            "pytest",
            build_seconds=(30, 50),
            tests=suites.CHECKOUT_API_INTEGRATION,
        ),
        ProjectPlan("checkout-api-scan", "npm", build_seconds=(15, 25)),
    ),
    declaration={"pipelineType": "V2", "kms": True},
    tags={"team": "checkout", "tier": "backend"},
    scripts={
        "Verify/ReleaseApproval": Script(decision=(1800, "Approved", _APPROVER)),
        "Production/Deploy": Script(fails_every=6, fails_at=4),
    },
    past=18,
    gap_hours=6.0,
    every=1500,
    first=1,
)

PAYMENTS = PipelinePlan(
    "payments-service",
    (
        stage("Source", from_connection("example-shop/payments-service")),
        stage(
            "Test", build("Pytest", "payments-service-test", test=True, gives=("BuildArtifact",))
        ),
        stage(
            "Deploy",
            action(
                "DeployService",
                "Deploy",
                "ECS",
                {
                    "ClusterName": "payments",
                    "ServiceName": "payments",
                    "FileName": "imagedefinitions.json",
                },
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(
        ProjectPlan(
            "payments-service-test",
            "pytest",
            {"variables": [("LEDGER_URL", "https://ledger.example.com", "PLAINTEXT")]},
            tests=suites.PAYMENTS,
        ),
    ),
    tags={"team": "payments"},
    scripts={"Test/Pytest": Script(fails_every=2, seconds=(30, 50))},
    past=21,
    gap_hours=4.0,
    every=540,
    first=4,
)

RELEASE_TRAIN = PipelinePlan(
    "release-train",
    (
        stage("Source", from_connection("example-shop/release-train", "release")),
        stage("Build", build("Build", "release-train-build", gives=("BuildArtifact",))),
        stage("Staging", codedeploy("DeployStaging", "release-train", "staging")),
        stage("Production", codedeploy("DeployProduction", "release-train", "production")),
    ),
    projects=(ProjectPlan("release-train-build", "docker", {"privileged": True}),),
    declaration={"pipelineType": "V2", "executionMode": "QUEUED"},
    tags={"team": "release"},
    past=15,
    gap_hours=5.0,
    every=900,
    first=8,
    burst=3,
)

LEGACY_BILLING = PipelinePlan(
    "legacy-billing",
    (
        stage(
            "Source",
            action(
                "GitHubSource",
                "Source",
                "GitHub",
                {
                    "Owner": "example-shop",
                    "Repo": "legacy-billing",
                    "Branch": "master",
                    "OAuthToken": "sandbox-secret-marker-2",
                    "PollForSourceChanges": "false",
                },
                owner="ThirdParty",
                gives=("SourceArtifact",),
            ),
        ),
        stage(
            "Build",
            action(
                "JenkinsBuild",
                "Build",
                "Jenkins",
                {"ProjectName": "billing-nightly"},
                owner="Custom",
                takes=("SourceArtifact",),
                gives=("BuildArtifact",),
            ),
        ),
        stage(
            "Publish",
            action(
                "CopyToBucket",
                "Deploy",
                "S3",
                {"BucketName": "billing-releases-111122223333", "Extract": "true"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    tags={"team": "billing", "legacy": "yes"},
    trigger=("Webhook", "arn:aws:codepipeline:eu-west-1:111122223333:webhook:legacy-billing"),
    past=9,
    gap_hours=12.0,
    every=1100,
    first=20,
)

INFRA_NETWORK = PipelinePlan(
    "infra-network",
    (
        stage("Source", from_connection("example-shop/infra-network")),
        stage("Package", build("Lint", "infra-network-lint", gives=("BuildArtifact",))),
        stage(
            "Review",
            action(
                "CreateChangeSet",
                "Deploy",
                "CloudFormation",
                {
                    "ActionMode": "CHANGE_SET_REPLACE",
                    "StackName": "shared-network",
                    "ChangeSetName": "pipeline-changes",
                    "TemplatePath": "BuildArtifact::packaged.yaml",
                    "Capabilities": "CAPABILITY_IAM",
                    "RoleArn": "arn:aws:iam::111122223333:role/service-role/cloudformation-deploy",
                },
                takes=("BuildArtifact",),
            ),
            approval("ApproveChangeSet", 2, CustomData="Have a look at the change set first."),
        ),
        stage(
            "Apply",
            action(
                "ExecuteChangeSet",
                "Deploy",
                "CloudFormation",
                {
                    "ActionMode": "CHANGE_SET_EXECUTE",
                    "StackName": "shared-network",
                    "ChangeSetName": "pipeline-changes",
                },
            ),
            action(
                "ExecuteInUsEast1",
                "Deploy",
                "CloudFormation",
                {
                    "ActionMode": "CREATE_UPDATE",
                    "StackName": "shared-network-replica",
                    "TemplatePath": "BuildArtifact::packaged.yaml",
                },
                order=2,
                takes=("BuildArtifact",),
                region="us-east-1",
            ),
        ),
    ),
    projects=(ProjectPlan("infra-network-lint", "cloudformation", build_seconds=(10, 20)),),
    declaration={"cross_region": "us-east-1"},
    tags={"team": "platform"},
    past=6,
    gap_hours=32.0,
    last_hours_ago=7.0,
    every=2400,
    first=200,
)

PLACES = (
    PlacePlan(
        ACCOUNT,
        "eu-west-1",
        (CHECKOUT_WEB, CHECKOUT_API, PAYMENTS, RELEASE_TRAIN, LEGACY_BILLING, INFRA_NETWORK),
        projects=(
            ProjectPlan(
                "nightly-audit",
                "npm",
                {
                    "source": {
                        "type": "NO_SOURCE",
                        "buildspec": "phases:\n  build:\n    commands:\n      - npm run audit\n",
                    }
                },
            ),
        ),
    ),
)

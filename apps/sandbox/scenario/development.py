"""The default scenario's account 444455556666: previews, failures and hostile text."""

from __future__ import annotations

from apps.sandbox.codepipeline.model import Script
from apps.sandbox.scenario import suites
from apps.sandbox.scenario.plan import (
    MESSAGES,
    PipelinePlan,
    PlacePlan,
    ProjectPlan,
    action,
    build,
    codedeploy,
    from_codecommit,
    from_connection,
    stage,
)

ACCOUNT = "444455556666"

HOSTILE_MESSAGES = (
    "Escape this: <script>alert(1)</script>",
    "\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m commit\n\n"
    "with a body & an \"attribute\" onmouseover='alert(1)'",
    *MESSAGES[:4],
)

FEATURE_PREVIEWS = PipelinePlan(
    "feature-previews",
    (
        stage("Source", from_connection("example-shop/storefront", "feature/basket-2")),
        stage(
            "Build",
            build(
                "BuildPreview",
                "feature-previews-build",
                gives=("BuildArtifact",),
                configuration={
                    "EnvironmentVariables": (
                        '[{"name":"PREVIEW_TOKEN","value":"sandbox-secret-marker-3",'
                        '"type":"PLAINTEXT"}]'
                    )
                },
            ),
        ),
        stage(
            "Preview",
            action(
                "DeployPreview",
                "Deploy",
                "ECS",
                {"ClusterName": "previews", "ServiceName": "preview-#{variables.Stage}"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(
        ProjectPlan(
            "feature-previews-build", "npm", build_seconds=(25, 45), tests=suites.STOREFRONT
        ),
    ),
    declaration={
        "pipelineType": "V2",
        "executionMode": "PARALLEL",
        "variables": [
            {
                "name": "Stage",
                "defaultValue": "preview",
                "description": "Name of the preview environment",
            },
            {"name": "KeepHours", "defaultValue": "24"},
        ],
        "triggers": [
            {
                "providerType": "CodeStarSourceConnection",
                "gitConfiguration": {
                    "sourceActionName": "Source",
                    "push": [
                        {"branches": {"includes": ["feature/*"], "excludes": ["feature/wip-*"]}}
                    ],
                    "pullRequest": [
                        {"events": ["OPEN", "UPDATED"], "branches": {"includes": ["main"]}}
                    ],
                },
            }
        ],
    },
    tags={"team": "storefront", "stage": "preview"},
    trigger=("WebhookV2", "{connection}"),
    scripts={"Build/BuildPreview": Script(fails_every=5, seconds=(25, 45))},
    variables=(
        {"Stage": "basket-2"},
        {"Stage": "search"},
        {"Stage": "wishlist", "KeepHours": "72"},
    ),
    past=24,
    gap_hours=2.5,
    every=360,
    first=3,
    burst=2,
)

ORDERS_BACKEND = PipelinePlan(
    "orders-backend",
    (
        stage("Source", from_connection("example-shop/orders-backend")),
        stage("Build", build("MavenVerify", "orders-backend-build", gives=("BuildArtifact",))),
        stage("Deploy", codedeploy("BlueGreen", "orders-backend", "blue-green")),
    ),
    projects=(
        ProjectPlan(
            "orders-backend-build",
            "maven",
            {"compute": "BUILD_GENERAL1_LARGE"},
            tests=suites.ORDERS,
        ),
    ),
    tags={"team": "orders"},
    scripts={"Deploy/BlueGreen": Script(fails_every=2, fails_at=1)},
    past=16,
    gap_hours=5.0,
    every=700,
    first=5,
)

MOBILE_GATEWAY = PipelinePlan(
    "mobile-gateway",
    (
        stage("Source", from_connection("example-shop/mobile-gateway")),
        stage("Build", build("Image", "mobile-gateway-image", gives=("BuildArtifact",))),
        stage(
            "Deploy",
            action(
                "DeployGateway",
                "Deploy",
                "ECS",
                {"ClusterName": "mobile", "ServiceName": "gateway"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(ProjectPlan("mobile-gateway-image", "docker", {"privileged": True}),),
    tags={"team": "mobile"},
    scripts={
        "Source/Source": Script(
            fails_every=1,
            stubborn=True,
            code="PermissionError",
            message=(
                "Unable to use Connection: arn:aws:codeconnections:eu-west-1:444455556666:"
                "connection/0f6a1c52-6d1b-4b6e-9a55-3c1de2f0a7b4. The provided role does not have "
                "sufficient permissions."
            ),
        )
    },
    past=5,
    gap_hours=9.0,
    every=1300,
    first=15,
)

DATA_PLATFORM = PipelinePlan(
    "data-platform",
    (
        stage("Source", from_codecommit("data-platform")),
        stage("Build", build("Wheel", "data-platform-build", gives=("BuildArtifact",))),
        stage(
            "Deploy",
            action(
                "UpdateEnvironment",
                "Deploy",
                "ElasticBeanstalk",
                {"ApplicationName": "data-platform", "EnvironmentName": "data-platform-dev"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(
        ProjectPlan(
            "data-platform-build", "pytest", build_seconds=(15, 25), tests=suites.DATA_PLATFORM
        ),
    ),
    tags={"team": "data"},
    trigger=(
        "CloudWatchEvent",
        "arn:aws:events:eu-west-1:444455556666:rule/codepipeline-data-platform-main",
    ),
    scripts={"Deploy/UpdateEnvironment": Script(seconds=(420, 500), fails_every=5, fails_at=2)},
    past=20,
    gap_hours=0.06,
    last_hours_ago=2.0,
    every=160,
    first=6,
)

DOCS_SITE = PipelinePlan(
    "docs-site",
    (
        stage("Source", from_codecommit("docs-site")),
        stage("Build", build("Render", "docs-site-build", gives=("BuildArtifact",))),
        stage(
            "Publish",
            action(
                "Upload",
                "Deploy",
                "S3",
                {"BucketName": "docs-444455556666", "Extract": "true"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(ProjectPlan("docs-site-build", "npm", build_seconds=(10, 20), hostile_log=True),),
    messages=HOSTILE_MESSAGES,
    trigger=(
        "CloudWatchEvent",
        "arn:aws:events:us-east-1:444455556666:rule/codepipeline-docs-site-main",
    ),
    past=37,
    gap_hours=2.0,
    every=480,
    first=10,
)

FRAUD_MODEL = PipelinePlan(
    "fraud-model",
    (
        stage("Source", from_codecommit("fraud-model")),
        stage(
            "Train",
            build("Compile", "fraud-model-compile", gives=("BuildArtifact",)),
            build("Evaluate", "fraud-model-evaluate", order=2, test=True),
        ),
        stage("Release", codedeploy("Canary", "fraud-model", "canary")),
    ),
    projects=(
        ProjectPlan(
            "fraud-model-compile",
            "maven",
            {"compute": "BUILD_GENERAL1_2XLARGE", "vpc": True},
            build_seconds=(60, 90),
        ),
        ProjectPlan(
            "fraud-model-evaluate", "pytest", build_seconds=(40, 60), tests=suites.FRAUD_MODEL
        ),
    ),
    declaration={"pipelineType": "V2", "kms": True},
    tags={"team": "risk"},
    trigger=(
        "CloudWatchEvent",
        "arn:aws:events:us-east-1:444455556666:rule/codepipeline-fraud-model-main",
    ),
    scripts={
        "Train/Compile": Script(fails_every=4, fails_at=3, seconds=(60, 90)),
        "Release/Canary": Script(fails_every=4, fails_at=1),
    },
    stops_every=3,
    past=12,
    gap_hours=8.0,
    every=950,
    first=25,
)

PLACES = (
    PlacePlan(
        ACCOUNT, "eu-west-1", (FEATURE_PREVIEWS, ORDERS_BACKEND, MOBILE_GATEWAY, DATA_PLATFORM)
    ),
    PlacePlan(ACCOUNT, "us-east-1", (DOCS_SITE, FRAUD_MODEL)),
)

"""The default scenario's account 111122223333 in us-east-1: media, a frozen storefront, reports."""

from __future__ import annotations

from apps.sandbox.codepipeline.model import Script
from apps.sandbox.scenario import suites
from apps.sandbox.scenario.plan import (
    PipelinePlan,
    PlacePlan,
    ProjectPlan,
    action,
    build,
    from_connection,
    stage,
)

ACCOUNT = "111122223333"

IMAGE_RESIZER = PipelinePlan(
    "image-resizer",
    (
        stage("Source", from_connection("example-shop/image-resizer")),
        stage("Build", build("Package", "image-resizer-build", gives=("BuildArtifact",))),
        stage(
            "Deploy",
            action(
                "UpdateStack",
                "Deploy",
                "CloudFormation",
                {
                    "ActionMode": "CREATE_UPDATE",
                    "StackName": "image-resizer",
                    "TemplatePath": "BuildArtifact::template.yaml",
                },
                takes=("BuildArtifact",),
            ),
            action(
                "SmokeTest",
                "Invoke",
                "Lambda",
                {"FunctionName": "image-resizer-smoke", "UserParameters": '{"width": 320}'},
                order=2,
            ),
            action(
                "WarmCaches",
                "Invoke",
                "StepFunctions",
                {"StateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:warm-caches"},
                order=3,
            ),
        ),
    ),
    projects=(
        ProjectPlan(
            "image-resizer-build",
            "npm",
            {"arm": True},
            build_seconds=(20, 40),
            tests=suites.IMAGE_RESIZER,
        ),
    ),
    scripts={"Deploy/UpdateStack": Script(fails_every=6, fails_at=4)},
    tags={"team": "media"},
    past=14,
    gap_hours=8.0,
    every=660,
    first=12,
)

STOREFRONT_CDN = PipelinePlan(
    "storefront-cdn",
    (
        stage("Source", from_connection("example-shop/storefront")),
        stage("Build", build("Bundle", "storefront-bundle", gives=("BuildArtifact",))),
        stage(
            "Production",
            action(
                "SyncBucket",
                "Deploy",
                "S3",
                {"BucketName": "storefront-cdn-111122223333", "Extract": "true"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(ProjectPlan("storefront-bundle", "npm", build_seconds=(15, 30)),),
    tags={"team": "storefront"},
    disabled=("Production", "Change freeze until the sale is over (REL-88)", 26.0),
    past=11,
    gap_hours=6.0,
    every=800,
    first=30,
)

NIGHTLY_REPORTS = PipelinePlan(
    "nightly-reports",
    (
        stage(
            "Source",
            action(
                "Template",
                "Source",
                "S3",
                {
                    "S3Bucket": "reports-source-111122223333",
                    "S3ObjectKey": "reports.zip",
                    "PollForSourceChanges": "false",
                },
                gives=("SourceArtifact",),
            ),
        ),
        stage("Render", build("Render", "nightly-reports-render", gives=("BuildArtifact",))),
        stage(
            "Publish",
            action(
                "PublishReports",
                "Deploy",
                "S3",
                {"BucketName": "reports-111122223333", "Extract": "true"},
                takes=("BuildArtifact",),
            ),
        ),
    ),
    projects=(
        ProjectPlan(
            "nightly-reports-render", "pytest", {"s3_logs_only": "reports-logs-111122223333/builds"}
        ),
    ),
    trigger=("CloudWatchEvent", "arn:aws:events:us-east-1:111122223333:rule/nightly-reports"),
    messages=("nightly",),
    past=7,
    gap_hours=24.0,
    last_hours_ago=9.0,
    every=2600,
    first=90,
)

PLACES = (PlacePlan(ACCOUNT, "us-east-1", (IMAGE_RESIZER, STOREFRONT_CDN, NIGHTLY_REPORTS)),)

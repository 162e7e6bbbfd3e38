"""A buildspec is carried out on files: what it runs, what it fails of, what it leaves."""

from typing import Any

import pytest
import yaml

from apps.sandbox.cloudformation.template import parse
from apps.sandbox.codebuild.buildspec import Outcome, carry_out, matches
from apps.sandbox.codedeploy.appspec import cause_in

CODE = {
    "app/main.py": b"print(1)",
    "app/static/style.css": b"p {}",
    "requirements.txt": b"flask==3.1.0  # the framework\n-r more.txt\n\ngunicorn>=23\n",
    "package.json": b"{}",
    "package-lock.json": b"{}",
    "tests/test_app.py": (
        b"async def test_one():\n    ...\n\nclass TestIt:\n    def test_two(self): ...\n"
    ),
    "test/app.test.mjs": b"test('greets', () => {});\n  it(`says \"hello\"`, () => {});\n",
    "template.yml": (
        b"Transform: AWS::Serverless-2016-10-31\n"
        b"Resources:\n"
        b"  Function:\n"
        b"    Type: AWS::Serverless::Function\n"
        b"    Properties: {CodeUri: build/, Handler: main.handle, Runtime: python3.13,\n"
        b"      FunctionName: !Sub '${AWS::StackName}-app', AutoPublishAlias: live}\n"
    ),
}


def built(*commands: str, artifacts: Any = None, env: dict[str, str] | None = None) -> Outcome:
    spec: dict[str, Any] = {"version": 0.2, "phases": {"build": {"commands": list(commands)}}}
    spec["artifacts"] = artifacts or {"files": ["**/*"]}
    files = {**CODE, "buildspec.yml": yaml.safe_dump(spec).encode()}
    return carry_out({"source": {"type": "CODEPIPELINE"}}, files, env or {})


@pytest.mark.parametrize(
    ("path", "pattern", "is_there"),
    [
        ("app/main.py", "**/*", True),
        ("app/main.py", "app/**/*", True),
        ("app/static/style.css", "app/**/*", True),
        ("app/static/style.css", "app/*", False),
        ("app/main.py", "app/*.py", True),
        ("other/app/main.py", "app/**/*", False),
        ("Procfile", "Procfile", True),
        ("app/Procfile", "Procfile", False),
        ("app/__pycache__/a.pyc", "**/__pycache__/**/*", True),
        ("app/main.py", "**/__pycache__/**/*", False),
        (".platform/hooks/postdeploy/10.sh", ".platform/**/*", True),
    ],
)
def test_patterns_name_files_as_codebuild_reads_them(path, pattern, is_there):
    assert matches(path, pattern) is is_there


def test_files_are_copied_moved_and_removed():
    outcome = built(
        "rm -rf build && mkdir build && cp -R app package.json build/",
        "mv build/package.json build/renamed.json; touch build/empty",
        artifacts={"base-directory": "build", "files": ["**/*"], "exclude-paths": ["**/*.css"]},
    )
    assert outcome.failed is None
    assert set(outcome.artifact) == {"app/main.py", "renamed.json", "empty"}


def test_packages_are_where_they_were_asked_for():
    outcome = built(
        "pip install --target build -r requirements.txt",
        "pip wheel --wheel-dir=wheels -r requirements.txt",
        "npm ci --prefix . --omit=dev",
        artifacts={"files": ["build/**/*", "wheels/**/*", "node_modules/**/*"]},
    )
    assert {"build/flask/__init__.py", "wheels/gunicorn-1.0-py3-none-any.whl"} <= set(
        outcome.artifact
    )
    assert "node_modules/.package-lock.json" in outcome.artifact


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("exit 3", "Error while executing command: exit 3. Reason: exit status 3"),
        ("true && false", "Reason: exit status 1"),
        ("cp nothing build/", "Error while executing command: cp nothing build/"),
        ("test -f dist/app.js", "Reason: exit status 1"),
        ("pip install -r lost.txt", "Reason: exit status 1"),
        ("npm ci --prefix lost", "Reason: exit status 1"),
        ("aws cloudformation package --template-file lost.yml --s3-bucket b", "status 255"),
        ("aws cloudformation package --template-file template.yml", "status 252"),
    ],
)
def test_a_command_that_cannot_succeed_fails_its_phase(command, says):
    outcome = built("echo begin", command, "echo never")
    assert outcome.failed is not None
    phase, code, message = outcome.failed
    assert (phase, code) == ("BUILD", "COMMAND_EXECUTION_ERROR")
    assert says in message
    assert [one.command for one in outcome.ran][-1] == command
    assert not outcome.artifact


def test_an_artifact_of_nothing_is_an_error():
    outcome = built("echo", artifacts={"files": ["dist/**/*"]})
    assert outcome.failed == (
        "UPLOAD_ARTIFACTS",
        "CLIENT_ERROR",
        "no matching artifact paths found",
    )


@pytest.mark.parametrize("text", [b"phases: [", b"- a list", b""])
def test_a_buildspec_that_cannot_be_read_fails_before_anything_runs(text):
    outcome = carry_out({"source": {}}, {"buildspec.yml": text}, {})
    assert outcome.failed is not None
    assert outcome.failed[:2] == ("DOWNLOAD_SOURCE", "YAML_FILE_ERROR")
    assert outcome.ran == []


def test_a_template_is_packaged_with_what_it_names():
    outcome = built(
        "mkdir build && cp -R app build/",
        'aws cloudformation package --template-file template.yml --s3-bucket "$BUCKET" '
        "--s3-prefix packages --output-template-file packaged.yml",
        artifacts={"files": ["packaged.yml"]},
        env={"BUCKET": "shop-artifacts"},
    )
    assert outcome.failed is None
    (upload,) = outcome.uploads
    assert upload.bucket == "shop-artifacts"
    assert upload.key.startswith("packages/")
    template = parse(outcome.artifact["packaged.yml"].decode())
    types = {name: one["Type"] for name, one in template["Resources"].items()}
    assert types.pop("Function") == "AWS::Lambda::Function"
    assert sorted(types.values()) == [
        "AWS::IAM::Role",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Version",
    ]
    properties = template["Resources"]["Function"]["Properties"]
    assert properties["Code"] == {"S3Bucket": "shop-artifacts", "S3Key": upload.key}
    assert properties["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-app"}


def test_the_tests_among_the_files_are_what_a_report_tells():
    files = {
        **CODE,
        "buildspec.yml": (
            b"version: 0.2\nphases: {build: {commands: ["
            b"'pytest --junitxml=reports/tests.xml']}}\n"
            b"reports: {tests: {files: [tests.xml], base-directory: reports}}\n"
        ),
    }
    outcome = carry_out({"source": {}}, files, {})
    told = {(one.prefix, one.name) for one in outcome.reports["tests"]}
    assert told == {
        ("tests.test_app", "test_one"),
        ("tests.test_app", "test_two"),
        ("test/app.test.mjs", "greets"),
        ("test/app.test.mjs", 'says "hello"'),
    }


APPSPEC = b"version: 0.0\nos: linux\nfiles:\n  - {source: app, destination: /srv}\n"
HOOKS = b"hooks:\n  ApplicationStart:\n    - {location: scripts/start.sh, runas: root}\n"


@pytest.mark.parametrize(
    ("files", "event", "says"),
    [
        ({}, "BeforeInstall", "did not find an AppSpec file"),
        ({"appspec.yml": b"os: ["}, "BeforeInstall", "invalid value or no value was specified"),
        ({"appspec.yml": APPSPEC}, "Install", "No such file or directory"),
        (
            {"appspec.yml": APPSPEC + HOOKS, "app/a": b""},
            "ApplicationStart",
            "Script does not exist at specified location",
        ),
        (
            {"appspec.yml": APPSPEC + HOOKS, "app/a": b"", "scripts/start.sh": b"set -e\nexit 4"},
            "ApplicationStart",
            "scripts/start.sh run as user root failed with exit code 4",
        ),
    ],
)
def test_a_revision_fails_of_what_its_appspec_lacks(files, event, says):
    cause = cause_in(files)
    assert cause is not None
    assert cause.event == event
    assert says in cause.message


def test_a_script_that_may_give_up_does_not():
    works = b"#!/bin/sh\nfor n in 1 2; do curl -fs localhost && exit 0; done\nexit 1\n"
    files = {"appspec.yml": APPSPEC + HOOKS, "app/a": b"", "scripts/start.sh": works}
    assert cause_in(files) is None

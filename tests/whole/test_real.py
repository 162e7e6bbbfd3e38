"""`AWS=real` with an endpoint in the environment: stock moto, the sandbox held to our policy."""

import contextlib
import json
import socket
import sys

import pytest

from apps.sandbox.process import SandboxProcess
from tests.servers import free_port
from tests.whole.aws import client as aws
from tests.whole.program import PATIENCE, Client, Program, Up, items, run, until

ACCOUNT = "123456789012"
SIGNED = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class StockMoto(Program):
    """moto's own server, untouched."""

    def __init__(self, data):
        self.port = free_port()
        super().__init__([sys.executable, "-m", "moto.server", "-p", str(self.port)], data)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def wait_until_it_serves(self):
        def answers():
            with contextlib.suppress(OSError):
                return Client(self.url).get("/moto-api/data.json").status_code == 200

        until(answers, PATIENCE, "moto")

    def fill(self):
        """A pipeline, a project and three builds, made as people make them."""
        role = aws(self.url, "iam", "testing").create_role(
            RoleName="pipeline",
            AssumeRolePolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "codepipeline.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )["Role"]["Arn"]
        builds = aws(self.url, "codebuild", "testing")
        builds.create_project(
            name="checkout-build",
            source={"type": "S3", "location": "sources/checkout.zip"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=role,
        )
        for _ in range(3):
            builds.start_build(projectName="checkout-build")
        pipelines = aws(self.url, "codepipeline", "testing")
        for name in ("checkout", "payments"):
            pipelines.create_pipeline(pipeline=declaration(name, role))


def declaration(name, role):
    def action(name, category, provider, configuration, **artifacts):
        kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {
            "name": name,
            "actionTypeId": kind,
            "configuration": configuration,
            "runOrder": 1,
            **artifacts,
        }

    source = action(
        "Source",
        "Source",
        "S3",
        {"S3Bucket": "sources", "S3ObjectKey": "checkout.zip"},
        outputArtifacts=[{"name": "Source"}],
    )
    build = action(
        "Build",
        "Build",
        "CodeBuild",
        {"ProjectName": "checkout-build"},
        inputArtifacts=[{"name": "Source"}],
    )
    return {
        "name": name,
        "roleArn": role,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "Build", "actions": [build]},
        ],
    }


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    data = tmp_path_factory.mktemp("real")
    with StockMoto(data) as moto:
        moto.wait_until_it_serves()
        moto.fill()
        settings = {"AWS": "real", "AWS_ENDPOINT_URL": moto.url, "AWS_REGION": "eu-west-1"}
        with Up(data, **SIGNED, **settings) as up, up.client() as client:
            yield up, client


def scopes(client):
    return {row["kind"]: row for row in items(client, "scopes")}


def test_pipelines_and_builds_of_a_stock_moto_show_within_a_minute(dashboard):
    _, client = dashboard
    pipelines = until(
        lambda: len(found := items(client, "pipelines")) == 2 and found, PATIENCE, "pipelines"
    )
    assert {row["name"] for row in pipelines} == {"checkout", "payments"}
    assert {(row["account"], row["region"]) for row in pipelines} == {(ACCOUNT, "eu-west-1")}
    builds = until(lambda: len(found := items(client, "builds")) == 3 and found, PATIENCE, "builds")
    assert {row["project"] for row in builds} == {"checkout-build"}
    home = client.get("/").text
    assert "checkout" in home
    assert "payments" in home
    for path in (pipelines[0]["url"], builds[0]["url"], "/codebuild/", "/codebuild/builds/"):
        assert client.get(path).status_code == 200, path


OURS = ("codepipeline.", "codebuild.")


def test_what_moto_lacks_is_on_the_scopes_health_and_nothing_else_is_broken(dashboard):
    up, client = dashboard
    lacking = {
        "codepipeline.stage": "codepipeline:GetPipelineState",
        "codepipeline.action": "codepipeline:ListActionExecutions",
    }

    def reported():
        kinds = scopes(client)
        others = [kinds[kind] for kind in kinds.keys() - lacking.keys() if kind.startswith(OURS)]
        over = all(kinds[kind]["error"] for kind in lacking) and all(
            row["last_success"] or row["state"] != "ok" for row in others
        )
        return over and kinds

    kinds = until(reported, PATIENCE, "report of what is lacking")
    for kind, operation in lacking.items():
        row = kinds[kind]
        assert row["state"] in ("failing", "unsupported"), row
        assert row["operation"] == operation
        assert row["cure"]
        assert "<html" not in row["error"].lower()
    for kind in kinds.keys() - lacking.keys():
        row = kinds[kind]
        if kind.startswith(OURS):
            assert (row["state"], bool(row["last_success"])) == ("ok", True), row
        elif row["state"] not in ("ok", "not_tried"):
            # Whatever else moto lacks is told as well, and costs nobody else anything.
            assert row["state"] in ("failing", "unsupported"), row
            assert row["cure"], row
            assert "<html" not in row["error"].lower()
    page = client.get("/health/")
    assert page.status_code == 200
    for operation in lacking.values():
        assert operation.partition(":")[2] in page.text
    assert "Traceback" not in up.output, up.output


def test_without_credentials_every_page_says_so_with_the_cure(tmp_path):
    words, cure = "Unable to locate credentials", "Set AWS_PROFILE"
    with Up(tmp_path, AWS="real", AWS_REGION="eu-west-1") as up, up.client() as client:
        rows = until(
            lambda: [row for row in items(client, "scopes") if row["state"] == "credentials"],
            PATIENCE,
            "scope that says so",
        )
        assert {row["region"] for row in rows} == {"eu-west-1"}
        assert not any(row["swept"] for row in rows)
        assert all(words in row["error"] and cure in row["cure"] for row in rows)
        for path in ("/", "/health/", "/aws/accounts/"):
            page = client.get(path).text
            assert words in page, path
            assert cure in page, path
            assert "No AWS account is connected" not in page, path
            assert "Credentials refused" not in page, path
        assert {row["operation"] for row in rows} == {"sts:GetCallerIdentity"}
        home = client.get("/").text
        assert "<h2>AWS cannot be read</h2>" in home
        assert "Reading AWS for the first time" not in home
        said = run(tmp_path, "sweep")
        assert said.returncode == 1
        assert words in said.stdout
        assert said.stdout.count(cure) == 1


@pytest.fixture
def hanging():
    """The address of something that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_endpoint_that_hangs_is_told_soon_and_health_is_never_green_meanwhile(tmp_path, hanging):
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s"}
    real = {"AWS": "real", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": hanging}
    with Up(tmp_path, **real, **keys) as up, up.client() as client:
        health = client.get("/health/").text
        assert "Nothing was read yet of 1 account and region" in health
        assert "Everything that is swept can be read." not in health
        rows = until(
            lambda: [row for row in items(client, "scopes") if row["state"] == "unreachable"],
            25,
            "scope that says so",
        )
        assert {row["operation"] for row in rows} == {"sts:GetCallerIdentity"}
        assert all("AWS_ENDPOINT_URL" in row["cure"] for row in rows)
        home = client.get("/").text
        assert "<h2>AWS cannot be read</h2>" in home
        assert "waits its turn" not in home
        assert "<b>1 cause</b> keeps" in client.get("/health/").text


def test_a_page_in_place_of_aws_is_no_first_sweep(tmp_path):
    with Up(tmp_path / "other", AWS="none") as other:
        other.wait_until_it_serves()
        keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s"}
        real = {"AWS": "real", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": other.url}
        with Up(tmp_path / "real", **real, **keys) as up, up.client() as client:
            until(
                lambda: "AWS cannot be read" in client.get("/").text, PATIENCE, "home that says so"
            )
            assert "Reading AWS for the first time" not in client.get("/").text
            assert "AWS_ENDPOINT_URL" in client.get("/").text


@pytest.fixture(scope="module")
def policed(tmp_path_factory):
    """A sandbox that denies what the printed policy does not allow, and a dashboard on it."""
    data = tmp_path_factory.mktemp("policed")
    printed = run(data, "iam_policy")
    assert printed.returncode == 0, printed.stderr
    policy = data / "policy.json"
    policy.write_text(printed.stdout)
    with SandboxProcess("--speed", "12", "--policy", str(policy)) as sandbox:
        settings = {
            "AWS": "real",
            "AWS_ENDPOINT_URL": sandbox.url,
            "AWS_REGION": "eu-west-1",
            "AWS_REGIONS": "us-east-1",
            "AWS_ACCESS_KEY_ID": "111122223333",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
        }
        with Up(data, **settings) as up, up.client() as client:
            yield sandbox, up, client


def test_the_printed_policy_is_held_to(policed):
    sandbox, _, _ = policed
    codepipeline = aws(sandbox.url, "codepipeline")
    with pytest.raises(codepipeline.exceptions.ClientError, match="not authorized"):
        codepipeline.start_pipeline_execution(name="any")


def test_with_the_least_policy_every_kind_is_read_and_nothing_is_denied(policed):
    _, up, client = policed

    def all_read():
        rows = items(client, "scopes")
        return len({row["region"] for row in rows}) == 2 and all(
            row["last_success"] for row in rows
        )

    until(all_read, PATIENCE, "first sweep of every kind")
    assert {row["state"] for row in items(client, "scopes")} <= {"ok", "not_tried"}
    assert len(items(client, "pipelines")) >= 2
    assert "Denied" not in up.output


def test_with_the_least_policy_events_arrive(policed):
    sandbox, up, _ = policed

    def deleted():
        counted = sandbox.control("GET", "calls")["calls"]
        return sum(row["count"] for row in counted if row["operation"] == "DeleteMessageBatch")

    until(lambda: deleted() >= 3, PATIENCE, "events taken from the queue")
    assert "events.unheard" not in up.output


def test_with_the_least_policy_a_builds_log_can_be_looked_at(policed):
    _sandbox, _, client = policed
    builds = until(
        lambda: [row for row in items(client, "builds") if row["state"] == "done"],
        PATIENCE,
        "finished build",
    )

    def log():
        for build in builds[:5]:
            answer = client.get(f"{build['url']}log.txt")
            if answer.status_code == 200 and len(answer.text) > 200:
                return answer.text
        return None

    until(log, PATIENCE, "log of a build")
    denied = [
        row
        for row in items(client, "scopes")
        if row["state"] == "denied" or "Denied" in row["error"]
    ]
    assert not denied

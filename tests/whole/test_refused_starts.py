"""A start that cannot work says why in one line, on stderr, and ends with a code other than 0."""

import os
import socket
import sys

import pytest

from tests.servers import free_port
from tests.whole.program import Client, Up, run


def assert_refused(result, *words):
    assert result.returncode not in (0, None)
    assert result.returncode > 0, "it must not die of a signal"
    said = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(said) == 1, result.stderr
    for word in words:
        assert word in said[0], said[0]
    assert "Traceback" not in result.stdout + result.stderr


def start(data, **more):
    return run(data, "up", **{"AWS": "none", "PORT": str(free_port()), **more})


def test_a_busy_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused(start(tmp_path, PORT=port), port, "in use", "PORT=")


def test_a_host_that_is_not_ours(tmp_path):
    assert_refused(start(tmp_path, HOST="203.0.113.1"), "203.0.113.1")


@pytest.mark.parametrize("host", ["256.1.1.1", "203.0.113.1"])
def test_a_host_that_cannot_be_listened_on_is_cured_by_another_host_not_by_a_port(tmp_path, host):
    result = start(tmp_path, HOST=host)
    assert_refused(result, f"HOST={host}", "HOST=127.0.0.1")
    assert "PORT" not in result.stderr


@pytest.mark.parametrize("mode", ["AWS_REGIONS", "AWS_REGION"])
def test_a_region_that_can_be_none_of_awss(tmp_path, mode):
    result = start(tmp_path, AWS="real", **{mode: "mars-1"})
    assert_refused(result, "'mars-1'", "AWS_REGIONS", "eu-west-1", "cn-north-1")


def test_a_port_of_the_sandbox_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = start(tmp_path, AWS="sandbox", SANDBOX_PORT=port)
    assert_refused(result, f"SANDBOX_PORT={port}", "in use")
    # A link to what does not run is of no use to anybody.
    assert "Sign in once" not in result.stdout


def test_a_host_that_is_no_address(tmp_path):
    assert_refused(start(tmp_path, HOST="no such host.invalid"), "no such host.invalid")


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_port_out_of_range(tmp_path, port):
    assert_refused(start(tmp_path, PORT=port), port)


def test_a_file_in_place_of_the_data_folder(tmp_path):
    folder = tmp_path / "data"
    folder.write_text("not a folder")
    assert_refused(start(folder), str(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_data_folder_that_nobody_can_write_to(tmp_path):
    assert_refused(start(tmp_path, CODESTAR_DASH_DATA="/proc/codestar-dash"), "/proc/codestar-dash")


def test_keys_given_and_a_data_folder_that_nobody_can_write_to(tmp_path):
    folder = tmp_path / "data"
    folder.write_text("not a folder")
    result = start(folder, SECRET_KEY="s" * 50, FIELD_KEYS="A" * 43 + "=")
    assert_refused(result, str(folder))


def test_a_folder_in_which_a_dashboard_runs(tmp_path):
    with Up(tmp_path, AWS="none") as first:
        first.wait_until_it_serves()
        assert_refused(start(tmp_path), str(first.pid), str(tmp_path), "CODESTAR_DASH_DATA")
        assert Client(first.url).get("/healthz").status_code == 200
    with Up(tmp_path, AWS="none") as again:
        again.wait_until_it_serves()


@pytest.mark.parametrize(
    "endpoint",
    ["http://user:hunter2-word@127.0.0.1:4000", "ftp://127.0.0.1", "nonsense", "http://a/?b=c"],
)
def test_an_endpoint_in_the_environment_that_is_none(tmp_path, endpoint):
    result = start(tmp_path, AWS="real", AWS_ENDPOINT_URL=endpoint)
    assert_refused(result, "AWS_ENDPOINT_URL")
    assert "hunter2-word" not in result.stdout + result.stderr


def test_a_damaged_database(tmp_path):
    (tmp_path / "codestar-dash.sqlite3").write_bytes(os.urandom(8192))
    assert_refused(start(tmp_path), "codestar-dash.sqlite3")


def test_a_folder_in_place_of_the_database(tmp_path):
    (tmp_path / "codestar-dash.sqlite3").mkdir()
    assert_refused(start(tmp_path), "codestar-dash.sqlite3")


def test_a_database_server_that_is_not_there(tmp_path):
    url = f"postgres://dash:hunter2-word@127.0.0.1:{free_port()}/dash"
    result = start(tmp_path, DATABASE_URL=url)
    assert_refused(result, "DATABASE_URL")
    assert "hunter2-word" not in result.stderr
    assert "broken" not in result.stderr


def test_a_redis_that_is_not_there(tmp_path):
    result = start(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert_refused(result, "REDIS_URL")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("FIELD_KEYS", "rubbish"),
        ("AWS", "wrong"),
        ("HTTPS", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "nonsense://x"),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "nonsense"),
        ("SITE_URL", "dash.example.com"),
        ("SANDBOX_SPEED", "fast"),
        ("SANDBOX_SPEED", "-1"),
        ("SANDBOX_SCENARIO", "bulk:many"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, name, value):
    more = {"AWS": "sandbox"} if name == "SANDBOX_SPEED" else {}
    assert_refused(start(tmp_path, **more, **{name: value}), name)


def test_a_policy_of_the_sandbox_that_is_not_there(tmp_path):
    missing = str(tmp_path / "policy.json")
    result = start(tmp_path, AWS="sandbox", SANDBOX_POLICY=missing)
    assert_refused(result, f"SANDBOX_POLICY={missing}", "No such file")
    assert "Sign in once" not in result.stdout


def test_a_command_before_the_first_start_says_what_to_do(tmp_path):
    done = run(tmp_path, "sign_in_link", "admin")
    assert done.returncode == 1
    assert "The database is not made yet" in done.stderr
    assert "Traceback" not in done.stderr

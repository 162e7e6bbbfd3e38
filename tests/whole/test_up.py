"""`manage.py up` from its first start to its last signal."""

import os
import re
import signal
import sqlite3
import stat
import sys

import psutil

from tests.whole.program import LINK, PATIENCE, Client, Program, Up, items, run, until

STOPS_WITHIN = 30
#: Pipelines to be read, in a world that takes a moment to read and in which nothing else goes on.
FEW = {"SANDBOX_SCENARIO": "bulk:8"}


def test_the_first_start_prints_a_link_that_signs_in_once(tmp_path):
    """What fills by itself then is looked at in a browser, in tests/e2e/test_up.py."""
    with Up(tmp_path, first=True, AWS="none") as up:
        up.wait_until_it_serves()
        assert Client(up.url).get("/healthz").json() == {"status": "ok"}
        ready = {"status": "ok", "database": "ok", "workers": "ok"}
        assert Client(up.url).get("/readyz").json() == ready
        stranger = Client(up.url).get("/", allow_redirects=False)
        assert stranger.status_code == 302
        assert stranger.headers["location"].startswith("/accounts/login/")

        with up.client() as client:
            assert "<script>" not in client.get("/").text
        used = Client(up.url).get(LINK.search(up.output)[1])
        assert used.status_code == 410


def test_ctrl_c_stops_everything_in_time_and_the_next_start_still_has_the_rows(tmp_path):
    with Up(tmp_path, **FEW) as up, up.client() as client:
        until(lambda: len(items(client, "pipelines")) >= 8, PATIENCE, "all pipelines")
        before = {row["arn"] for row in items(client, "pipelines")}
        # An open stream must not hold the program up.
        topics = "/live/stream?topics=list:codepipeline.pipeline"
        with client.get(topics, stream=True) as stream:
            assert next(stream.iter_lines())
            family = up.family()
            assert len(family) >= 2, "the sandbox is a process of its own"
            up.interrupt()
            assert up.process.wait(STOPS_WITHIN) in (0, 130)
    _gone, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert "Traceback" not in up.output, up.output
    assert up.output.rstrip().endswith("Stopped.")

    with Up(tmp_path, **FEW) as again:
        again.wait_until_it_serves()
        assert "Sign in once" not in again.output
        with sqlite3.connect(tmp_path / "codestar-dash.sqlite3") as database:
            kept = {arn for (arn,) in database.execute("SELECT arn FROM codepipeline_pipeline")}
        assert before <= kept
        # The session of before is good, too: the signing key was kept.
        same = Client(again.url)
        same.cookies.update(client.cookies)
        home = same.get("/")
        assert (home.status_code, home.history) == (200, [])


def test_sigterm_stops_as_ctrl_c_does(tmp_path):
    with Up(tmp_path, AWS="none") as up:
        up.wait_until_it_serves()
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(STOPS_WITHIN) == 0
        assert "Traceback" not in up.output


def test_an_interrupt_before_it_serves_leaves_nothing_behind(tmp_path):
    with Up(tmp_path) as up:
        until(lambda: len(up.family()) > 1, PATIENCE, "sandbox process", 0.02)
        family = up.family()
        up.interrupt()
        assert up.process.wait(STOPS_WITHIN) in (0, 130, -signal.SIGINT)
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive
        assert "Traceback" not in up.output, up.output


def test_the_sandbox_dies_with_a_parent_that_was_killed(tmp_path):
    with Up(tmp_path, **FEW) as up:
        up.wait_until_it_serves()
        children = up.family()[1:]
        assert children
        os.kill(up.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive


def test_a_sandbox_that_dies_is_told_in_one_line_and_the_pages_go_on(tmp_path):
    with Up(tmp_path, **FEW) as up, up.client() as client:
        until(lambda: len(items(client, "pipelines")) >= 8, PATIENCE, "all pipelines")
        up.family()[1].kill()
        up.wait_for(r"The sandbox ended by signal 9\..*start again", 5)
        assert len(items(client, "pipelines")) >= 8
        trouble = until(
            lambda: [row for row in items(client, "scopes") if row["state"] == "unreachable"],
            PATIENCE,
            "scope that says so",
        )
        assert all("start it again" in row["cure"] for row in trouble)
        up.interrupt()
        assert up.process.wait(STOPS_WITHIN) == 0


def test_the_environment_names_the_administrator(tmp_path):
    named = {
        "DJANGO_SUPERUSER_USERNAME": "release-manager",
        "DJANGO_SUPERUSER_PASSWORD": "correct horse battery",
        "DJANGO_SUPERUSER_EMAIL": "release-manager@example.com",
    }
    with Up(tmp_path, AWS="none", **named) as up:
        up.wait_until_it_serves()
        assert "Sign in once" not in up.output
        assert "correct horse" not in up.output
        with Client(up.url) as client:
            home = client.submit(
                "/accounts/login/",
                login="release-manager",
                password=named["DJANGO_SUPERUSER_PASSWORD"],
            )
            assert home.url == f"{up.url}/"
            assert "release-manager" in home.text
            assert client.get("/aws/accounts/new/").status_code == 200
    with sqlite3.connect(tmp_path / "codestar-dash.sqlite3") as database:
        stored = database.execute("SELECT password, is_superuser, email FROM auth_user").fetchall()
    assert len(stored) == 1
    password, is_superuser, email = stored[0]
    assert is_superuser
    assert email == named["DJANGO_SUPERUSER_EMAIL"]
    assert "correct horse" not in password


def test_an_administrator_without_a_password_has_the_name_that_was_asked_for(tmp_path):
    named = {"DJANGO_SUPERUSER_USERNAME": "release-manager"}
    with Up(tmp_path, AWS="none", **named) as up, up.client() as client:
        assert "release-manager" in client.get("/").text
    with sqlite3.connect(tmp_path / "codestar-dash.sqlite3") as database:
        stored = database.execute("SELECT username, is_superuser FROM auth_user").fetchall()
    assert stored == [("release-manager", 1)]


def test_any_free_port_is_named_and_the_sites_own_name_is_answered(tmp_path):
    with Up(tmp_path, AWS="none", PORT="0") as up:
        url = up.wait_for(r"CodeStar Dash is at (http://127\.0\.0\.1:\d+)/")[1]
        link = up.wait_for(LINK.pattern)[1]
        assert not url.endswith(":0")
        assert link.startswith(url)
        assert Client(url).get(link).status_code == 200
    with Up(tmp_path, AWS="none", SITE_URL="http://dash.example.com") as up:
        link = up.wait_for(LINK.pattern)[1]
        assert link.startswith("http://dash.example.com/")
        up.wait_for("CodeStar Dash is at")
        path = link.removeprefix("http://dash.example.com")
        page = Client(up.url).get(path, headers={"Host": "dash.example.com"})
        assert page.status_code == 200
        assert Client(up.url).get(path, headers={"Host": "other.example.com"}).status_code == 400


#: A worker that breaks when it is told to, by a file: however long the machine needs to begin.
BROKEN = """
import os
import pathlib
import time
import django
django.setup()
from codestar_dash import embedded
from django.core.management import call_command

class Broken:
    def __init__(self, **options):
        pass
    def start(self):
        while not pathlib.Path(os.environ["CODESTAR_DASH_DATA"], "break").exists():
            time.sleep(0.05)
        raise RuntimeError("it broke")

embedded.WorkController = Broken
call_command("up")
"""


def test_a_worker_that_dies_ends_the_program_and_everything_is_put_away(tmp_path):
    settings = {"PORT": "0", "DJANGO_SETTINGS_MODULE": "codestar_dash.settings", **FEW}
    with Program([sys.executable, "-c", BROKEN], tmp_path, **settings) as up:
        up.wait_for("CodeStar Dash is at")
        family = up.family()
        assert len(family) > 1
        (tmp_path / "break").touch()
        assert up.process.wait(PATIENCE) == 1
        assert "The worker ended by itself" in up.output
        assert "it broke" in up.output
        assert up.output.rstrip().endswith("Stopped.")
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive


def test_a_link_that_nobody_used_is_printed_anew_and_the_old_one_is_void(tmp_path):
    with Up(tmp_path, AWS="none") as up:
        up.wait_until_it_serves()
        first = LINK.search(up.output)[1]
    with Up(tmp_path, AWS="none") as up:
        up.wait_until_it_serves()
        second = LINK.search(up.output)[1]
        path = re.sub(r"^http://[^/]+", "", first)
        assert Client(up.url).get(path).status_code == 410
        assert Client(up.url).get(second).status_code == 200


def test_links_lead_to_where_the_dashboard_runs_and_its_folder_is_its_owners(tmp_path):
    folder = tmp_path / "data"
    with Up(folder, first=True, AWS="none") as up:
        up.wait_until_it_serves()
        for command in (["sign_in_link", "admin"], ["add_user", "release-manager"]):
            printed = run(folder, *command, PORT="8000")
            assert printed.stdout.startswith(f"{up.url}/enter/"), printed.stderr
        for name in ("codestar-dash.sqlite3", "codestar-dash.sqlite3-wal"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Nobody is there any more.
    printed = run(folder, "sign_in_link", "admin", PORT="8765")
    assert printed.stdout.startswith("http://127.0.0.1:8765/enter/"), printed.stderr


def test_a_name_that_is_not_allowed_is_told_in_one_line_and_never_echoed(tmp_path):
    with Up(tmp_path, AWS="none") as up:
        up.wait_until_it_serves()
        answer = Client(up.url).get("/", headers={"Host": "dash.example.com"})
        assert answer.status_code == 400
        assert "ALLOWED_HOSTS" in answer.text
        assert "SITE_URL" in answer.text
        assert "dash.example.com" not in answer.text
        until(lambda: "Invalid HTTP_HOST" in up.output, 5, "line in the log")
        assert "Traceback" not in up.output

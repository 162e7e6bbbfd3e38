"""The AppSpec of a bundle in S3 is read when somebody looks, once for all, without secrets."""

from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.db.models import Q
from django.test import Client

from apps.codedeploy import bundle, looks, tasks
from apps.codedeploy.archives import UnreadableError
from apps.codedeploy.lines import follower_of
from apps.codedeploy.models import Deployment
from apps.mirror.models import Operation
from apps.mirror.provider import PROVIDERS
from apps.mirror.visibility import VISIBILITY
from apps.sandbox.server import SandboxServer
from tests import factories
from tests.codedeploy.bundles import APPSPEC, Bucket, zipped
from tests.codedeploy.conftest import FLIGHTS
from tests.flight import PLANTED
from tests.flown import aws, queued
from tests.simulated import Simulated, kinds_of, mirrored

__all__ = ["aws", "queued"]

SECRET = f"{APPSPEC}# password: {PLANTED}\n# <script>alert(1)</script>\n"


@pytest.fixture
def bucket(aws: Any, sweep: Any) -> Bucket:
    """The full flight with a bundle in S3, mirrored."""
    flight = Bucket(content=zipped({"appspec.yml": SECRET}))
    flight.load(FLIGHTS / "full")
    sweep(flight)
    return aws(flight)


@pytest.fixture
def deployment(bucket: Bucket) -> Deployment:
    return Deployment.objects.filter(revision__type="S3", revision__version="v2").get()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("reader"))
    return client


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was enqueued after the sweep."""
    found: list[Any] = []

    def enqueue(task: Any, args: Any = (), kwargs: Any = None, **_options: Any) -> None:
        found.append((task.name, args))

    monkeypatch.setattr(Task, "apply_async", enqueue)
    return found


def read(deployment: Deployment, enqueued: list[Any]) -> dict[str, Any]:
    looks.watch(deployment.pk)
    name, (pk, ticket) = enqueued[-1]
    assert (name, pk) == ("codedeploy.read_appspec", deployment.pk)
    tasks.read_appspec(pk, ticket)
    return dict(looks.lines(deployment.pk, 0))


def test_it_is_read_once_for_all_who_look_of_the_very_version(deployment, bucket, enqueued):
    told = read(deployment, enqueued)
    assert told["done"]
    assert "scripts/start.sh" in told["html"]
    assert PLANTED not in told["html"]
    assert "<script>" not in told["html"]
    assert "versionId=v2" in bucket.asked_for[0]["url"]
    looks.watch(deployment.pk)
    assert len(enqueued) == 1


def test_what_may_not_be_read_says_so_and_leaves_the_health_of_the_scope_alone(
    deployment, bucket, enqueued
):
    bucket.refuses = (403, "AccessDenied", {})
    told = read(deployment, enqueued)
    assert not told["done"]
    (note,) = told["fragments"]
    assert "The AppSpec cannot be read" in note["html"]
    assert "s3:GetObjectVersion on arn:aws:s3:::codepipeline-eu-west-1" in note["html"]
    assert not Operation.objects.filter(operation="s3:GetObject").exists()
    # Allowed, it is read, and the words of the failure go.
    bucket.refuses = None
    cache.delete(f"{follower_of(deployment.pk).name}:asked")
    told = read(deployment, enqueued)
    assert told["done"]
    assert "cannot be read" not in told["fragments"][0]["html"]


def test_what_is_gone_is_not_asked_for_again(deployment, bucket, enqueued):
    bucket.refuses = (404, "NoSuchVersion", {})
    told = read(deployment, enqueued)
    assert told["done"]
    assert "no longer in S3" in told["fragments"][0]["html"]
    looks.watch(deployment.pk)
    assert len(enqueued) == 1


def test_whoever_overtakes_a_reader_keeps_what_it_read(deployment, bucket, enqueued, monkeypatch):
    def overtaken(*_: Any) -> str:
        cache.set(f"{follower_of(deployment.pk).name}:lease", "another", timeout=60)
        return "late"

    monkeypatch.setattr("apps.codedeploy.bundle.read", overtaken)
    read(deployment, enqueued)
    assert looks.contents_of(deployment.pk) is None


def test_the_page_has_somebody_read_and_shows_what_was_read(deployment, viewer, enqueued):
    path = f"{deployment.get_absolute_url()}appspec/"
    assert path in viewer.get(deployment.get_absolute_url()).text
    enqueued.clear()
    page = viewer.get(path).text
    assert [name for name, _ in enqueued] == ["codedeploy.read_appspec"]
    assert f"appspec:{deployment.pk}@0" in page
    assert "s3://codepipeline-eu-west-1-111122223333/checkout-api/BuildArtif/y38gNdK" in page
    tasks.read_appspec(*enqueued[-1][1])
    page = viewer.get(path).text
    assert f'<li class="log-line" id="appspec-{deployment.pk}-L1">' in page
    assert 'data-done="true"' in page
    assert PLANTED not in page
    assert "<html" not in viewer.get(path, headers={"X-Live": "1"}).text


def test_a_deployment_without_a_bundle_or_that_one_may_not_see_has_no_such_page(
    deployment, viewer, enqueued, monkeypatch
):
    other = Deployment.objects.exclude(revision__type="S3").first()
    assert other is not None
    assert viewer.get(f"{other.get_absolute_url()}appspec/").status_code == 404
    path = f"{deployment.get_absolute_url()}appspec/"
    assert Client().get(path).status_code == 302
    user = factories.make_user("other")
    assert looks.permitted(user, deployment.pk)
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    assert not looks.permitted(user, deployment.pk)
    assert viewer.get(path).status_code == 404
    assert enqueued == []


@pytest.mark.parametrize(
    ("repository", "commit", "url"),
    [
        ("example/shop", "a" * 40, f"https://github.com/example/shop/blob/{'a' * 40}/appspec.yml"),
        ("example/shop.js", "a" * 7, f"https://github.com/example/shop.js/blob/{'a' * 7}/appspec"),
        ("example/..", "a" * 40, ""),
        ("../shop", "a" * 40, ""),
        ("example/shop/x", "a" * 40, ""),
        ("javascript:alert(1)//x", "a" * 40, ""),
        ("example/shop", "main", ""),
        ("example/shop", "a" * 40 + "?x", ""),
        ("", "", ""),
    ],
)
def test_a_commit_on_github_leads_to_its_appspec_and_nowhere_else(repository, commit, url):
    row = Deployment(revision={"type": "GitHub", "repository": repository, "commit_id": commit})
    assert row.appspec_url.startswith(url)
    assert bool(row.appspec_url) == bool(url)


# --- The simulated account ------------------------------------------------------------------------


@pytest.mark.django_db
def test_bundles_of_the_simulated_account_are_read_with_the_hooks_that_it_runs(monkeypatch):
    cache.clear()
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        provider = Simulated(server.url)
        monkeypatch.setitem(PROVIDERS.by_name, "aws", provider)
        monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
        scope = mirrored("111122223333", "eu-west-1", *kinds_of("codedeploy"))
        reach = provider.open(scope)
        rows = Deployment.objects.filter(scope=scope, revision__type="S3")
        kinds, told, missing = set(), {}, []
        for row in rows.prefetch_related("targets"):
            try:
                text = bundle.read(reach, row.revision)
            except UnreadableError as error:
                missing.append((row, error.title))
                continue
            kinds.add(row.revision["bundle_type"])
            told[row] = text
        assert kinds == {"zip", "tgz"}
        for row, text in told.items():
            assert text.startswith("version: 0.0\n")
            for target in row.targets.all():
                if target.failing_script:
                    assert (
                        f"  {target.failing_event}:\n    - location: {target.failing_script}"
                        in (text)
                    )
        # The one that failed for want of an AppSpec has none.
        for row, title in missing:
            assert "no AppSpec in its root" in title
            assert "did not find an AppSpec" in row.cause or row.strip == []
        assert missing
        server.faults.add("deny", service="s3")
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever botocore raises
            bundle.read(reach, rows.first().revision)
        note, _ = bundle.why(raised.value, rows.first().revision)
        assert "s3:GetObject" in note["cure"]

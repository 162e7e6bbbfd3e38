"""What goes wrong in the simulated account is what the page shows first: from wire to page."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.codecommit.tasks import read_changes
from apps.mirror.due import take
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.sweep import ensure_sweeps, run
from apps.sandbox.process import SandboxProcess
from apps.source.models import PullRequest, Repository
from tests.codecommit.conftest import KINDS
from tests.sandbox.conftest import Aws
from tests.simulated import Simulated

SHOP, LAB = "111122223333", "444455556666"


@pytest.fixture(scope="module")
def account() -> Iterator[Aws]:
    with SandboxProcess("--seed", "1", "--speed", "0") as sandbox:
        yield Aws(sandbox.url)


@pytest.fixture
def mirrored(account: Aws, db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`mirrored(account, region)` reads CodeCommit there into the mirror."""
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(account.url))

    def read(number: str, region: str, *more: str) -> None:
        scope = Scope.objects.create(
            provider="aws", place=f"{number}/{region}", account=number, region=region
        )
        ensure_sweeps(scope)
        for kind in (*KINDS, *more):
            sweep = Sweep.objects.get(scope=scope, kind=kind)
            assert take(sweep)
            assert run(sweep, whole=True) is not None
        # One repository that is closed is no fault of the calls.
        assert not Operation.objects.exclude(health="ok").exists()

    return read


def test_a_disabled_key_is_told_with_its_cure(mirrored: Any, viewer: Client):
    mirrored(SHOP, "eu-west-1")
    vault = Repository.objects.get(key="payments-vault")
    page = viewer.get(vault.get_absolute_url()).text
    told = page[page.index("Why it cannot be opened") :]
    assert "EncryptionKeyDisabledException: The encryption key arn:aws:kms:" in told
    assert "aws kms enable-key" in told
    # The others of the account are as well read as ever.
    assert Repository.objects.get(key="shared-libraries").commits.exists()


def test_a_merge_conflict_is_told_with_its_file_and_lines(
    mirrored: Any, viewer: Client, queued: list[Any]
):
    mirrored(LAB, "eu-west-1")
    pull = PullRequest.objects.get(state="waiting")
    viewer.get(pull.get_absolute_url())
    read_changes(*queued[-1][1])
    page = viewer.get(pull.get_absolute_url()).text
    told = page[page.index("What keeps it from being merged") :]
    assert "Merge conflict with main in jobs/ingest.py" in told
    assert "BATCH = 5_000" in told
    assert "main says 250 since this morning" in told


def test_an_approval_that_is_missing_is_told_with_its_rule(mirrored: Any, viewer: Client):
    mirrored(LAB, "us-east-1")
    pull = PullRequest.objects.get(repository__key="fraud-model")
    page = viewer.get(pull.get_absolute_url()).text
    told = page[page.index("What keeps it from being merged") :]
    assert "Approval rule “Two of the risk team” is not satisfied: 1 of 2 approvals" in told
    hostile = PullRequest.objects.get(repository__key="docs-site")
    page = viewer.get(hostile.get_absolute_url()).text
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_a_commit_leads_to_the_executions_that_took_it(mirrored: Any, viewer: Client):
    kinds = [f"codepipeline.{name}" for name in ("pipeline", "stage", "execution", "action")]
    mirrored(LAB, "us-east-1", *kinds)
    head = Repository.objects.get(key="fraud-model").latest_commit
    panel = viewer.get(f"/linked/codecommit.commit/{head.pk}/").text
    assert "Takes this" in panel
    assert "fraud-model · Source / Source" in panel

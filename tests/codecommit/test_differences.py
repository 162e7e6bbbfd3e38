"""What a commit or pull request changes: read once, file by file, and told where it cannot be."""

import base64
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.codecommit import differences
from apps.codecommit.tasks import read_changes
from apps.mirror.listener import listener_for
from apps.mirror.models import Operation
from apps.source import diff, looked
from apps.source.models import Commit, PullRequest
from tests import factories
from tests.flight import Fault, Flight

from .conftest import Sweeper

HEAD, FIRST = "a1" * 20, "b2" * 20


@pytest.fixture
def commit(full: Flight, aws: Any, sweep: Sweeper) -> Commit:
    aws(full)
    sweep()
    full.asked.clear()
    found: Commit = Commit.objects.get(commit_id=HEAD)
    return found


def watch(row: Any) -> tuple[Any, ...]:
    """Look, and read what the task that this enqueues reads."""
    look = looked.look_at(row)
    assert look is not None
    look.watch(row.pk)
    return (look.name, row.pk)


def look_and_read(row: Any, queued: list[Any]) -> str:
    before = len(queued)
    name, pk = watch(row)
    for task, args in queued[before:]:
        assert task == "codecommit.read_changes"
        read_changes(*args)
    told = looked.since(name, row, pk, 0)
    return str(told["html"])


def note_of(row: Any) -> Any:
    contents = looked.store_of(row).open()
    return contents.note if contents else None


def test_a_commit_shows_what_it_changed_line_by_line(
    commit: Commit, full: Flight, queued: list[Any]
):
    html = look_and_read(commit, queued)
    text = re.sub(r"<[^>]+>", "|", html)
    assert "changed" in text
    assert "src/total.py" in text
    assert "@@ -2,4 +2,4 @@" in text
    assert "|5||||-||    return sum(rows)|" in text
    assert "||5||+||    return money.rounded(sum(rows))|" in text
    assert "No text: 11 bytes" in text
    # It is compared with its first parent.
    (asked,) = full.calls("codecommit:GetDifferences")
    assert (asked["beforeCommitSpecifier"], asked["afterCommitSpecifier"]) == (FIRST, HEAD)


def test_what_is_in_files_is_text_and_what_turns_it_around_is_named(
    commit: Commit, queued: list[Any]
):
    html = look_and_read(commit, queued)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "U+202E" in html
    assert "docs/&lt;b&gt;read.md" in html


def test_it_is_read_once_however_many_look(commit: Commit, full: Flight, queued: list[Any]):
    look_and_read(commit, queued)
    made = len(full.asked)
    look_and_read(commit, queued)
    assert len(full.asked) == made
    cache.clear()
    look_and_read(commit, queued)
    assert len(full.asked) > made


def test_the_first_commit_is_compared_with_nothing(commit: Commit, full: Flight, queued: list[Any]):
    Commit.objects.filter(pk=commit.pk).update(parents=[])
    html = look_and_read(Commit.objects.get(pk=commit.pk), queued)
    assert "added" in html
    (asked,) = full.calls("codecommit:GetDifferences")
    assert "beforeCommitSpecifier" not in asked


def test_a_pull_request_is_compared_with_where_it_branched_off(
    commit: Commit, full: Flight, queued: list[Any]
):
    pull = PullRequest.objects.get(number="12")
    assert "src/total.py" in look_and_read(pull, queued)
    (asked,) = full.calls("codecommit:GetDifferences")
    assert asked["beforeCommitSpecifier"] == pull.merge_base
    assert asked["afterCommitSpecifier"] == pull.source_commit


def test_comments_on_the_commit_are_read_with_it(commit: Commit, queued: list[Any]):
    look_and_read(commit, queued)
    told = Commit.objects.get(pk=commit.pk).comments
    assert [comment["text"] for comment in told] == ["Why half up?"]


def test_a_denied_call_says_what_to_allow_and_is_tried_again(
    commit: Commit, full: Flight, queued: list[Any]
):
    works = full._plays["codecommit:GetDifferences"]
    full.on("codecommit:GetDifferences", Fault("AccessDeniedException", "not authorized"))
    look_and_read(commit, queued)
    note = note_of(commit)
    assert note["state"] == "failed"
    assert "codecommit:GetDifferences" in note["cure"]
    told = Operation.objects.get(operation="codecommit:GetDifferences")
    assert told.health == "denied"
    full.on("codecommit:GetDifferences", works)
    assert "src/total.py" in look_and_read(commit, queued)
    assert note_of(commit) is None
    assert Operation.objects.get(operation="codecommit:GetDifferences").health == "ok"


def test_one_file_that_cannot_be_read_keeps_the_others(
    commit: Commit, full: Flight, queued: list[Any]
):
    works = full._plays["codecommit:GetBlob"]
    assert callable(works)

    def some(params: Any) -> Any:
        if params["blobId"].startswith("03"):
            return Fault("FileTooLargeException", "The file is larger than 6 MB.")
        return works(params)

    full.on("codecommit:GetBlob", some)
    text = look_and_read(commit, queued)
    assert "It cannot be read: The file is larger than 6 MB." in text
    assert "money.rounded" in text


def test_a_commit_that_is_gone_says_so(commit: Commit, full: Flight, queued: list[Any]):
    full.on("codecommit:GetDifferences", Fault("CommitDoesNotExistException", "no"))
    look_and_read(commit, queued)
    assert note_of(commit)["title"] == "CodeCommit no longer has it"


@pytest.mark.parametrize(("files", "note"), [(60, ""), (61, "61 files changed"), (64, "64 files")])
def test_the_note_of_a_large_change_says_what_was_read(
    commit: Commit, full: Flight, queued: list[Any], files: int, note: str
):
    changes = [
        {"changeType": "A", "afterBlob": {"blobId": f"{number:040x}", "path": f"f{number}"}}
        for number in range(files)
    ]
    full.on("codecommit:GetDifferences", {"differences": changes})
    full.on("codecommit:GetBlob", {"content": "eA=="})
    html = look_and_read(commit, queued)
    assert len(full.calls("codecommit:GetBlob")) == 60
    assert html.count("Its lines were not read") == files - 60
    told = note_of(commit)
    assert (told["title"] if told else "").startswith(note)
    assert bool(told) == bool(note)


def test_very_many_files_are_named_and_the_first_are_read(
    commit: Commit, full: Flight, queued: list[Any]
):
    def pages(params: Any) -> Any:
        at = int(params.get("NextToken", "0"))
        changes = [
            {"changeType": "A", "afterBlob": {"blobId": f"{number:040x}", "path": f"f{number}"}}
            for number in range(at, at + 100)
        ]
        return {"differences": changes, "NextToken": str(at + 100)}

    full.on("codecommit:GetDifferences", pages)
    full.on("codecommit:GetBlob", {"content": "eA=="})
    look_and_read(commit, queued)
    assert len(full.calls("codecommit:GetDifferences")) == 4
    asked = len(full.calls("codecommit:GetBlob"))
    assert asked == differences.READ_FILES
    assert note_of(commit)["title"] == "More than 300 files changed"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"x" * 600_000, b"x", "Too large to compare here: 600,000 bytes"),
        (b"x\n" * 4_000, b"x\n", "Too long to compare here: 4,000 → 1 lines"),
    ],
)
def test_what_is_too_much_says_so(
    commit: Commit, full: Flight, queued: list[Any], before: bytes, after: bytes, said: str
):
    contents = {"01": before, "02": after}

    def blob(params: Any) -> Any:
        content = contents.get(params["blobId"][:2], b"")
        return {"content": base64.b64encode(content).decode()}

    full.on("codecommit:GetBlob", blob)
    assert said in look_and_read(commit, queued)


def test_a_page_shows_what_was_read_and_hears_of_more(commit: Commit, queued: list[Any]):
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    first = client.get(commit.get_absolute_url()).text
    assert f'id="codecommit-commit-{commit.pk}" data-next="0" data-done="false"' in first
    assert queued[-1][0] == "codecommit.read_changes"
    read_changes(*queued[-1][1])
    again = client.get(commit.get_absolute_url()).text
    assert "money.rounded" in again
    assert 'data-done="true"' in again
    part = client.get(f"/source/commits/{commit.pk}/changes/?first=3", headers={"X-Live": "1"}).text
    assert part.lstrip().startswith("<section")
    listener = listener_for(None, [f"codecommit-commit:{commit.pk}@5"], lambda _message: None)
    assert listener.looks == {("codecommit-commit", commit.pk): 5}


# --- Comparing ------------------------------------------------------------------------------------


def drawn(before: bytes | None, after: bytes | None, change: str = "M") -> str:
    return diff.draw(diff.file_lines("f", change, before, after), 0, "d")


def test_lines_end_at_line_feeds_alone_and_bad_bytes_do_no_harm():
    html = drawn(b"a\x0bb\xe2\x80\xa8c\n\xff\n", b"a\x0bb\xe2\x80\xa8d\n\xff\n")
    assert html.count('class="diff-line diff-removed"') == 1
    assert "\ufffd" in html


def test_the_same_lines_say_why_nothing_is_shown():
    assert "its mode or its last line break" in drawn(b"a\n", b"a")


def test_a_very_long_line_is_cut_and_a_very_long_change_too():
    assert "3,000 more characters" in drawn(None, b"x" * 5_000, "A")
    assert "1,001 more lines" in drawn(None, b"x\n" * 2_000, "A")


def test_numbers_are_those_of_each_version():
    html = drawn(b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", b"1\n2\n3\n4\nfive\n6\n7\n8\n9\nten\n")
    text = re.sub(r"<[^>]+>", "|", html)
    assert "|5||||-||5|" in text
    assert "||5||+||five|" in text
    assert "||10||+||ten|" in text
    assert "|+2 -1|" in text

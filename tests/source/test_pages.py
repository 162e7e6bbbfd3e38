"""Pages of repositories, commits and pull requests: for whom, at what cost, and what they say."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.live.fragment import FRAGMENTS
from apps.mirror.models import Link
from apps.mirror.visibility import VISIBILITY
from apps.source import looked
from apps.source.models import Commit, PullRequest, Repository
from tests import factories

from .making import make_branch, make_commit, make_pull, make_repository, sha, tell

HOSTILE = "<script>alert(1)</script>\x1b[31m\"onmouseover='x'"


def paths(commit: Commit, pull: PullRequest) -> list[str]:
    branch = commit.repository.branches.first()
    return [
        "/source/",
        "/source/commits/",
        "/source/pull-requests/",
        f"/source/repositories/{commit.repository_id}/",
        f"/source/branches/{branch.pk}/",
        f"/source/commits/{commit.pk}/",
        f"/source/commits/{commit.pk}/changes/",
        f"/source/pull-requests/{pull.pk}/",
        f"/source/pull-requests/{pull.pk}/changes/",
    ]


# --- For whom -------------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_sign_in_everywhere(
    commit: Commit, pull: PullRequest, client: Client
):
    for path in paths(commit, pull):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_whoever_is_signed_in_sees_every_page(commit: Commit, pull: PullRequest, viewer: Client):
    for path in paths(commit, pull):
        assert viewer.get(path).status_code == 200, path


def test_rows_one_may_not_see_are_nowhere(
    commit: Commit, pull: PullRequest, viewer: Client, monkeypatch: pytest.MonkeyPatch, queued: Any
):
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    for path in paths(commit, pull)[:3]:
        page = viewer.get(path).text
        assert "shop" not in page.lower().replace("workshop", "")
        assert "111122223333" not in page
    for path in paths(commit, pull)[3:]:
        assert viewer.get(path).status_code == 404, path
    assert queued == []
    assert not looked.follower_of(commit).watched


def test_pages_take_no_writes(commit: Commit, pull: PullRequest, viewer: Client):
    for path in paths(commit, pull):
        assert viewer.post(path).status_code == 405, path


# --- What they cost -------------------------------------------------------------------------------


@pytest.mark.sql
@pytest.mark.parametrize("at", range(9))
def test_the_number_of_queries_does_not_grow_with_the_rows(
    commit: Commit, pull: PullRequest, viewer: Client, at: int
):
    path = paths(commit, pull)[at]
    viewer.get(path)
    with CaptureQueriesContext(connection) as few:
        viewer.get(path)
    shop = commit.repository
    for number in range(20, 40):
        make_commit(shop, number, parents=[sha(number - 1)])
        make_pull(shop, number)
        make_branch(shop, f"feature/{number}", number)
        make_repository(f"service-{number}")
    Commit.objects.filter(pk=commit.pk).update(parents=[sha(number) for number in range(20, 40)])
    tell(shop)
    bump()
    with CaptureQueriesContext(connection) as many:
        viewer.get(path)
    assert len(many) <= len(few) + 1, [query["sql"][:120] for query in many]


def bump() -> None:
    """Let every picture be drawn anew."""
    for model in (Repository, Commit, PullRequest):
        model.objects.update(version=factories.number.__next__() + 10_000)


def test_a_page_that_nothing_happened_to_is_not_sent_again(
    commit: Commit, pull: PullRequest, viewer: Client
):
    for path in paths(commit, pull)[:4]:
        etag = viewer.get(path).headers["ETag"]
        assert viewer.get(path, headers={"If-None-Match": etag}).status_code == 304, path


# --- Repositories ---------------------------------------------------------------------------------


def test_the_list_tells_each_repositorys_newest_commit_and_what_cannot_be_opened_first(
    shop: Repository, viewer: Client
):
    make_repository("a-first-name")
    make_repository(
        "vault",
        status="EncryptionKeyDisabledException",
        state="failed",
        trouble="The encryption key is disabled.",
    )
    page = viewer.get("/source/").text
    names = re.findall(r'class="name" href="[^"]+">([^<]+)</a>', page)
    assert names == ["vault", "a-first-name", "shop"]
    assert "Change 3" in page
    assert "The encryption key is disabled." in page
    assert names_of(viewer.get("/source/?q=front").text) == ["shop"]
    assert "No repository fits" in viewer.get("/source/?q=nothing").text


def names_of(page: str) -> list[str]:
    return re.findall(r'class="name(?: break)?" href="[^"]+">([^<]+)</a>', page)


def test_a_repository_that_cannot_be_opened_shows_the_cause_and_its_cure_first(
    shop: Repository, viewer: Client
):
    Repository.objects.update(
        status="EncryptionKeyDisabledException",
        state="failed",
        trouble="The encryption key is disabled.",
        encryption_key="arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
    )
    page = viewer.get(f"/source/repositories/{shop.pk}/").text
    why = page[page.index("Why it cannot be opened") :]
    assert "EncryptionKeyDisabledException: The encryption key is disabled." in why
    assert "aws kms enable-key --key-id 1234abcd" in why
    assert page.index("Why it cannot be opened") < page.index('id="h-commits"')
    # What was read before is still there.
    assert "Change 3" in page


def test_a_repository_shows_where_to_clone_it_its_triggers_and_open_pull_requests(
    shop: Repository, viewer: Client
):
    make_pull(shop, 7, state="done", status="CLOSED", title="Merged long ago")
    page = viewer.get(f"/source/repositories/{shop.pk}/").text
    for address in (shop.clone_url_https, shop.clone_url_ssh, "codecommit::eu-west-1://shop"):
        assert f'data-copy="{address}"' in page
    assert "arn:aws:sns:eu-west-1:111122223333:pushes" in page
    assert "update reference on main" in page
    assert "#12 Proposal 12" in page
    assert "Merged long ago" not in page


def test_a_branch_is_chosen_and_has_its_own_commits(shop: Repository, viewer: Client):
    path = f"/source/repositories/{shop.pk}/"
    assert names_of(commits_in(viewer.get(path).text)) == ["Change 3", "Change 2", "Change 1"]
    other = viewer.get(path, {"branch": "feature/basket"}).text
    assert names_of(commits_in(other)) == ["Change 12", "Change 2", "Change 1"]
    branch = shop.branches.get(name="feature/basket")
    led = viewer.get(f"/source/branches/{branch.pk}/").text
    assert names_of(commits_in(led))[0] == "Change 12"
    assert "No such branch" in viewer.get(path, {"branch": HOSTILE}).text


def commits_in(page: str) -> str:
    return page[page.index('id="h-commits"') : page.index('id="h-pulls"')]


def test_commits_of_a_long_branch_come_in_pages(shop: Repository, viewer: Client):
    for number in range(4, 12):
        make_commit(shop, number)
    for number in range(100, 150):
        make_commit(shop, number, parents=[sha(number - 1 if number > 100 else 11)])
    shop.branches.filter(name="main").update(commit_id=sha(149))
    first = viewer.get(f"/source/repositories/{shop.pk}/").text
    found = names_of(commits_in(first))
    assert (len(found), found[0]) == (50, "Change 149")
    following = re.search(r'href="(\?[^"]*after=[^"]+)"', first)
    assert following is not None
    onward = following[1].replace("&amp;", "&")
    second = viewer.get(f"/source/repositories/{shop.pk}/{onward}").text
    assert names_of(commits_in(second)) == [f"Change {number}" for number in range(11, 0, -1)]


def test_an_empty_repository_says_how_to_begin(viewer: Client):
    repository = make_repository("empty", default_branch="")
    page = viewer.get(f"/source/repositories/{repository.pk}/").text
    assert "git clone codecommit::eu-west-1://empty" in page


def test_empty_lists_say_what_would_be_there_and_which_permission_is_missing(viewer: Client):
    factories.make_scope()
    for path, call in (
        ("/source/", "ListRepositories"),
        ("/source/commits/", "BatchGetCommits"),
        ("/source/pull-requests/", "ListPullRequests"),
    ):
        assert f"codecommit:{call}" in viewer.get(path).text


# --- Commits --------------------------------------------------------------------------------------


def test_a_commit_tells_who_made_it_its_message_and_parents(commit: Commit, viewer: Client):
    Commit.objects.filter(pk=commit.pk).update(
        committer_name="security-reviewer",
        parents=[sha(2), sha(99)],
        comments=[{"id": "1", "author": "arn:aws:iam::1:user/Li", "at": None, "text": "Why so?"}],
    )
    page = viewer.get(f"/source/commits/{commit.pk}/").text
    assert "Because of 3." in page
    assert "platform-engineer@example.com" in page
    assert "security-reviewer" in page
    assert "Change 2" in page
    assert "not read; opening the repository" in page
    assert "Why so?" in page


def test_a_commit_says_what_names_it(commit: Commit, pull: PullRequest, viewer: Client):
    Link.objects.create(
        from_kind="codecommit.pullrequest",
        from_id=pull.pk,
        relation="merged as",
        to_kind="codecommit.commit",
        to_arn=commit.arn,
    )
    panel = f"/linked/codecommit.commit/{commit.pk}/"
    assert panel in viewer.get(f"/source/commits/{commit.pk}/").text
    assert pull.get_absolute_url() in viewer.get(panel).text


def test_commits_of_all_repositories_are_listed_and_narrowed(shop: Repository, viewer: Client):
    other = make_repository("other")
    make_commit(other, 50, message="Elsewhere", author_name="security-reviewer")
    assert names_of(viewer.get("/source/commits/").text)[0] == "Elsewhere"
    assert names_of(viewer.get("/source/commits/?q=security-reviewer").text) == ["Elsewhere"]
    assert names_of(viewer.get(f"/source/commits/?q={sha(12)}").text) == ["Change 12"]
    narrowed = viewer.get("/source/commits/?repository=shop").text
    assert "Elsewhere" not in narrowed
    assert "repository shop" in narrowed


# --- Pull requests --------------------------------------------------------------------------------


def blocked(pull: PullRequest) -> None:
    rules = [
        {
            "name": "Two reviewers",
            "needed": 2,
            "members": ["arn:aws:sts::111122223333:assumed-role/Review/*"],
            "branches": ["main"],
            "satisfied": False,
            "template": "two-for-main",
        },
        {"name": "Security", "needed": 1, "satisfied": True},
    ]
    PullRequest.objects.filter(pk=pull.pk).update(
        approved=False,
        approval_rules=rules,
        approvals=[
            {"user": "arn:aws:sts::1:assumed-role/Review/platform-engineer", "state": "APPROVE"}
        ],
        mergeable=False,
        conflicts=["src/basket.js", "src/total.js"],
    )


def test_a_blocked_pull_request_shows_the_causes_first(pull: PullRequest, viewer: Client):
    blocked(pull)
    page = viewer.get(pull.get_absolute_url()).text
    why = page[page.index("What keeps it from being merged") :]
    assert "Merge conflict with main in src/basket.js, src/total.js" in why
    assert "Approval rule “Two reviewers” is not satisfied: 1 of 2 approvals" in why
    assert page.index("What keeps it from being merged") < page.index('id="h-talk"')
    assert "Not satisfied" in page
    assert "from template two-for-main" in page
    assert "platform-engineer" in page
    listed = viewer.get("/source/pull-requests/").text
    assert "Merge conflict with main in src/basket.js" in listed


def test_one_that_can_be_merged_says_so_and_a_merged_one_as_what(
    pull: PullRequest, commit: Commit, viewer: Client
):
    assert "It can be merged" in viewer.get(pull.get_absolute_url()).text
    PullRequest.objects.update(
        state="done",
        status="CLOSED",
        merged=True,
        merged_by="arn:aws:iam::1:user/security-reviewer",
        merge_commit=commit.commit_id,
        merge_option="SQUASH_MERGE",
        version=999,
    )
    page = viewer.get(pull.get_absolute_url()).text
    assert "Merged by security-reviewer" in page
    assert "Squash merge" in page
    assert commit.get_absolute_url() in page
    assert "It can be merged" not in page


def test_pull_requests_are_narrowed_by_what_became_of_them(shop: Repository, viewer: Client):
    make_pull(shop, 7, state="done", status="CLOSED")
    make_pull(shop, 8, state="stopped", status="CLOSED")
    make_pull(shop, 9, state="unknown", status="PONDERED")
    every = viewer.get("/source/pull-requests/").text
    assert names_of(every) == [f"#{n} Proposal {n}" for n in (12, 9, 8, 7)]
    assert "PONDERED" in every
    for state, number in (("waiting", 12), ("done", 7), ("stopped", 8)):
        page = viewer.get("/source/pull-requests/", {"state": state}).text
        assert names_of(page) == [f"#{number} Proposal {number}"]
    assert names_of(viewer.get("/source/pull-requests/?q=%238").text) == ["#8 Proposal 8"]


# --- Hostile text, search, fragments --------------------------------------------------------------


def test_hostile_text_is_shown_as_text_everywhere(
    commit: Commit, pull: PullRequest, viewer: Client
):
    comment = {"id": HOSTILE, "author": HOSTILE, "at": HOSTILE, "text": HOSTILE, "path": HOSTILE}
    Commit.objects.update(message=HOSTILE, author_name=HOSTILE, comments=[comment])
    PullRequest.objects.update(
        title=HOSTILE,
        description=HOSTILE,
        author=HOSTILE,
        source_branch=HOSTILE,
        destination_branch=HOSTILE,
        comments=[comment],
        mergeable=False,
        conflicts=[HOSTILE],
        approval_rules=[{"name": HOSTILE, "satisfied": False, "members": [HOSTILE]}],
        approvals=[{"user": HOSTILE, "state": HOSTILE}],
        console_url="javascript:alert(1)",
    )
    Repository.objects.update(
        description=HOSTILE,
        triggers=[{"name": HOSTILE, "destination": HOSTILE, "branches": [HOSTILE], "events": []}],
        trouble=HOSTILE,
        state="failed",
    )
    commit.repository.branches.filter(name="feature/basket").update(name=HOSTILE)
    for path in paths(commit, pull):
        page = viewer.get(path).text
        assert "<script>alert(1)" not in page, path
        assert "\x1b" not in page, path
        assert "javascript:" not in page, path
        assert " onmouseover=" not in page.replace("&quot;onmouseover=", ""), path


def test_people_find_them_by_name_id_number_and_words(
    commit: Commit, pull: PullRequest, viewer: Client
):
    for words, found in (
        ("sho", commit.repository.get_absolute_url()),
        (commit.commit_id, commit.get_absolute_url()),
        ("Because of 3", commit.get_absolute_url()),
        ("#12", pull.get_absolute_url()),
        ("Proposal", pull.get_absolute_url()),
    ):
        assert found in viewer.get("/search", {"q": words}).text, words


def test_each_fragment_draws_what_a_page_shows(commit: Commit, pull: PullRequest):
    ids = {"repository": commit.repository_id, "commit": commit.pk, "pullrequest": pull.pk}
    drawn = 0
    for fragment in FRAGMENTS.by_name.values():
        service, _, kind = fragment.of.partition(".")
        if service != "codecommit":
            continue
        pk = ids[kind]
        assert f'id="{fragment.element_id(pk)}"' in fragment.render([pk])[pk]
        assert fragment.render([10**9]) == {}
        drawn += 1
    assert drawn >= 10


def test_pages_hear_of_what_they_show(commit: Commit, pull: PullRequest, viewer: Client):
    page = viewer.get(f"/source/commits/{commit.pk}/").text
    assert f"commit-head:{commit.pk}" in page
    assert f"codecommit-commit:{commit.pk}@0" in page
    page = viewer.get(f"/source/repositories/{commit.repository_id}/").text
    assert f"repository-head:{commit.repository_id}" in page
    assert "touched:codecommit.commit" in page
    page = viewer.get("/source/pull-requests/").text
    assert "list:codecommit.pullrequest" in page


def test_a_repository_that_is_gone_keeps_its_page(shop: Repository, viewer: Client):
    Repository.objects.update(gone_at=factories.LONG_AGO + timedelta(days=1))
    assert names_of(viewer.get("/source/").text) == []
    assert "no longer lists this repository" in viewer.get(shop.get_absolute_url()).text


def test_a_repository_whose_commits_were_not_read_is_not_told_to_have_none(viewer: Client):
    repository = make_repository("shop", default_branch="")
    assert "No commit yet" in viewer.get("/source/").text
    # CodeCommit names a default branch of what has a commit; the branches are read after it.
    for told in ({"default_branch": "main"}, {"default_branch": "", "branch_count": 1}):
        Repository.objects.filter(pk=repository.pk).update(version=F("version") + 1, **told)
        page = viewer.get("/source/").text
        assert "No commit yet" not in page
        assert "Not read yet" in page
    Repository.objects.update(version=F("version") + 1, default_branch="main", branch_count=0)
    page = viewer.get(repository.get_absolute_url()).text
    assert "No commit yet" not in page

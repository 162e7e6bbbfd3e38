"""One shape for every host: rows of two providers lie in one table and are told apart by scope."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from apps.live.fragment import FRAGMENTS
from apps.mirror.listener import listener_for
from apps.mirror.looks import LOOKS
from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER
from apps.source import fragments, load, looked
from apps.source.models import Commit, Repository
from tests import factories

from .making import make_branch, make_commit, make_repository, tell


@pytest.fixture
def gitea(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host declares its kinds with the same models."""
    kinds = dict(REGISTER.by_kind)
    for name in ("repository", "branch", "commit", "pullrequest"):
        ours = REGISTER.get(f"codecommit.{name}")
        above = ours.parent and (f"gitea.{ours.parent[0].partition('.')[2]}", ours.parent[1])
        kinds[f"gitea.{name}"] = replace(
            ours,
            kind=f"gitea.{name}",
            provider="gitea",
            parent=above,
            asked_by=above and above[0],
            listed="",
            explain=lambda row: f"Gitea says {row.key}",
        )
    monkeypatch.setattr(REGISTER, "by_kind", kinds)


@pytest.fixture
def elsewhere(gitea: None, db: None) -> Repository:
    scope = Scope.objects.create(provider="gitea", place="example-shop", account="example-shop")
    repository = make_repository("example-shop/web", scope, state="failed", status="archived")
    make_commit(repository, 1)
    make_branch(repository, "main", 1)
    return tell(repository)


def test_a_rows_kind_is_told_by_its_scopes_provider(elsewhere: Repository, shop: Repository):
    assert REGISTER.kind_of(elsewhere) == "gitea.repository"
    assert REGISTER.kind_of(shop) == "codecommit.repository"
    assert REGISTER.kinds_in(Commit) == ["codecommit.commit", "github.commit", "gitea.commit"]


def test_the_same_pages_show_the_rows_of_both(
    elsewhere: Repository, shop: Repository, viewer: Client
):
    page = viewer.get("/source/").text
    assert "example-shop/web" in page
    assert "/source/repositories/" in page
    assert "Gitea says example-shop/web" in viewer.get(elsewhere.get_absolute_url()).text
    commit = elsewhere.commits.get()
    # It has declared no look, so there is no section of changes.
    assert looked.look_at(commit) is None
    assert 'id="h-changes"' not in viewer.get(commit.get_absolute_url()).text
    assert 'id="h-changes"' in viewer.get(shop.commits.first().get_absolute_url()).text


def test_a_look_of_the_other_host_is_found_by_its_name(
    elsewhere: Repository, monkeypatch: pytest.MonkeyPatch
):
    ours = LOOKS.by_name["codecommit-commit"]
    theirs = replace(ours, name="gitea-commit", provider="gitea")
    monkeypatch.setitem(LOOKS.by_name, "gitea-commit", theirs)
    assert looked.look_at(elsewhere.commits.get()) is theirs


def test_pictures_and_lists_hear_of_every_kind(
    elsewhere: Repository, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FRAGMENTS, "by_name", {})
    made: Any = fragments._of_repository(
        "repository-row", "repositories.html#row", load.repository_row
    )
    assert made.of == "codecommit.repository"
    assert list(made.also) == ["github.repository", "gitea.repository"]
    assert FRAGMENTS.of("gitea.repository") == [made]
    assert "example-shop/web" in made.render([elsewhere.pk])[elsewhere.pk]
    listener = listener_for(None, ["list:gitea.repository"], lambda _message: None)
    assert listener.lists == {"gitea.repository"}


def test_the_heads_of_one_host_say_nothing_of_the_others_commits(
    elsewhere: Repository, shop: Repository
):
    assert elsewhere.latest_commit != shop.latest_commit
    assert load.of_branch(elsewhere, f"{1:040x}") == [elsewhere.commits.get().pk]
    assert factories.make_scope().provider == "aws"

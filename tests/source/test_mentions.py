"""Issues named in texts: none that is not, none that is lost."""

import string
from importlib import import_module

import pytest
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st

from apps.issues.meant import meant_of
from apps.mirror.models import Link
from apps.source.mentions import CLOSES, GITHUB, JIRA, MENTIONS, mentioned
from tests.source import making

KNOWN = ("SHOP", "DATA", "A2", "OPS_EU")


def keys(*texts: str) -> list[str]:
    return [link.to for link in mentioned(*texts) if link.to_kind == JIRA]


def numbers(text: str, repository: str = "example/shop") -> list[tuple[str, str]]:
    told = mentioned(text, repository=repository)
    return [(link.relation, link.to) for link in told if link.to_kind == GITHUB]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SHOP-12 Round once", ["SHOP-12"]),
        ("Round once (SHOP-12, DATA-3)", ["SHOP-12", "DATA-3"]),
        ("feature/SHOP-12-round-once", ["SHOP-12"]),
        ("feature_SHOP-12_round", ["SHOP-12"]),
        ("bugfix-SHOP-12", ["SHOP-12"]),
        # Which of these is meant is known by the trackers that there are: `apps.issues.meant`.
        ("OPS_EU-7: move", ["OPS_EU-7", "EU-7"]),
        ("JD_SHOP-12_round", ["JD_SHOP-12", "SHOP-12"]),
        ("A_B_SHOP-12", ["A_B_SHOP-12", "B_SHOP-12", "SHOP-12"]),
        ("A2-1", ["A2-1"]),
        ("SHOP-12SHOP-13", []),
        ("SHOP-12 and again SHOP-12", ["SHOP-12"]),
        ("[SHOP-12]SHOP-13", ["SHOP-12", "SHOP-13"]),
        ("https://jira.example.com/browse/SHOP-12?x=1", ["SHOP-12"]),
        ("shop-12 is no key, nor S-1, SHOP-0, SHOP-012 or SHOP12", []),
        ("SHOP-12th", []),
        ("xSHOP-12", []),
        ("", []),
    ],
)
def test_keys_stand_where_people_write_them(text: str, expected: list[str]):
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fixes #7", [(CLOSES, "example/shop#7")]),
        ("fixed: #7, closes GH-8 and resolves Other/Repo#9", [
            (CLOSES, "example/shop#7"), (CLOSES, "example/shop#8"), (CLOSES, "other/repo#9"),
        ]),
        ("See #7", [(MENTIONS, "example/shop#7")]),
        ("#7, then: resolve #7", [(CLOSES, "example/shop#7")]),
        ("Close https://github.com/other/repo/issues/3", [(CLOSES, "other/repo#3")]),
        ("prefixes #7", [(MENTIONS, "example/shop#7")]),
        ("Merge pull request #12 from x/y", [(MENTIONS, "example/shop#12")]),
        ("page#7, &#39; #0 #07 #7th color #123abc", []),
    ],
)  # fmt: skip
def test_numbers_are_those_of_the_repository(text: str, expected: list[tuple[str, str]]):
    assert numbers(text) == expected


def test_a_number_alone_names_nothing_where_no_repository_of_githubs_is():
    assert numbers("Fixes #7, mentions other/repo#9", "") == [(MENTIONS, "other/repo#9")]


def test_a_very_long_text_is_read_in_part_and_links_have_an_end():
    assert keys("x" * 100_000 + " SHOP-1") == []
    assert len(mentioned(" ".join(f"SHOP-{n}" for n in range(1, 1000)))) == 100


def test_a_text_that_is_cut_makes_no_other_key():
    text = "x" * (65_536 - len(" SHOP-12")) + " SHOP-123"
    assert keys(text) == []
    assert keys(text.replace("xx", "x", 1)) == ["SHOP-123"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("ghe.example.com", []), ("github.com", [(MENTIONS, "other/repo#3")])],
)
def test_an_address_elsewhere_names_no_issue_here(host: str, expected: list[tuple[str, str]]):
    text = "See https://GitHub.com/other/repo/issues/3"
    told = mentioned(text, repository="example/shop", host=host)
    assert [(link.relation, link.to) for link in told] == expected


KEYS = st.builds(
    lambda prefix, number: f"{prefix}-{number}",
    st.sampled_from(KNOWN),
    st.integers(min_value=1, max_value=99_999),
)
# Words in which no known key can arise: nothing in them ends in a capital letter, a digit or "_".
WORDS = st.one_of(
    st.text(alphabet=string.ascii_lowercase + " .,:;/()[]!?'\"\n", max_size=12),
    st.sampled_from(["SHA-256 ", "UTF-8 ", "ISO-8601 ", "TLS-1 ", "shop-12 ", "SHOP- ", "-5 "]),
    # Somebody's initials before a key.
    st.sampled_from(["JD_", "A_B_", "XY2_"]),
)
BETWEEN = st.sampled_from([" ", "/", ": ", "(", ")", ", ", "\n", "_", "#", "."])
AFTER = st.sampled_from([" ", "/", ": ", "(", ")", ", ", "\n", "#", ".", "_fix "])


@given(st.lists(st.tuples(WORDS, BETWEEN, KEYS, AFTER), max_size=8))
def test_no_key_is_lost_and_none_is_made_up(parts: list[tuple[str, str, str, str]]):
    text = "".join(f"{word}{before}{key}{after}" for word, before, key, after in parts)
    told = set(meant_of([key for key in keys(text) if key.rpartition("-")[0] in KNOWN], KNOWN))
    assert told == {key for _, _, key, _ in parts}


@given(st.text(max_size=200))
def test_any_text_is_read(text: str):
    for link in mentioned(text, repository="example/shop"):
        assert link.to.lower() in text.lower() or link.to_kind == GITHUB


@pytest.mark.django_db
def test_what_was_read_before_is_linked_once_for_all():
    repository = making.make_repository()
    commit = making.make_commit(repository, 1, message="SHOP-12 Round once\n\nand DATA-3")
    making.make_commit(repository, 2, message="Nothing to see")
    pull = making.make_pull(repository, 7, title="Round", source_branch="SHOP-12_round")
    migration = import_module("apps.source.migrations.0002_issues_that_are_named")
    migration.link(apps, None)
    told = Link.objects.order_by("pk").values_list("from_kind", "from_id", "relation", "to_arn")
    assert list(told) == [
        ("codecommit.commit", commit.pk, MENTIONS, "SHOP-12"),
        ("codecommit.commit", commit.pk, MENTIONS, "DATA-3"),
        ("codecommit.pullrequest", pull.pk, MENTIONS, "SHOP-12"),
    ]

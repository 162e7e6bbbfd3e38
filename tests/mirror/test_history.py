"""A history is read back to its end once; only then are its newest pages enough."""

from dataclasses import replace

import pytest
from django.db import connection

from apps.codepipeline.models import Execution
from apps.mirror import reading
from apps.mirror.ask import Continued, Covered, Ended
from apps.mirror.due import take
from apps.mirror.models import ReadToEnd, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.mirror.toy import BrokenError, Run

pytestmark = [pytest.mark.sql, pytest.mark.django_db]


class Archive:
    """Runs of one box in pages of two, newest first, read as collectors read histories."""

    def __init__(self, runs):
        self.runs = runs
        self.pages = 0
        # Reading breaks off before this page.
        self.breaks_at = None

    def collect(self, _reach, ask):
        newest = sorted(self.runs, reverse=True)
        for parent in ask.parents:
            for start in range(0, len(newest), 2):
                if self.breaks_at == start // 2:
                    return
                self.pages += 1
                keys = set(newest[start : start + 2])
                yield from (Run(key=key, parent=parent.key, state="done") for key in sorted(keys))
                if start + 2 >= len(newest):
                    yield Ended(parent.key)
                elif parent.key not in ask.unended and keys <= ask.finished(keys):
                    break
                else:
                    yield Continued(parent.key)
            yield Covered(parent.key)


@pytest.fixture
def archive(scope, world, monkeypatch):
    world.box("a")
    archive = Archive([f"r{number:02}" for number in range(10)])
    kind = replace(REGISTER.get("toy.run"), collect=archive.collect)
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", kind)
    monkeypatch.setattr(reading, "GULP", 1)
    ensure_sweeps(scope)
    read("toy.box")
    return archive


def read(kind="toy.run"):
    row = Sweep.objects.get(kind=kind)
    assert take(row)
    return run(row, whole=True)


def keys():
    return sorted(Execution.objects.values_list("key", flat=True))


def test_it_is_read_to_its_end_once_and_then_only_as_far_as_is_new(archive):
    read()
    assert archive.pages == 5
    assert ReadToEnd.objects.get().parent_key == "a"
    archive.pages = 0
    read()
    assert archive.pages == 1
    archive.runs += ["r10", "r11", "r12"]
    archive.pages = 0
    read()
    assert archive.pages == 3
    assert keys() == sorted(archive.runs)


def test_a_first_reading_that_broke_off_is_begun_again_to_the_end(archive):
    archive.breaks_at = 3
    read()
    assert not ReadToEnd.objects.exists()
    archive.breaks_at, archive.pages = None, 0
    read()
    assert archive.pages == 5
    assert keys() == sorted(archive.runs)


def test_a_later_reading_that_broke_off_leaves_no_hole(archive, monkeypatch):
    """A week's new runs; the process ends after it has written the newest of them."""
    read()
    archive.runs += [f"r{number}" for number in range(10, 20)]

    def collect_of_two(reach, ask):
        # Another box ends in between, so that what is held is written.
        others = archive.collect(reach, ask)
        for _ in range(6):
            yield next(others)
        yield Covered("b")
        raise BrokenError

    kind = REGISTER.by_kind["toy.run"]
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", replace(kind, collect=collect_of_two))
    read()
    assert "r19" in keys()
    assert "r10" not in keys()
    assert not ReadToEnd.objects.exists()
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", kind)
    read()
    assert keys() == sorted(archive.runs)
    assert ReadToEnd.objects.exists()


def test_a_reading_without_news_writes_nothing(archive):
    read()
    writes = []

    def look(execute, sql, params, many, context):
        if "readtoend" in sql.lower() and not sql.lstrip().upper().startswith("SELECT"):
            writes.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        read()
    assert writes == []


def test_up_to_where_a_list_was_read_moves_with_whole_lists_alone(archive, monkeypatch):
    asked, upto = [], ["first", "second", "third"]

    def collect(_reach, ask):
        asked.append(dict(ask.upto))
        mark = upto.pop(0)
        yield Run(key=f"run of {mark}", parent="a", state="done")
        yield Ended("a", mark)
        if mark != "second":
            yield Covered("a")

    kind = replace(REGISTER.by_kind["toy.run"], collect=collect)
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", kind)
    for _ in range(3):
        read()
    assert asked == [{}, {"a": "first"}, {"a": "first"}]
    assert ReadToEnd.objects.get().upto == "third"


def test_a_long_history_is_written_while_it_is_read(archive, monkeypatch):
    """Not one parent has come to its end yet."""
    written = []

    def collect(_reach, _ask):
        for number in range(3):
            yield Run(key=f"r{number}", parent="a", state="done")
            yield Continued("a")
            written.append(len(keys()))

    kind = replace(REGISTER.by_kind["toy.run"], collect=collect)
    monkeypatch.setitem(REGISTER.by_kind, "toy.run", kind)
    read()
    assert written == [1, 2, 3]
    assert not ReadToEnd.objects.exists()

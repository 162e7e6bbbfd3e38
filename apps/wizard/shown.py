"""What the wizard's pages show of a bootstrap: its files, its cost, how far it is, what it left."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .blueprints.answers import BadAnswersError
from .blueprints.cost import estimate
from .blueprints.rendering import Rendered
from .courses import COURSES, UNDO
from .edits import UNCHECKED, UNCOMPARED, WHY
from .models import STACK, Bootstrap, Creation
from .pushing import COMMIT
from .removing import REPOSITORY

# Of a file so much is shown; the repository holds all of it.
LONGEST_FILE = 60_000
STEPS = ("source", "place", "network", "team")
ORDER = {False: 0, None: 1, True: 2}
LABELS = {"source": "Source", "place": "Names and place", "network": "Network", "team": "Team"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the repository: its path, its size in bytes and its text."""

    path: str
    size: int
    text: str


def files_of(rendered: Rendered) -> list[File]:
    """Return the files that the repository will hold, by path."""
    return [
        File(path, len(body), body.decode("utf-8", "replace")[:LONGEST_FILE])
        for path, body in rendered.files.items()
    ]


@dataclass(frozen=True, slots=True)
class At:
    """A step of a course: `state` is "done", "now", "failed" or "" for what comes."""

    label: str
    state: str


def steps_of(bootstrap: Bootstrap) -> list[At]:
    """Return the steps of the course that is, or was last, under way."""
    steps = COURSES.get(bootstrap.course, ())
    names = [step.name for step in steps]
    here = names.index(bootstrap.step) if bootstrap.step in names else len(names)
    told = []
    taken = bootstrap.preview.get("taken", ())
    for place, step in enumerate(steps):
        passed = place < here and step.name not in taken
        if passed or (place > here and not _comes(step, bootstrap)):
            continue
        state = "done" if place < here else ""
        if place == here:
            state = "failed" if bootstrap.state == Bootstrap.State.FAILED else "now"
        told.append(At(_label(step, bootstrap), state))
    return told


def counts_of(bootstrap: Bootstrap) -> dict[str, int]:
    """Return how many of the stack's resources are `done` with, what failed among them, of `every`.

    What was made has come to its end already when it is undone, and is only to go.
    """
    undoes = bootstrap.course == UNDO
    ends = ("DELETE_COMPLETE", "DELETE_SKIPPED") if undoes else ("_COMPLETE", "_FAILED", "_SKIPPED")
    planned = 0 if undoes else len(bootstrap.preview.get("changes", ()))
    return {
        "done": sum(1 for one in bootstrap.progress if one["status"].endswith(ends)),
        "every": max(planned, len(bootstrap.progress)),
    }


def _label(step: Any, bootstrap: Bootstrap) -> str:
    cleared = int(bootstrap.preview.get("cleared", 0))
    if step.name == "empty" and cleared:
        return f"{step.label}: {cleared:,} objects deleted"
    return str(step.label)


def _comes(step: Any, bootstrap: Bootstrap) -> bool:
    try:
        return bool(step.needed(bootstrap))
    except (BadAnswersError, KeyError):
        return True


def preview_of(bootstrap: Bootstrap) -> dict[str, Any]:
    """Return everything that is to be seen before anything is made; {} where it cannot be yet."""
    try:
        rendered = bootstrap.rendered
    except BadAnswersError as error:
        return {"refusals": error.refusals}
    cost = estimate(bootstrap.template, bootstrap.chosen)
    # What is in the way comes first; then what nobody could find out.
    checks = sorted(bootstrap.preview.get("checks", ()), key=lambda one: ORDER[one["ok"]])
    return {
        "files": files_of(rendered),
        "toolchain": rendered.toolchain,
        "cost": cost,
        "checks": checks,
        "blocked": bootstrap.blocked,
        "changes": bootstrap.preview.get("changes", ()),
        "stack": rendered.stack_name,
        "app_stack": rendered.app_stack_name,
    }


@dataclass(frozen=True, slots=True)
class Going:
    """One thing that an undo takes: `compared` says whether AWS held it against its template."""

    ident: str
    kind: str
    compared: bool


def undone_of(bootstrap: Bootstrap) -> dict[str, Any]:
    """Return what an undo takes and what it leaves, by what was found when it was looked at."""
    preview = bootstrap.preview
    lost = preview.get(UNCOMPARED, ())
    blind = {(one[0], one[2]) for one in (*preview.get(UNCHECKED, ()), *lost)}
    stays = {one[0] for one in bootstrap.edited}
    app_stays = {one[0] for one in bootstrap.edited_app}
    app = bootstrap.app_stack
    here = bootstrap.creations.exclude(fate=Creation.Fate.REMOVED)
    made = here.exclude(kind__in=(REPOSITORY, COMMIT))
    goes = [
        Going(one.ident, one.kind, (one.ident, bootstrap.name) not in blind)
        for one in made
        if one.kind != STACK and one.ident not in stays
    ]
    app_goes = [
        Going(ident, kind, (ident, app) not in blind)
        for ident, kind in preview.get("app", ())
        if ident not in app_stays
    ]
    return {
        "goes": goes,
        "stacks": [one.ident for one in made if one.kind == STACK],
        "app": app_goes,
        "blind": [one.ident for one in (*goes, *app_goes) if not one.compared],
        "app_stack": app,
        "stays": [
            *((one[0], bootstrap.name, one[1], one[2]) for one in bootstrap.edited),
            *((one[0], app, one[1], one[2]) for one in bootstrap.edited_app),
        ],
        "commits": here.filter(kind=COMMIT).exclude(name=""),
        "lost": [(one[0], one[1], one[2]) for one in lost],
        "why_lost": preview.get(WHY, ""),
    }


def left_by(bootstrap: Bootstrap) -> Iterator[Creation]:
    """Yield what an undo left, and what goes only later."""
    for one in bootstrap.creations.all():
        if one.fate == Creation.Fate.LEFT or one.why:
            yield one

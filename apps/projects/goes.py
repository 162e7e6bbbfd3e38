"""What rooms above keep of a project: each says here what goes with it, and what stays outside."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .models import Project

# project -> sentences.
GOES: list[Callable[[Project], Iterable[str]]] = []


@dataclass(frozen=True, slots=True)
class Stay:
    """Something outside that a deletion of the project leaves as it is.

    told    what it is: "3 builds projects in 111122223333 · eu-west-1".
    bills   it goes on costing something, used or not.
    url     where it can be taken away, "" where that is not here; `label` says so.
    """

    told: str
    bills: bool = False
    url: str = ""
    label: str = ""


STAYS: list[Callable[[Project], Iterable[Stay]]] = []


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a project cannot be deleted now, and where that is cured; `label` says so."""

    told: str
    url: str
    label: str


HINDERS: list[Callable[[Project], Iterable[Hindrance]]] = []


def hindered(project: Project) -> list[Hindrance]:
    """Return all that keeps a project from being deleted."""
    return [one for told in HINDERS for one in told(project)]

"""What rooms above keep of a project: each says here what goes with it when it is deleted."""

from collections.abc import Callable, Iterable

from .models import Project

# project -> sentences.
GOES: list[Callable[[Project], Iterable[str]]] = []

"""The register of panels: what one app shows of another's rows, on pages that know nothing of it.

Services are blind to each other, so a page says `{% panels "codebuild.build" build.pk %}`,
and every panel that has something to say of such rows is fetched by its address, after the page.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from .linked import lineage_of
from .resource import REGISTER, Resource


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One panel.

    name   unique; part of the element's id.
    label  what it is called while it is fetched, and where scripts are off.
    shows  kind -> whether it has anything to say of such rows.
    url    (kind, row id) -> the path that answers it: a section with the id `panel_id`, or the
           empty text where there is nothing to show; a whole page where htmx does not ask.
    """

    name: str
    label: str
    shows: Callable[[str], bool]
    url: Callable[[str, int], str]


def panel_id(name: str, kind: str, row_id: int) -> str:
    """The id of a panel's element."""
    return f"panel-{name}-{kind.replace('.', '-')}-{row_id}"


def row_for(user: Any, kind: str, row_id: int) -> tuple[Resource, Any]:
    """Return the resource of a kind and its row, with what that belongs to.

    Raises Http404 where there is no such kind, or no such row that the user may know of.
    """
    resource = REGISTER.by_kind.get(kind)
    if resource is None:
        raise Http404("There is no such kind.")
    rows: Any = resource.model._default_manager
    rows = rows.visible_to(user).select_related("scope", *lineage_of(resource))
    # Providers share shapes: an issue of Jira's is none of GitHub's, though it lies in one table.
    return resource, get_object_or_404(rows, pk=row_id, scope__provider=resource.provider)


@dataclass(slots=True)
class Panels:
    """The register of panels, in the order in which pages show them."""

    by_name: dict[str, Panel] = field(default_factory=dict)

    def add(self, panel: Panel) -> Panel:
        """Add one."""
        if panel.name in self.by_name:
            raise ValueError(f"panel {panel.name} is declared twice")
        self.by_name[panel.name] = panel
        return panel

    def of(self, kind: str) -> list[Panel]:
        """Panels that have something to say of rows of this kind."""
        return [panel for panel in self.by_name.values() if panel.shows(kind)]


PANELS = Panels()

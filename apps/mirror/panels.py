"""The register of panels: what one app shows of another's rows, on pages that know nothing of it.

Services are blind to each other, so a page says `{% panels "codebuild.build" build.pk %}`,
and every panel that has something to say of such rows is fetched by its address, after the page.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


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

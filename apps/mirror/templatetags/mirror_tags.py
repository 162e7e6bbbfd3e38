"""What pages of mirrored rows say in their templates."""

from typing import Any

from django import template

from apps.mirror.panels import PANELS, panel_id

register = template.Library()


@register.inclusion_tag("mirror/panels.html")
def panels(kind: str, row_id: int, first: str = "", rest: str = "") -> dict[str, Any]:
    """Where other apps show what they know of a row; panels are fetched when the page is there.

    first  the name of a panel that stands here by itself: it is what the page is looked at for.
    rest   the name of one that stood elsewhere already.
    """
    return {
        "panels": [
            {
                "id": panel_id(panel.name, kind, row_id),
                "label": panel.label,
                "url": panel.url(kind, row_id),
            }
            for panel in PANELS.of(kind)
            if (panel.name == first if first else panel.name != rest)
        ]
    }

"""What pages of mirrored rows say in their templates."""

from typing import Any

from django import template

from apps.mirror.panels import PANELS, panel_id

register = template.Library()


@register.inclusion_tag("mirror/panels.html")
def panels(kind: str, row_id: int) -> dict[str, Any]:
    """Where other apps show what they know of a row; panels are fetched when the page is there."""
    return {
        "panels": [
            {
                "id": panel_id(panel.name, kind, row_id),
                "label": panel.label,
                "url": panel.url(kind, row_id),
            }
            for panel in PANELS.of(kind)
        ]
    }

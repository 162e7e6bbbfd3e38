"""Tells webhooks what happened to an issue, in Jira's form and with its signature.

https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from apps.sandbox.jira.model import Jira
from apps.sandbox.jira.shown import Shows
from apps.sandbox.posting import signature

if TYPE_CHECKING:
    from apps.sandbox.jira.model import Comment, Issue
    from apps.sandbox.world import World

#: One item of a change log: field, from, to, as people read them.
Item = tuple[str, str | None, str | None]


def _tell(world: World, event: str, members: dict[str, Any]) -> None:
    store = world.of(Jira)
    if world.poster is None:
        return
    stamp = {"timestamp": int(world.now() * 1000), "webhookEvent": event}
    body = json.dumps({**stamp, **members}).encode()
    for hook in store.listeners.values():
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Flow": "Primary",
            "X-Atlassian-Webhook-Identifier": str(uuid.uuid4()),
        }
        if hook.secret:
            headers["X-Hub-Signature"] = signature(hook.secret, body)
        world.poster.post(hook.url, headers, body)


def _shows(world: World) -> Shows:
    # Webhooks name everything as version 2 does.
    return Shows(world.of(Jira), world.address, cloud=True, version="2")


def issue(world: World, one: Issue, event: str, who: str, items: list[Item] | None = None) -> None:
    """``jira:issue_created``, ``jira:issue_updated`` or ``jira:issue_deleted``."""
    if world.poster is None or not world.of(Jira).listeners:
        return
    shows = _shows(world)
    names = {"created": "issue_created", "updated": "issue_generic", "deleted": "issue_deleted"}
    members: dict[str, Any] = {
        "issue_event_type_name": names[event],
        "user": shows.person(who),
        "issue": shows.issue(one),
    }
    if items:
        members["changelog"] = {
            "id": str(world.of(Jira).next_id()),
            "items": [
                {
                    "field": field,
                    "fieldtype": "jira",
                    "fieldId": field,
                    "from": None,
                    "fromString": before,
                    "to": None,
                    "toString": after,
                }
                for field, before, after in items
            ],
        }
    _tell(world, f"jira:issue_{event}", members)


def commented(world: World, one: Issue, comment: Comment) -> None:
    """``comment_created``."""
    if world.poster is None or not world.of(Jira).listeners:
        return
    shows = _shows(world)
    _tell(
        world,
        "comment_created",
        {"comment": shows.comment(one, comment), "issue": shows.issue(one)},
    )

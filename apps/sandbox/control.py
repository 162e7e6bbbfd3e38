"""The control path ``/_sandbox``, for loopback only: status, counted calls, and faults.

GET    /_sandbox/             virtual time, speed, counts of what exists
GET    /_sandbox/calls        {"total": n, "calls": [{account, region, service, operation, count}]}
DELETE /_sandbox/calls        start counting anew
GET    /_sandbox/faults       {"faults": [...], "kinds": {...}}
POST   /_sandbox/faults       a fault as JSON (see faults.Fault) → 201 and the fault with its id
DELETE /_sandbox/faults[/id]  switch one or all off

What concerns repositories, trackers and webhooks is in ``outside``.
"""

from __future__ import annotations

import ipaddress
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.sandbox.faults import KINDS, Faults
from apps.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.world import Place, World

#: Services add what they hold: name → count in a place.
COUNTERS: dict[str, Callable[[Place], int]] = {}
#: Further parts of the control path: each answers a status and a JSON value, None what is not its.
MORE: list[Callable[[World, Request, list[str]], tuple[int, Any] | None]] = []


class Control:
    """Answers the control path."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults
        self.began = time.time()

    def __call__(self, request: Request) -> Reply:
        """One control request; anything from beyond loopback is refused."""
        if not ipaddress.ip_address(request.client.split("%")[0]).is_loopback:
            return _json(403, {"error": "the control path is for loopback only"})
        parts = [part for part in request.path.split("/")[2:] if part]
        match request.method, parts:
            case "GET", []:
                return _json(200, self.status())
            case "GET", ["calls"]:
                return _json(200, self.calls())
            case "DELETE", ["calls"]:
                self.world.calls.clear()
                return _json(200, {"total": 0, "calls": []})
            case "GET", ["faults"]:
                return _json(
                    200,
                    {"faults": [fault.shown() for fault in self.faults.active()], "kinds": KINDS},
                )
            case "POST", ["faults"]:
                return self._add(request.body)
            case "DELETE", ["faults"]:
                return _json(200, {"cleared": self.faults.clear()})
            case "DELETE", ["faults", fault_id]:
                gone = self.faults.clear(fault_id)
                return _json(200 if gone else 404, {"cleared": gone})
        return self._further(request, parts)

    def _further(self, request: Request, parts: list[str]) -> Reply:
        for more in MORE:
            found = more(self.world, request, parts)
            if found is not None:
                return _json(*found)
        return _json(404, {"error": f"no {request.method} {request.path}"})

    def status(self) -> dict[str, Any]:
        """What GET /_sandbox/ shows."""
        scheduler = self.world.scheduler
        with self.world.lock:
            places = [
                {
                    "account": place.account,
                    "region": place.region,
                    **{name: count(place) for name, count in COUNTERS.items()},
                }
                for place in self.world.places()
            ]
        return {
            "now": datetime.fromtimestamp(self.world.now(), UTC).isoformat(),
            "speed": scheduler.speed,
            "seed": self.world.seed,
            "up_for_seconds": round(time.time() - self.began, 1),
            "timers": scheduler.pending(),
            "deeds_done": scheduler.deeds_done,
            "calls": self.world.calls.total(),
            "pid": os.getpid(),
            "places": [place for place in places if any(place.get(name) for name in COUNTERS)],
        }

    def calls(self) -> dict[str, Any]:
        """What GET /_sandbox/calls shows."""
        names = ("account", "region", "service", "operation")
        counted = sorted(self.world.calls.copy().items())
        return {
            "total": sum(count for _, count in counted),
            "calls": [dict(zip(names, key, strict=True), count=count) for key, count in counted],
        }

    def _add(self, body: bytes) -> Reply:
        try:
            members = json.loads(body)
            if not isinstance(members, dict):
                raise ValueError("a fault is a JSON object")
            fault = self.faults.add_from(members)
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})
        return _json(201, fault.shown())


def _json(status: int, value: Any) -> Reply:
    return Reply(
        status, [("Content-Type", "application/json")], json.dumps(value, indent=1).encode() + b"\n"
    )

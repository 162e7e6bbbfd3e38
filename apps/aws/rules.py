"""Says which events the dashboard hears, as the rules that send them: from the declarations."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.mirror.resource import REGISTER, Heard

from .events import API_CALL

# Characters of one pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
LONGEST_PATTERN = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRule:
    """One EventBridge rule. `name` is what it adds to the queue's: "codepipeline-calls"."""

    name: str
    source: str
    pattern: Mapping[str, Any]

    @property
    def of_calls(self) -> bool:
        """Whether it sends API calls, which come by way of CloudTrail."""
        return bool(self.pattern["detail-type"] == [API_CALL])


def event_rules() -> list[EventRule]:
    """Return the rules for everything that is declared, each source's own; none sends more.

    Their names do not depend on other services: one that is added changes no rule of another.
    """
    rules: list[EventRule] = []
    for source, heard in sorted(_by_source().items()):
        slug = re.sub(r"[^a-z0-9]+", "-", source.lower().removeprefix("aws.")).strip("-")
        patterns = {slug: _plain(source, heard), f"{slug}-calls": _narrowed(source, heard)}
        for name, found in patterns.items():
            rules += [
                EventRule(
                    name=name if number == 1 else f"{name}-{number}",
                    source=source,
                    pattern=pattern,
                )
                for number, pattern in enumerate(found, 1)
            ]
    return rules


def declared_types() -> dict[str, list[str]]:
    """Return {source: detail-types} of everything that is heard, API calls last."""
    return {
        source: sorted(
            {one.detail_type for one in heard}, key=lambda told: (told == API_CALL, told)
        )
        for source, heard in sorted(_by_source().items())
    }


def size_of(pattern: Mapping[str, Any]) -> int:
    """Return how many characters a pattern has, however it is written down."""
    return len(json.dumps(pattern))


def _by_source() -> dict[str, list[Heard]]:
    found: dict[str, list[Heard]] = {}
    for resource in REGISTER.of("aws"):
        for heard in resource.events:
            found.setdefault(heard.source, []).append(heard)
    return found


def _plain(source: str, heard: list[Heard]) -> Iterator[dict[str, Any]]:
    """Patterns of the types that are heard whole."""
    types = sorted({one.detail_type for one in heard if not one.where})
    for some in _fitting({"source": [source], "detail-type": []}, "detail-type", types):
        yield {"source": [source], "detail-type": some}


def _narrowed(source: str, heard: list[Heard]) -> Iterator[dict[str, Any]]:
    """Patterns of the types of which only some are heard, those narrowed alike together."""
    whole = {one.detail_type for one in heard if not one.where}
    alike: dict[tuple[str, str, str], set[str]] = {}
    for one in heard:
        if not one.where or one.detail_type in whole:
            continue
        *others, last = sorted(one.where)
        fixed = json.dumps({name: sorted(one.where[name]) for name in others})
        alike.setdefault((one.detail_type, fixed, last), set()).update(one.where[last])
    for (detail_type, fixed, member), values in sorted(alike.items()):
        detail = json.loads(fixed)
        frame = {
            "source": [source],
            "detail-type": [detail_type],
            "detail": {**detail, member: []},
        }
        for some in _fitting(frame, member, sorted(values)):
            yield {**frame, "detail": {**detail, member: some}}


def _fitting(frame: Mapping[str, Any], what: str, values: list[str]) -> Iterator[list[str]]:
    """Cut values into as few lists as keep their patterns short enough, `frame` being the rest."""
    some: list[str] = []
    used = size_of(frame)
    for value in values:
        more = len(json.dumps(value)) + 2
        if used + more > LONGEST_PATTERN:
            if not some:
                raise ValueError(f"{what} {value[:80]} is too long for a pattern")
            yield some
            some, used = [], size_of(frame)
        some.append(value)
        used += more
    if some:
        yield some

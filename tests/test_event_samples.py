"""Every event that a kind hears is understood: one sample of each lies beside the service's tests.

A sample is one EventBridge envelope in the shape that AWS documents, in a file
`tests/<app label>/events/<any name>.json`. A kind that hears a detail-type needs a sample of it,
and one that hears API calls a sample of each operation it names.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from apps.aws.events import event_in, event_of
from apps.aws.rules import event_rules
from apps.mirror.ingest import names_in
from apps.mirror.resource import REGISTER, Heard
from tests.aws.matching import matches

ROOT = Path(__file__).parent
HEARING = {resource.kind: resource for resource in REGISTER.of("aws") if resource.events}
SAMPLES = sorted(ROOT.glob("*/events/*.json"))


def wanted() -> list[tuple[str, Heard, dict[str, str]]]:
    """Every kind and event it hears, once for each value by which it narrows the event down."""
    return [
        (kind, heard, dict(zip(heard.where, values, strict=True)))
        for kind, resource in HEARING.items()
        for heard in resource.events
        for values in product(*heard.where.values())
    ]


def told(kind: str, heard: Heard, narrowed: dict[str, str]) -> str:
    return "-".join([kind, heard.detail_type, *narrowed.values()]).replace(" ", "_")


def samples_of(label: str) -> dict[str, dict[str, Any]]:
    return {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / label / "events").glob("*.json"))
    }


@pytest.mark.parametrize(
    ("kind", "heard", "narrowed"), wanted(), ids=[told(*item) for item in wanted()]
)
def test_each_event_that_a_kind_hears_has_a_sample_and_names_something(kind, heard, narrowed):
    label = HEARING[kind].app_label
    fitting = [
        sample
        for sample in samples_of(label).values()
        if heard.hears(sample["source"], sample["detail-type"], sample["detail"])
        and all(sample["detail"].get(name) == value for name, value in narrowed.items())
    ]
    assert fitting, (
        f"{kind} hears {heard.detail_type} {narrowed or ''} of {heard.source}: put one such event, "
        f"as AWS documents it, into tests/{label}/events/<name>.json"
    )
    for sample in fitting:
        named = list(heard.names(event_of(sample).detail))
        assert named, f"{kind} finds nothing to re-read in {sample}"
        for names in named:
            resource = REGISTER.get(names.kind)
            assert names.key or names.parent
            assert not names.key or resource.keyed, f"{names.kind} cannot be re-read by key"
            assert not names.parent or resource.asked_by, f"{names.kind} is not asked by parent"


@pytest.mark.parametrize("path", SAMPLES, ids=[f"{p.parts[-3]}/{p.stem}" for p in SAMPLES])
def test_each_sample_is_an_envelope_that_some_kind_hears_and_a_rule_sends(path):
    body = path.read_text(encoding="utf-8")
    event, envelope = event_in(body), json.loads(body)
    assert event is not None
    assert {"version", "id", "detail-type", "source", "account", "time", "region", "resources"} <= (
        envelope.keys()
    )
    assert names_in(event), f"nothing hears {event.type} of {event.source}"
    sending = [rule.name for rule in event_rules() if matches(rule.pattern, envelope)]
    assert len(sending) == 1, f"it is sent by {sending}"

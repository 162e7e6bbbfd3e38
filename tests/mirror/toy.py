"""A provider of our own over real tables: what the machine does, it does for whoever is not AWS.

Boxes hold parts (listed, judged gone) and runs (a history), runs hold steps (a history, asked by
box). The world is plain dicts that a test fills and changes; `faults` makes readings fail.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.codepipeline import digest
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.mirror.ask import UNREAD, Ask, Covered, LinkTo, Unread, Vanished
from apps.mirror.models import Scope
from apps.mirror.provider import Failure, Health, Outcome
from apps.mirror.resource import Cadence, Heard, Names, Resource

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Box:
    key: str
    arn: str = ""
    role_arn: str | Unread = UNREAD
    tags: Any = UNREAD
    execution_mode: str | Unread = UNREAD
    described: str | Unread = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD
    aside: Any = None


@dataclass(frozen=True, kw_only=True)
class Part:
    key: str
    parent: str
    name: str = ""
    arn: str | Unread = UNREAD
    status: str = ""
    state: str = ""
    position: int = 0
    transition_reason: str | Unread = UNREAD
    actions: Any = UNREAD
    links: tuple[LinkTo, ...] | Unread = UNREAD


@dataclass(frozen=True, kw_only=True)
class Run:
    key: str
    parent: str
    arn: str | Unread = UNREAD
    status: str = ""
    state: str | Unread = ""
    started_at: datetime | None = None
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    key: str
    parent: str
    status: str = ""
    state: str = ""
    stage: str = "Build"
    name: str = ""
    category: str = ""
    error_message: str = ""
    links: tuple[LinkTo, ...] = ()


class BrokenError(Exception):
    """The outside world fails, in a way that the provider knows."""

    def __init__(self, health: Health = Health.DENIED, operation: str = "") -> None:
        super().__init__(f"it is {health}")
        self.health = health
        self.operation = operation


@dataclass
class World:
    """What is outside. `parts` and `runs` by box, `steps` by run."""

    boxes: dict[str, Box] = field(default_factory=dict)
    parts: dict[str, dict[str, Part]] = field(default_factory=dict)
    runs: dict[str, dict[str, Run]] = field(default_factory=dict)
    steps: dict[str, dict[str, Step]] = field(default_factory=dict)
    asks: list[tuple[str, Ask]] = field(default_factory=list)
    # Called with the kind and each key before it is yielded; may raise, may change the world.
    faults: Callable[[str, str], None] | None = None
    # The order in which a list of keys is answered.
    order: Callable[[list[str]], list[str]] = sorted
    # Boxes whose children cannot be read.
    unreadable: set[str] = field(default_factory=set)
    opened: int = 0
    spent: bool = False
    urgent: list[bool] = field(default_factory=list)
    refuse: Exception | None = None
    failures: dict[str, Failure] = field(default_factory=dict)

    def box(self, key: str, **more: Any) -> Box:
        self.boxes[key] = Box(key=key, arn=f"arn:toy:{key}", **more)
        self.parts.setdefault(key, {})
        self.runs.setdefault(key, {})
        return self.boxes[key]

    def part(self, box: str, name: str, **more: Any) -> Part:
        key = f"{box}/{name}"
        self.parts[box][key] = Part(key=key, parent=box, name=name, **more)
        return self.parts[box][key]

    def run(self, box: str, key: str, status: str = "Succeeded", state: str = "done") -> Run:
        runs = self.runs[box]
        number = list(runs).index(key) if key in runs else len(runs)
        runs[key] = Run(
            key=key,
            parent=box,
            status=status,
            state=state,
            started_at=BEGIN + timedelta(minutes=number),
        )
        return runs[key]

    def step(self, run: str, name: str, **more: Any) -> Step:
        key = f"{run}.{name}"
        self.steps.setdefault(run, {})[key] = Step(key=key, parent=run, name=name, **more)
        return self.steps[run][key]

    # --- The four collectors ---

    def collect_boxes(self, _reach: Any, ask: Ask) -> Iterator[Any]:
        yield from self._said("toy.box", ask, self.boxes)
        if ask.keys is not None:
            yield from (Vanished(key) for key in ask.keys if key not in self.boxes)

    def collect_parts(self, _reach: Any, ask: Ask) -> Iterator[Any]:
        yield from self._children("toy.part", ask, self.parts)

    def collect_runs(self, _reach: Any, ask: Ask) -> Iterator[Any]:
        yield from self._children("toy.run", ask, self.runs)

    def collect_steps(self, _reach: Any, ask: Ask) -> Iterator[Any]:
        by_box = {
            box: {k: s for run in runs for k, s in self.steps.get(run, {}).items()}
            for box, runs in self.runs.items()
        }
        yield from self._children("toy.step", ask, by_box)

    def _said(self, kind: str, ask: Ask, rows: dict[str, Any]) -> Iterator[Any]:
        self.asks.append((kind, ask))
        for key in self.order(list(rows)):
            if ask.keys is not None and key not in ask.keys:
                continue
            if self.faults:
                self.faults(kind, key)
            if key in rows:
                yield rows[key]

    def _children(self, kind: str, ask: Ask, by_box: dict[str, dict[str, Any]]) -> Iterator[Any]:
        self.asks.append((kind, ask))
        for parent in ask.parents:
            if parent.key in self.unreadable:
                continue
            for key in self.order(list(by_box.get(parent.key, {}))):
                if self.faults:
                    self.faults(kind, key)
                yield by_box[parent.key][key]
            yield Covered(parent.key)

    def asked(self, kind: str) -> list[Ask]:
        return [ask for name, ask in self.asks if name == kind]


@dataclass
class ToyReach:
    outcomes: dict[str, Outcome]
    world: "World"

    @property
    def spent(self) -> bool:
        return self.world.spent

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class ToyProvider:
    """Registered as "toy"."""

    world: World
    name: str = "toy"

    def open(self, _scope: Scope, *, urgent: bool = False) -> ToyReach:
        self.world.opened += 1
        self.world.urgent.append(urgent)
        if self.world.refuse:
            raise self.world.refuse
        at = datetime.now(UTC)
        outcomes = {
            name: Outcome(operation=name, failure=failure, failures=1, failed_at=at)
            for name, failure in self.world.failures.items()
        }
        return ToyReach(outcomes, self.world)

    def classify(self, error: BaseException, operation: str = "") -> Failure:
        known = isinstance(error, BrokenError)
        return Failure(
            health=error.health if known else Health.FAILING,
            code=type(error).__name__,
            message=str(error),
            cure="Wait.",
            operation=(error.operation if known else "") or operation,
            ours=not known,
        )


def toy_resources(world: World) -> list[Resource]:
    """The four kinds, parents first."""

    def heard(kind: str) -> tuple[Heard, ...]:
        return (
            Heard(
                source="toy",
                detail_type="Toy Changed",
                names=lambda detail: [Names(kind=kind, parent=detail["box"])],
            ),
        )

    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    return [
        Resource(
            kind="toy.box",
            label="boxes",
            provider="toy",
            model=Pipeline,
            collect=world.collect_boxes,
            cadence=Cadence(cold=minute),
            calls=("toy:ListBoxes",),
            keyed=True,
            stamp="described",
        ),
        Resource(
            kind="toy.part",
            label="parts",
            provider="toy",
            model=Stage,
            collect=world.collect_parts,
            cadence=Cadence(cold=minute, hot=3 * second, waiting=15 * second),
            calls=("toy:GetParts",),
            events=heard("toy.part"),
            heard_wholly=True,
            parent=("toy.box", "pipeline"),
            asked_by="toy.box",
            wakes=("toy.run",),
            digest=digest.pipelines,
        ),
        Resource(
            kind="toy.run",
            label="runs",
            provider="toy",
            model=Execution,
            collect=world.collect_runs,
            cadence=Cadence(cold=10 * minute, hot=30 * second, waiting=30 * second),
            calls=("toy:ListRuns",),
            parent=("toy.box", "pipeline"),
            asked_by="toy.box",
            history=True,
            hot_parents=lambda boxes: boxes.filter(execution_mode="PARALLEL"),
            digest=digest.pipelines,
        ),
        Resource(
            kind="toy.step",
            label="steps",
            provider="toy",
            model=Action,
            collect=world.collect_steps,
            cadence=Cadence(cold=10 * minute, hot=15 * second, waiting=minute),
            calls=("toy:ListSteps",),
            parent=("toy.run", "execution"),
            asked_by="toy.box",
            history=True,
            digest=digest.executions,
        ),
    ]

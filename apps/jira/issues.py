"""Reads issues from Jira, Cloud or Data Center; no Django."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.mirror.ask import Ask, Continued, Covered, Ended, Parent, Vanished
from apps.mirror.provider import Health
from apps.sites.answers import Answer
from apps.sites.newest import Mark
from apps.sites.reach import Failed, Reach

from .collect import MOST_ISSUES
from .jql import condition_of, newest_first
from .records import COMMENTS, IssueRecord, id_in, issue_record, moment, old_keys, stamp_of
from .searching import FIELDS, PAGE, api, search, sprint_field

# Where a project was read to its end, its newest page seldom holds more that is new.
NEWEST = 25
# Lists that are read at the same time, and issues of one that are held until all of it is read: of
# a longer one so many are written at a time.
AT_ONCE, HELD = 8, 1_000
# Issues whose comments could not be read, and such as a list left out, that one sweep reads alone.
LATER, LEFT_OUT = 10, 500

Told = IssueRecord | Vanished | Covered | Continued | Ended


def issues(reach: Reach, ask: Ask) -> Iterator[Told]:
    """Yield the issues of each project and query, those that changed last first.

    A list that was read to its end once is read down to where it was read before. Each sixth hour
    (`ask.deep`) all keys are listed: known issues that are not among them, and listed ones that are
    not known, are asked for one by one. `ask.keys` reads just those. An issue that was moved takes
    its old keys along; one that is deleted vanishes.
    """
    sprint = sprint_field(reach, fresh=ask.deep)
    ids = {id_in(stamp): key for key, stamp in ask.known.items() if stamp}
    if ask.keys is not None:
        yield from _named(reach, ask, ids, sprint)
        return
    asked = _Asked(reach, ask, sprint, ids)
    unreadable = [parent for parent in ask.parents if parent.fields.get("state")]
    # The trackers say why there is nothing to read.
    yield from (Covered(parent.key) for parent in unreadable)
    yield from _listed(asked, deque(one for one in ask.parents if one not in unreadable))
    later = sorted(key for key, stamp in ask.known.items() if not stamp)[:LATER]
    if later:
        yield from _named(reach, replace(ask, keys=tuple(later)), ids, sprint)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a reading goes by. `ids` are keys by Jira's ids of the issues that are known."""

    reach: Reach
    ask: Ask
    sprint: str
    ids: Mapping[str, str]


@dataclass(slots=True)
class _Walk:
    """How far reading the issues of one tracker is.

    news  what the page had that was read last.     held  what was read and is not told yet.
    keys  of all that the list told.
    """

    parent: Parent
    pages: Iterator[Answer]
    mark: Mark
    seen: int = 0
    news: list[Mapping[str, Any]] = field(default_factory=list)
    held: list[IssueRecord] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    over: bool = False

    def take(self, ask: Ask, answer: Answer | None) -> None:
        """Read a page; None where there is none any more."""
        told = (answer.body.get("issues") or []) if answer is not None else []
        self.seen += len(told)
        self.keys.update(str(one.get("key")) for one in told)
        self.news = [one for one in told if ask.known.get(str(one.get("key"))) != stamp_of(one)]
        updated = [moment((one.get("fields") or {}).get("updated")) for one in told]
        for at in updated:
            self.mark.saw(at)
        last = updated[-1] if updated else None
        self.over = (
            answer is None
            or self.seen >= MOST_ISSUES
            or self.mark.is_reached(last, news=bool(self.news))
        )


def _listed(asked: _Asked, waiting: deque[Parent]) -> Iterator[Told]:
    """Read the lists of trackers, page by page in turn, some trackers at a time."""
    walks: list[_Walk] = []
    while waiting or walks:
        while waiting and len(walks) < AT_ONCE:
            walks.append(_begun(asked.reach, asked.ask, waiting.popleft(), asked.sprint))
        going = []
        for walk, answer in asked.reach.each(walks, lambda walk: next(walk.pages, None)):
            # One that is cut off is left out: nothing of it is written but what was told already.
            if isinstance(answer, Failed):
                continue
            walk.take(asked.ask, answer)
            walk.held += _records(asked.reach, walk.news, asked.sprint)
            yield from _told(asked, walk)
            if not walk.over:
                going.append(walk)
        walks = going


def _told(asked: _Asked, walk: _Walk) -> Iterator[Told]:
    """Yield what was read of a list, once that is all of it, or very much."""
    name = walk.parent.key
    if walk.over or len(walk.held) >= HELD:
        yield from _as_moved(asked.reach, walk.held[:MOST_ISSUES], asked.ids)
        walk.held = []
    if walk.over:
        if asked.ask.deep:
            yield from _differing(asked, walk)
        yield Ended(name, walk.mark.upto)
        yield Covered(name)
    elif walk.mark.at_first:
        yield Continued(name)


def _begun(reach: Reach, ask: Ask, parent: Parent, sprint: str) -> _Walk:
    condition = condition_of(parent.key, str(parent.fields.get("query") or ""))
    mark = Mark("" if parent.key in ask.unended else ask.upto.get(parent.key, ""))
    size = PAGE if mark.at_first else NEWEST
    return _Walk(parent, search(reach, newest_first(condition), page=size, sprint=sprint), mark)


def _records(reach: Reach, told: Sequence[Mapping[str, Any]], sprint: str) -> list[IssueRecord]:
    """Return records of issues; of those whose comments are not all shown, the newest are read."""
    lacking = [str(one.get("key")) for one in told if _lacks_comments(one)]
    newest: dict[str, Any] = dict(reach.each(lacking, lambda key: _comments(reach, key)))
    return [_record(reach, one, sprint, newest.get(str(one.get("key")))) for one in told]


def _record(
    reach: Reach, told: Mapping[str, Any], sprint: str, newest: Answer | Failed | None
) -> IssueRecord:
    if isinstance(newest, Failed):
        # What it shows of them is kept, and the rest read later.
        return replace(issue_record(reach.base_url, told, sprint=sprint), described="")
    comments = newest.body if newest is not None else None
    return issue_record(reach.base_url, told, sprint=sprint, comments=comments)


def _lacks_comments(told: Mapping[str, Any]) -> bool:
    comment = (told.get("fields") or {}).get("comment")
    comment = comment if isinstance(comment, Mapping) else {}
    shown = len(comment.get("comments") or ())
    return isinstance(comment.get("total"), int) and comment["total"] > shown < COMMENTS


def _comments(reach: Reach, key: str) -> Answer:
    return reach.get(
        "jira:GetComments",
        f"{api(reach)}/issue/{key}/comment",
        orderBy="-created",
        maxResults=COMMENTS,
    )


def _named(
    reach: Reach, ask: Ask, ids: Mapping[str, str], sprint: str
) -> Iterator[IssueRecord | Vanished]:
    """Read issues by their keys; of what was never read only what a project or query chooses."""
    chosen = {str(key) for key in reach.selection.get("projects") or ()}
    chosen |= {one.key for one in ask.parents if chosen & set(one.fields.get("was") or ())}
    found = {key for one in ask.parents for key in one.fields.get("holds") or ()}
    for key, answer in reach.each(ask.keys or (), lambda key: _get(reach, key, sprint)):
        if isinstance(answer, Failed):
            if answer.failure.health is Health.GONE:
                yield Vanished(key)
            continue
        (record,) = _records(reach, [answer.body], sprint)
        known = {key, record.key} & (ask.known.keys() | found)
        if not known and record.parent not in chosen:
            continue
        yield from _as_moved(reach, [record], ids, asked=key)


def _get(reach: Reach, key: str, sprint: str) -> Answer:
    return reach.get(
        "jira:GetIssue",
        f"{api(reach)}/issue/{key}",
        fields=",".join(filter(None, (FIELDS, sprint))),
        expand="transitions",
    )


def _as_moved(
    reach: Reach, records: Sequence[IssueRecord], ids: Mapping[str, str], asked: str = ""
) -> Iterator[IssueRecord | Vanished]:
    """Yield records; those of issues that had another key take it along, and that one vanishes."""
    for record in records:
        before = ids.get(record.issue_id, "")
        old = before if before and before != record.key else asked
        if not old or old == record.key:
            yield record
            continue
        told = reach.detail(
            "jira:GetIssue",
            f"{api(reach)}/issue/{record.key}",
            fields="summary",
            expand="changelog",
        )
        known = old_keys(told.body, record.key) if told is not None else []
        yield replace(record, was=list(dict.fromkeys([old, *known])))
        yield Vanished(old)


def _differing(asked: _Asked, walk: _Walk) -> Iterator[IssueRecord | Vanished]:
    """Ask for issues of a project that its list of keys does not hold any more, or holds besides.

    Of those that are listed and not known the newest: pages that are numbered (Data Center) shift
    where an issue is deleted while they are read, and one is left out.
    """
    name = walk.parent.key
    if walk.parent.fields.get("query"):
        return
    listed: dict[str, None] = {}
    try:
        condition = condition_of(name, "")
        for answer in search(asked.reach, newest_first(condition), keys_alone=True):
            listed |= {str(issue["key"]): None for issue in answer.body.get("issues") or ()}
    except Exception:  # noqa: BLE001 - told on the scope; what is not listed proves nothing then
        return
    known = {key for key in asked.ask.known if key.rpartition("-")[0] == name}
    had = known | walk.keys
    left_out = [key for key in list(listed)[:MOST_ISSUES] if key not in had]
    keys = (*sorted(known - listed.keys()), *left_out[:LEFT_OUT])
    yield from _named(asked.reach, replace(asked.ask, keys=keys), asked.ids, asked.sprint)

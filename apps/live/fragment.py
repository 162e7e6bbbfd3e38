"""Pieces of a page, rendered once per change, shared by page, htmx request and stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches
from django.template.loader import render_to_string

# A cache of its own: pictures may push each other out, but no lease and no half-entered form.
FRAGMENT_CACHE = "fragments"


Load = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A template that pictures one row of a kind, and how to load what it needs.

    name      "pipeline-row"; its element has id="<name>-<row id>", which the stream morphs.
    of        the kind whose row it pictures; any Change whose subjects name that row re-renders it.
    also      other kinds whose rows lie in the same table: the hosts of repositories share one.
    template  "codepipeline/pipelines.html#row": no request, no user, nothing of the reader in it.
    load      row ids -> {id: context}; a constant number of queries whatever the number of ids.
              A row that is not there any more is left out.
    version   context -> what the cached picture depends on; None: never cached.
    """

    name: str
    of: str
    template: str
    load: Load
    version: Callable[[Mapping[str, Any]], str] | None = None
    also: Sequence[str] = ()

    def element_id(self, row_id: int) -> str:
        """The id of the element in the page."""
        return f"{self.name}-{row_id}"

    def _key(self, pk: int, context: Mapping[str, Any]) -> str:
        assert self.version is not None
        return f"fragment:{self.name}:{pk}:{FRAGMENTS.told_to()}:{self.version(context)}"

    def render(self, ids: Sequence[int]) -> dict[int, str]:
        """Return the HTML of each row that still exists."""
        return self.render_loaded(self.load(ids))

    def render_loaded(self, contexts: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
        """Render rows whose context a page has loaded; unchanged ones come from the cache."""
        if self.version is None:
            return {pk: render_to_string(self.template, dict(c)) for pk, c in contexts.items()}
        keys = {pk: self._key(pk, context) for pk, context in contexts.items()}
        cached = caches[FRAGMENT_CACHE].get_many(keys.values())
        fresh: dict[str, str] = {}
        html: dict[int, str] = {}
        for pk, key in keys.items():
            text = cached.get(key)
            if text is None:
                text = fresh[key] = render_to_string(self.template, dict(contexts[pk]))
            html[pk] = text
        if fresh:
            caches[FRAGMENT_CACHE].set_many(fresh, timeout=3600)
        return html


@dataclass(slots=True)
class Fragments:
    """The register of fragments by name and by the kind they picture.

    told_to  what changes when other people than before may see rows: pictures that were made for
             those are good no longer.
    """

    by_name: dict[str, Fragment] = field(default_factory=dict)
    told_to: Callable[[], str] = lambda: ""

    def add(self, fragment: Fragment) -> Fragment:
        """Add one; names are unique because they become element ids."""
        if fragment.name in self.by_name:
            raise ValueError(f"fragment {fragment.name} is declared twice")
        self.by_name[fragment.name] = fragment
        return fragment

    def picture(self, kind: str, name: str, template: str, load: Load) -> Fragment:
        """Add one whose cached picture is good for as long as its row's `version`.

        And for as long as its context tells the same of what is unread; see apps.mirror.unread.

        kind      "codebuild.build": the app whose template it is, and what its context calls the
                  row.
        template  "builds.html#row", in the app's folder.
        """
        app, _, row = kind.partition(".")
        return self.add(
            Fragment(
                name=name,
                of=kind,
                template=f"{app}/{template}",
                load=load,
                version=lambda context: f"{context[row].version}{context.get('unread_as', '')}",
            )
        )

    def of(self, kind: str) -> list[Fragment]:
        """Fragments that picture rows of this kind."""
        every = self.by_name.values()
        return [fragment for fragment in every if kind == fragment.of or kind in fragment.also]


FRAGMENTS = Fragments()

"""The pieces of pages that picture stacks; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_stack = partial(FRAGMENTS.picture, "cloudformation.stack")

STACK_ROW = _of_stack("stack-row", "stacks.html#row", load.stack_row)
STACK_HEAD = _of_stack("stack-head", "stack.html#head", load.stack_head)
STACK_TIMELINE = _of_stack("stack-timeline", "events.html#timeline", load.stack_timeline)
STACK_CHANGE_SETS = _of_stack("stack-changes", "changes.html#changes", load.stack_change_sets)
STACK_RESOURCES = _of_stack("stack-resources", "stack.html#resources", load.stack_resources)
STACK_FACTS = _of_stack("stack-facts", "facts.html#facts", load.stack_alone)

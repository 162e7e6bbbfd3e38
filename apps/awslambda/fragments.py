"""The pieces of pages that picture functions; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_function = partial(FRAGMENTS.picture, "awslambda.function")

FUNCTION_ROW = _of_function("function-row", "functions.html#row", load.function_row)
FUNCTION_HEAD = _of_function("function-head", "function.html#head", load.function_page)
FUNCTION_FACTS = _of_function("function-facts", "function.html#facts", load.function_page)

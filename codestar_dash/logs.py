"""Structured logs: one line an event, for a person or a collector to read, never with a secret."""

import logging
import logging.config
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from apps.mirror.masking import MASK, SECRET_FIELD, masked

# Deeper than this, what is logged beside an event is no help to anybody.
DEEPEST = 6


def redact(text: str) -> str:
    """Replace what looks like a credential."""
    return masked(text)


def _redacted(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
    """The last net under everything: what looks like a credential never reaches a log line."""
    for key, value in event.items():
        # structlog keeps objects of its own among these, which no renderer prints.
        if not key.startswith("_"):
            event[key] = _safe(key, value)
    return event


def _safe(name: str, value: Any, depth: int = 0) -> Any:
    """Return a value as it may be logged, whatever is nested in it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {redact(str(key)): _safe(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(name, inner, depth + 1) for inner in value]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return MASK if text and SECRET_FIELD.search(name) else redact(text)


class OneLine(logging.Filter):
    """Leaves out the trace of what is no mistake of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without its trace."""
        record.exc_info = None
        return True


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _redacted,
]


def logging_config(level: str, style: str) -> dict[str, Any]:
    """Configure logging at import of the settings and return what was configured."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "filters": {"one line": {"()": OneLine}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These speak of every request, connection and heartbeat; their warnings suffice.
            "botocore": {"level": "WARNING"},
            "boto3": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "amqp": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            # At DEBUG it tells of each template variable that is not there.
            "django": {"level": "INFO"},
            "django.request": {"level": "ERROR"},
            # Anybody can ask under any name.
            "django.security.DisallowedHost": {"filters": ["one line"]},
            "django.server": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
            "uvicorn.error": {"level": "WARNING"},
        },
    }
    logging.config.dictConfig(config)
    return config

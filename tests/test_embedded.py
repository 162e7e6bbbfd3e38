"""Worker and beat beside the web server: either one that ends by itself is noticed."""

import threading

import pytest

from codestar_dash import embedded


class Part:
    """Stands for worker and beat: lives until it is told to stop, or to break."""

    def __init__(self, *_args, **_options):
        self.over = threading.Event()
        self.error = None
        self.service = self

    def start(self):
        self.over.wait(10)
        if self.error:
            raise self.error

    run = start

    def stop(self, **_options):
        self.over.set()


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr(embedded, "WorkController", Part)
    monkeypatch.setattr(embedded, "EmbeddedService", Part)
    monkeypatch.setattr("apps.aws.listen._stopping", False)
    told = []
    celery = embedded.EmbeddedCelery(told.append)
    celery.start()
    yield celery, told
    celery._worker.over.set()
    celery.stop()


@pytest.mark.parametrize("name", ["worker", "beat"])
@pytest.mark.parametrize("error", [None, RuntimeError("broken"), SystemExit(1)], ids=str)
def test_a_part_that_ends_by_itself_is_told(running, name, error):
    celery, told = running
    part = getattr(celery, f"_{name}")
    part.error = error
    part.over.set()
    thread = celery._threads[["worker", "beat"].index(name)]
    thread.join(5)
    assert len(told) == 1
    assert told[0].startswith(f"The {name} ended by itself")
    assert told[0].endswith("Start again.")


def test_parts_that_are_stopped_are_not(running):
    celery, told = running
    celery._worker.over.set()
    celery._stopping = True
    celery.stop()
    assert told == []

"""The bus wakes whoever waits, in this process by itself and between processes through Redis."""

import threading

import pytest

from apps.live.bus import Bus


@pytest.fixture
def bus():
    return Bus()


def test_a_message_reaches_every_listener_of_the_process(bus, settings):
    settings.REDIS_URL = ""
    heard = []
    bus.subscribe(lambda topic, text: heard.append(("one", topic, text)))
    bus.subscribe(lambda topic, text: heard.append(("two", topic, text)))
    bus.publish("changes", "12")
    bus.publish("wake")
    assert heard == [
        ("one", "changes", "12"),
        ("two", "changes", "12"),
        ("one", "wake", ""),
        ("two", "wake", ""),
    ]


def test_who_stopped_listening_hears_nothing(bus, settings):
    settings.REDIS_URL = ""
    heard = []
    stop = bus.subscribe(lambda topic, _text: heard.append(topic))
    stop()
    stop()
    bus.publish("changes", "1")
    assert heard == []


def test_a_listener_may_stop_while_it_is_told(bus, settings):
    settings.REDIS_URL = ""
    heard = []

    def once(topic, _text):
        heard.append(topic)
        stop()

    stop = bus.subscribe(once)
    bus.publish("a")
    bus.publish("b")
    assert heard == ["a"]


def test_without_redis_nothing_is_started(bus, settings):
    settings.REDIS_URL = ""
    bus.start()
    assert bus._thread is None


def test_a_redis_that_is_away_costs_the_others_patience_and_us_nothing(bus, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heard = []
    bus.subscribe(lambda topic, text: heard.append((topic, text)))
    bus.publish("changes", "12")
    # This process hears itself all the same.
    assert heard == [("changes", "12")]


def test_what_one_process_says_another_hears(redis_url, settings, monkeypatch):
    """Two buses stand for two processes."""
    settings.REDIS_URL = redis_url
    speaker, hearer = Bus(), Bus()
    came = threading.Event()
    heard = []

    def listens(topic, text):
        heard.append((topic, text))
        came.set()

    hearer.subscribe(listens)
    hearer.start()
    hearer.start()
    try:
        for _ in range(100):
            speaker.publish("changes", "line one\nline two")
            if came.wait(0.05):
                break
        assert heard[0] == ("changes", "line one\nline two")
    finally:
        # The thread ends with its next message or silence, and hears no more of this test.
        settings.REDIS_URL = ""
        hearer._listeners.clear()

"""One clock: work is compressed by speed, calendars are not, nothing runs ahead of real time."""

import time

import pytest

from apps.sandbox.clock import Scheduler


def noted(clock, log, name):
    return lambda: log.append((name, clock.now()))


def test_immediate_work_runs_in_order_and_takes_its_time_in_the_past():
    clock, log = Scheduler(0), []
    clock.end_replay()
    began = clock.now()
    clock.after(30, noted(clock, log, "late"))
    clock.after(10, noted(clock, log, "soon"))
    clock.settle()
    assert [name for name, _ in log] == ["soon", "late"]
    assert log[0][1] - began == pytest.approx(10, abs=0.5)
    assert log[1][1] - began == pytest.approx(30, abs=0.5)
    assert clock.now() < time.time()


def test_immediate_time_never_passes_real_time():
    clock, log = Scheduler(0), []
    clock.end_replay()
    for _ in range(50):
        clock.after(1000, noted(clock, log, "work"))
        clock.settle()
    assert len(log) == 50
    assert clock.now() <= time.time()


def test_immediate_does_not_jump_to_a_calendar():
    clock, log = Scheduler(0), []
    clock.end_replay()
    clock.after(7 * 86400, noted(clock, log, "expiry"), calendar=True)
    clock.after(5, noted(clock, log, "work"))
    clock.settle()
    assert [name for name, _ in log] == ["work"]
    assert clock.pending() == 1


def test_work_set_off_by_work_runs_too():
    clock, log = Scheduler(0), []
    clock.end_replay()
    clock.after(1, lambda: clock.after(1, noted(clock, log, "second")))
    clock.settle()
    assert [name for name, _ in log] == ["second"]


def test_a_cancelled_timer_does_nothing():
    clock, log = Scheduler(0), []
    clock.end_replay()
    clock.after(1, noted(clock, log, "never")).cancel()
    clock.settle()
    assert log == []
    assert clock.pending() == 0


def test_a_replayed_past_ends_in_the_present():
    clock, log = Scheduler(6), []
    clock.begin_replay(3600)
    clock.after(600, noted(clock, log, "then"))
    clock.after(3000, noted(clock, log, "later"), calendar=True)
    clock.after(4000, noted(clock, log, "still to come"))
    clock.end_replay()
    assert [name for name, _ in log] == ["then", "later"]
    assert log[0][1] == pytest.approx(time.time() - 3000, abs=2)
    assert clock.now() == pytest.approx(time.time(), abs=0.5)


def test_a_held_clock_moves_by_hand_only():
    clock, log = Scheduler(0), []
    clock.end_replay()
    clock.hold()
    before = clock.now()
    clock.after(10, noted(clock, log, "work"))
    clock.settle()
    time.sleep(0.02)
    assert (log, clock.now()) == ([], before)
    clock.advance(9)
    assert log == []
    clock.advance(1)
    assert log == [("work", pytest.approx(before + 10))]
    clock.release()
    with pytest.raises(RuntimeError):
        clock.advance(1)


def test_speed_compresses_work_and_the_thread_runs_it():
    clock, log = Scheduler(100), []
    clock.end_replay()
    clock.start()
    began = time.time()
    clock.after(20, noted(clock, log, "work"))
    clock.after(20, noted(clock, log, "calendar"), calendar=True)
    while not log and time.time() - began < 5:
        time.sleep(0.01)
    clock.stop()
    assert [name for name, _ in log] == ["work"]
    assert log[0][1] - began == pytest.approx(0.2, abs=0.15)


def test_a_broken_deed_does_not_stop_the_clock(caplog):
    clock, log = Scheduler(0), []
    clock.end_replay()

    def broken():
        raise RuntimeError("bug")

    clock.after(1, broken)
    clock.after(2, noted(clock, log, "work"))
    clock.settle()
    assert [name for name, _ in log] == ["work"]
    assert "a scheduled deed failed" in caplog.text

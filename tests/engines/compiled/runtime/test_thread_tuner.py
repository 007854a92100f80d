"""The thread tuner uses all workers, or only one if that is faster."""

from handgrad.engines.compiled.runtime.thread_tuner import ThreadTuner


def choices(tuner: ThreadTuner, seconds: dict[int, float], count: int) -> list[int]:
    """Return the number of workers in each of `count` slices, given the duration of a step."""
    chosen = []
    for _ in range(count):
        workers = tuner.choose()
        chosen.append(workers)
        tuner.record(workers, 10, 10 * seconds[workers])
    return chosen


def test_both_numbers_are_timed_and_the_faster_is_used() -> None:
    assert choices(ThreadTuner(2), {2: 1.0, 1: 1.8}, 2) == [2, 1]
    assert choices(ThreadTuner(2), {2: 1.0, 1: 1.8}, 400).count(2) > 380
    assert choices(ThreadTuner(2), {2: 9.0, 1: 1.8}, 400).count(1) > 380


def test_the_choice_follows_a_change_of_the_machine() -> None:
    tuner = ThreadTuner(4)
    choices(tuner, {4: 1.0, 1: 3.0}, 40)
    assert choices(tuner, {4: 20.0, 1: 3.0}, 10).count(1) >= 5
    assert choices(tuner, {4: 1.0, 1: 3.0}, 400).count(4) > 200


def test_a_slow_first_slice_is_soon_replaced() -> None:
    tuner = ThreadTuner(2)
    assert choices(tuner, {2: 9.0, 1: 1.8}, 2) == [2, 1]
    assert choices(tuner, {2: 1.0, 1: 1.8}, 20).count(2) >= 18


def test_a_single_worker_is_the_only_choice() -> None:
    assert set(choices(ThreadTuner(1), {1: 1.0}, 20)) == {1}


def test_a_slice_takes_about_30_milliseconds() -> None:
    tuner = ThreadTuner(2)
    tuner.record(2, 100, 0.1)
    assert tuner.slice_steps(2) in (29, 30)
    tuner.record(1, 1, 5.0)
    assert tuner.slice_steps(1) == 1

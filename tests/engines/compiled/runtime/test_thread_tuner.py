"""The choice between all workers and one."""

from handgrad.engines.compiled.runtime.thread_tuner import Pace


def slices(pace: Pace, seconds: dict[int, float], count: int) -> list[int]:
    """Return who made each of some slices, given how long a step takes each."""
    made = []
    for _ in range(count):
        workers = pace.choose()
        made.append(workers)
        pace.note(workers, 10, 10 * seconds[workers])
    return made


def test_both_are_tried_and_the_faster_stays() -> None:
    assert slices(Pace(2), {2: 1.0, 1: 1.8}, 2) == [2, 1]
    assert slices(Pace(2), {2: 1.0, 1: 1.8}, 400).count(2) > 380
    assert slices(Pace(2), {2: 9.0, 1: 1.8}, 400).count(1) > 380


def test_it_changes_when_the_machine_does() -> None:
    pace = Pace(4)
    slices(pace, {4: 1.0, 1: 3.0}, 40)
    assert slices(pace, {4: 20.0, 1: 3.0}, 10).count(1) >= 5
    assert slices(pace, {4: 1.0, 1: 3.0}, 400).count(4) > 200


def test_a_cold_beginning_is_soon_forgotten() -> None:
    pace = Pace(2)
    assert slices(pace, {2: 9.0, 1: 1.8}, 2) == [2, 1]
    assert slices(pace, {2: 1.0, 1: 1.8}, 20).count(2) >= 18


def test_one_worker_has_no_choice() -> None:
    assert set(slices(Pace(1), {1: 1.0}, 20)) == {1}


def test_a_slice_is_about_30_milliseconds() -> None:
    pace = Pace(2)
    pace.note(2, 100, 0.1)
    assert pace.steps(2) in (29, 30)
    pace.note(1, 1, 5.0)
    assert pace.steps(1) == 1

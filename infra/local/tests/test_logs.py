from pathlib import Path

from ticketing_local.processes import log_tail


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_text("\n".join(f"line {n}" for n in range(100)))
    assert log_tail.tail(log).splitlines() == [f"line {n}" for n in range(92, 100)]


def test_what_mongod_calls_grave_is_found_above_its_stack_trace() -> None:
    corrupt = '{"t":1,"s":"E",  "c":"WT","msg":"WiredTiger error message","attr":"corruption"}'
    frames = ['{"t":1,"s":"I",  "c":"CONTROL","msg":"Frame","attr":{}}'] * 30
    assert log_tail.last_lines("\n".join([corrupt, *frames])) == (
        '"WiredTiger error message","attr":"corruption"}'
    )


def test_a_log_that_is_not_there_yet_says_nothing(tmp_path: Path) -> None:
    assert log_tail.tail(tmp_path / "none.log") == ""

from pathlib import Path

from ticketing_local.processes import log_tail


def test_tail_returns_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_text("\n".join(f"line {n}" for n in range(100)))
    assert log_tail.tail(log).splitlines() == [f"line {n}" for n in range(92, 100)]


def test_tail_finds_severe_mongod_lines_above_stack_trace() -> None:
    corrupt = '{"t":1,"s":"E",  "c":"WT","msg":"WiredTiger error message","attr":"corruption"}'
    frames = ['{"t":1,"s":"I",  "c":"CONTROL","msg":"Frame","attr":{}}'] * 30
    assert log_tail.last_lines("\n".join([corrupt, *frames])) == (
        '"WiredTiger error message","attr":"corruption"}'
    )


def test_tail_of_missing_log_is_empty(tmp_path: Path) -> None:
    assert log_tail.tail(tmp_path / "none.log") == ""

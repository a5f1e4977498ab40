import json


def records_of(folder):
    return [json.loads(line) for file in sorted(folder.glob("*/*.jsonl")) for line in file.read_text().splitlines()]


def types_of(folder):
    return [record["type"] for record in records_of(folder)]


def test_a_calls_records_go_to_the_log_folder(start, tmp_path):
    served = start(FLUSH_INTERVAL="0.2")
    served.call()
    served.wait_until(lambda: sorted(types_of(tmp_path / "logs")) == ["request", "response"])


def test_the_end_ships_what_the_interval_has_not(start, tmp_path):
    served = start()
    served.call()
    assert served.end() == 0
    assert sorted(types_of(tmp_path / "logs")) == ["request", "response"]


def test_a_reload_reaches_it(start, write, tmp_path):
    served = start(FLUSH_INTERVAL="0.2")
    assert served.port
    write(log_content=False)
    served.line("configuration reloaded")
    served.wait_until(lambda: served.call() and any(not one["content_logged"] for one in records_of(tmp_path / "logs")))


def test_its_records_are_all_that_stdout_has(start):
    served = start("--demo", "--port", "0")
    served.call("demo")
    assert served.end() == 0
    lines = served.process.stdout.read().splitlines()
    assert sorted(json.loads(line)["type"] for line in lines) == ["request", "response"]

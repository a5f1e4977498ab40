from pathlib import Path

import pytest

from bench import wrk
from bench.processes import RigError

OUTPUT = """\
Running 2s test @ http://127.0.0.1:1/
  10 requests in 2.00s, 1.0KB read
RESULT {"calls":10,"duration_us":2000000,"failed":0,"latencies_us":[[20,5],[21,4],[90,1]]}
"""


def test_the_result_is_read_out_of_what_wrk_prints():
    outcome = wrk.parse_output(OUTPUT)
    assert (outcome.calls, outcome.failed) == (10, 0)
    assert outcome.latencies_us == ((20, 5), (21, 4), (90, 1))


def test_no_result_is_an_error_that_shows_the_output():
    with pytest.raises(RigError, match="connection refused"):
        wrk.parse_output("unable to connect: connection refused")


@pytest.mark.parametrize(("percent", "wanted"), [(50, 21.0), (25, 20.5), (70, 21.5), (99.9, 90.99), (100, 91)])
def test_percentiles_are_spread_over_a_microsecond(percent: float, wanted: float):
    assert wrk.parse_output(OUTPUT).find_percentile_us(percent) == pytest.approx(wanted)


def test_no_latencies_have_no_percentile():
    with pytest.raises(ValueError, match="no latencies"):
        wrk.Outcome(0, 1, 0, ()).find_percentile_us(50)


def test_the_script_quotes_what_it_is_given():
    script = wrk.write_script(Path('/tmp/a "b"\\c'))
    assert 'io.open("/tmp/a \\"b\\"\\\\c", "rb")' in script
    assert 'wrk.headers["Content-Type"] = "application/json"' in script

import pytest

from bench.rows import ROWS, parse_rows


def test_rows_are_chosen_by_number_and_range():
    assert parse_rows("1,4,7-9") == [1, 4, 7, 8, 9]


def test_an_unknown_row_is_named():
    with pytest.raises(ValueError, match="no row 99"):
        parse_rows("1,99")


def test_rows_are_numbered_without_a_gap():
    assert list(ROWS) == list(range(1, len(ROWS) + 1))

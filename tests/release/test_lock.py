import re

import pytest

from release.lock import LOCK, canonical, read_lock


@pytest.mark.parametrize("name", ["A_b.c", "a-b-c", "a--b__c"])
def test_one_name_for_all_spellings(name):
    assert canonical(name) == "a-b-c"


def test_every_row_is_read_with_its_hashes():
    text = LOCK.read_text()
    assert len(read_lock()) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    assert sum(map(len, read_lock().values())) == text.count("--hash=sha256:")
    assert all(read_lock().values())

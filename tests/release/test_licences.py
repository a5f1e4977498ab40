"""docs/licences.md says what installed metadata says, and nothing that nobody has looked at is depended on."""

import re
from email.message import Message
from importlib.metadata import distributions

import pytest

from release.licences import PAGE, UnknownLicenceError, licence_of, table

TOLD = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+?) \|$", PAGE.read_text(), re.MULTILINE))


class Package:
    def __init__(self, name="x", **fields):
        self.name = name
        self.metadata = Message()
        for field, values in fields.items():
            for value in [values] if isinstance(values, str) else values:
                self.metadata[field.replace("_", "-")] = value


def test_the_page_says_what_the_metadata_says():
    installed = table(distributions())
    assert len(installed) > 100
    assert {name: licence for name, licence in installed.items() if TOLD.get(name) != licence} == {}, (
        "python -m release.licences"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License_Expression": "MIT OR Apache-2.0"}, "MIT OR Apache-2.0"),
        ({"License_Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, "MPL-2.0 AND (Apache-2.0 OR MIT)"),
        ({"License_Expression": "MIT", "License": "GPL"}, "MIT"),
        ({"License": "MIT License\n\nCopyright (c)"}, "MIT"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"License": "Copyright", "Classifier": "License :: OSI Approved :: MIT License"}, "MIT"),
        ({"Classifier": ["License :: OSI Approved", "License :: OSI Approved :: BSD License"]}, "BSD"),
        (
            {"Classifier": [f"License :: OSI Approved :: {one}" for one in ("MIT License", "Apache Software License")]},
            "MIT OR Apache-2.0",
        ),
    ],
)
def test_each_way_of_saying_it(fields, expected):
    assert licence_of(Package(**fields)) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"License": "All rights reserved"},
        {"License_Expression": "AGPL-3.0-only"},
        {"License_Expression": "MIT AND SSPL-1.0"},
        {"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
        {"Classifier": ["License :: OSI Approved :: MIT License", "License :: Other/Proprietary License"]},
    ],
)
def test_what_nobody_has_said_yes_to_stops_it(fields):
    with pytest.raises(UnknownLicenceError, match="x: "):
        licence_of(Package(**fields))

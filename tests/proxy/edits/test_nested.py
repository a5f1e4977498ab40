import pytest

from open_llm_proxy.proxy.edits import nested
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import read_body


def put(body, key="k", value=True):
    return bytes(nested.put(nested.read(read_body(body), "o"), key, value))


@pytest.mark.parametrize("body", [b"{}", b'{"o":null}', b'{"o":{}}', b'{"o": null }'])
def test_absent_null_and_empty_become_an_object_of_one(body):
    assert put(body) == b'{"k":true}'


def test_every_other_byte_of_the_object_stays():
    assert put(b'{"x":0,"o": {"a" : [1, 2],\n"k":null , "b":{}} }') == b'{"a" : [1, 2],\n"k":true , "b":{}}'


def test_a_key_that_stands_twice_is_set_twice():
    assert put(b'{"o":{"k":1,"a":2,"k":3}}') == b'{"k":true,"a":2,"k":true}'


@pytest.mark.parametrize("value", [b"[]", b'"{}"', b"1", b"false"])
def test_what_is_no_object(value):
    with pytest.raises(Refusal):
        nested.read(read_body(b'{"o":' + value + b"}"), "o")

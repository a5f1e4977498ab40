import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import (
    peek,
    read_body,
    read_model,
    read_multipart_model,
    read_user_id,
    read_value,
)


def refusal(read, *args):
    with pytest.raises(Refusal) as caught:
        read(*args)
    assert caught.value.row.status == 400
    assert caught.value.message
    return caught.value


def code(read, *args):
    return refusal(read, *args).row.code


# --- a body ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"", b" ", b"\r\n\t "])
def test_no_body(raw):
    assert code(read_body, raw) == "missing_body"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"model=kimi",
        b'{"model":"a"',
        b'{"model":"a",}',
        b'{"model":"a"}}',
        b"{'model':'a'}",
        b'{"a":\x00}',
        b"\x00",
    ],
)
def test_no_json(raw):
    assert code(read_body, raw) == "invalid_json"


@pytest.mark.parametrize("raw", [b"[]", b'"model"', b"1", b"null", b"true", b"NaN", b'\xef\xbb\xbf["a"]'])
def test_json_but_no_object(raw):
    assert code(read_body, raw) == "invalid_body"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"\xff"}',
        b'{"model":"a","x":"\xc3("}',
        b'{"\xe9":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":NaN,"b":"\xff"}',
    ],
)
def test_bad_utf_8(raw):
    found = refusal(read_body, raw)
    assert found.row.code == "invalid_json"
    assert "UTF-8" in found.message


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("rest", [b"", b',"x":NaN', b',"x":"\\ud800"'])
@pytest.mark.parametrize("before", [b"", b'"n":NaN,'])
def test_deep_nesting(opening, rest, before):
    deep = opening * 100_000 + b"1" + (b"]" if opening == b"[" else b"}") * 100_000
    found = refusal(read_body, b'{"model":"a",' + before + b'"x":' + deep + rest + b"}")
    assert found.row.code == "invalid_json"
    assert "deep" in found.message


def test_a_value_nested_too_deeply_for_the_reader_behind_the_peek():
    assert code(read_value, msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)) == "invalid_json"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"model":"a"}', {"model": "a"}),
        (b'\xef\xbb\xbf{"model":"a"}', {"model": "a"}),
        (b'\n {"model" : "a" }\n', {"model": "a"}),
        (b'{"model":"a","t":NaN,"u":-Infinity}', None),
        (rb'{"model":"a","m":"cut emoji \ud83d"}', {"model": "a", "m": "cut emoji \ud83d"}),
        (rb'{"model":"a","\udc00":1}', {"model": "a", "\udc00": 1}),
        (rb'{"model":"\ud83d\ude00"}', {"model": "😀"}),
        ('{"model":"é"}'.encode(), {"model": "é"}),
        (b'{"model":"a","n":1e999}', {"model": "a", "n": float("inf")}),
        (b'{"model":"a","n":' + b"9" * 5000 + b',"x":NaN}', None),
    ],
)
def test_what_clients_do_send_is_read(raw, value):
    body = read_body(raw)
    assert body.raw is raw
    if value is not None:
        assert {key: body.get(key) for key in body.values} == value
    assert body.get("model") == ("😀" if b"ude00" in raw else "é" if not raw[-4:].isascii() else "a")
    for member in body.members:
        assert raw[member.value_start : member.end] == bytes(body.values[member.key])
        assert raw[member.start : member.start + 1] == b'"'


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_any_object_is_read_as_it_is(value, ascii_only, indent):
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    body = read_body(raw)
    assert not body.duplicates
    assert list(body.values) == list(value)
    for member in body.members:
        assert raw[member.value_start : member.end] == bytes(body.values[member.key])


@given(st.binary(max_size=60) | st.text('{}[]":,\\ au01', max_size=30).map(str.encode))
def test_no_bytes_give_anything_but_a_body_or_a_refusal(raw):
    try:
        body = read_body(raw)
    except Refusal:
        return
    assert isinstance(json.loads(raw.decode("utf-8-sig")), dict)
    assert isinstance(body.values, dict)


# --- keys that stand twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","model":"a"}',
        b'{"model":"ab","x":1,"model":"a"}',
        rb'{"model":"a","mod\u0065l":"b"}',
        rb'{ "\u006dodel" : "a", "model":"b" }',
        b'{"model":"a","model":"b","x":NaN}',
        b'\xef\xbb\xbf{"model":"a","model":"b"}',
        '{"model":"é","model":"b"}'.encode(),
    ],
)
def test_a_routed_key_twice(raw):
    body = read_body(raw)
    assert body.duplicates == {"model"}
    found = refusal(read_model, body)
    assert found.row.code == "duplicate_key"
    assert found.param == "model"


def test_other_keys_may_stand_twice_and_the_spans_of_all_are_known():
    raw = '{"é":"é","metadata":{"a":1},"model":"a","metadata":{}}'.encode()
    body = read_body(raw)
    assert body.duplicates == {"metadata"}
    assert read_model(body) == "a"
    spans = [raw[member.start : member.end].decode() for member in body.members]
    assert spans == ['"é":"é"', '"metadata":{"a":1}', '"model":"a"', '"metadata":{}']


# --- the quick way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x", "ü", "“" * 20_000, "x" * 8191 + "é" * 8192 + "🙂" * 3000])
def test_a_compact_body_is_peeked_at(text):
    raw = b'{"model":"a","messages":[{"role":"user","content":"%b"}],"stream":true}' % text.encode()
    values = peek(raw)
    assert values is not None
    assert bytes(values["model"]) == b'"a"'
    assert list(values) == ["model", "messages", "stream"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model": "a"}',
        b'{"model":"a"} ',
        b'{"model":"a","model":"a"}',
        rb'{"mod\u0065l":"a"}',
        '{"modèle":"e"}'.encode(),
        b'{"model":"\xff"}',
        b'{"model":"' + b"x" * 8182 + b'\xff"}',
        b'{"model":"' + "é".encode() * 8192 + b'\xc3"}',
        b'{"model":NaN}',
        b"[]",
        b"",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_anything_else_takes_the_long_way(raw):
    assert peek(raw) is None


@given(st.dictionaries(st.text('ab\\"é', max_size=2), st.sampled_from([1, "x", [], {"a": 1}]), max_size=4), st.data())
def test_the_quick_way_never_overlooks_a_key_that_stands_twice(value, data):
    members = [f"{json.dumps(key)}:{json.dumps(member, separators=(',', ':'))}" for key, member in value.items()]
    members += data.draw(st.lists(st.sampled_from(members), max_size=2)) if members else []
    values = peek(("{" + ",".join(members) + "}").encode())
    if values is not None:
        assert len(values) == len(members)


# --- the model -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{}", "absent"),
        (b'{"model":null}', "null"),
        (b'{"model":""}', '""'),
        (b'{"model":"  "}', '"  "'),
        (b'{"model":7}', "7"),
        (b'{"model":["a"]}', "[&quot;a&quot;]"),
        (b'{"model":{"id":"a"}}', "id"),
        (b'{"model":true}', "true"),
        (b'{"model":1e999}', "1e999"),
        (rb'{"model":"\ud800"}', "ud800"),
        (b'{"Model":"a"}', "absent"),
    ],
)
def test_model_must_be_a_non_empty_string(raw, said):
    found = refusal(read_model, read_body(raw))
    assert found.row.code == "missing_model"
    assert found.param == "model"
    assert said.replace("&quot;", '"') in found.message


def test_a_long_wrong_model_is_not_repeated_whole():
    assert len(refusal(read_model, read_body(b'{"model":[' + b"1," * 5000 + b"1]}")).message) < 200


@pytest.mark.parametrize("model", ["kimi", "openai/gpt-5:free", "~x", " padded ", "é", "😀"])
def test_the_model_is_taken_as_it_is(model):
    assert read_model(read_body(json.dumps({"model": model}).encode())) == model


@pytest.mark.parametrize(
    ("raw", "user_id"),
    [
        (b'{"metadata":{"user_id":"u"}}', "u"),
        (b'{"metadata":{"user_id":7}}', 7),
        (b'{"metadata":{}}', None),
        (b'{"metadata":[]}', None),
        (b"{}", None),
        (b'{"user":"u"}', None),
    ],
)
def test_the_user_of_a_messages_request(raw, user_id):
    assert read_user_id(read_body(raw)) == user_id


# --- forms -----------------------------------------------------------------------------------------------------------

FILE = b'RIFF\0\r\n\r\n--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nfaked\r\n'


def part(value, disposition, *lines):
    head = [f"Content-Disposition: form-data; {disposition}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + value + b"\r\n"


def form(*parts, boundary=b"b0"):
    return b"".join(b"--" + boundary + b"\r\n" + one for one in parts) + b"--" + boundary + b"--\r\n"


MODEL = part(b"whisper", 'name="model"')
SOUND = part(FILE, 'name="file"; filename="a.wav"', "Content-Type: audio/wav")
PLAIN = b"multipart/form-data; boundary=b0"


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (PLAIN, b"b0"),
        (b'multipart/form-data; boundary="b0"', b"b0"),
        (b'Multipart/Form-Data; charset=utf-8; Boundary="two words"; x=y', b"two words"),
        (b"multipart/form-data;boundary=----WebKitFormBoundaryAbC123", b"----WebKitFormBoundaryAbC123"),
        (b"multipart/form-data; boundary=a'(b)+_,-./:=?c; x=y", b"a'(b)+_,-./:=?c"),
        (b"multipart/form-data; xboundary=no; boundary=b0", b"b0"),
    ],
)
def test_the_boundary_in_all_its_forms(content_type, boundary):
    assert read_multipart_model(form(SOUND, MODEL, boundary=boundary), content_type) == "whisper"


@pytest.mark.parametrize("parts", [(MODEL, SOUND), (SOUND, MODEL), (SOUND, MODEL, part(b"en", 'name="language"'))])
def test_the_model_stands_anywhere(parts):
    assert read_multipart_model(form(*parts), PLAIN) == "whisper"


@pytest.mark.parametrize(
    "one",
    [
        part(b"whisper", "name=model"),
        part(b"whisper", 'name="model"; x=y'),
        part(b"whisper", 'x="; name=no"; name="model"'),
        part(b"whisper", 'Name="model"'),
        part(b" whisper\n", 'name="model"', "Content-Type: text/plain; charset=utf-8"),
        b'Content-Type: text/plain\r\nCONTENT-DISPOSITION:form-data;name="model"\r\n\r\nwhisper\r\n',
    ],
)
def test_the_fields_name_in_all_its_forms(one):
    assert read_multipart_model(form(SOUND, one), PLAIN) == "whisper"


@pytest.mark.parametrize(
    "one",
    [
        SOUND,
        part(b"whisper", 'name="model2"'),
        part(b"whisper", 'name="xmodel"'),
        part(b"whisper", 'name="Model"'),
        part(b"whisper", 'filename="model"'),
        part(b"whisper", 'name="file"; filename="; name=model"'),
        part(b"whisper", 'name="file"; filename="a\\"; name=\\"model"'),
        part(b"whisper", 'name="file"', 'X-Note: form-data; name="model"'),
        b'Content-Type: text/plain; name="model"\r\n\r\nwhisper\r\n',
        part(b"", 'name="model"'),
        part(b" \t", 'name="model"'),
    ],
)
def test_what_is_no_model_field(one):
    found = refusal(read_multipart_model, form(one, SOUND), PLAIN)
    assert found.row.code == "missing_model"
    assert found.param == "model"


def test_a_model_inside_a_files_content_does_not_count():
    assert read_multipart_model(form(SOUND, MODEL), PLAIN) == "whisper"
    inside = part(b"as in --b0\r\n" + part(b"faked", 'name="model"'), 'name="file"; filename="rfc7578.txt"')
    assert code(read_multipart_model, form(inside), PLAIN) == "missing_model"


def test_the_model_twice():
    found = refusal(read_multipart_model, form(MODEL, SOUND, part(b"other", "name=model")), PLAIN)
    assert found.row.code == "duplicate_key"


def test_what_stands_behind_the_end_does_not_count():
    assert read_multipart_model(form(MODEL) + form(part(b"other", "name=model")), PLAIN) == "whisper"


def test_a_preamble_is_passed_over():
    assert read_multipart_model(b"see --b0 below\r\n" + form(MODEL), PLAIN) == "whisper"


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary=""',
        b"multipart/form-data; xboundary=b0",
    ],
)
def test_no_boundary(content_type):
    assert code(read_multipart_model, form(MODEL), content_type) == "invalid_multipart"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"--b0",
        b"--b0--",
        b"--b0\r\n",
        form(MODEL)[:-20],
        b"--b0\r\n--b0\r\n--b0--",
        form(MODEL, boundary=b"other"),
    ],
)
def test_a_form_without_a_whole_model_field(raw):
    assert code(read_multipart_model, raw, PLAIN) == "missing_model"


def test_a_part_without_a_head_hides_no_other():
    assert read_multipart_model(b"--b0\r\n" + form(MODEL), PLAIN) == "whisper"


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b"--b0", b"\r\n", b"--", MODEL, b'name="model"', b";"])).map(b"".join)
)
def test_no_form_gives_anything_but_a_model_or_a_refusal(raw):
    try:
        model = read_multipart_model(raw, PLAIN)
    except Refusal:
        return
    assert model.encode() in raw

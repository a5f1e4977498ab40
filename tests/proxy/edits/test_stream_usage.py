import pytest

ON = {"stream_usage": True}


@pytest.mark.parametrize("options", [{}, {"stream_options": None}, {"stream_options": {}}])
def test_a_stream_is_asked_for_its_usage(edit, options):
    sent, names = edit(ON, {"stream": True, **options})
    assert sent == {"stream": True, "stream_options": {"include_usage": True}}
    assert names == ("stream_usage",)


def test_the_clients_other_options_stay_as_they_are(edit):
    sent, _ = edit(ON, b'{"stream":true,"stream_options": { "x" :1.0}}')
    assert sent == b'{"stream":true,"stream_options": { "x" :1.0,"include_usage":true}}'


@pytest.mark.parametrize(
    "body",
    [
        {"a": 1},
        {"stream": False},
        {"stream": None},
        {"stream": 1},
        {"stream": True, "stream_options": {"include_usage": False}},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": "wrong"},
    ],
)
def test_anything_else_stays(edit, body):
    assert edit(ON, body) == (body, ())


def test_it_is_not_asked_without_the_setting(edit):
    assert edit({}, {"stream": True}) == ({"stream": True}, ())

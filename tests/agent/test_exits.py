from open_llm_proxy.agent import exits
from open_llm_proxy.agent.exits import LostError, McpError, ModelError


def test_the_codes_are_those_that_scripts_rely_on():
    assert [
        (how.code, how.reason)
        for how in (
            exits.ANSWERED,
            exits.USAGE,
            exits.OUT_OF_TURNS,
            exits.MODEL_ERROR,
            exits.MCP_ERROR,
            exits.TIMEOUT,
            exits.INTERRUPTED,
        )
    ] == [
        (0, "answered"),
        (2, "usage"),
        (3, "out_of_turns"),
        (4, "model_error"),
        (5, "mcp_error"),
        (6, "timeout"),
        (130, "interrupted"),
    ]


def test_an_error_knows_how_the_session_ends():
    assert ModelError("no").exit == exits.MODEL_ERROR
    assert McpError("no").exit == LostError("no").exit == exits.MCP_ERROR
    assert ModelError("no", "the-id").request_id == "the-id"


def test_an_end_with_something_to_say():
    assert exits.TIMEOUT.with_message("late") == exits.Exit(6, "timeout", "late")

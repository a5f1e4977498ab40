"""Field names and their order are contracts."""

from open_llm_proxy.records.types import (
    ChoiceRecord,
    RequestRecord,
    ResponseRecord,
    SystemPromptRecord,
    ToolCallRecord,
    ToolResultRecord,
    ToolsRecord,
)


def test_the_fields_of_a_request():
    assert " ".join(RequestRecord.__struct_fields__) == (
        "timestamp type request_id session_id client origin provider model message_count tools_count enable_thinking "
        "user_question user_message_this_turn tool_results_this_turn messages endpoint stream key request_bytes "
        "client_request_id params system_sha256 tools_sha256 edits config_sha256 request_sha256 content_logged truncated "
        "proxy_version host"
    )


def test_the_fields_of_a_response():
    assert " ".join(ResponseRecord.__struct_fields__) == (
        "timestamp type request_id session_id client provider model origin latency_ms has_content has_tool_calls "
        "has_reasoning_content content content_preview reasoning_content reasoning_content_preview tool_calls tokens error "
        "upstream_headers endpoint key status ttft_ms finish_reason refusal choices attempts attempt_log upstream_model "
        "upstream_request_id completion_id response_bytes response_sha256 content_logged truncated proxy_version host"
    )


def test_the_fields_of_the_shared_records_and_of_parts():
    assert SystemPromptRecord.__struct_fields__ == ("timestamp", "type", "origin", "system_sha256", "content")
    assert ToolsRecord.__struct_fields__ == ("timestamp", "type", "origin", "tools_sha256", "tools")
    assert ToolCallRecord.__struct_fields__ == ("id", "name", "arguments")
    assert ToolResultRecord.__struct_fields__ == ("tool_call_id", "content")
    assert ChoiceRecord.__struct_fields__ == ("index", "content", "reasoning_content", "tool_calls", "finish_reason")

"""``enable_thinking``: one flag for clients, the provider's own form upstream (vLLM ``chat_template_kwargs``, …)."""

from collections.abc import Callable, Mapping

from open_llm_proxy.config.schema import ThinkingForm
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.edits import nested
from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import Body


def make(models: Mapping[str, str | ThinkingForm]) -> Callable[[Body, str, Changes], None]:
    """The edit for a provider whose ``thinking_models`` are ``models`` (exact ids)."""

    def edit(body: Body, model: str, changes: Changes) -> None:
        if "enable_thinking" not in body.values:
            return
        changes.drop("enable_thinking")
        asked = body.get("enable_thinking")
        form = models.get(model)
        if not isinstance(asked, bool):
            changes.names.append("thinking_flag_dropped")
        elif form is None:
            changes.names.append("thinking_dropped")
        elif isinstance(form, str):
            _set_switch(body, form, asked, changes)
        else:
            _set_form(body, form, asked, changes)

    return edit


def _set_switch(body: Body, switch: str, asked: bool, changes: Changes) -> None:
    try:
        sent = nested.read(body, "chat_template_kwargs")
    except Refusal as error:
        message = "`chat_template_kwargs` must be an object"
        raise Refusal(errors.BAD_PARAM, message, param="chat_template_kwargs") from error
    changes.set("chat_template_kwargs", nested.put(sent, switch, asked))
    changes.names.append("thinking")


def _set_form(body: Body, form: ThinkingForm, asked: bool, changes: Changes) -> None:
    """What the client itself sent in the provider's own form wins."""
    wanted = form.on if asked else form.off
    if not wanted:
        changes.names.append("thinking_dropped")
        return
    for key, value in wanted.items():
        if key not in body.values:
            changes.set(key, value)
    changes.names.append("thinking")

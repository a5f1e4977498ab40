"""The system prompt that an app uses: from a file, or from where the app itself has it."""

from pathlib import Path
from typing import Final

from open_llm_proxy.errors import UserError

FETCH_S: Final = 30.0


def load_system_prompt(place: str) -> str:
    """The text at a path (``~`` is the user's folder) or URL.

    Raises:
        UserError: It cannot be read.
    """
    if not place.startswith(("http://", "https://")):
        try:
            return Path(place).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--system-prompt {place}: {error}") from error
    import httpx  # noqa: PLC0415 - only where a prompt is fetched

    try:
        answer = httpx.get(place, follow_redirects=True, timeout=FETCH_S)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UserError(f"--system-prompt {place}: {error or type(error).__name__}") from error
    return answer.text

"""Where nginx (1.22) and h11 (0.16) decide otherwise than we do, and why that is as we want it.

A reason holds the names of the rows that it explains. A difference that has no reason fails the test, and so does a
reason for what is no difference.
"""

from typing import Final

NGINX: Final[dict[str, tuple[str, ...]]] = {
    "It reads any 1.x as 1.1; we know two versions, so that no third reader guesses (9112 §2.3).": ("HTTP/1.2", "HTTP/1.10"),
    "It passes over white space in the request line; 9112 §3 lets it, and names the smuggling that came of it.": (
        "two spaces before the target", "two spaces before the version", "a space behind the version",
    ),
    "It takes LF for a line's end (9112 §2.2 lets it); two readers that differ there are the classic smuggling.": (
        "a bare LF first", "a bare LF in a value", "lines that end in LF", "the last line ends in LF", "CR CR LF",
        "a bare LF behind the size", "a bare LF behind the content", "a bare LF behind the last chunk",
    ),
    "It passes over CR and LF before a request line, in any order; we over CRLF alone (9112 §2.2).": ("a bare CR first",),
    "It finds CR without LF at once; our reader waits for the head's end, and for its time limit.": ("lines that end in CR",),
    "It passes any method on; we know the registered ones, and serve four.": ("an unknown method", "a method of 10 KB"),
    "It cuts a fragment off; no client sends one (9112 §3.2), so we take it for an attack.": ("a fragment", "a fragment in the query"),
    "It takes any scheme in absolute form; we http and https.": ("absolute form, ftp",),
    "It normalizes paths and refuses what it cannot; we normalize nothing, so such a path is another name: 404.": (
        "dot segments that leave", "a percent sign alone", "an encoded NUL",
    ),
    "It passes bytes above ASCII on in a target; no URI has them (3986 §2).": ("bytes above ASCII", "UTF-8"),
    "It wants a host; an empty one is allowed where the target has none (9112 §3.2), and we do not route by it.": ("an empty Host",),
    "It passes user info in Host on; 9110 §7.2 has none there.": ("a Host with user info",),
    "It drops a line that is no field and goes on; what is dropped here may be read elsewhere.": (
        "no colon", "bytes above ASCII in a name", "a name in brackets", "a name in quotation marks",
    ),
    "It passes control characters in values on; 9110 §5.5 calls them invalid, and logs and terminals mind.": (
        "a control character in a value", "ESC in a value", "DEL in a value",
    ),
    "It limits bytes, not lines.": ("101 lines",),
    "It does not know which fields are singletons to us: two keys or two content types must not be chosen from.": (
        "two other keys", "two content types",
    ),
    "It ignores expectations that it does not know; 9110 §10.1.1 lets both.": ("an unknown expectation",),
    "It refuses the size and reads on; we end the connection, as we will not read a body we did not want.": ("a length of 1 TB",),
    "It takes a tab before a value for a part of it; 9110 §5.5 calls it white space.": (
        "white space around a length", "chunked behind a tab",
    ),
    "It takes sizes of up to 16 digits and white space behind them; ours are strict (9112 §7.1).": (
        "a size of 16 digits", "a space behind the size",
    ),
    "It passes over extensions and trailers without a look; we check and limit what we throw away.": (
        "an extension with NUL", "an extension of 10 KB", "a trailer with a space before its colon", "a folded trailer",
        "trailers of 70 KB", "a request for the trailer",
    ),
    "It does not mind framing without content; we do, since it costs more than it carries.": ("a swarm of tiny chunks",),
}  # fmt: skip

H11: Final[dict[str, tuple[str, ...]]] = {
    "It leaves versions to its user.": ("HTTP/1.2", "HTTP/2.0 in a line"),
    "It leaves methods and targets to its user.": (
        "an unknown method", "a lower-case method", "CONNECT", "a method of 10 KB", "a fragment", "a fragment in the query", "absolute form, ftp",
        "authority form", "the asterisk", "no slash",
    ),
    "It leaves the Host's form to its user.": (
        "a Host with a path", "a Host with user info", "a Host with a space",
    ),
    "It refuses an empty line where a request should be; 9112 §2.2 asks to ignore one.": ("an empty request line", "an empty line first", "three empty lines first"),
    "It leaves sizes to its user: it bounds what is incomplete, and this came at once.": (
        "a target of 70 KB", "a Host of 70 KB", "a value of 70 KB", "a name of 70 KB", "101 lines",
        "an extension of 10 KB", "trailers of 70 KB", "a swarm of tiny chunks",
    ),
    "It unfolds lines (9112 §5.2 lets it); we refuse them, as it asks of a server that will not.": (
        "a folded line", "a folded line with a tab", "a folded length", "a folded coding", "a folded trailer",
    ),
    "It takes LF for a line's end in heads (9112 §2.2 lets it).": (
        "a bare LF in a value", "lines that end in LF", "the last line ends in LF", "a bare LF behind the last chunk",
    ),
    "It takes control characters in values.": (
        "a control character in a value", "ESC in a value", "DEL in a value",
    ),
    "It does not know which fields are singletons to us.": ("two keys", "two other keys", "two content types"),
    "It leaves expectations to its user.": ("an unknown expectation",),
    "It makes one of equal lengths (9112 §6.3 lets it).": ("two equal lengths", "a list of equal lengths"),
    "It counts with numbers of any size and waits for the body.": (
        "a length of 2^64", "a length of 2^63", "a length of 1 TB", "a size of 2^64",
    ),
    "It lets Transfer-Encoding win over Content-Length (9112 §6.3 lets it); we take both for an attack.": (
        "a length and chunked", "chunked and a length", "a length of 0 and chunked",
    ),
    "It reads chunks in HTTP/1.0; 9112 §6.1 calls that faulty framing.": ("chunked in HTTP/1.0",),
    "It reads sizes leniently, and extensions not at all.": (
        "a size of 16 digits", "a space behind the size", "an extension with a bare CR", "an extension with NUL",
    ),
    "It takes no white space within extensions; 9112 §7.1.1 has some (BWS).": ("an extension of white space",),
    "It calls bytes behind the last request of a connection an error; we do not read them (9112 §9.6).": ("a close between two",),
    "It takes no empty line between two requests; 9112 §2.2 asks to ignore one.": ("an empty line between two",),
    "It judges HTTP alone: the body that we refuse, and end at, is the next request to it.": (
        "a length shorter than the body", "no length and a body",
    ),
}  # fmt: skip


def explained(reasons: dict[str, tuple[str, ...]]) -> set[str]:
    names = [name for rows in reasons.values() for name in rows]
    assert len(names) == len(set(names)), "a row is explained twice"
    return set(names)

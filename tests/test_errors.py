import importlib
import pkgutil
import re

import open_llm_proxy
from open_llm_proxy import errors
from open_llm_proxy.errors import OpenLlmProxyError, UserError


def subclasses_of(cls):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses_of(child)


def test_the_tree_in_the_docstring_is_the_tree():
    for module in pkgutil.walk_packages(open_llm_proxy.__path__, "open_llm_proxy."):
        importlib.import_module(module.name)
    ours = {
        f"{cls.__module__.removeprefix('open_llm_proxy.')}.{cls.__qualname__}".removeprefix("errors.")
        for cls in subclasses_of(OpenLlmProxyError)
        if cls.__module__.startswith("open_llm_proxy.")
    }
    drawn = set(re.findall(r"[├└]── ([\w.]+)", errors.__doc__))
    assert drawn == ours


def test_a_user_error_reads_as_one_line_with_its_remedy():
    error = UserError("it is full", "Empty it", 5)
    assert (str(error), error.exit_code) == ("it is full. Empty it", 5)
    assert str(UserError("it is full")) == "it is full"
    assert UserError("it is full").exit_code == 2

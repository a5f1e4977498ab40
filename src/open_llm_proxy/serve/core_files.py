"""No core files: the memory of every process holds keys and what clients and models said."""

import resource
import sys

# On Linux 1 byte: too little for a file, and the one value at which no core is piped to a collector either (core(5):
# the limit does not count for a pipe; the kernel makes an exception of 1, to end loops, and of nothing else).
_LIMIT_BYTES = 1 if sys.platform == "linux" else 0


def forbid_core_files() -> None:
    """Lower the soft limit on core files for this process and its children; the hard one stays, for who debugs.

    ``prlimit --core=unlimited --pid PID`` allows one again.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    soft = _LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(_LIMIT_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))

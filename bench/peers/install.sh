#!/bin/sh
# Installs the peers that `make bench-peers` measures, as root (apt, npm, pip), into the parts folder beside the tests'
# real parts; nothing of it goes into the project's lock. What is there is left alone. A peer that fails does not stop the
# others; it is said, and the script fails at its end. The versions are pinned here and in requirements/*.txt.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
peers=${OPEN_LLM_PROXY_PARTS:-${XDG_CACHE_HOME:-$HOME/.cache}/open-llm-proxy-parts}/peers
uv=$root/.venv/bin/uv
failed=""

try() {
	name=$1
	shift
	if "$@"; then
		echo "peers: $name: there"
	else
		echo "peers: $name: FAILED" >&2
		failed="$failed $name"
	fi
}

# usage: debian PACKAGE PROGRAM
debian() {
	PATH="$PATH:/usr/sbin" command -v "$2" >/dev/null && return
	[ -n "${updated:-}" ] || apt-get update -qq || return
	updated=yes
	# A package's service is not to be started: the bench starts its own.
	printf '#!/bin/sh\nexit 101\n' >"$peers/policy-rc.d" && chmod +x "$peers/policy-rc.d"
	[ -e /usr/sbin/policy-rc.d ] || { cp "$peers/policy-rc.d" /usr/sbin/policy-rc.d && guarded=yes; }
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
	status=$?
	[ -z "${guarded:-}" ] || { rm -f /usr/sbin/policy-rc.d && guarded=""; }
	return $status
}

# A virtual environment with nothing but what the lock of that name says: its bytes are the install's.
# usage: python NAME
python() {
	lock=$here/requirements/$1.txt
	cmp -s "$lock" "$peers/$1/installed.txt" && return
	rm -rf "${peers:?}/$1"
	"${PYTHON:-python3}" -m venv --without-pip "$peers/$1" &&
		"$uv" pip install --quiet --python "$peers/$1/bin/python" --requirement "$lock" &&
		cp "$lock" "$peers/$1/installed.txt"
}

# usage: node NAME 'DEPENDENCIES AND OVERRIDES'
node() {
	wanted="{\"private\": true, $2}"
	[ -d "$peers/$1/node_modules" ] && [ "$(cat "$peers/$1/package.json" 2>/dev/null)" = "$wanted" ] && return
	rm -rf "${peers:?}/$1" && mkdir -p "$peers/$1" && echo "$wanted" >"$peers/$1/package.json" &&
		(cd "$peers/$1" && npm install --no-audit --no-fund --loglevel=error >/dev/null)
}

# The proxy itself, installed as its users install it, for its size.
ourselves() {
	[ -x "$peers/open-llm-proxy/bin/open-llm-proxy" ] && return
	"${PYTHON:-python3}" -m venv --without-pip "$peers/open-llm-proxy" &&
		"$uv" pip install --quiet --python "$peers/open-llm-proxy/bin/python" --constraint "$root/requirements/deploy.txt" "$root"
}

mkdir -p "$peers"
try nginx debian nginx nginx
try wrk debian wrk wrk
try haproxy debian haproxy haproxy
try caddy debian caddy caddy
try open-llm-proxy ourselves
try litellm python litellm
try sglang-router python sglang-router
try vllm-router python vllm-router
try node debian nodejs node
try npm debian npm npm
try portkey node portkey \
	'"dependencies": {"@portkey-ai/gateway": "1.15.2"}, "overrides": {"@hono/node-server": "1.3.3"}'
try bifrost node bifrost '"dependencies": {"@maximhq/bifrost": "1.6.3"}'

[ -z "$failed" ] || { echo "peers: not installed:$failed" >&2; exit 1; }

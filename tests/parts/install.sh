#!/bin/sh
# Installs the real parts that the tests use; run by `make parts`, as root. What is there is left alone, so a second run
# is quick. A part that fails does not stop the others; it is said, and the script fails at its end.
# The Python parts (openai, anthropic, langchain-openai, moto, gguf) come with the lock file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
parts=${OPEN_LLM_PROXY_PARTS:-${XDG_CACHE_HOME:-$HOME/.cache}/open-llm-proxy-parts}
failed=""

try() {
	name=$1
	shift
	if "$@"; then
		echo "parts: $name: there"
	else
		echo "parts: $name: FAILED" >&2
		failed="$failed $name"
	fi
}

have() {
	for program; do
		PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || return 1
	done
}

# usage: debian PACKAGE PROGRAM…
debian() {
	package=$1
	shift
	have "$@" && return
	[ -n "${updated:-}" ] || apt-get update -qq || return
	updated=yes
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null && have "$@"
}

node_runtime() {
	have node npm || { debian nodejs node && debian npm npm; }
}

node_packages() {
	lock=$here/node/package-lock.json
	stamp=$here/node/node_modules/.installed
	have npm || return
	cmp -s "$lock" "$stamp" && return
	(cd "$here/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) && cp "$lock" "$stamp"
}

# Sid's llama.cpp with the libraries it wants, in a folder of its own: nothing of it mixes with this system's.
# A mirror that lags behind has a Release file past its date. It is still signed, and signatures are still checked; only
# for this folder, and only when the strict way failed, the date is not.
llama_cpp() {
	[ -x "$parts/llama.cpp/usr/bin/llama-server" ] && return
	debian mmdebstrap mmdebstrap || return
	mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
	mkdir -p "$parts" || return
	for date in true false; do
		[ "$date" = true ] || echo "parts: llama.cpp: again, without a look at the mirror's date" >&2
		rm -rf "$parts/llama.cpp.part"
		if mmdebstrap --quiet --variant=essential --include=llama.cpp-tools \
			--aptopt="Acquire::Check-Valid-Until \"$date\"" sid "$parts/llama.cpp.part" $mirror; then
			rm -rf "$parts/llama.cpp"
			mv "$parts/llama.cpp.part" "$parts/llama.cpp"
			return
		fi
	done
	return 1
}

try curl debian curl curl
try nginx debian nginx-light nginx
try wrk debian wrk wrk
try chromium debian chromium chromium
try faketime debian faketime faketime
try ceph-mon debian ceph-mon ceph-mon monmaptool
try ceph-osd debian ceph-osd ceph-osd
try radosgw debian radosgw radosgw radosgw-admin ceph
try node node_runtime
try node-packages node_packages
try llama.cpp llama_cpp

[ -z "$failed" ] || { echo "parts: not installed:$failed" >&2; exit 1; }

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

# Programs of Debian sid with the libraries they want, each in a folder of its own: nothing of it mixes with this system's.
# A mirror that lags behind has a Release file past its date. It is still signed, and signatures are still checked; only
# for this folder, and only when the strict way failed, the date is not.
# usage: from_sid FOLDER VARIANT PROGRAM PACKAGE,…
from_sid() {
	[ -x "$parts/$1/usr/bin/$3" ] && return
	debian mmdebstrap mmdebstrap || return
	mirror=$(mirror_of_debian)
	mkdir -p "$parts" || return
	for date in true false; do
		[ "$date" = true ] || echo "parts: $1: again, without a look at the mirror's date" >&2
		rm -rf "$parts/$1.part"
		if mmdebstrap --quiet --variant="$2" --include="$4" \
			--aptopt="Acquire::Check-Valid-Until \"$date\"" sid "$parts/$1.part" $mirror; then
			rm -rf "$parts/$1"
			mv "$parts/$1.part" "$parts/$1"
			return
		fi
	done
	return 1
}

mirror_of_debian() {
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }'
}

# What stands for the images of deployment.yaml: a root file system with Python and git, and nothing of ours.
base_image() {
	[ -x "$parts/base-image/usr/bin/git" ] && return
	debian mmdebstrap mmdebstrap || return
	mkdir -p "$parts" && rm -rf "$parts/base-image.part" || return
	mmdebstrap --quiet --variant=apt --include=python3,python3-venv,git,ca-certificates \
		bookworm "$parts/base-image.part" $(mirror_of_debian) || return
	rm -rf "$parts/base-image"
	mv "$parts/base-image.part" "$parts/base-image"
}

# One program of a package that would bring a service, which would run on this machine from then on.
rules_checker() {
	have promtool && return
	[ -x "$parts/prometheus/usr/bin/promtool" ] && return
	[ -n "${updated:-}" ] || apt-get update -qq || return
	updated=yes
	rm -rf "$parts/prometheus.part" && mkdir -p "$parts/prometheus.part" || return
	(cd "$parts/prometheus.part" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . &&
		rm prometheus_*.deb) || return
	rm -rf "$parts/prometheus"
	mv "$parts/prometheus.part" "$parts/prometheus"
}

# Virtual environments with nothing but what `pip install openai mcp httpx` brings, for agent_runner.py: a lock each.
bare_environments() {
	for lock in "$here"/bare/*.txt; do
		environment=$parts/bare/$(basename "$lock" .txt)
		cmp -s "$lock" "$environment/installed.txt" && continue
		rm -rf "$environment"
		${PYTHON:-python3} -m venv "$environment" &&
			"$environment/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --requirement "$lock" &&
			cp "$lock" "$environment/installed.txt" || return
	done
}

# Spark, for one test: in a folder of its own, too large for the lock file. pyspark 4 wants Java 17.
spark() {
	[ -f "$parts/spark/pyspark/__init__.py" ] && return
	mkdir -p "$parts" && rm -rf "$parts/spark.part" || return
	uv=$here/../../.venv/bin/uv
	"$uv" pip install --quiet --python "$here/../../.venv/bin/python" --target "$parts/spark.part" "pyspark==4.0.1" &&
		mv "$parts/spark.part" "$parts/spark"
}

# mutmut, for mutation/: its operators and what they want, none of its terminal.
mutmut() {
	[ -f "$parts/mutmut/mutmut/__init__.py" ] && return
	mkdir -p "$parts" && rm -rf "$parts/mutmut.part" || return
	uv=$here/../../.venv/bin/uv
	"$uv" pip install --quiet --python "$here/../../.venv/bin/python" --target "$parts/mutmut.part" --no-deps \
		"mutmut==3.8.1" "libcst==1.9.0" && mv "$parts/mutmut.part" "$parts/mutmut"
}

try curl debian curl curl
try jq debian jq jq
try nginx debian nginx-light nginx
try wrk debian wrk wrk
try chromium debian chromium chromium
try promtool rules_checker
try faketime debian faketime faketime
try ceph-mon debian ceph-mon ceph-mon monmaptool
try ceph-osd debian ceph-osd ceph-osd
try radosgw debian radosgw radosgw radosgw-admin ceph
try java debian openjdk-17-jre-headless java
try spark spark
try mutmut mutmut
try node node_runtime
try node-packages node_packages
try llama.cpp from_sid llama.cpp essential llama-server llama.cpp-tools
try kustomize from_sid kubernetes extract kustomize kustomize,kubernetes-client
try buildah debian buildah buildah
try base-image base_image
try bare-environments bare_environments

[ -z "$failed" ] || { echo "parts: not installed:$failed" >&2; exit 1; }

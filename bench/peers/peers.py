"""All peers, in the order of the tables."""

from bench.peers.gateways import BIFROST, LITELLM, PORTKEY, SGLANG, VLLM
from bench.peers.ours import OURS
from bench.peers.proxies import CADDY, HAPROXY, NGINX, NGINX_BUFFERED

MEASURED = (OURS, NGINX, HAPROXY, CADDY, SGLANG, VLLM, PORTKEY, LITELLM, BIFROST)
KILLED = (OURS, NGINX, NGINX_BUFFERED, HAPROXY, CADDY, SGLANG, VLLM, PORTKEY, LITELLM, BIFROST)

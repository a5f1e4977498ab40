"""A model file of 350 KB that a real model server loads: one layer, letters only, weights from a fixed seed.

The first component of each embedding is large and the same, so it reaches the output as a constant: its column in the
output matrix is how likely a token is whatever came before. So the model says letters, and never half a character.
"""

from pathlib import Path

import gguf
import numpy as np

WIDTH = 64
HIDDEN = 2 * WIDTH
CONTEXT_TOKENS = 4096
CONSTANT, LIKELY, UNLIKELY = 6.0, 3.0, -9.0
CONTROL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")
# Tools stand in the prompt, so that offering them changes what the model is asked.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
{{ tools | tojson }}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def write_tiny_model(path: Path) -> None:
    """Write it; the same bytes each time."""
    vocabulary = _vocabulary()
    writer = gguf.GGUFWriter(str(path), "llama")
    _describe(writer, vocabulary)
    for name, tensor in _tensors(vocabulary).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary() -> list[tuple[str, gguf.TokenType]]:
    kinds = gguf.TokenType
    return [
        ("<unk>", kinds.UNKNOWN),
        *((token, kinds.CONTROL) for token in CONTROL),
        *((f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)),
        ("\u2581", kinds.NORMAL),
        *((chr(code), kinds.NORMAL) for code in range(33, 127)),
    ]


def _describe(writer: gguf.GGUFWriter, vocabulary: list[tuple[str, gguf.TokenType]]) -> None:
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_rope_dimension_count(WIDTH // 4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_token_types([int(kind) for _, kind in vocabulary])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(1 + CONTROL.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensors(vocabulary: list[tuple[str, gguf.TokenType]]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)

    def weights(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.1).astype(np.float32)

    embeddings, output = weights(len(vocabulary), WIDTH), weights(len(vocabulary), WIDTH)
    embeddings[:, 0] = CONSTANT
    for row, (token, _) in enumerate(vocabulary):
        output[row, 0] = LIKELY if len(token) == 1 and token.isalpha() else UNLIKELY
    tensors = {"token_embd.weight": embeddings, "output.weight": output}
    square = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (WIDTH, WIDTH))
    shapes = {**square, "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
    tensors |= {f"blk.0.{name}.weight": weights(*shape) for name, shape in shapes.items()}
    norms = ("output_norm.weight", "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight")
    return tensors | {name: np.ones(WIDTH, np.float32) for name in norms}

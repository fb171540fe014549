"""What others do with the same model: `reference.py transformers|llama_cpp MODEL f32|bf16|q8_0 TIMES [load]`.

Prints one JSON object with the keys of `crates/engine/examples/speed.rs`. Both at their best setting on a processor:
transformers with scaled-dot-product attention and a static number of threads, llama.cpp with one thread a core.
"""

import json
import os
import resource
import sys
import time

PROMPT, WRITTEN, BATCHES = 256, 16, (1, 16)
system, model_path, dtype, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
only_load = "load" in sys.argv[5:]
CORES = len(os.sched_getaffinity(0))


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def best(run):
    return max(run() for _ in range(times))


def prompt(row, vocabulary):
    return [(token * 7919) % vocabulary for token in range(row, row + PROMPT)]


def with_transformers():
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    torch.set_num_threads(CORES)
    imported_mb = peak_mb()
    start = time.perf_counter()
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=kind, attn_implementation="sdpa").eval()
    report = dict(load_s=time.perf_counter() - start, peak_mb_imported=imported_mb, peak_mb_after_load=peak_mb())
    vocabulary = model.config.vocab_size

    def read(rows):
        tokens = torch.tensor([prompt(row, vocabulary) for row in range(rows)])
        cache = DynamicCache()
        start = time.perf_counter()
        model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return cache, time.perf_counter() - start

    def write(rows):
        cache, _ = read(rows)
        tokens = torch.full((rows, 1), 7)
        start = time.perf_counter()
        for _ in range(WRITTEN):
            model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return rows * WRITTEN / (time.perf_counter() - start)

    with torch.inference_mode():
        # Weights are mapped and read when they are used: `load` reads one prompt too, which touches all of them.
        report["prefill_tokens_per_s"] = best(lambda: PROMPT / read(1)[1])
        if not only_load:
            report["decode_tokens_per_s_by_batch"] = {rows: best(lambda: write(rows)) for rows in BATCHES}
    return report


def with_llama_cpp():
    import llama_cpp

    start = time.perf_counter()
    model = llama_cpp.Llama(model_path, n_ctx=PROMPT + WRITTEN, n_batch=PROMPT, n_threads=CORES, n_threads_batch=CORES, flash_attn=True, verbose=False)
    report = dict(load_s=time.perf_counter() - start, peak_mb_after_load=peak_mb())
    tokens = prompt(0, model.n_vocab())

    def read():
        model.reset()
        start = time.perf_counter()
        model.eval(tokens)
        return PROMPT / (time.perf_counter() - start)

    def write():
        read()
        start = time.perf_counter()
        for _ in range(WRITTEN):
            model.eval([7])
        return WRITTEN / (time.perf_counter() - start)

    read()
    report["prefill_tokens_per_s"] = best(read)
    report["decode_tokens_per_s_by_batch"] = {1: best(write), **{rows: in_one_batch(model, rows) for rows in BATCHES[1:]}}
    return report


def in_one_batch(model, rows):
    """Tokens a second of several sequences in one batch, which the class `Llama` does not know: by the C interface."""
    import llama_cpp

    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx, parameters.n_seq_max = rows * (PROMPT + WRITTEN), rows
    parameters.n_batch = parameters.n_ubatch = PROMPT
    parameters.n_threads = parameters.n_threads_batch = CORES
    context = llama_cpp.llama_init_from_model(model.model, parameters)
    assert context, "no context of so many sequences"
    batch = llama_cpp.llama_batch_init(PROMPT, 0, 1)

    def decode(tokens):
        """Each a token, its position, its sequence, and whether logits after it are wanted."""
        batch.n_tokens = len(tokens)
        for at, (token, position, row, wanted) in enumerate(tokens):
            batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, position, 1
            batch.seq_id[at][0], batch.logits[at] = row, wanted
        failed = llama_cpp.llama_decode(context, batch)
        assert failed == 0, failed
        llama_cpp.llama_get_logits_ith(context, -1)

    def write():
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        for row in range(rows):
            tokens = enumerate(prompt(row, model.n_vocab()))
            decode([(token, position, row, position == PROMPT - 1) for position, token in tokens])
        start = time.perf_counter()
        for step in range(WRITTEN):
            decode([(7, PROMPT + step, row, True) for row in range(rows)])
        return rows * WRITTEN / (time.perf_counter() - start)

    return best(write)


report = with_transformers() if system == "transformers" else with_llama_cpp()
print(json.dumps(dict(system=system, dtype=dtype, **report, peak_mb=peak_mb())))

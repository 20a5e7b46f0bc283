"""The peer for decoders: llama.cpp, through llama-cpp-python's low-level calls."""
import ctypes, time
import numpy as np


class LlamaCpp:
    def __init__(self, path, threads, sequences=1, context=1024):
        import llama_cpp
        self.api = llama_cpp
        self.silence = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.silence, ctypes.c_void_p(0))
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        p = llama_cpp.llama_context_default_params()
        p.n_ctx, p.n_batch, p.n_ubatch, p.n_seq_max = context * sequences, 2048, 512, sequences
        p.n_threads = p.n_threads_batch = threads
        p.kv_unified = False
        self.context = llama_cpp.llama_init_from_model(self.model, p)
        self.room = llama_cpp.llama_batch_init(2048, 0, 1)

    def reset(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def step(self, tokens):
        """One call: (id, position, sequence, whether its logits are wanted) a token."""
        self.room.n_tokens = len(tokens)
        for i, (token, position, sequence, wanted) in enumerate(tokens):
            self.room.token[i], self.room.pos[i] = token, position
            self.room.n_seq_id[i], self.room.seq_id[i][0] = 1, sequence
            self.room.logits[i] = wanted
        if self.api.llama_decode(self.context, self.room) != 0:
            raise RuntimeError("llama_decode failed")

    def prompt(self, ids, sequence=0):
        self.step([(t, i, sequence, i == len(ids) - 1) for i, t in enumerate(ids)])

    def logits(self):
        at = self.api.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(at, shape=(self.vocabulary,)).copy()

    def prefill_rate(self, ids):
        self.reset()
        begin = time.perf_counter()
        self.prompt(ids)
        self.logits()
        return len(ids) / (time.perf_counter() - begin)

    def decode_rate(self, ids, steps, sequences):
        """Tokens a second of all sequences together, after a prompt each."""
        self.reset()
        for s in range(sequences):
            self.prompt(ids[:-steps], s)
        begin = time.perf_counter()
        for i in range(len(ids) - steps, len(ids)):
            self.step([(ids[i], i, s, True) for s in range(sequences)])
            self.logits()
        return steps * sequences / (time.perf_counter() - begin)

    def close(self):
        self.api.llama_batch_free(self.room)
        self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)

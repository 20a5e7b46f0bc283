"""Vocabularies of BERT and T5's kind in GGUF, written by the package `gguf` from the real tokenizers: ids must be those of
Transformers. Skipped without package or files.

    python3 tests/e2e/tokenizer_gguf.py build/release/liga ../shared/tokenizers
"""
import base64, json, os, subprocess, sys, tempfile

SKIPPED = 77
NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def liga(program, model, texts, *options):
    rows = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    r = subprocess.run([program, "tokenize", "--jsonl", *options, model], input=rows.encode(), capture_output=True)
    if r.returncode:
        raise RuntimeError(r.stderr.decode())
    return [json.loads(line)["ids"] for line in r.stdout.splitlines()]


def phantom(token):
    """BERT's spelling in GGUF."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else "▁" + token


def write(path, model, tokens, types, scores=None, charsmap=None):
    from gguf import GGUFWriter
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores:
        writer.add_token_scores(scores)
    if charsmap:
        writer.add_precompiled_charsmap(charsmap)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def check_bert(program, folder, cases, path):
    with open(f"{folder}/bert/tokenizer.json", encoding="utf-8") as file:
        vocab = json.load(file)["model"]["vocab"]
    tokens = sorted(vocab, key=vocab.get)
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    write(path, "bert", [phantom(t) for t in tokens], [CONTROL if t in special else NORMAL for t in tokens])
    texts = [c["text"] for c in cases]
    plain = sum(a == c["bert"] for a, c in zip(liga(program, path, texts), cases))
    wrapped = sum(a == c["bert.special"] for a, c in zip(liga(program, path, texts, "--special"), cases))
    print(f"bert: {plain} and {wrapped} of {len(cases)}")
    return plain == wrapped == len(cases)


def check_unigram(program, folder, cases, path):
    with open(f"{folder}/marian_en_pt/tokenizer.json", encoding="utf-8") as file:
        tokenizer = json.load(file)
    charsmap = base64.b64decode(tokenizer["normalizer"]["normalizers"][0]["precompiled_charsmap"])
    vocab = tokenizer["model"]["vocab"]
    types = {"</s>": CONTROL, "<unk>": UNKNOWN}
    write(path, "t5", [t for t, _ in vocab], [types.get(t, NORMAL) for t, _ in vocab], [s for _, s in vocab], charsmap)
    # What a SentencePiece program reads otherwise than Transformers: its control tokens, and the table of its normaliser by
    # the longest entry, not by graphemes.
    cases = [c for c in cases if not any(t in c["text"] for t in ("</s>", "<unk>", "a\u0300\u0301\u0302", "\u2122\u0326"))]
    same = sum(a == c["marian_en_pt"] for a, c in zip(liga(program, path, [c["text"] for c in cases]), cases))
    print(f"unigram: {same} of {len(cases)}")
    return same == len(cases) > 300


def main():
    program, folder = sys.argv[1:]
    try:
        import gguf  # noqa: F401
    except ImportError:
        print("skipped: the package gguf is not installed")
        return SKIPPED
    if not os.path.exists(f"{folder}/cases.jsonl"):
        print(f"skipped: {folder} is not there")
        return SKIPPED
    with open(f"{folder}/cases.jsonl", encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "vocabulary.gguf")
        good = [check(program, folder, cases, path) for check in (check_bert, check_unigram)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Components of tokenizer.json beside Hugging Face's `tokenizers`, on texts of all of Unicode.

Each tokenizer here is made of a tiny vocabulary and one arrangement of components; both sides must give the same ids and
the same text back. Skipped where the package is not installed.

    python3 tests/e2e/tokenizer_components.py build/release/liga
"""
import json, os, random, subprocess, sys, tempfile, unicodedata

SKIPPED = 77
ALPHABET = list(dict.fromkeys([chr(c) for c in range(32, 127)] + list("▁éàßİıøñ中文字ЖжÅﬁ½²™ 　…—\n\t")))


def byte_alphabet():
    printable = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) if b in printable else chr(256 + rest.index(b)) for b in range(256)]


def added(model, *tokens):
    """Added tokens behind the model's own, in their order: ids that leave gaps are changed by the other side."""
    first = len(model["vocab"])
    default = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": first + i, **default, **t} for i, t in enumerate(tokens)]


def tokenizer(model, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, added_tokens=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added_tokens), "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": decoder, "model": model}


def bpe(tokens, merges, **more):
    vocab = {t: i for i, t in enumerate(tokens + ["".join(m) for m in merges])}
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": [list(m) for m in merges], **more}


def letters(**more):
    return bpe(["<unk>"] + ALPHABET, [("t", "h"), ("th", "e"), ("a", "n"), ("a", "b"), ("e", "r"), ("▁", "▁"), ("▁", "the")], unk_token="<unk>", **more)


BYTES = ["<unk>"] + [f"<0x{b:02X}>" for b in range(256)]


def fallback(**more):
    return bpe(BYTES + ALPHABET, [("t", "h"), ("th", "e"), ("▁", "the"), ("▁", "▁")], unk_token="<unk>", byte_fallback=True, fuse_unk=True, **more)


def bytes_model(**more):
    return bpe(byte_alphabet(), [("t", "h"), ("Ġ", "t"), ("Ġt", "h"), ("a", "b"), ("Ã", "©"), ("Ġ", "Ġ")], **more)


def word_piece(**more):
    words = ["[UNK]", "[CLS]", "[SEP]"] + ALPHABET + ["##" + c for c in ALPHABET] + ["the", "##he", "and", "a", "##bc", "'s", "."]
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 12,
            "vocab": {w: i for i, w in enumerate(dict.fromkeys(words))}, **more}


def unigram(**more):
    pieces = [["<unk>", 0.0]] + [[c, -5.0 - i / 40] for i, c in enumerate(ALPHABET)] + \
        [["▁the", -3.0], ["he", -4.0], ["th", -4.5], ["▁a", -3.5], ["ab", -6.0], ["bab", -7.5]]
    return {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False, **more}


def sequence(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def metaspace(scheme="always", cut=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def replace(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


FORMS = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")]
NORMALIZERS = FORMS + [sequence("normalizers", {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}),
                       {"type": "Strip", "strip_left": True, "strip_right": False},
                       {"type": "Strip", "strip_left": False, "strip_right": True},
                       {"type": "Prepend", "prepend": "▁"},
                       replace({"String": " "}, "▁"), replace({"Regex": " {2,}"}, " "), replace({"Regex": "\\s+"}, " "),
                       replace({"Regex": "[aeiou]h?"}, "ab")]
NORMALIZERS += [{"type": "BertNormalizer", "clean_text": c, "handle_chinese_chars": h, "strip_accents": s, "lowercase": l}
                for c, h, s, l in ((True, True, None, True), (True, False, None, False), (False, True, True, False), (False, False, False, True))]
LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
PATTERNS = [LLAMA3, LLAMA3.replace("{1,3}", ""), "\\p{N}{1,3}", "\\s?\\p{L}+", "\\s?\\p{P}+", "\\s+$", "[\r\n]", "\\w+|[^\\w\\s]+", "\\s+", "a|the",
            "[a-z]+(?=\\d)", "^.+$"]
PRE_TOKENIZERS = [{"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}, {"type": "Digits", "individual_digits": True},
                  {"type": "Digits", "individual_digits": False}, {"type": "CharDelimiterSplit", "delimiter": "e"}]
BEHAVIORS = ("Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext")
PRE_TOKENIZERS += [{"type": "Punctuation", "behavior": b} for b in BEHAVIORS]
PRE_TOKENIZERS += [split({"String": "h"}, b, i) for b in BEHAVIORS for i in (False, True)]
PRE_TOKENIZERS += [split({"Regex": p}, b) for p in PATTERNS for b in ("Isolated", "Removed")]
DECODERS = [{"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "##", "cleanup": False},
            {"type": "BPEDecoder", "suffix": "e"}, {"type": "ByteFallback"}, {"type": "Fuse"}, metaspace(), metaspace("never"),
            replace({"String": "th"}, " [th] "), {"type": "Strip", "content": "a", "start": 2, "stop": 0},
            sequence("decoders", replace({"String": "▁"}, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})]
POST = [{"type": "BertProcessing", "sep": ["the", 98], "cls": ["<unk>", 0]},
        {"type": "RobertaProcessing", "sep": ["b", 3], "cls": ["<unk>", 0], "trim_offsets": True, "add_prefix_space": False},
        sequence("processors", byte_level(), {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                                              "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                                              "special_tokens": {"x": {"id": "x", "ids": [5, 6], "tokens": ["<x>", "<y>"]}}})]


def arrangements():
    """Names and tokenizers."""
    for n in NORMALIZERS:
        yield f"normalizer {n}", tokenizer(letters(), normalizer=n)
    for p in PRE_TOKENIZERS:
        yield f"pre_tokenizer {p}", tokenizer(letters(), pre_tokenizer=p)
    for d in DECODERS:
        yield f"decoder {d}", tokenizer(fallback(), decoder=d)
    for p in POST:
        yield f"post_processor {p}", tokenizer(letters(), post_processor=p)
    for s in ("always", "first", "never"):
        for cut in (True, False):
            many = added(unigram(), {"content": "<s>"}, {"content": "the cat", "special": False})
            yield f"metaspace {s} {cut}", tokenizer(unigram(), pre_tokenizer=metaspace(s, cut), decoder=metaspace(s), added_tokens=many)
    for prefix in (False, True):
        yield f"byte level {prefix}", tokenizer(bytes_model(), pre_tokenizer=byte_level(prefix), decoder=byte_level())
    yield "byte level whole words", tokenizer(bytes_model(ignore_merges=True), pre_tokenizer=sequence("pretokenizers", split({"Regex": LLAMA3}, "Isolated"), byte_level(False, False)), decoder=byte_level())
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    yield "word piece", tokenizer(word_piece(), normalizer=bert, pre_tokenizer={"type": "BertPreTokenizer"}, decoder=DECODERS[0])
    yield "word level", tokenizer({"type": "WordLevel", "vocab": {"[UNK]": 0, "the": 1, "a": 2, ".": 3}, "unk_token": "[UNK]"}, pre_tokenizer={"type": "Whitespace"})
    yield "unigram fallback", tokenizer({**unigram(), "byte_fallback": True, "vocab": unigram()["vocab"] + [[b, -9.0] for b in BYTES[1:]]}, decoder={"type": "ByteFallback"})
    yield "word end", tokenizer(bpe(["<unk>"] + ALPHABET + [c + "</w>" for c in ALPHABET], [("t", "h"), ("h", "e</w>"), ("t", "he</w>")], unk_token="<unk>", end_of_word_suffix="</w>"),
                                pre_tokenizer={"type": "Whitespace"}, decoder={"type": "BPEDecoder", "suffix": "</w>"})
    yield "word inside", tokenizer({**bpe(["<unk>"] + ALPHABET + ["##" + c for c in ALPHABET] + ["th", "##he", "the"], [], unk_token="<unk>", continuing_subword_prefix="##"),
                                    "merges": [["t", "##h"], ["##h", "##e"], ["th", "##e"]]}, pre_tokenizer={"type": "Whitespace"})
    llama = sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁"))
    yield "fallback", tokenizer(fallback(), normalizer=llama, decoder=DECODERS[-1], added_tokens=added(fallback(), {"content": "<s>"}, {"content": "then", "special": False, "normalized": True}))
    flags = [{"content": "<a>", "lstrip": True}, {"content": "<b>", "rstrip": True}, {"content": "cat", "single_word": True, "special": False},
             {"content": "theme", "special": False}, {"content": "THE", "normalized": True, "special": False}, {"content": "<a><b>", "special": False}]
    yield "added", tokenizer(letters(), normalizer={"type": "Lowercase"}, added_tokens=added(letters(), *flags))


def texts():
    """Words that the vocabularies know, among characters of all kinds."""
    r = random.Random(7)
    words = ["the", "The", "THE", "theme", "the cat", "then", "cat", "scat", "cat2", "ab", "bab", "I'm", "don't", "we'LL", "'ſ", " ", "  ", "   ", "\n", "\r\n", "\t", " \n ", "12", "3456", "½", "<s>", "<a>", "<b>", "<a><b>",
             ".", ",", "?!", "...", "é", "e\u0301", "中文", "ﬁ", "İ", "ß", "▁", "▁▁", "_", "x_1", "👍🏽", "\u200d", "\u00a0", "\u3000", "$5", "C++", "á̧", "한국어", "ก็", "Ⅷ", "²", "Ⓐ", "<0x41>", "</w>", "##", "\x00", "\x7f", "\ufffd", "\ufeff", "\u2028"]
    yield from words
    yield from ("", " the  cat\n\n sat ", "a" * 40, "the" * 20, "thé " * 5)
    for _ in range(150):
        yield "".join(r.choice(words + [" ", " ", "the", "a"]) for _ in range(r.randrange(2, 14)))
    for start in range(0x80, 0x3400, 64):
        yield " ".join(chr(c) for c in range(start, start + 64) if settled(chr(c)))
    for _ in range(100):
        points = [r.choice((r.randrange(0x20, 0x7F), r.randrange(0xA0, 0x3000), r.randrange(0x3000, 0xD800), r.randrange(0xE000, 0x20000), 0x301, 0x20)) for _ in range(24)]
        yield "".join(chr(c) for c in points if settled(chr(c)))


def settled(text):
    """Only characters that every version of Unicode takes for the same: the versions of the two sides differ."""
    old = unicodedata.ucd_3_2_0
    return all(old.category(c) == unicodedata.category(c) != "Cn" for c in text)


def liga(program, model, rows, *options):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    r = subprocess.run([program, "tokenize", "--jsonl", *options, model], input=text.encode(), capture_output=True)
    if r.returncode:
        raise RuntimeError(r.stderr.decode())
    return [json.loads(line) for line in r.stdout.splitlines()]


def differences(program, path, rows):
    """What the two sides give differently: (what, text or ids, ours, theirs)."""
    from tokenizers import Tokenizer
    theirs = Tokenizer.from_file(path)
    for options, special in ((("--special",), True), ((), False)):
        for text, row in zip(rows, liga(program, path, [{"text": t} for t in rows], *options)):
            want = theirs.encode(text, add_special_tokens=special).ids
            if row["ids"] != want:
                yield "ids", text, row["ids"], want
    ids = [theirs.encode(t).ids for t in rows]
    for i, row in zip(ids, liga(program, path, [{"ids": i} for i in ids], "-d")):
        want = theirs.decode(i, skip_special_tokens=False)
        if row["text"] != want:
            yield "text", i, row["text"], want


def main():
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        print("skipped: the package tokenizers is not installed")
        return SKIPPED
    rows = [t for t in texts() if settled(t)]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokenizer.json")
        for name, json_tokenizer in arrangements():
            with open(path, "w", encoding="utf-8") as file:
                json.dump(json_tokenizer, file)
            found = list(differences(sys.argv[1], path, rows))
            bad += bool(found)
            for what, given, ours, theirs in found[:3]:
                print(f"{name}: other {what} for {given!r} ({len(found)} differ)\n  ours   {ours!r}\n  theirs {theirs!r}")
    print(f"{len(rows)} texts, {sum(1 for _ in arrangements())} tokenizers, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

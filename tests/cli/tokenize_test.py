"""liga tokenize: there and back, by lines and whole, and lines that are wrong."""
import json, os, struct
import command
from command import Case, END, START, TH


def field(number, data):
    """A field of a protobuf message."""
    return bytes([number << 3 | 2, len(data)]) + data


def write_pieces(path):
    """A Unigram model of SentencePiece's: unknown, control, and normal pieces with their scores."""
    pieces = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -2, 1), ("t", -3, 1), ("h", -3, 1), ("e", -3, 1), ("▁the", -1, 1)]
    model = b"".join(field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + bytes([0x18, kind])) for text, score, kind in pieces)
    with open(path, "wb") as f:
        f.write(model + field(2, b"\x18\x01"))


class Tokenize(Case):
    def ids(self, text, *options):
        return json.loads(self.ok("tokenize", self.model, *options, text=text).out)

    def test_ids(self):
        self.assertEqual(self.ids("abc"), [97, 98, 99])
        self.assertEqual(self.ids("the"), [TH, ord("e")])
        self.assertEqual(self.ids(""), [])
        self.assertEqual(self.ids("ü"), list("ü".encode()))
        self.assertEqual(self.ids("a<|end|>b"), [97, END, 98])

    def test_of_the_file_alone(self):
        file = os.path.join(self.model, "tokenizer.json")
        self.assertEqual(json.loads(self.ok("tokenize", file, text="the<|start|>").out), [TH, ord("e"), START])

    def test_round_trip(self):
        for text in ("", "two letters\n", "  a \t b\r\n", "Grüße, 世界 🎉", "a<|end|>b", "\0", "thth" * 1000):
            ids = self.ok("tokenize", self.model, text=text).out
            self.assertEqual(self.ok("tokenize", self.model, "-d", text=ids).raw.decode(), text)

    def test_lines(self):
        texts = ["abc", "", "the\nth", "\u2028\x85é🎉", "\0"]
        r = self.ok("tokenize", self.model, "--jsonl", text="".join(json.dumps({"text": t}) + "\n" for t in texts))
        rows = [json.loads(line) for line in r.out.splitlines()]
        self.assertEqual(len(rows), len(texts))
        for row, text in zip(rows, texts):
            self.assertEqual(list(row), ["ids"])
            self.assertEqual(b"".join(b"th" if i == TH else bytes([i]) for i in row["ids"]).decode(), text)
        back = self.ok("tokenize", self.model, "-d", "--jsonl", text=r.out)
        self.assertEqual([json.loads(line)["text"] for line in back.out.splitlines()], texts)

    def test_special_tokens_are_kept(self):
        out = self.ok("tokenize", self.model, "-d", "--jsonl", text=json.dumps({"ids": [START, 97, END]})).out
        self.assertEqual(json.loads(out), {"text": "<|start|>a<|end|>"})

    def test_broken_characters(self):
        out = self.ok("tokenize", self.model, "-d", "--jsonl", text='{"ids":[195]}\n{"ids":[97,255,98]}\n').out
        self.assertEqual([json.loads(x)["text"] for x in out.splitlines()], ["\ufffd", "a\ufffdb"])

    def test_wrong_lines(self):
        self.fails(1, ["standard input:2:", "JSON"], "tokenize", self.model, "--jsonl", text='{"text":"a"}\n{"text":\n')
        self.fails(1, "standard input:1:", "tokenize", self.model, "--jsonl", text='{"words":"a"}\n')
        self.fails(1, "standard input:1:", "tokenize", self.model, "-d", "--jsonl", text='{"ids":[1,"x"]}\n')
        self.fails(1, "no token id", "tokenize", self.model, "-d", text="[-1]")
        for text in ("[99999999]", "[259]", '{"ids":[1,2147483647]}'):
            id = text.strip("]}").split("[")[1].split(",")[-1]
            self.fails(1, [f"id {id} is outside the vocabulary", "259 tokens"], "tokenize", self.model, "-d", text=text)
        self.fails(1, ["standard input:2:", "id 400"], "tokenize", self.model, "-d", "--jsonl", text='{"ids":[1]}\n{"ids":[400]}\n')
        self.fails(1, "no list of ids", "tokenize", self.model, "-d", text='{"ids":7}')

    def test_lone_surrogates(self):
        """JSON can write what is no character: refused, as by the readers of Transformers."""
        for text in ('{"text":"a\\ud800"}\n', '{"text":"\\udc00b"}\n'):
            self.fails(1, ["standard input:1:", "not JSON"], "tokenize", self.model, "--jsonl", text=text)

    def test_a_directory_with_sentence_pieces_alone(self):
        os.mkdir(self.path("m"))
        write_pieces(self.path("m/tokenizer.model"))
        self.assertEqual(json.loads(self.ok("tokenize", self.path("m"), text="the t").out), [7, 3, 4])
        self.assertEqual(json.loads(self.ok("tokenize", self.path("m/tokenizer.model"), text="the").out), [7])
        self.assertEqual(self.ok("tokenize", self.path("m"), "-d", text="[7,3,4]").out, "the t")
        with open(self.path("m/tokenizer_config.json"), "w") as f:
            json.dump({"tokenizer_class": "LlamaTokenizer"}, f)
        self.assertEqual(json.loads(self.ok("tokenize", self.path("m"), "--special", text="the").out), [1, 7])
        with open(self.path("m/tokenizer_config.json"), "w") as f:
            json.dump({"tokenizer_class": "XLMRobertaTokenizer"}, f)
        self.fails(1, ["XLMRobertaTokenizer", "tokenizer.json"], "tokenize", self.path("m"), text="the")

    def test_a_damaged_model_of_sentence_pieces(self):
        write_pieces(self.path("tokenizer.model"))
        with open(self.path("tokenizer.model"), "rb") as f:
            whole = f.read()
        for cut in range(0, len(whole) - 1, 3):
            with open(self.path("cut"), "wb") as f:
                f.write(whole[:cut])
            self.fails(1, "cut", "tokenize", self.path("cut"), text="the")

    def test_output_file(self):
        self.ok("tokenize", self.model, "-o", self.path("ids"), text="abc")
        with open(self.path("ids")) as f:
            self.assertEqual(f.read(), "[97,98,99]\n")
        self.assertEqual(self.ok("tokenize", self.model, "-o", "-", text="abc").out, "[97,98,99]\n")


if __name__ == "__main__":
    command.main()

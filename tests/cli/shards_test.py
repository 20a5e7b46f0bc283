"""Weights in several safetensors files behind an index: the same bits, and words for what does not fit."""
import json, os, shutil, struct
import command
from command import FAST, Case, load, save

INDEX = "model.safetensors.index.json"


def entries(path):
    """name -> (dtype, shape, bytes)"""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(size)), f.read()
    return {n: (e["dtype"], e["shape"], data[slice(*e["data_offsets"])]) for n, e in head.items() if n != "__metadata__"}


def write(path, tensors):
    head, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, (dtype, shape, blob) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def shard(n):
    return f"model-{n:05}-of-00002.safetensors"


class Shards(Case):
    def setUp(self):
        """The model split in two: layer 0 and what stands before it, and the rest."""
        super().setUp()
        self.split = self.path("split")
        os.mkdir(self.split)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(os.path.join(self.model, name), self.split)
        whole = entries(os.path.join(self.model, "model.safetensors"))
        self.map = {n: shard(1 if ".layers.0." in n or "embed" in n else 2) for n in whole}
        for name in (shard(1), shard(2)):
            write(os.path.join(self.split, name), {n: t for n, t in whole.items() if self.map[n] == name})
        self.write_index(self.map)

    def write_index(self, weight_map):
        with open(os.path.join(self.split, INDEX), "w") as f:
            json.dump({"metadata": {"total_size": 1}, "weight_map": weight_map}, f)

    def forward(self, model, *options):
        save(self.path("in"), {"input_ids": ("I32", [2, 5], list(range(10)))})
        self.ok("forward", model, *options, "--inputs", self.path("in"), "-o", self.path("out"))
        return load(self.path("out"))

    def test_same_bits(self):
        self.assertEqual(set(self.map.values()), {shard(1), shard(2)})
        for how in ([FAST], ["--deterministic"]):
            self.assertEqual(self.forward(self.split, *how), self.forward(self.model, *how))
        tensors = lambda model: sorted(self.ok("show", model, "--tensors").out.splitlines())
        self.assertEqual(tensors(self.split), tensors(self.model))
        self.ok("show", self.model, "--graph", "-o", self.path("graph.lig"))
        want = self.forward(self.model, FAST)
        self.assertEqual(self.forward(self.path("graph.lig"), FAST, "--weights", self.split), want)

    def test_index_order_does_not_matter(self):
        self.write_index(dict(reversed(self.map.items())))
        self.assertEqual(self.forward(self.split, FAST), self.forward(self.model, FAST))

    def test_missing_shard(self):
        os.remove(os.path.join(self.split, shard(2)))
        self.fails(1, [shard(2), "is missing", INDEX, "fetch it"], "show", self.split)

    def test_cut_shard(self):
        path = os.path.join(self.split, shard(2))
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) - 100)
        self.fails(1, [shard(2), "100"], "show", self.split)

    def test_tensor_in_no_shard(self):
        self.write_index({**self.map, "model.extra.weight": shard(1)})
        self.fails(1, [shard(1), "has no tensor 'model.extra.weight', though the index says so"], "show", self.split)

    def test_tensor_in_another_shard(self):
        self.write_index({**self.map, "model.norm.weight": shard(1)})
        self.fails(1, [shard(1), "has no tensor 'model.norm.weight'"], "show", self.split)

    def test_tensor_in_no_index(self):
        """What the index does not name is not there."""
        self.write_index({n: s for n, s in self.map.items() if n != "model.norm.weight"})
        self.fails(1, "tensor model.norm.weight is missing", "show", self.split)

    def test_wrong_index(self):
        for content, words in (({}, "'weight_map' is missing"), ({"weight_map": []}, "no object"),
                               ({"weight_map": {**self.map, "x": 3}}, "'weight_map.x' is no string"),
                               ({"weight_map": {**self.map, "x": "../model/model.safetensors"}}, "no file of the same directory"),
                               ({"weight_map": {}}, "has no tensors"), ([], "no object")):
            with open(os.path.join(self.split, INDEX), "w") as f:
                json.dump(content, f)
            self.fails(1, [INDEX, words], "show", self.split)
        with open(os.path.join(self.split, INDEX), "w") as f:
            f.write('{"weight_map": {')
        self.fails(1, [INDEX, "is not JSON"], "show", self.split)
        self.fails(1, "give the directory that holds it", "show", self.index_alone())

    def index_alone(self):
        self.write_index(self.map)
        return os.path.join(self.split, INDEX)


if __name__ == "__main__":
    command.main()

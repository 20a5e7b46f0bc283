"""liga render: chat templates from files and from models."""
import json
import command
from command import Case


class Render(Case):
    def render(self, path, *lines):
        text = "".join(json.dumps(x) + "\n" for x in lines)
        return [json.loads(x) for x in self.ok("render", path, "--jsonl", text=text).out.splitlines()]

    def write(self, template):
        with open(self.path("t.jinja"), "w", encoding="utf-8") as f:
            f.write(template)
        return self.path("t.jinja")

    def test_of_a_model(self):
        messages = [{"role": "user", "content": "hi"}]
        rows = self.render(self.model, {"messages": messages, "add_generation_prompt": True}, {"messages": messages})
        self.assertEqual(rows, [{"text": "<|start|>user\nhi<|end|><|start|>assistant\n"}, {"text": "<|start|>user\nhi<|end|>"}])

    def test_of_a_file(self):
        path = self.write("{{ bos_token }}{% for m in messages %}[{{ m.content | upper }}]{% endfor %}{{ 1.5 }}{{ none }}{{ x }}")
        rows = self.render(path, {"messages": [{"content": "ü\"\0"}, {"content": ""}], "bos_token": "<s>", "x": [True, {"a": None}]})
        self.assertEqual(rows, [{"text": "<s>[Ü\"\0][]1.5None[True, {'a': None}]"}])

    def test_errors_are_answers(self):
        path = self.write("{% if not messages %}{{ raise_exception('no messages') }}{% endif %}ok")
        rows = self.render(path, {"messages": []}, {"messages": [1]})
        self.assertIn("no messages", rows[0]["error"])
        self.assertEqual(rows[1], {"text": "ok"})

    def test_refused(self):
        self.fails(1, ["t.jinja", "2:"], "render", self.write("a\n{% frob %}"), "--jsonl", text="{}\n")
        self.fails(1, "nothing", "render", self.path("nothing"), "--jsonl")
        self.fails(1, "standard input:1:", "render", self.write("a"), "--jsonl", text="{\n")
        self.fails(2, "--jsonl", "render", self.write("a"))


if __name__ == "__main__":
    command.main()

"""Writes what the fuzzer begins with into fuzz/corpus: what the project itself has of each format."""

import gzip
import io
import json
import re
import struct
import tarfile
from hashlib import sha1
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent


def seed(target, content):
    content = content if isinstance(content, bytes) else content.encode()
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / sha1(content).hexdigest()).write_bytes(content)


def labs():
    """The good lab of the tests, and each of its mistakes."""
    good = (ROOT / "tests/definitions/good.yaml").read_text()
    yield good
    for change in sorted((ROOT / "tests/definitions").glob("*/change")):
        lab, old = good, []
        for line in change.read_text().splitlines():
            text = line[2:].replace("|", "\n")
            if line.startswith("- "):
                old.append(text)
            elif line.startswith("+ ") and old:
                lab = lab.replace(old.pop(0), text)
        yield lab


def compose():
    for path in [*ROOT.glob("labs/*/**/compose*.yaml"), *ROOT.glob("tests/docker/labs/**/compose*.yaml")]:
        yield path.read_text()
    for path in ROOT.glob("labs/*/lab.yaml"):
        part = re.search(r"^services:\n(?:(?:[ #].*)?\n)*", path.read_text(), re.M)
        if part:
            yield part.group()


def expectations():
    observed = ['{"a": [1, 2, {"b": "text"}]}', "[]", '"text"', "12.5", "null"]
    number = 0
    for path in ROOT.glob("labs/*/lab.yaml"):
        for match in re.finditer(r"expect: (\{.*\})$", path.read_text(), re.M):
            yield match.group(1) + "\n---\n" + observed[number % len(observed)]
            number += 1
    yield '"$..[?@.b == \'text\'].b": { all: { matches: "^t" }, count: { gte: 1 }, distinct: b }\n---\n' + observed[0]


def interpolations():
    yield from ("${TAG:-latest}", "${A:?must be set}", "${A:+${TAG}}", "$$A $A ${A-}", "${a + 2 * (3 - b.c)}", "${len(t)}")
    for path in ROOT.glob("labs/*/lab.yaml"):
        yield from set(re.findall(r"\$\{[^}\n]+\}", path.read_text()))


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def batch(codec, pack):
    """One record in a batch of Kafka's message format v2."""
    record = b"\0" + varint(0) + varint(0) + varint(3) + b"key" + varint(5) + b"value" + varint(0)
    records = pack(varint(len(record)) + record)
    body = struct.pack(">iBIhiqqqhii", 0, 2, 0, codec, 0, 0, 0, -1, -1, -1, 1) + records
    return struct.pack(">qi", 0, len(body)) + body


def kafka():
    yield b"\0" + batch(0, bytes)
    yield b"\0" + batch(1, gzip.compress)
    text = struct.pack(">h", 6) + b"orders"
    broker = struct.pack(">ii", 1, 1) + text + struct.pack(">ih", 9092, -1)
    topic = struct.pack(">ih", 1, 0) + text + b"\0" + struct.pack(">ihiiiiiii", 1, 0, 0, 1, 1, 1, 1, 1, 0)
    yield b"\x08" + struct.pack(">i", 0) + broker + struct.pack(">hi", -1, 1) + topic
    for which in range(9, 16):
        yield bytes([which]) + struct.pack(">ii", 0, 1) + text + struct.pack(">iihqhi", 1, 0, 0, 7, -1, 0)


def amqp():
    def table(body):
        return struct.pack(">I", len(body)) + body

    def name(text):
        return bytes([len(text)]) + text

    values = [b"t\1", b"b\1", b"I\0\0\0\1", b"l" + bytes(8), b"d" + bytes(8), b"S\0\0\0\2ab", b"T" + bytes(8), b"V"]
    values += [b"A" + table(b"t\1I\0\0\0\2"), b"F" + table(name(b"in") + b"t\0"), b"D\2\0\0\0\1", b"x\0\0\0\1a"]
    for value in values:
        yield table(name(b"key") + value)
    yield table(b"".join(name(b"k%d" % number) + value for number, value in enumerate(values)))


def archives():
    def archive(files):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path, content in files:
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return out.getvalue().rstrip(b"\0") + bytes(1024)

    layer = archive([("app/key.pem", b"a key")])
    config = json.dumps({"rootfs": {"diff_ids": ["sha256:1"]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "Layers": ["l.tar"]}]).encode()
    for packed in (layer, gzip.compress(layer)):
        yield archive([("manifest.json", manifest), ("c.json", config), ("l.tar", packed)])
    yield archive([("0/shop/models.py", b"x = 1\n"), ("1/" + "long/" * 30 + "name", b"")])


def ignores():
    yield "*\n!app/**\n**/*.pyc\nnode_modules/\n\napp/views.py\nnode_modules/a/b.js"
    yield "# comment\n/a/../b/./c\n[a-z]?\\*\n!**\n\na/b\nb/c\nx"


for target, seeds in {
    "lab": labs, "compose": compose, "interpolation": interpolations, "expectations": expectations,
    "kafka": kafka, "amqp": amqp, "tar": archives, "dockerignore": ignores,
}.items():
    for content in seeds():
        seed(target, content)

# Words that chance would take long to find.
words = set()


def keys(node):
    if isinstance(node, dict):
        words.update(node.get("properties", {}))
        words.update(word for word in node.get("enum", []) if isinstance(word, str))
        for part in node.values():
            keys(part)
    elif isinstance(node, list):
        for part in node:
            keys(part)


keys(json.loads((ROOT / "labs/schema.json").read_text()))
words.update(["${random.name}", "${settings.", "$$", "&a", "*a", "<<: *a", "!!str", "|-", "$..", "[?@.a==1]", "- ", ": "])
lines = [json.dumps(word) for word in sorted(words) if word.isascii()]
(HERE / "words.dict").write_text("\n".join(lines) + "\n")

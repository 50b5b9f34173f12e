"""Brings files into volumes, and hands back what services have written there.

Standard input: one line of JSON, then a tar of its "length" bytes with the files to write, as "<volume>/<path>".
Standard output: a tar of the files that are not as they are known to be, and are not written now.
"""

import fnmatch
import hashlib
import io
import json
import os
import sys
import tarfile

ROOT = "/carried"


def executable(path):
    return bool(os.stat(path).st_mode & 0o111)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(bytes([executable(path)]) + file.read()).hexdigest()[:24]


def found(root, ignored):
    counts = lambda name: not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)
    for folder, folders, files in os.walk(root):
        folders[:] = filter(counts, folders)
        for name in filter(counts, files):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, root)


def make_folders(root, path, owner):
    for end in range(len(path.split("/"))):
        folder = os.path.join(root, *path.split("/")[:end])
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, *owner)


head = json.loads(sys.stdin.buffer.readline())
incoming = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read(head["length"])))
writes = incoming.getnames()
back = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
for number, volume in enumerate(head["volumes"]):
    root = f"{ROOT}/{number}"
    for path in found(root, volume["ignored"]):
        if f"{number}/{path}" not in writes and digest(f"{root}/{path}") != volume["known"].get(path):
            back.add(f"{root}/{path}", arcname=f"{number}/{path}", recursive=False)
    for path in volume["remove"]:
        try:
            os.remove(f"{root}/{path}")
            os.removedirs(os.path.dirname(f"{root}/{path}"))
        except OSError:
            pass
    os.chown(root, *volume["owner"])
back.close()
for member in incoming:
    number, path = member.name.split("/", 1)
    owner = head["volumes"][int(number)]["owner"]
    make_folders(f"{ROOT}/{number}", path, owner)
    whole = f"{ROOT}/{number}/{path}"
    # Beside and renamed, so that nobody reads half a file.
    with open(f"{whole}.labrunner-new", "wb") as file:
        file.write(incoming.extractfile(member).read())
    os.chown(file.name, *owner)
    os.chmod(file.name, member.mode)
    os.replace(file.name, whole)

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


def read(path):
    """Content and mode; nothing of a file that is gone by now."""
    try:
        with open(path, "rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mode
    except OSError:
        return None, 0


def digest(content, mode):
    return hashlib.sha256(bytes([bool(mode & 0o111)]) + content).hexdigest()[:24]


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
writes = set(incoming.getnames())
back = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
for number, volume in enumerate(head["volumes"]):
    root = f"{ROOT}/{number}"
    for path in found(root, volume["ignored"]):
        if f"{number}/{path}" in writes:
            continue
        content, mode = read(f"{root}/{path}")
        if content is not None and digest(content, mode) != volume["known"].get(path):
            # What was read is what is sent, whoever goes on writing.
            member = tarfile.TarInfo(f"{number}/{path}")
            member.size, member.mode = len(content), mode & 0o777
            back.addfile(member, io.BytesIO(content))
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

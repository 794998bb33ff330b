"""The Merkle tree of RFC 9162: hashes of events enter, one root and proofs of inclusion leave."""

import hashlib
from collections.abc import Sequence


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def levels_of(entries: Sequence[bytes]) -> list[list[bytes]]:
    """Hashes of the tree from the leaves up to the root; one is all there is of no entries.

    A node without a neighbour goes up as it is, which gives the tree of RFC 9162, 2.1.1.
    """
    levels = [[leaf_hash(entry) for entry in entries] or [hashlib.sha256().digest()]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [_node(below[n], below[n + 1]) for n in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(above) * 2 :])
    return levels


def path_of(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at *index* to the root (RFC 9162, 2.1.3.1)."""
    path = []
    for level in levels[:-1]:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        index //= 2
    return path


def root_from(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that *path* leads to; None when it is no path of a tree of *size*.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    here, last, found = index, size - 1, leaf_hash(entry)
    for beside in path:
        if last == 0:
            return None
        if here % 2 or here == last:
            found = _node(beside, found)
            while here % 2 == 0 and here:
                here, last = here // 2, last // 2
        else:
            found = _node(found, beside)
        here, last = here // 2, last // 2
    return found if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()

"""The Merkle tree of RFC 9162: hashes of events enter, one root leaves, with proofs of
inclusion and of consistency with an earlier root."""

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


def consistency_of(levels: Sequence[Sequence[bytes]], size: int) -> list[bytes]:
    """The hashes that show that the tree begins with one of *size* leaves (RFC 9162, 2.1.4.1).

    ``size``: at least 1, at most that of the tree.
    """

    def proof(start: int, end: int, is_known: bool) -> list[bytes]:
        if size == end:
            return [] if is_known else [_subtree(levels, start, end)]
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if size <= middle:
            return [*proof(start, middle, is_known), _subtree(levels, middle, end)]
        return [*proof(middle, end, False), _subtree(levels, start, middle)]

    return proof(0, len(levels[0]), True)


def is_consistent(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether *path* shows that the tree of *second* leaves begins with that of *first*.

    Source: RFC 9162, 2.1.4.2.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    # a whole subtree is the first tree itself
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not hashes:
        return False
    here, last = first - 1, second - 1
    while here % 2:
        here, last = here // 2, last // 2
    old = new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return False
        if here % 2 or here == last:
            old, new = _node(beside, old), _node(beside, new)
            while here % 2 == 0 and here:
                here, last = here // 2, last // 2
        else:
            new = _node(new, beside)
        here, last = here // 2, last // 2
    return last == 0 and (old, new) == (first_root, second_root)


def _subtree(levels: Sequence[Sequence[bytes]], start: int, end: int) -> bytes:
    height = (end - start - 1).bit_length()
    return levels[height][start >> height]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()

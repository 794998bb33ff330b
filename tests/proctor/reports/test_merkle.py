import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.reports.merkle import consistency_of, is_consistent, levels_of, path_of, root_from

pytestmark = pytest.mark.unit

# the entries and roots that certificate transparency publishes for its tests
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_root_is_the_published_one(size: int) -> None:
    assert levels_of(ENTRIES[:size])[-1] == [bytes.fromhex(ROOTS[size])]


def split_root(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1 << (len(entries) - 1).bit_length() - 1
    halves = split_root(entries[:k]) + split_root(entries[k:])
    return hashlib.sha256(b"\1" + halves).digest()


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_path_leads_from_every_leaf_to_the_root_and_from_no_other(
    entries: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    levels = levels_of(entries)
    root, path = split_root(entries), path_of(levels, index)
    assert levels[-1] == [root]
    assert root_from(entries[index], index, len(entries), path) == root
    assert root_from(entries[index] + b"x", index, len(entries), path) != root
    assert root_from(entries[index], index, len(entries), [*path, root]) is None
    assert root_from(entries[index], len(entries), len(entries), path) is None


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_a_tree_goes_on_from_each_of_its_beginnings_and_from_no_other(
    entries: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(entries)))
    path = consistency_of(levels_of(entries), size)
    before, now = split_root(entries[:size]), split_root(entries)
    assert is_consistent(size, before, len(entries), now, path)
    changed = [*entries[: size - 1], entries[size - 1] + b"!"]
    assert not is_consistent(size, split_root(changed), len(entries), now, path)
    assert not is_consistent(size, before, len(entries), now, [*path, now])
    for n in range(len(path)):
        without = [*path[:n], *path[n + 1 :]]
        assert not is_consistent(size, before, len(entries), now, without)


def test_published_consistency_proofs() -> None:
    # certificate transparency, proof from 6 to 8 leaves
    path = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [step.hex() for step in consistency_of(levels_of(ENTRIES), 6)] == path

"""Recordings of H.264 in a real browser: played while they grow, and sought in once they end."""

import base64
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser

from proctor.media import files
from proctor.media.container import Block
from proctor.media.frames import is_key_frame
from proctor.media.snapshot import snapshot
from tests.support.h264_film import h264_film
from tests.support.watched_exam import SEEK

pytestmark = pytest.mark.acceptance

RATE = 15
HOLD = """async (data) => URL.createObjectURL(
  await (await fetch("data:video/mp4;base64," + data)).blob()
)"""
# the header and the clusters, as a proctor's page takes them; where it holds pictures then
APPEND = """async ([url, type, ends]) => {
  const data = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const source = new MediaSource();
  const video = document.createElement("video");
  video.src = URL.createObjectURL(source);
  await new Promise((done) => { source.onsourceopen = done; });
  const buffer = source.addSourceBuffer(type);
  buffer.timestampOffset = 100;
  let from = 0;
  for (const end of ends) {
    const taken = new Promise((done, failed) => {
      buffer.onupdateend = done;
      buffer.onerror = failed;
    });
    buffer.appendBuffer(data.subarray(from, end));
    await taken;
    from = end;
  }
  const held = buffer.buffered;
  video.currentTime = 103;
  await new Promise((done) => { video.onseeked = done; });
  return [held.length, held.start(0), held.end(0), video.videoWidth];
}"""


def film() -> list[bytes]:
    base = np.random.default_rng(3).integers(0, 255, (12, 16, 3), np.uint8)
    large = base.repeat(20, 0).repeat(20, 1)
    shown = (np.roll(large, 4 * number, axis=1) for number in range(6 * RATE))
    pictures = (av.VideoFrame.from_ndarray(each, format="rgb24") for each in shown)
    return list(h264_film((each.reformat(format="yuv420p") for each in pictures), RATE))


def test_h264_plays_while_it_grows_and_seeks_at_any_moment(
    browser: Browser, tmp_path: Path
) -> None:
    path, pictures = tmp_path / "camera-001.mp4", film()
    writer = files.Writer(path, "H264", pictures[0], 0)
    for number, data in enumerate(pictures):
        writer.add(Block(1000 * number // RATE, is_key_frame("H264", data), data))
    writer.flush()
    page = browser.new_page()
    growing = page.evaluate(HOLD, base64.b64encode(path.read_bytes()).decode())
    ends = [writer.body] + [each.offset + each.size for each in files.read_clusters(path)]
    kind = 'video/mp4; codecs="avc1.42c00d"'
    parts, start, end, width = page.evaluate(APPEND, [growing, kind, ends])
    assert (parts, start, width) == (1, 100, 320)
    assert end == pytest.approx(106, abs=0.1)
    made = snapshot(path)
    whole = base64.b64encode(b"".join(made.read(0, made.size))).decode()
    off_s, width, length_s, _ = page.evaluate(SEEK, page.evaluate(HOLD, whole))
    assert (off_s < 0.01, width) == (True, 320)
    assert length_s == pytest.approx(6, abs=0.1)
    writer.close()
    page.close()

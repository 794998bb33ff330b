"""A real browser sends what it may soon after it connects, of pictures that want all of it."""

import pytest
from playwright.sync_api import Browser

from proctor.commands import service as process
from tests.support.watched_exam import Exam, connect

pytestmark = [pytest.mark.acceptance, pytest.mark.faults]

KEEP_PEERS = """
window.peers = [];
const Made = RTCPeerConnection;
window.RTCPeerConnection = class extends Made {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
# every picture of both tracks is new from one edge to the other
RESTLESS = """
const restless = (width, height, fps, settings) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const any = (limit) => Math.floor(limit * Math.random());
  window.setInterval(() => {
    for (let n = 0; n < 150; n += 1) {
      pen.fillStyle = `rgb(${any(256)} ${any(256)} ${any(256)})`;
      pen.fillRect(any(width), any(height), any(width / 8), any(height / 8));
    }
  }, 1000 / fps);
  const stream = canvas.captureStream(fps);
  const [track] = stream.getVideoTracks();
  const own = track.getSettings.bind(track);
  track.getSettings = () => ({ ...own(), ...settings });
  return stream;
};
navigator.mediaDevices.getUserMedia = async () => restless(640, 480, 15, {});
navigator.mediaDevices.getDisplayMedia = async () =>
  restless(1920, 1080, 5, { displaySurface: "monitor" });
"""
# seconds since the connection stood, then bytes, target and cap of each track
MEASURE = """async () => {
  const peer = window.peers[0];
  const tracks = [];
  let at = 0;
  for (const each of (await peer.getStats()).values()) {
    if (each.type !== "outbound-rtp") continue;
    at = each.timestamp;
    tracks.push([each.bytesSent, each.targetBitrate]);
  }
  const caps = peer.getSenders().map((s) => s.getParameters().encodings[0].maxBitrate);
  return { at, tracks, caps };
}"""


def test_browser_reaches_its_bit_rates_within_fifteen_seconds(filmed: Browser, exam: Exam) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script(KEEP_PEERS + RESTLESS)
    with process.running(exam.settings, exam.log):
        connect(page, exam.link)
        while page.evaluate("window.peers[0]?.connectionState") != "connected":
            page.wait_for_timeout(100)
        page.wait_for_timeout(10_000)
        first = page.evaluate(MEASURE)
        page.wait_for_timeout(5_000)
        last = page.evaluate(MEASURE)
    sent = sum(
        after[0] - before[0] for before, after in zip(first["tracks"], last["tracks"], strict=True)
    )
    share = 8000 * sent / (last["at"] - first["at"]) / sum(last["caps"])
    allowed = sum(target for _, target in last["tracks"]) / sum(last["caps"])
    print(f"10 to 15 s: {share:.0%} of the caps sent, {allowed:.0%} allowed, {last}")
    assert min(allowed, share) >= 0.8

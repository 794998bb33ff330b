// Camera and screen on their way to the server: one peer connection, made anew when it breaks.

import { type Answer, type Refusal, send } from "./api";
import { waitMs } from "./backoff";
import { type Counters, Flow } from "./flow";

export interface Tracks {
  camera: MediaStreamTrack;
  screen: MediaStreamTrack;
}

const CAMERA_ENCODING: RTCRtpEncodingParameters = { maxBitrate: 250_000, maxFramerate: 15 };
const SCREEN_ENCODING: RTCRtpEncodingParameters = { maxBitrate: 300_000, maxFramerate: 5 };
const GATHERING_MS = 2000;
const CONNECTING_MS = 5000;
const LOOK_MS = 250;

export class Uplink {
  private peer: RTCPeerConnection | null = null;
  private attempt = 0;
  private timer: number | undefined;
  private looking: number | undefined;
  /** From the wait before a new connection to the server's answer: two at once would race. */
  private isMending = false;
  private answeredMs = 0;
  private isClosed = false;

  constructor(
    private readonly sitting: string,
    private tracks: Tracks,
    private readonly onRefused: (refused: Refusal) => void,
    private readonly onQuiet: (isQuiet: boolean) => void,
  ) {}

  /** Send *track* in place of the one that ended. */
  async replace(name: keyof Tracks, track: MediaStreamTrack): Promise<void> {
    this.tracks = { ...this.tracks, [name]: track };
    const transceiver = this.peer?.getTransceivers()[name === "camera" ? 0 : 1];
    await transceiver?.sender.replaceTrack(track);
  }

  /** Build a new peer connection after a short wait; the server cannot restart an old one. */
  again(): void {
    if (this.isClosed || this.isMending) return;
    this.isMending = true;
    const wait = waitMs(this.attempt++, Math.random());
    this.timer = window.setTimeout(() => void this.mend(), wait);
  }

  /** Build a new connection at once, unless the server has answered one since *ms*. */
  nowUnlessSince(ms: number): void {
    if (this.isClosed || this.answeredMs >= ms) return;
    // one that waits for its turn need not wait any longer; one under way goes on
    if (this.isMending && this.timer === undefined) return;
    window.clearTimeout(this.timer);
    this.isMending = true;
    void this.mend();
  }

  close(): void {
    this.isClosed = true;
    window.clearTimeout(this.timer);
    window.clearInterval(this.looking);
    this.peer?.close();
  }

  private async mend(): Promise<void> {
    this.timer = undefined;
    // a browser that cannot build the connection now may be able to in a moment
    const answer = await this.connect().catch(() => null);
    this.isMending = false;
    if (answer === null || (!answer.ok && (answer.status === 0 || answer.status >= 500))) {
      this.again();
    } else if (!answer.ok) {
      this.onRefused(answer);
    }
  }

  /** Offer both tracks; resolves once the server has answered. */
  async connect(): Promise<Answer<unknown>> {
    this.peer?.close();
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
    this.peer = peer;
    const camera = addTrack(peer, this.tracks.camera, CAMERA_ENCODING);
    const screen = addTrack(peer, this.tracks.screen, SCREEN_ENCODING);
    await keepResolution(screen.sender);
    await peer.setLocalDescription();
    await gathered(peer);
    const answer = await send<{ sdp: string }>("POST", `/api/sittings/${this.sitting}/offer`, {
      sdp: peer.localDescription?.sdp,
      tracks: { camera: camera.mid, screen: screen.mid },
      display_surface: this.tracks.screen.getSettings().displaySurface,
    });
    if (!answer.ok || peer !== this.peer || this.isClosed) {
      peer.close();
      return answer;
    }
    this.answeredMs = performance.now();
    await peer.setRemoteDescription({ type: "answer", sdp: answer.value.sdp });
    this.watch(peer);
    return answer;
  }

  /** A peer is given up when it does not connect, fails, or nothing comes back from the server. */
  private watch(peer: RTCPeerConnection): void {
    const began = performance.now();
    let flow: Flow | null = null;
    let isQuiet = false;
    window.clearInterval(this.looking);
    this.looking = window.setInterval(() => {
      if (peer !== this.peer) return;
      const now = performance.now();
      const isLost = flow === null ? now - began > CONNECTING_MS : flow.isSilent(now);
      if (flow !== null && flow.isQuiet(now) !== isQuiet) {
        isQuiet = !isQuiet;
        this.onQuiet(isQuiet);
      }
      if (peer.connectionState === "failed" || isLost) this.again();
      else if (flow !== null) void countersOf(peer).then((counters) => flow?.read(counters));
    }, LOOK_MS);
    peer.onconnectionstatechange = () => {
      if (peer !== this.peer || peer.connectionState !== "connected" || flow !== null) return;
      flow = new Flow(performance.now());
      this.attempt = 0;
    };
  }
}

function addTrack(
  peer: RTCPeerConnection,
  track: MediaStreamTrack,
  encoding: RTCRtpEncodingParameters,
): RTCRtpTransceiver {
  const streams = [new MediaStream([track])];
  return peer.addTransceiver(track, { direction: "sendonly", streams, sendEncodings: [encoding] });
}

/** Text on the screen stays legible: fewer frames rather than fewer pixels. */
async function keepResolution(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  await sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
}

function gathered(peer: RTCPeerConnection): Promise<void> {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    window.setTimeout(resolve, GATHERING_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve();
    });
  });
}

async function countersOf(peer: RTCPeerConnection): Promise<Counters> {
  const counters = { atMs: performance.now(), sent: 0, received: 0 };
  for (const each of (await peer.getStats()).values()) {
    if (each.type !== "transport") continue;
    counters.sent += each.bytesSent;
    counters.received += each.bytesReceived;
  }
  return counters;
}

// Camera and screen on their way to the server: one peer connection, made anew when it breaks.

import { type Answer, type Refusal, send } from "./api";
import { waitMs } from "./backoff";

export interface Tracks {
  camera: MediaStreamTrack;
  screen: MediaStreamTrack;
}

const CAMERA_ENCODING: RTCRtpEncodingParameters = { maxBitrate: 250_000, maxFramerate: 15 };
const SCREEN_ENCODING: RTCRtpEncodingParameters = { maxBitrate: 300_000, maxFramerate: 5 };
const GATHERING_MS = 2000;
const DISCONNECTED_MS = 2000;
const CONNECTING_MS = 10_000;

export class Uplink {
  private peer: RTCPeerConnection | null = null;
  private attempt = 0;
  private timer: number | undefined;
  /** From the wait before a new connection to the server's answer: two at once would race. */
  private isMending = false;
  private answeredMs = 0;
  private isClosed = false;

  constructor(
    private readonly sitting: string,
    private tracks: Tracks,
    private readonly onRefused: (refused: Refusal) => void,
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

  /** Build a new connection unless the server has answered one since *ms*. */
  againUnlessSince(ms: number): void {
    if (this.answeredMs < ms) this.again();
  }

  close(): void {
    this.isClosed = true;
    window.clearTimeout(this.timer);
    this.peer?.close();
  }

  private async mend(): Promise<void> {
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

  private watch(peer: RTCPeerConnection): void {
    let patience: number | undefined = window.setTimeout(check, CONNECTING_MS);
    const again = (): void => this.again();
    const isCurrent = (): boolean => peer === this.peer && !this.isClosed;
    function check(): void {
      if (isCurrent() && peer.connectionState !== "connected") again();
    }
    peer.onconnectionstatechange = () => {
      if (!isCurrent()) return;
      if (peer.connectionState === "connected") this.attempt = 0;
      if (peer.connectionState === "failed") again();
      if (peer.connectionState !== "disconnected") return;
      window.clearTimeout(patience);
      patience = window.setTimeout(check, DISCONNECTED_MS);
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

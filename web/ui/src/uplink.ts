// Camera and screen on their way to the server: one peer connection, made anew when it breaks.

import { type Answer, type Refusal, send } from "./api";
import { waitMs } from "./backoff";
import { withFloor } from "./floor";
import { type Counters, Flow } from "./flow";
import type { TrackName } from "./groups";
import { type Pace, Pacer, type Reading, WAYS } from "./pace";
import { type Route, routeOf } from "./route";
import { canThin, Thinned } from "./thinned";

export interface Tracks {
  camera: MediaStreamTrack;
  screen: MediaStreamTrack;
}

interface Answered {
  sdp: string;
  ice_servers: RTCIceServer[];
}

const NAMES = ["camera", "screen"] as const;
// the way through a relay takes some eight round trips; a first try that lasts mostly is none
const CONNECTING_MS = 5000;
const CONNECTING_AGAIN_MS = 7500;
const LOOK_MS = 250;
const MEASURE_MS = 1000;

export class Uplink {
  private peer: RTCPeerConnection | null = null;
  /** Of this connection; null until the browser has chosen one. */
  private route: Route | null = null;
  private attempt = 0;
  private timer: number | undefined;
  private looking: number | undefined;
  /** From the wait before a new connection to the server's answer: two at once would race. */
  private isMending = false;
  private answeredMs = 0;
  private isClosed = false;
  private readonly pacer = new Pacer(canThin() ? "stills" : "low");
  private thinned: Partial<Record<TrackName, Thinned>> = {};

  constructor(
    private readonly sitting: string,
    private tracks: Tracks,
    /** Relays for the next connection; each answer brings new ones. */
    private relays: RTCIceServer[],
    private readonly onRefused: (refused: Refusal) => void,
    private readonly onQuiet: (isQuiet: boolean) => void,
    private readonly onPace: (pace: Pace) => void,
    /** Each connection's way; null when it did not come about. */
    private readonly onRoute: (route: Route | null) => void,
  ) {}

  /** Send *track* in place of the one that ended. */
  async replace(name: keyof Tracks, track: MediaStreamTrack): Promise<void> {
    this.tracks = { ...this.tracks, [name]: track };
    await this.senderOf(name)?.replaceTrack(this.sendable(name));
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
    for (const name of NAMES) this.thinned[name]?.stop();
  }

  private senderOf(name: TrackName): RTCRtpSender | undefined {
    return this.peer?.getTransceivers()[NAMES.indexOf(name)]?.sender;
  }

  /** What is sent of a track at the pace there is. */
  private sendable(name: TrackName): MediaStreamTrack {
    const { stills } = WAYS[this.pacer.pace][name];
    this.thinned[name]?.stop();
    delete this.thinned[name];
    if (stills === null) return this.tracks[name];
    const thinned = new Thinned(this.tracks[name], stills);
    this.thinned[name] = thinned;
    return thinned.track;
  }

  private encoding(name: TrackName): RTCRtpEncodingParameters {
    const way = WAYS[this.pacer.pace][name];
    return {
      maxBitrate: way.bitrate,
      maxFramerate: way.framerate,
      scaleResolutionDownBy: Math.max(1, (this.tracks[name].getSettings().width ?? 0) / way.width),
    };
  }

  /** Send both tracks at the pace there is now. */
  private async keepPace(): Promise<void> {
    this.onPace(this.pacer.pace);
    for (const name of NAMES) {
      const sender = this.senderOf(name);
      if (sender === undefined) continue;
      const parameters = sender.getParameters();
      for (const each of parameters.encodings) Object.assign(each, this.encoding(name));
      await sender.setParameters(parameters);
      await sender.replaceTrack(this.sendable(name));
      if (this.thinned[name] !== undefined) await beginAnew(sender);
    }
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
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: this.relays });
    this.peer = peer;
    this.route = null;
    const camera = addTrack(peer, this.sendable("camera"), this.encoding("camera"));
    const screen = addTrack(peer, this.sendable("screen"), this.encoding("screen"));
    await keepResolution(screen.sender);
    // the server learns this end's addresses from its checks: none is waited for here
    await peer.setLocalDescription();
    const answer = await send<Answered>("POST", `/api/sittings/${this.sitting}/offer`, {
      sdp: peer.localDescription?.sdp,
      tracks: { camera: camera.mid, screen: screen.mid },
      display_surface: this.tracks.screen.getSettings().displaySurface,
    });
    if (!answer.ok || peer !== this.peer || this.isClosed) {
      peer.close();
      return answer;
    }
    this.answeredMs = performance.now();
    this.relays = answer.value.ice_servers;
    await peer.setRemoteDescription({ type: "answer", sdp: withFloor(answer.value.sdp) });
    this.watch(peer);
    return answer;
  }

  /** A peer is given up when it does not connect, fails, or nothing comes back from the server. */
  private watch(peer: RTCPeerConnection): void {
    const began = performance.now();
    const limitMs = this.attempt === 0 ? CONNECTING_MS : CONNECTING_AGAIN_MS;
    let flow: Flow | null = null;
    let isQuiet = false;
    let measuredMs = 0;
    window.clearInterval(this.looking);
    this.looking = window.setInterval(() => {
      if (peer !== this.peer) return;
      const now = performance.now();
      const heard = flow === null ? null : flow.look(now);
      const isLost = heard === null ? now - began > limitMs : heard === "silent";
      if (heard !== null && (heard !== "well") !== isQuiet) {
        isQuiet = !isQuiet;
        this.onQuiet(isQuiet);
      }
      if (peer.connectionState === "failed" || isLost) {
        if (flow === null && !this.isMending) this.onRoute(null);
        this.again();
      } else if (flow !== null) {
        const isDue = now - measuredMs >= MEASURE_MS;
        if (isDue) measuredMs = now;
        void this.read(peer, flow, isDue);
      }
    }, LOOK_MS);
    peer.onconnectionstatechange = () => {
      if (peer !== this.peer || peer.connectionState !== "connected" || flow !== null) return;
      flow = new Flow(LOOK_MS, performance.now());
      this.pacer.restart(performance.now());
      this.attempt = 0;
    };
  }

  private async read(peer: RTCPeerConnection, flow: Flow, isMeasured: boolean): Promise<void> {
    const stats = await peer.getStats();
    if (peer !== this.peer || this.isClosed) return;
    flow.read(countersOf(stats));
    const route = routeOf(stats);
    if (route !== null && route !== this.route) {
      this.route = route;
      this.onRoute(route);
    }
    // what cannot be changed now is tried again at the next pace
    if (isMeasured && this.pacer.read(readingOf(stats))) await this.keepPace().catch(() => undefined);
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

/** What was sent before may be lost, and the next picture but one is seconds away: it needs none of it. */
async function beginAnew(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  await sender.setParameters(parameters, {
    encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })),
  });
}

/** Text on the screen stays legible: fewer frames rather than fewer pixels. */
async function keepResolution(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  await sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
}

function countersOf(stats: RTCStatsReport): Counters {
  const counters = { atMs: performance.now(), received: 0 };
  for (const each of stats.values()) {
    if (each.type === "transport") counters.received += each.bytesReceived;
  }
  return counters;
}

/** The line as this end and the server's reports know it. */
function readingOf(stats: RTCStatsReport): Reading {
  const reading: Reading = {
    atMs: performance.now(),
    packetsSent: 0,
    packetsLost: 0,
    rttMs: 0,
    availableKbps: null,
  };
  for (const each of stats.values()) {
    if (each.type === "outbound-rtp") {
      reading.packetsSent += each.packetsSent - (each.retransmittedPacketsSent ?? 0);
    }
    if (each.type === "remote-inbound-rtp") {
      reading.packetsLost += each.packetsLost ?? 0;
      reading.rttMs = Math.max(reading.rttMs, 1000 * (each.roundTripTime ?? 0));
    }
    if (each.type === "candidate-pair" && each.availableOutgoingBitrate !== undefined) {
      reading.availableKbps = each.availableOutgoingBitrate / 1000;
    }
  }
  return reading;
}

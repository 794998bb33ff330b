import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Uplink } from "./uplink";

const PAGE = [{ urls: ["turns:relay.example:443"], username: "1:a", credential: "x" }];
const NEXT = [{ urls: ["turns:relay.example:443"], username: "2:b", credential: "y" }];

class Peer {
  static made: Peer[] = [];
  connectionState = "new";
  localDescription = { sdp: "offer" };
  setLocalDescription = vi.fn(() => Promise.resolve());
  setRemoteDescription = vi.fn(() => Promise.resolve());
  close = vi.fn();

  constructor(readonly given: RTCConfiguration) {
    Peer.made.push(this);
  }

  addTransceiver(): object {
    const sender = { getParameters: () => ({}), setParameters: () => Promise.resolve() };
    return { mid: "0", sender };
  }
}

const track = { getSettings: () => ({ displaySurface: "monitor" }) } as MediaStreamTrack;

beforeEach(() => {
  vi.useFakeTimers();
  Peer.made = [];
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("RTCPeerConnection", Peer);
  vi.stubGlobal("MediaStream", class {});
  const answer = { sdp: "answer", ice_servers: NEXT };
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json(answer, { status: 201 })));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function uplink(onRoute: (route: string | null) => void): Uplink {
  const none = (): void => undefined;
  return new Uplink("s", { camera: track, screen: track }, PAGE, none, none, none, onRoute);
}

it("connects with the page's relays first, then with those of the last answer", async () => {
  const routes: (string | null)[] = [];
  const sent = uplink((route) => routes.push(route));
  expect((await sent.connect()).ok).toBe(true);
  expect(Peer.made.map((each) => each.given.iceServers)).toEqual([PAGE]);
  // nothing comes of it: it is said, and tried anew
  await vi.advanceTimersByTimeAsync(8000);
  expect(routes).toEqual([null]);
  expect(Peer.made.map((each) => each.given.iceServers)).toEqual([PAGE, NEXT]);
  expect(Peer.made[0]?.close).toHaveBeenCalled();
  sent.close();
});

// Camera and whole-monitor streams, or the reason why there is none.

export type Captured = { ok: true; track: MediaStreamTrack } | { ok: false; key: string };

const CAMERA: MediaStreamConstraints = {
  video: { width: 640, height: 480, frameRate: 15 },
  audio: false,
};

// not every browser's typings know all of these
const SCREEN = {
  video: {
    displaySurface: "monitor",
    frameRate: { ideal: 5, max: 5 },
    width: { max: 1920 },
    height: { max: 1080 },
  },
  audio: false,
  monitorTypeSurfaces: "include",
  surfaceSwitching: "exclude",
  selfBrowserSurface: "exclude",
} as DisplayMediaStreamOptions;

const CAMERA_REASON: Record<string, string> = {
  NotFoundError: "check.camera_missing",
  OverconstrainedError: "check.camera_missing",
  NotReadableError: "check.camera_busy",
};

export function canCapture(): boolean {
  return "mediaDevices" in navigator && "getDisplayMedia" in navigator.mediaDevices;
}

export async function openCamera(): Promise<Captured> {
  try {
    return first(await navigator.mediaDevices.getUserMedia(CAMERA));
  } catch (error) {
    return { ok: false, key: CAMERA_REASON[nameOf(error)] ?? "check.camera_denied" };
  }
}

/** The whole monitor; the request is only a hint to browsers, so the answer is looked at. */
export async function openScreen(): Promise<Captured> {
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
  } catch {
    return { ok: false, key: "check.screen_denied" };
  }
  const captured = first(stream);
  if (!captured.ok) return captured;
  const surface = captured.track.getSettings().displaySurface;
  if (surface === "monitor") {
    captured.track.contentHint = "text";
    return captured;
  }
  captured.track.stop();
  return { ok: false, key: surface === undefined ? "check.browser_bad" : "check.screen_wrong" };
}

// names that programs give to the cameras they make up
const PROGRAMS =
  /\b(virtual|obs|manycam|xsplit|vcam|snap camera|splitcam|droidcam|epoccam|iriun|camo|mmhmm|ivcam|prism|webcamoid|v4l2|loopback|dummy video|akvcam|sparkocam|youcam|camtwist|ndi|e2esoft|nvidia broadcast|animaze|facerig|avatarify|deepfacelive)\b/i;

/** Whether a camera's name is that of a program; most names say nothing either way. */
export function isProgram(label: string): boolean {
  return PROGRAMS.test(label.replaceAll("_", " "));
}

export function hasSecondMonitor(): boolean {
  return (screen as Screen & { isExtended?: boolean }).isExtended === true;
}

function first(stream: MediaStream): Captured {
  const track = stream.getVideoTracks()[0];
  return track === undefined ? { ok: false, key: "check.camera_missing" } : { ok: true, track };
}

function nameOf(error: unknown): string {
  return error instanceof DOMException ? error.name : "";
}

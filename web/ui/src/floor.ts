// Chrome and Edge pause a track when they believe in less than both need; stills need less than that.

// kbit/s; the least the service tells of a line, which is only a cap to what the browser believes
const FLOOR = "x-google-min-bitrate=70";

/** The answer *sdp* with a floor under the browser's own estimate, for each video codec in it. */
export function withFloor(sdp: string): string {
  const numbers = [...sdp.matchAll(/^a=rtpmap:(\d+) (?:VP8|H264)\//gm)].map((found) => found[1]);
  const lines = sdp.split("\r\n").flatMap((line) => {
    const [, kind, number] = /^a=(rtpmap|fmtp):(\d+) /.exec(line) ?? [];
    if (!numbers.includes(number)) return [line];
    if (kind === "fmtp") return [`${line};${FLOOR}`];
    return sdp.includes(`\na=fmtp:${number} `) ? [line] : [line, `a=fmtp:${number} ${FLOOR}`];
  });
  return lines.join("\r\n");
}

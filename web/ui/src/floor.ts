// Chrome and Edge pause a track when they believe in less than both need; stills need less than that.

// kbit/s; the least the service tells of a line, which is only a cap to what the browser believes
const FLOOR = "x-google-min-bitrate=70";

/** The answer *sdp* with a floor under the browser's own estimate, for each video codec in it. */
export function withFloor(sdp: string): string {
  const lines = sdp.split("\r\n").flatMap((line) => {
    const codec = /^a=rtpmap:(\d+) (?:VP8|H264)\//.exec(line)?.[1];
    if (codec !== undefined && !sdp.includes(`\na=fmtp:${codec} `)) return [line, `a=fmtp:${codec} ${FLOOR}`];
    const isCodecs = line.startsWith("a=fmtp:") && !line.includes("apt=");
    return isCodecs ? [`${line};${FLOOR}`] : [line];
  });
  return lines.join("\r\n");
}

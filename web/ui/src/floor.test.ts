import { expect, test } from "vitest";

import { withFloor } from "./floor";

const lines = (...each: string[]): string => `${each.join("\r\n")}\r\n`;

test("a codec without parameters gets them, one that has some keeps them, in each m-line", () => {
  const rtx = ["a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"];
  const h264 = "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f";
  const answer = lines(
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    "a=rtpmap:96 VP8/90000",
    ...rtx,
    "m=video 9 UDP/TLS/RTP/SAVPF 102",
    "a=rtpmap:102 H264/90000",
    h264,
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    "a=rtpmap:96 VP8/90000",
    ...rtx,
  );
  expect(withFloor(answer)).toBe(
    lines(
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
      "a=rtpmap:96 VP8/90000",
      "a=fmtp:96 x-google-min-bitrate=70",
      ...rtx,
      "m=video 9 UDP/TLS/RTP/SAVPF 102",
      "a=rtpmap:102 H264/90000",
      `${h264};x-google-min-bitrate=70`,
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
      "a=rtpmap:96 VP8/90000",
      "a=fmtp:96 x-google-min-bitrate=70",
      ...rtx,
    ),
  );
});

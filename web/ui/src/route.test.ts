import { expect, it } from "vitest";

import { routeOf } from "./route";

function stats(...found: { id: string; [name: string]: unknown }[]): RTCStatsReport {
  return new Map(found.map((each) => [each.id, each])) as unknown as RTCStatsReport;
}

const near = { id: "near", type: "local-candidate", candidateType: "host" };
const far = { id: "far", type: "local-candidate", candidateType: "relay", relayProtocol: "tcp" };
const straight = { id: "straight", type: "candidate-pair", localCandidateId: "near" };
const around = { id: "around", type: "candidate-pair", localCandidateId: "far" };

it("is that of the pair the transport uses, whatever other pairs there are", () => {
  const all = [straight, around, near, far];
  const used = (id?: string) => ({ id: "t", type: "transport", selectedCandidatePairId: id });
  expect(routeOf(stats(used("around"), ...all))).toBe("relay");
  expect(routeOf(stats(...all, used("straight")))).toBe("direct");
  expect(routeOf(stats(...all, used()))).toBeNull();
});

it("is that of the pair marked as used where there are no transports", () => {
  expect(routeOf(stats(straight, { ...around, selected: true }, near, far))).toBe("relay");
  expect(routeOf(stats(straight, around, near, far))).toBeNull();
});

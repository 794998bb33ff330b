// Which way the pictures go: straight to the service, or through the university's relay.

export type Route = "direct" | "relay";

/** The way of the connection there is; null until the browser has chosen one. */
export function routeOf(stats: RTCStatsReport): Route | null {
  for (const each of stats.values()) {
    const pair = each.type === "transport" ? stats.get(each.selectedCandidatePairId) : each;
    // Firefox has no transports and marks the pair itself
    if (pair?.type !== "candidate-pair" || (pair === each && !pair.selected)) continue;
    const local = stats.get(pair.localCandidateId);
    if (local !== undefined) return local.candidateType === "relay" ? "relay" : "direct";
  }
  return null;
}

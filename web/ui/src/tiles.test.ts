import { expect, test } from "vitest";

import { NO_NEED, type Tile, isStale, neighbour, order, shown } from "./tiles";

function tile(id: string, exam: string, state: string, need: number): Tile {
  const facts = { name: id, number: id, reason: "", minutes: 1, incident: null, is_open: false };
  return { id, exam, state, need, ...facts, camera: true, screen: true, kbit_s: 100, pace: "ok", relayed: false };
}

const wall = [
  tile("a", "Final", "running", 1),
  tile("b", "Essay", "checking", 2),
  tile("c", "Final", "running", NO_NEED),
];
const ids = (which: string, exam = "", most = 30): string[] =>
  shown(wall, { exam, which }, most).map((each) => each.id);

test("filters by exam, need and state; the neediest come first", () => {
  expect(ids("all")).toEqual(["a", "b", "c"]);
  expect(ids("need")).toEqual(["a", "b"]);
  expect(ids("running")).toEqual(["a", "c"]);
  expect(ids("waiting")).toEqual(["b"]);
  expect(ids("all", "Final")).toEqual(["a", "c"]);
  expect(ids("all", "", 2)).toEqual(["a", "b"]);
});

test("nothing moves under the pointer; what is gone goes and what is new comes last", () => {
  expect(order(["a", "b", "c"], ["c", "d", "a"], false)).toEqual(["c", "d", "a"]);
  expect(order(["a", "b", "c"], ["c", "d", "a"], true)).toEqual(["a", "c", "d"]);
});

test("arrow keys go along rows and columns and stop at the edges", () => {
  expect(neighbour(0, "ArrowRight", 3, 5)).toBe(1);
  expect(neighbour(1, "ArrowDown", 3, 5)).toBe(4);
  expect(neighbour(2, "ArrowDown", 3, 5)).toBe(2);
  expect(neighbour(4, "ArrowUp", 3, 5)).toBe(1);
  expect(neighbour(0, "ArrowLeft", 3, 5)).toBe(0);
  expect(neighbour(3, "Home", 3, 5)).toBe(3);
});

test("a picture that four rounds did not follow is stale, on a line of stills later", () => {
  expect(isStale(7.9, "ok")).toBe(false);
  expect(isStale(8.1, "low")).toBe(true);
  expect(isStale(20, "stills")).toBe(false);
  expect(isStale(26, "stills")).toBe(true);
});

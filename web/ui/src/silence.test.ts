import { expect, test } from "vitest";

import { Silence } from "./silence";

test("silence is counted from the last word, whenever that came", () => {
  const silence = new Silence(250, 1000);
  expect([silence.look(1250), silence.look(2250)]).toEqual([250, 1250]);
  silence.hear(2300);
  expect(silence.look(2500)).toBe(200);
});

test("while the page stood still nobody could be heard", () => {
  const silence = new Silence(250, 1000);
  expect([silence.look(1250), silence.look(9500), silence.look(9750)]).toEqual([250, 500, 750]);
  silence.hear(9800);
  expect(silence.look(30_000)).toBe(200);
});

test("what came while the page stood still is heard before it looks", () => {
  const silence = new Silence(250, 1000);
  silence.hear(9499);
  expect([silence.look(9500), silence.look(9750)]).toEqual([0, 250]);
});

test("a page that always looks late finds out that the other end is gone", () => {
  const silence = new Silence(250, 0);
  expect([silence.look(2000), silence.look(4000), silence.look(6000)]).toEqual([250, 2250, 4250]);
});

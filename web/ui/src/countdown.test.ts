import { expect, test } from "vitest";

import { Countdown, clockTime } from "./countdown";

test("time left falls with the clock and stops at zero", () => {
  const countdown = new Countdown(90, 1000);
  expect(countdown.remainingS(31_000)).toBe(60);
  expect(countdown.remainingS(500_000)).toBe(0);
});

test("ten, five and one minutes are said once each", () => {
  const countdown = new Countdown(700, 0);
  const said = Array.from({ length: 700 }, (_, second) => countdown.spoken(second * 1000));
  expect(said.filter((minutes) => minutes !== null)).toEqual([10, 5, 1]);
});

test("an exam shorter than a mark does not say it", () => {
  const countdown = new Countdown(90, 0);
  expect(countdown.spoken(0)).toBeNull();
  expect(countdown.spoken(30_000)).toBe(1);
});

test("a long sleep of the page says only the nearest mark", () => {
  expect(new Countdown(900, 0).spoken(850_000)).toBe(1);
});

test("the server's word replaces the page's own count", () => {
  const countdown = new Countdown(100, 0);
  countdown.correct(40, 10_000);
  expect(countdown.remainingS(20_000)).toBe(30);
});

test("times are written with minutes and, when needed, hours", () => {
  expect([0, 0.4, 65, 3725].map(clockTime)).toEqual(["0:00", "0:01", "1:05", "1:02:05"]);
});

test("a paused exam has as much time left as when it stopped", () => {
  const countdown = new Countdown(100, 0);
  countdown.hold(40_000);
  expect(countdown.remainingS(90_000)).toBe(60);
  countdown.correct(60, 90_000);
  expect(countdown.remainingS(100_000)).toBe(50);
});

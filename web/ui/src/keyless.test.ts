import { describe, expect, it } from "vitest";

import { KeylessText } from "./keyless";

function typed(text: KeylessText, n: number): number[] {
  return Array.from({ length: n }, () => {
    text.press();
    return text.enter("insertText", 1);
  });
}

describe("keyless text", () => {
  it("is not what keys explain", () => {
    expect(new Set(typed(new KeylessText(), 100))).toEqual(new Set([0]));
  });

  it("is dropped or dictated text, told at once", () => {
    const text = new KeylessText();
    typed(text, 3);
    expect(text.enter("insertFromDrop", 120)).toBe(120);
    expect(text.enter("insertText", 45)).toBe(45);
  });

  it("is told when a program puts in letter by letter", () => {
    const text = new KeylessText();
    const told = Array.from({ length: 45 }, () => text.enter("insertText", 1));
    expect(told.filter((n) => n > 0)).toEqual([20, 20]);
  });

  it("leaves out pastes, which are told apart, and deletions", () => {
    const text = new KeylessText();
    expect(text.enter("insertFromPaste", 500)).toBe(0);
    expect(text.enter("deleteContentBackward", 500)).toBe(0);
  });

  it("allows a composed letter its keys", () => {
    const text = new KeylessText();
    text.press();
    text.press();
    expect(text.enter("insertCompositionText", 2)).toBe(0);
    expect(text.enter("insertFromDrop", 21)).toBe(21);
  });
});

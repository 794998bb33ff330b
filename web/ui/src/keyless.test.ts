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

  it("is not explained by keys that moved the cursor", () => {
    const text = new KeylessText();
    for (let i = 0; i < 300; i++) text.press();
    expect(text.enter("insertFromDrop", 300)).toBe(296);
  });

  it("counts a composed word once, though each event brings all of it", () => {
    const text = new KeylessText();
    const word = (): number[] => {
      text.compose();
      return Array.from({ length: 9 }, (_, i) => {
        text.press();
        return text.enter("insertCompositionText", i + 1);
      });
    };
    expect(new Set([...word(), ...word(), ...word()])).toEqual(new Set([0]));
  });

  it("is a dictated phrase, told as it grows, and the next one too", () => {
    const text = new KeylessText();
    text.compose();
    expect([10, 25, 30].map((n) => text.enter("insertCompositionText", n))).toEqual([0, 25, 0]);
    text.compose();
    expect(text.enter("insertCompositionText", 18)).toBe(23);
  });

  it("is not the mended spelling of words, unless a whole text replaces them", () => {
    const text = new KeylessText();
    const mended = Array.from({ length: 12 }, () => text.enter("insertReplacementText", 8));
    expect(new Set(mended)).toEqual(new Set([0]));
    expect(text.enter("insertReplacementText", 400)).toBe(400);
  });

  it("is forgotten after much typing, but not after as much as it", () => {
    const forgiving = (n: number): number => {
      const text = new KeylessText();
      text.enter("insertText", 15);
      typed(text, n);
      return text.enter("insertText", 15);
    };
    expect([forgiving(15), forgiving(150)]).toEqual([29, 0]);
  });
});

import assert from "node:assert/strict";
import test from "node:test";

import { InvalidTextError, LONGEST, measure } from "../src/reading.mjs";

test("words and sentences are counted", () => {
  const found = measure("It's a well-known fact. Is it? Yes!");
  assert.equal(found.words, 7);
  assert.equal(found.sentences, 3);
  assert.equal(found.minutes, 1);
});

test("words of other scripts count", () => {
  assert.equal(measure("Grüße aus Łódź, привет мир").words, 5);
});

test("a point inside a number ends no sentence", () => {
  assert.equal(measure("Version 1.5 is out. It works.").sentences, 2);
});

test("a long text takes longer", () => {
  assert.equal(measure("word ".repeat(2300)).minutes, 10);
});

test("the most used words are told, the most used first", () => {
  const { frequent } = measure("build test build deploy test build and and and and");
  assert.deepEqual(frequent, [
    { word: "build", count: 3 },
    { word: "test", count: 2 },
  ]);
});

test("what is no text is refused with what to do", () => {
  for (const text of ["", "  \n ", undefined, null, 7, ["text"], "x".repeat(LONGEST + 1)]) {
    assert.throws(() => measure(text), InvalidTextError);
  }
});

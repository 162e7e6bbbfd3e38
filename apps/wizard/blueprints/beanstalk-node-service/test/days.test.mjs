import assert from "node:assert/strict";
import test from "node:test";

import { InvalidQuestionError, after, between } from "../src/days.mjs";

const problems = (deed, question) => {
  try {
    deed(question);
  } catch (error) {
    assert.ok(error instanceof InvalidQuestionError, String(error));
    return Object.keys(error.problems).sort();
  }
  throw new assert.AssertionError({ message: "it was not refused" });
};

test("weekends do not count", () => {
  const found = between({ from: "2026-03-02", to: "2026-03-15" });
  assert.deepEqual(found, { from: "2026-03-02", to: "2026-03-15", days: 14, working: 10 });
});

test("one day counts by itself", () => {
  assert.equal(between({ from: "2026-03-02", to: "2026-03-02" }).working, 1);
  assert.equal(between({ from: "2026-03-07", to: "2026-03-07" }).working, 0);
});

test("holidays do not count, whichever weekday they are", () => {
  const holidays = ["2026-12-25", "2026-12-26"];
  assert.equal(between({ from: "2026-12-21", to: "2026-12-27", holidays }).working, 4);
});

test("a leap year has its day", () => {
  assert.equal(between({ from: "2028-02-01", to: "2028-02-29" }).days, 29);
});

test("the day after some working days is found, forwards and backwards", () => {
  assert.equal(after({ from: "2026-03-06", days: 1 }).day, "2026-03-09");
  assert.equal(after({ from: "2026-03-09", days: -1 }).day, "2026-03-06");
  assert.equal(after({ from: "2026-03-06", days: 1, holidays: ["2026-03-09"] }).day, "2026-03-10");
  assert.equal(after({ from: "2026-03-07", days: 0 }).day, "2026-03-07");
});

test("there and back is where it began", () => {
  const there = after({ from: "2026-03-02", days: 250 }).day;
  assert.equal(after({ from: there, days: -250 }).day, "2026-03-02");
});

test("what is no day is refused", () => {
  for (const from of [undefined, null, 7, "", "2026-02-30", "2026-3-2", "1850-01-01", "2201-01-01"]) {
    assert.deepEqual(problems(between, { from, to: "2026-03-02" }), ["from"]);
  }
});

test("everything that is wrong is told at once", () => {
  const question = { from: "x", to: "y", holidays: ["z"], colour: "red" };
  assert.deepEqual(problems(between, question), ["colour", "from", "holidays", "to"]);
});

test("spans backwards or beyond ten years are refused", () => {
  assert.deepEqual(problems(between, { from: "2026-03-02", to: "2026-03-01" }), ["to"]);
  assert.deepEqual(problems(between, { from: "2026-01-01", to: "2037-01-01" }), ["to"]);
});

test("a number of days is whole and not too large", () => {
  for (const days of [undefined, "3", 1.5, 2501, -2501, Number.NaN]) {
    assert.deepEqual(problems(after, { from: "2026-03-02", days }), ["days"]);
  }
});

test("a question is an object", () => {
  for (const question of [null, [], "x", 7]) {
    assert.deepEqual(problems(between, question), ["question"]);
    assert.deepEqual(problems(after, question), ["question"]);
  }
});

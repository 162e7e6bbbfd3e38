import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { answer } from "../src/service.mjs";

let server;
let base;

before(async () => {
  server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => new Promise((resolve) => server.close(resolve)));

const ask = async (method, path, body) => {
  const response = await fetch(`${base}${path}`, { method, body });
  return { status: response.status, headers: response.headers, body: await response.json() };
};
const MARCH = { from: "2026-03-01", to: "2026-03-31" };

test("it says that it is well", async () => {
  const { status, body } = await ask("GET", "/health");
  assert.equal(status, 200);
  assert.equal(body.status, "ok");
});

test("it counts working days", async () => {
  const { status, body } = await ask("POST", "/working-days/between", JSON.stringify(MARCH));
  assert.equal(status, 200);
  assert.equal(body.working, 22);
});

test("it finds the day after some working days", async () => {
  const question = JSON.stringify({ from: "2026-03-06", days: 1 });
  assert.equal((await ask("POST", "/working-days/after", question)).body.day, "2026-03-09");
});

test("it names each field that is wrong", async () => {
  const { status, body } = await ask("POST", "/working-days/between", "{}");
  assert.equal(status, 422);
  assert.deepEqual(Object.keys(body.problems), ["from", "to"]);
});

test("what is no JSON, or too much, is refused", async () => {
  assert.equal((await ask("POST", "/working-days/after", "{")).status, 400);
  assert.equal((await ask("POST", "/working-days/after", " ".repeat(20_001))).status, 413);
});

test("unknown paths and methods say what there is", async () => {
  assert.equal((await ask("GET", "/nowhere")).status, 404);
  assert.equal((await ask("GET", "/__proto__")).status, 404);
  const { status, headers } = await ask("DELETE", "/health");
  assert.equal(status, 405);
  assert.equal(headers.get("allow"), "GET");
});

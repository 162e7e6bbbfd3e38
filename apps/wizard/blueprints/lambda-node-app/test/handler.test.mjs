import assert from "node:assert/strict";
import test from "node:test";

import { handle } from "../src/handler.mjs";

const ask = (method, rawPath, body, more = {}) =>
  handle({ requestContext: { http: { method } }, rawPath, body, ...more });
const form = (text) => new URLSearchParams({ text }).toString();

test("it says that it is well", async () => {
  const answer = await ask("GET", "/health");
  assert.equal(answer.statusCode, 200);
  assert.equal(JSON.parse(answer.body).status, "ok");
});

test("the page has a form", async () => {
  const answer = await ask("GET", "/");
  assert.equal(answer.statusCode, 200);
  assert.match(answer.headers["content-type"], /^text\/html/);
  assert.match(answer.body, /<form method="post"/);
  assert.doesNotMatch(answer.body, /What it takes/);
});

test("a text that was sent is measured", async () => {
  const answer = await ask("POST", "/", form("One two. Three!"));
  assert.equal(answer.statusCode, 200);
  assert.match(answer.body, /<dt>Words<\/dt><dd>3<\/dd>/);
});

test("a body that came as base64 is read", async () => {
  const body = Buffer.from(form("One two three four")).toString("base64");
  const answer = await ask("POST", "/", body, { isBase64Encoded: true });
  assert.match(answer.body, /<dt>Words<\/dt><dd>4<\/dd>/);
});

test("an empty text is refused on the page", async () => {
  const answer = await ask("POST", "/", "");
  assert.equal(answer.statusCode, 422);
  assert.match(answer.body, /role="alert"/);
});

test("a hostile text stays text", async () => {
  const hostile = `</textarea><script>alert("x")</script>'`;
  const answer = await ask("POST", "/", form(hostile));
  assert.doesNotMatch(answer.body, /<script>/);
  assert.match(answer.body, /&lt;script&gt;/);
  assert.match(answer.headers["content-security-policy"], /default-src 'none'/);
});

test("the same is there as JSON", async () => {
  const answer = await ask("POST", "/api/measure", JSON.stringify({ text: "One two." }));
  assert.equal(JSON.parse(answer.body).words, 2);
});

test("what is no JSON, or no text, is refused", async () => {
  assert.equal((await ask("POST", "/api/measure", "{")).statusCode, 400);
  for (const body of ["null", "[]", "{}", '{"text": 7}']) {
    assert.equal((await ask("POST", "/api/measure", body)).statusCode, 422);
  }
});

test("unknown paths, methods and too much are refused", async () => {
  assert.equal((await ask("GET", "/nowhere")).statusCode, 404);
  assert.equal((await ask("GET", "/constructor")).statusCode, 404);
  const answer = await ask("DELETE", "/");
  assert.equal(answer.statusCode, 405);
  assert.equal(answer.headers.allow, "GET, POST");
  assert.equal((await ask("POST", "/", "x".repeat(200_001))).statusCode, 413);
});

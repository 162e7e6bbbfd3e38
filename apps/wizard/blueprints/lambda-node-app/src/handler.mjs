/**
 * The function behind the HTTP API: the page, the same as JSON, and what goes wrong on the way.
 * The event is API Gateway's payload format 2.0:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */

import { page, policy } from "./page.mjs";
import { InvalidTextError, measure } from "./reading.mjs";

const LARGEST_BODY = 200_000;

const ROUTES = {
  "/": { GET: async () => html(200, page()), POST: measured },
  "/api/measure": { POST: measuredAsJson },
  "/health": { GET: async () => json(200, health()) },
};

/** Answer one request. */
export async function handle(event) {
  const { method } = event.requestContext.http;
  const methods = Object.hasOwn(ROUTES, event.rawPath) ? ROUTES[event.rawPath] : null;
  if (!methods) return json(404, { error: "Nothing is here" });
  if (!Object.hasOwn(methods, method)) {
    return json(405, { error: "This is not done here" }, { allow: Object.keys(methods).join(", ") });
  }
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (body.length > LARGEST_BODY) return json(413, { error: "This is too much" });
  return methods[method](body.toString("utf8"));
}

function health() {
  const { PROJECT: project = "", AWS_LAMBDA_FUNCTION_VERSION: version = "local" } = process.env;
  return { status: "ok", project, version };
}

async function measured(body) {
  const text = new URLSearchParams(body).get("text") ?? "";
  try {
    return await html(200, page({ text, found: measure(text) }));
  } catch (error) {
    if (!(error instanceof InvalidTextError)) throw error;
    return html(422, page({ text: text.slice(0, 1000), trouble: error.message }));
  }
}

async function measuredAsJson(body) {
  let asked;
  try {
    asked = JSON.parse(body);
  } catch {
    return json(400, { error: "Send JSON" });
  }
  try {
    return json(200, measure(asked?.text));
  } catch (error) {
    if (!(error instanceof InvalidTextError)) throw error;
    return json(422, { error: error.message });
  }
}

function json(status, body, headers = {}) {
  return {
    statusCode: status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

async function html(status, body) {
  return {
    statusCode: status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "content-security-policy": await policy(),
    },
    body,
  };
}

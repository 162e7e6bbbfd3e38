/** The service: routes, JSON in and out, and what goes wrong on the way. */

import { InvalidQuestionError, after, between } from "./days.mjs";

const LARGEST_BODY = 20_000;

const ROUTES = {
  "/health": { GET: async () => ({ status: "ok", project: process.env.PROJECT ?? "" }) },
  "/working-days/between": { POST: async (request) => between(await asked(request)) },
  "/working-days/after": { POST: async (request) => after(await asked(request)) },
};

/** An answer that is no success: its status, and what to tell. */
class HttpError extends Error {
  constructor(status, title, details = {}) {
    super(title);
    this.status = status;
    this.body = { error: title, ...details };
  }
}

/** Answer one request of node:http. */
export async function answer(request, response) {
  try {
    write(response, 200, await route(request)(request));
  } catch (error) {
    const told = refusal(error);
    if (told.status === 405) response.setHeader("allow", told.body.methods.join(", "));
    write(response, told.status, told.body);
  }
}

function route(request) {
  const { pathname } = new URL(request.url, "http://localhost");
  if (!Object.hasOwn(ROUTES, pathname)) {
    throw new HttpError(404, "Nothing is here", { routes: Object.keys(ROUTES) });
  }
  const methods = ROUTES[pathname];
  if (!Object.hasOwn(methods, request.method)) {
    throw new HttpError(405, "This is not done here", { methods: Object.keys(methods) });
  }
  return methods[request.method];
}

async function asked(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    // What is too much is read to its end and forgotten, so that the answer arrives.
    if (size <= LARGEST_BODY) chunks.push(chunk);
  }
  if (size > LARGEST_BODY) throw new HttpError(413, `Send at most ${LARGEST_BODY} bytes`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new HttpError(400, "Send JSON");
  }
}

function refusal(error) {
  if (error instanceof HttpError) return error;
  if (error instanceof InvalidQuestionError) {
    return new HttpError(422, "This cannot be answered", { problems: error.problems });
  }
  // Whoever asked learns nothing of the inside; the log does.
  console.error(error);
  return new HttpError(500, "This did not work. It is our mistake.");
}

function write(response, status, body) {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(JSON.stringify(body));
}

/** Runs the function on this machine: npm start -- 8000. */

import { createServer } from "node:http";

import { handle } from "./handler.mjs";

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const answer = await handle({
      requestContext: { http: { method: request.method } },
      rawPath: new URL(request.url, "http://localhost").pathname,
      body: Buffer.concat(chunks).toString("utf8"),
    });
    response.writeHead(answer.statusCode, answer.headers).end(answer.body);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});

server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

/** Runs the service: on the port that Elastic Beanstalk names, or that is given (npm start -- 8000). */

import { createServer } from "node:http";

import { answer } from "./service.mjs";

const server = createServer(answer);
server.requestTimeout = 10_000;

server.listen(Number(process.argv[2] ?? process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

// The platform asks it to stop; requests that it has begun are answered.
process.on("SIGTERM", () => server.close(() => process.exit(0)));

// An OpenID Connect provider for the tests: the real one of npm, with people who need no password.
//
//   node provider.mjs '{"client_id": …, "client_secret": …, "people": {"eve": {"email": …}}}'
//
// Writes its port on the first line, and ends when its input does.
import http from "node:http";
import { Provider } from "oidc-provider";

const told = JSON.parse(process.argv[2]);
const CALLBACK = "/accounts/oidc/sso/login/callback/";
let answer = null;
const server = http.createServer((request, response) => answer(request, response));

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: told.client_id,
        client_secret: told.client_secret,
        redirect_uris: [`http://testserver${CALLBACK}`],
      },
    ],
    claims: {
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
    },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, ...told.people[id] }),
    }),
    cookies: { keys: ["for the tests"] },
    // The pages on which one says who one is, and agrees.
    features: { devInteractions: { enabled: true } },
  });
  // The site under test has another port each time.
  provider.Client.prototype.redirectUriAllowed = (uri) => new URL(uri).pathname === CALLBACK;
  answer = provider.callback();
  console.log(port);
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

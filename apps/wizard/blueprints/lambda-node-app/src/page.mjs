/** The page: a form, and what was found out about the text in it. */

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
textarea { width: 100%; min-height: 12rem; font: inherit; box-sizing: border-box; }
button { font: inherit; padding: .4rem 1.2rem; margin: .5rem 0; }
dt { font-weight: 600; }
[role="alert"] { border-left: .3rem solid #b3261e; padding-left: .6rem; }
`;

/** Write text so that HTML takes it for text. */
export function escape(text) {
  const written = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => written[character]);
}

/** The whole page; `found` is what `measure` told, `trouble` why it told nothing. */
export function page({ text = "", found = null, trouble = "" } = {}) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reading time</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Reading time</h1>
${trouble ? `<p role="alert">${escape(trouble)}</p>` : ""}
<form method="post" action="/">
<label for="text">Text</label>
<textarea id="text" name="text" required>${escape(text)}</textarea>
<button type="submit">Measure</button>
</form>
${found ? told(found) : ""}
</main>
</body>
</html>
`;
}

function told(found) {
  const minutes = found.minutes === 1 ? "1 minute" : `${found.minutes} minutes`;
  const words = found.frequent.map(({ word, count }) => `${escape(word)} (${count})`).join(", ");
  return `<h2>What it takes</h2>
<dl>
<dt>Time to read</dt><dd>${minutes}</dd>
<dt>Words</dt><dd>${found.words}</dd>
<dt>Sentences</dt><dd>${found.sentences}</dd>
${words ? `<dt>Most used</dt><dd>${words}</dd>` : ""}
</dl>`;
}

/** What browsers may do with the page: its own style, its own form, and nothing else. */
export async function policy() {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const hash = Buffer.from(bytes).toString("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
}

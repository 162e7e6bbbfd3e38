// Turns <time> elements into the reader's words: "3 min ago", the local date, a running clock.
// The server writes UTC; the stream's heartbeats tell how wrong this machine's clock is.
(() => {
  "use strict";
  const language = navigator.languages.find((name) => /^en\b/.test(name)) ?? "en-GB";
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  // The zone that the reader chose; the browser's own where none is, or where the browser is older
  // than the zone. charts.js reads it from the page, too.
  const page = document.documentElement;
  try {
    new Intl.DateTimeFormat(language, { timeZone: page.dataset.zone });
  } catch {
    delete page.dataset.zone;
  }
  const timeZone = page.dataset.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const exact = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone,
  });
  const brief = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone,
  });
  const UNITS = [
    ["year", 31536000],
    ["month", 2592000],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  let skew = 0; // milliseconds the server is ahead of us

  const now = () => Date.now() + skew;

  // While nothing is heard nobody knows what still runs: its clock stands until the line is back.
  const pill = document.getElementById("live");
  let stood = null;
  const tick = () => {
    stood = pill?.dataset.state === "lost" ? (stood ?? now()) : null;
    return stood ?? now();
  };

  const ago = (at) => {
    const seconds = (at - now()) / 1000;
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
    }
    if (Math.abs(seconds) < 5) return "just now";
    return relative.format(Math.trunc(seconds), "second");
  };

  const two = (number) => String(number).padStart(2, "0");

  const clock = (from) => span(tick() - from);

  // What is to come comes whether anything is heard or not.
  const left = (until) => (until > now() ? `${span(until - now())} left` : "no time left");

  const span = (milliseconds) => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    if (seconds < 60) return `${seconds}s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
    if (seconds < 86400)
      return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
    return `${Math.floor(seconds / 86400)}d ${Math.floor((seconds % 86400) / 3600)}h`;
  };

  // data-running="for {}" says where the clock stands in its words.
  const running = (element, from) =>
    (element.dataset.running || "{}").replace("{}", () => clock(from));

  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const localise = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = Date.parse(element.dateTime);
      if (Number.isNaN(at)) continue;
      if ("rel" in element.dataset) write(element, ago(at));
      else if ("left" in element.dataset) write(element, left(at));
      else if ("running" in element.dataset) write(element, running(element, at));
      else if ("abs" in element.dataset) write(element, brief.format(at));
      else continue;
      const title = `${exact.format(at)} (${timeZone})`;
      if (element.title !== title) element.title = title;
    }
  };

  // live.js and htmx say when the page changed under us.
  document.addEventListener("dash:morphed", () => localise(document));
  document.addEventListener("htmx:afterSettle", () => localise(document));
  document.addEventListener("dash:now", (event) => {
    const ahead = Date.parse(event.detail) - Date.now();
    // A second or two is the network's; more is a wrong clock.
    if (Number.isFinite(ahead)) skew = Math.abs(ahead) > 3000 ? ahead : 0;
  });

  localise(document);
  setInterval(() => {
    if (!document.hidden) localise(document);
  }, 1000);
  document.addEventListener("visibilitychange", () => localise(document));
})();

// Keeps the page as the server's rows are: one EventSource per page, what it sends is morphed in.
//
// <main data-stream data-since data-topics> says what to listen to; data-refresh-on names kinds whose
// changes may bring or take rows (a list that is filtered, or has pages). A part that came later (a
// panel) may have data-topics of its own. Events (JSON):
//   fragment  {id, html}                      morph the element of that id
//   append    {id, html, first, next, done}   lines for a log (log.js)
//   refresh   {topic}                         rows came or went: fetch this page again, morph <main>
//   touched   {kinds}                         what has data-refetch-on or -refresh-on fetches anew
//   heartbeat {now, scopes}                   the server's clock, and how fresh each scope is
//   lost      {}                              no longer allowed to see this page
//   bye       {to}                            signed out elsewhere
(() => {
  "use strict";
  const SILENCE = 45000; // heartbeats come every 15 s; three missed are a dead line
  const GRACE = 3000; // a shorter interruption is not worth a word
  const HIDDEN = 30000; // a tab in the background gives its connection back (six per host)
  const pill = document.getElementById("live");

  let source = null;
  let listening = ""; // what the open source was asked for
  let since = 0; // the newest id seen
  let heard = 0; // when the source last said anything
  let tries = 0;
  let lostTimer = 0;
  let retryTimer = 0;
  let hiddenTimer = 0;

  const main = () => document.getElementById("main");
  const announce = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  const say = (state, text) => {
    if (!pill || pill.dataset.state === state) return;
    pill.dataset.state = state;
    pill.textContent = text;
  };

  // --- morphing: what the reader opened, typed or scrolled to stays ---

  const KEPT = {
    open: (node) => node.matches("details, dialog"),
    "aria-pressed": (node) => node.matches("[data-follow]"),
    "data-copied": () => true,
    "data-following": () => true,
    "data-opened": () => true,
    "data-top": () => true,
    "data-turn": () => true,
    "data-kept": () => true,
  };

  // A form that somebody fills in stays whole: with its text goes what it was begun from (a wiki
  // page's revision), or saving would write over what others wrote meanwhile without a word.
  const touched = (field) => {
    if (field instanceof HTMLSelectElement) {
      return [...field.options].some((option) => option.selected !== option.defaultSelected);
    }
    if (field.type === "checkbox" || field.type === "radio") {
      return field.checked !== field.defaultChecked;
    }
    return field.matches("input:not([type=hidden]), textarea") && field.value !== field.defaultValue;
  };
  const filledIn = (node) =>
    node instanceof HTMLFormElement &&
    (node.contains(document.activeElement) || [...node.elements].some(touched));

  const PLACEHOLDER = "[hx-trigger='load']";

  const callbacks = {
    beforeAttributeUpdated: (name, node) => !KEPT[name]?.(node),
    beforeNodeMorphed: (old, fresh) => {
      if (!(old instanceof Element) || !(fresh instanceof Element)) return true;
      if (filledIn(old)) return false;
      // A panel that was fetched into the page knows more than what stood there until then.
      if (fresh.matches(PLACEHOLDER) && !old.matches(PLACEHOLDER)) return false;
      // A log that has grown since the page was rendered knows more than the page.
      if (old.hasAttribute("data-next") && fresh.hasAttribute("data-next")) {
        return Number(old.dataset.next) < Number(fresh.dataset.next);
      }
      return true;
    },
  };

  const morph = (old, fresh) => {
    Idiomorph.morph(old, fresh, { ignoreActiveValue: true, callbacks });
    const now = old.id ? document.getElementById(old.id) : null;
    if (now && window.htmx) htmx.process(now);
    announce("dash:morphed");
  };

  // --- fetching again ---

  const get = async (url) => {
    const response = await fetch(url, { headers: { "X-Live": "1" } });
    if (response.redirected && new URL(response.url).pathname !== new URL(url, location).pathname) {
      location.reload(); // the session ended; the reload shows the sign-in page
      return null;
    }
    if (response.status >= 500 || response.status === 429) throw new Error(response.statusText);
    if (url === location.href && response.status === 404) {
      stop();
      location.reload(); // the page is not there any more for its reader, who is told so
      return null;
    }
    return response.ok ? response.text() : null;
  };

  // What could not be fetched is fetched when the server is heard again, but not by every word of it.
  const owed = new Set();
  let owedSince = 0;
  const payWhatIsOwed = () => {
    if (!owed.size || performance.now() - owedSince < 1000) return;
    const runs = [...owed];
    owed.clear();
    for (const run of runs) run();
  };

  // Runs `work` at most once at a time, and once more when asked meanwhile.
  const oneAtATime = (work) => {
    let running = false;
    let again = false;
    const run = async () => {
      if (running) {
        again = true;
        return;
      }
      running = true;
      try {
        do {
          again = false;
          await work();
        } while (again);
      } catch {
        owed.add(run);
        owedSince = performance.now();
      } finally {
        running = false;
      }
    };
    return run;
  };

  // A part that the reader moves about says in data-turn how often it came to rest, "busy" while it
  // goes on, and announces its rest: until then nothing is fetched that would come as it was before.
  const turns = () => main()?.querySelector("[data-turn]")?.dataset.turn ?? "";
  const rest = async () => {
    while (turns() === "busy") {
      await new Promise((done) => document.addEventListener("dash:rest", done, { once: true }));
    }
  };

  let atOnce = false; // the reader asked for it, not the stream
  const refresh = oneAtATime(async () => {
    if (!atOnce) await pause(Math.random() * 300);
    atOnce = false;
    let began;
    let html;
    do {
      await rest();
      began = turns();
      html = await get(location.href);
    } while (turns() !== began);
    const page = html && new DOMParser().parseFromString(html, "text/html");
    const fresh = page?.getElementById("main");
    if (!fresh || !main()) return;
    keepPlaces(fresh);
    const told = document.getElementById("told-once");
    if (told) {
      const trail = fresh.querySelector(":scope > .crumbs");
      fresh.insertBefore(told.cloneNode(true), trail ? trail.nextSibling : fresh.firstChild);
    }
    document.title = page.title;
    morph(main(), fresh);
    if (wanted() !== listening) {
      since = Number(main().dataset.since) || since;
      connect();
    }
  });

  document.addEventListener("dash:refresh", () => {
    atOnce = true;
    refresh();
  });

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // A log knows which line it has next; what is missing is fetched from there on and appended.
  const catchUp = async (id) => {
    for (;;) {
      const log = document.getElementById(id);
      if (!log?.dataset.refetch) return;
      const first = log.dataset.next;
      const html = await get(`${log.dataset.refetch}?first=${first}`);
      const fresh = html && new DOMParser().parseFromString(html, "text/html").getElementById(id);
      const next = Number(fresh?.dataset.next ?? 0);
      if (next <= Number(first)) return;
      const done = fresh.dataset.done === "true";
      const lines = { html: fresh.innerHTML, first: Number(first), next, done };
      if (!window.dashLog.append(log, lines)) return;
    }
  };
  const catchUps = new Map(); // element id -> its runner
  const catchUpOnce = (id) => {
    if (!catchUps.has(id)) catchUps.set(id, oneAtATime(() => catchUp(id)));
    catchUps.get(id)();
  };

  const refetches = new Map(); // element id -> its runner
  const refetch = (element) => {
    const id = element.id;
    if (!refetches.has(id)) {
      refetches.set(
        id,
        oneAtATime(async () => {
          await pause(Math.random() * 1000); // not every open page at the same instant
          const old = document.getElementById(id);
          if (!old?.dataset.refetch) return;
          const html = await get(old.dataset.refetch);
          if (html === null) return;
          const page = new DOMParser().parseFromString(html, "text/html");
          const still = document.getElementById(id);
          if (!still) return;
          if (html.trim()) morph(still, page.getElementById(id) ?? html);
          else still.remove(); // it has nothing to say any more
        }),
      );
    }
    refetches.get(id)();
  };

  // What no event tells of (how far a sweep is) is asked for every few seconds, while it is shown.
  const asked = new WeakMap();
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-refetch-every]")) {
      const last = asked.get(element) ?? performance.now();
      if (!asked.has(element)) asked.set(element, last);
      if (performance.now() - last < Number(element.dataset.refetchEvery) * 1000) continue;
      asked.set(element, performance.now());
      refetch(element);
    }
  }, 1000);

  // --- a list sorts itself again, but never under the reader's pointer or focus ---

  const held = (list) => list.matches(":hover") || list.contains(document.activeElement);

  // As the server sorts: urgency and name, then the order in which rows were first seen.
  const before = (a, b) => {
    if (a.dataset.order !== b.dataset.order) return a.dataset.order < b.dataset.order ? -1 : 1;
    return Number(a.id.match(/\d+$/)) - Number(b.id.match(/\d+$/));
  };

  const sort = () => {
    for (const list of document.querySelectorAll("[data-sorted]")) {
      if (held(list)) continue;
      const rows = [...list.querySelectorAll(":scope > [data-order]")];
      const sorted = [...rows].sort(before);
      if (sorted.some((row, place) => row !== rows[place])) list.append(...sorted);
    }
  };

  // A page that is fetched anew has its rows sorted: under the reader's hand they keep their places.
  const keepPlaces = (fresh) => {
    for (const list of document.querySelectorAll("[data-sorted]")) {
      const other = held(list) && fresh.querySelector(`#${CSS.escape(list.id)}`);
      if (!other) continue;
      const places = new Map([...list.children].map((row, place) => [row.id, place]));
      const place = (row) => places.get(row.id) ?? places.size;
      other.append(...[...other.children].sort((a, b) => place(a) - place(b)));
    }
  };

  const leave = (event) => {
    const list = event.target instanceof Element && event.target.closest("[data-sorted]");
    if (list && !list.contains(event.relatedTarget)) setTimeout(sort);
  };
  document.addEventListener("pointerout", leave);
  document.addEventListener("focusout", leave);

  // A list of one state, <tbody data-holds="moving">, or of several with spaces between: a row that
  // left it is greyed at once, and goes when the page is fetched anew.
  const greyMisfit = (row) => {
    const holds = row?.closest("[data-holds]")?.dataset.holds;
    if (!holds || row.dataset.state === undefined) return;
    const fits = holds.split(" ").includes(row.dataset.state);
    row.classList.toggle("misfit", !fits);
    if (fits) row.removeAttribute("title");
    else row.title = "No longer matches the filter";
  };

  // --- what the server sends ---

  const handle = {
    fragment: ({ id, html }) => {
      const old = document.getElementById(id);
      if (!old) return;
      morph(old, html);
      greyMisfit(document.getElementById(id));
      sort();
    },
    append: (lines) => {
      const log = document.getElementById(lines.id);
      if (log && !window.dashLog.append(log, lines)) catchUpOnce(log.id);
    },
    refresh: () => refresh(),
    touched: ({ kinds }) => {
      const hears = main()?.dataset.refreshOn?.split(" ") ?? [];
      if (hears.some((kind) => kinds.includes(kind))) refresh();
      for (const element of document.querySelectorAll("[data-refetch-on]")) {
        const names = element.dataset.refetchOn.split(" ");
        if (names.some((kind) => kinds.includes(kind))) refetch(element);
      }
    },
    heartbeat: ({ now, scopes }) => {
      announce("dash:now", now);
      for (const time of document.querySelectorAll("time[data-scope-age]")) {
        const at = scopes?.[time.dataset.scopeAge];
        if (at) time.dateTime = at;
      }
      announce("dash:morphed");
    },
    // The page may not be shown to its reader any more: what the server says of it now is told.
    lost: () => {
      stop();
      location.reload();
    },
    bye: ({ to }) => {
      stop();
      const door = new URL(to, location.href);
      door.searchParams.set("next", location.pathname + location.search);
      location.href = door;
    },
  };

  // --- the connection ---

  // A log's topic says which line came next when the page was rendered: "log:12@340".
  const nameOf = (topic) => topic.split("@")[0];
  const topics = () => {
    const parts = [main(), ...main().querySelectorAll("[data-topics]")];
    return [...new Set(parts.flatMap((part) => (part.dataset.topics ?? "").split(" ")))];
  };

  const wanted = () => {
    const { stream } = main()?.dataset ?? {};
    return stream ? `${stream} ${topics().map(nameOf).join(" ")}` : "";
  };

  // Meanwhile the log has grown in the page: it is asked for from where it ends now.
  const address = () => {
    const { stream, since: rendered } = main().dataset;
    const from = (topic) => {
      const name = nameOf(topic);
      const next = document.getElementById(name.replace(":", "-"))?.dataset.next;
      return next ? `${name}@${next}` : topic;
    };
    const names = topics().map(from).join(" ");
    const query = new URLSearchParams({ topics: names, since: since || rendered || 0 });
    return `${stream}?${query}`;
  };

  const stop = () => {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
    listening = "";
  };

  const lost = () => {
    if (!lostTimer) lostTimer = setTimeout(() => say("lost", "Reconnecting…"), GRACE);
  };

  const found = () => {
    heard = Date.now();
    tries = 0;
    clearTimeout(lostTimer);
    lostTimer = 0;
    say("live", "Live");
    payWhatIsOwed();
  };

  // EventSource would reconnect by itself, but to the old address (an old place in a log), and not
  // at all after an error answer. So we begin anew, more slowly each time.
  const retry = () => {
    stop();
    lost();
    const wait = Math.min(15000, 500 * 2 ** tries) * (0.75 + Math.random() / 2);
    tries += 1;
    retryTimer = setTimeout(connect, wait);
    // The stream cannot say that the session is over; asking for the page leads to the sign-in.
    if (tries % 3 === 0) refresh();
  };

  function connect() {
    stop();
    if (!wanted()) {
      say("off", "");
      return;
    }
    listening = wanted();
    const opened = new EventSource(address());
    source = opened;
    heard = Date.now();
    // An answer that has begun hears nothing yet. The first heartbeat comes when it does, and what is
    // called live before would miss what no change is written of: how scopes fare.
    opened.onerror = () => {
      if (opened === source) retry();
    };
    for (const [name, act] of Object.entries(handle)) {
      opened.addEventListener(name, (event) => {
        if (opened !== source) return;
        found();
        since = Math.max(since, Number(event.lastEventId) || 0);
        act(JSON.parse(event.data));
      });
    }
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        stop();
        clearTimeout(lostTimer);
        lostTimer = 0;
        if (wanted()) say("paused", "Paused");
      }, HIDDEN);
    } else if (!source) connect();
  });

  // Laptops sleep and proxies forget without an error being raised.
  setInterval(() => {
    if (source && !document.hidden && Date.now() - heard > SILENCE) retry();
  }, 5000);

  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    refresh(); // out of the back-forward cache: it may be hours old
    connect();
  });
  addEventListener("online", () => {
    if (!source || source.readyState === EventSource.CLOSED) connect();
  });

  // htmx replaced a part of the page (filters): the topics may be others now.
  document.addEventListener("htmx:afterSettle", () => {
    if (wanted() !== listening && !document.hidden) {
      since = Number(main()?.dataset.since) || since;
      connect();
    }
  });

  connect();
})();

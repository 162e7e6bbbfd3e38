// A log that grows: lines are appended, and the view follows while the reader is at its end.
//
//   <button data-follow="log-12" aria-pressed="true">Follow</button>
//   <a href="…" data-to-end="log-12">To the newest</a>
//   <ol class="log" id="log-12" data-next="120" data-ended data-refetch="/…"> lines </ol>
//
// `data-ended` stands on a log that was over when the page was opened: it opens at its error.
(() => {
  "use strict";
  const NEAR = 24; // pixels from the end that still count as being there

  const atEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight <= NEAR;
  const toEnd = (log) => {
    log.scrollTop = log.scrollHeight;
  };
  const follows = (log) => log.dataset.following === "1";

  const show = (log) => {
    for (const button of document.querySelectorAll(`[data-follow="${CSS.escape(log.id)}"]`)) {
      button.setAttribute("aria-pressed", String(follows(log)));
    }
  };

  const follow = (log, on) => {
    log.dataset.following = on ? "1" : "0";
    if (on) toEnd(log);
    show(log);
  };

  // Scrolling away stops following, coming back to the end starts it again. Only what the reader
  // does counts: lines that were appended meanwhile move the end, not the reader.
  document.addEventListener(
    "scroll",
    (event) => {
      const log = event.target;
      if (!(log instanceof Element) || !log.matches(".log[data-next]")) return;
      const up = log.scrollTop < Number(log.dataset.top ?? 0);
      log.dataset.top = log.scrollTop;
      if (atEnd(log)) {
        if (!follows(log) && !("ended" in log.dataset)) follow(log, true);
      } else if (up && follows(log)) follow(log, false);
    },
    { capture: true, passive: true },
  );

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-follow]");
    const log = button && document.getElementById(button.dataset.follow);
    if (log) follow(log, !follows(log));
    // To the end of what was found, and of what is still to come of it.
    const jump = event.target instanceof Element && event.target.closest("[data-to-end]");
    const found = jump && document.getElementById(jump.dataset.toEnd);
    if (!found) return;
    event.preventDefault();
    follow(found, true);
    // Lines that were never in view get their true height some frames after they came into it.
    setTimeout(() => follows(found) && toEnd(found), 150);
  });

  // The excerpt above the log knows which line says the error, also of lines that came before it.
  const mark = () => {
    for (const number of document.querySelectorAll(".excerpt .is-error a.log-number")) {
      document.getElementById(number.hash.slice(1))?.classList.add("is-error");
    }
  };

  // Once, and never against the reader: who has scrolled, or came for one line, stays there.
  const openAtError = (log) => {
    if (log.dataset.opened || follows(log) || log.scrollTop > 0 || location.hash) return;
    const line = log.querySelector(".log-line.is-error");
    if (!line) return;
    log.dataset.opened = "1";
    const place = () => line.getBoundingClientRect().top - log.getBoundingClientRect().top;
    log.scrollTop += place() - log.clientHeight / 3;
  };

  const begin = () => {
    mark();
    for (const log of document.querySelectorAll(".log[data-next]")) {
      if (!("following" in log.dataset)) follow(log, !("ended" in log.dataset));
      else if (follows(log)) toEnd(log);
      openAtError(log);
      show(log);
    }
  };
  document.addEventListener("dash:morphed", () => {
    mark();
    for (const log of document.querySelectorAll(".log[data-next]")) {
      if (!("following" in log.dataset)) return begin();
      openAtError(log);
      show(log);
    }
  });
  document.addEventListener("htmx:afterSettle", begin);

  window.dashLog = {
    // Returns false when lines are missing in between: the caller fetches the log again.
    append(log, { html, first, next, done }) {
      const have = Number(log.dataset.next);
      if (done && next === have) log.dataset.done = "true"; // the end may come without a line
      if (next <= have) return true; // said twice
      if (first !== have) return false;
      log.insertAdjacentHTML("beforeend", html);
      log.dataset.next = next;
      if (done) log.dataset.done = "true";
      mark();
      if (follows(log)) toEnd(log);
      else openAtError(log);
      document.dispatchEvent(new CustomEvent("dash:log", { detail: { id: log.id, done } }));
      return true;
    },
  };

  begin();
})();

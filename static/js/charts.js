// Says what a chart shows where the pointer is, and writes its axis in the reader's time.
//
//   <figure data-chart='{"first","step","from","to","end","values"}'> … <output class="chart-now">
//   <text data-at="1790000000"> on the time axis
//
// Without it the newest value stands there, and the axis is UTC's.
(() => {
  "use strict";
  const language = navigator.languages.find((name) => /^en\b/.test(name)) ?? "en-GB";
  const timeZone = document.documentElement.dataset.zone; // times.js took away what is none
  const hours = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
    timeZone,
  });
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone });
  const exact = new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
    timeZone,
  });
  const WIDTH = 360;

  const localise = () => {
    for (const text of document.querySelectorAll("svg text[data-at]")) {
      const at = new Date(Number(text.dataset.at) * 1000);
      const words = text.textContent.includes(":") ? hours.format(at) : days.format(at);
      if (text.textContent !== words) text.textContent = words;
    }
  };

  const told = new WeakMap(); // figure -> what it is told, parsed once
  const dataOf = (figure) => {
    const kept = told.get(figure);
    if (kept?.text === figure.dataset.chart) return kept.data;
    const data = JSON.parse(figure.dataset.chart);
    told.set(figure, { text: figure.dataset.chart, data });
    return data;
  };

  const rest = (figure) => {
    const now = figure.querySelector(".chart-now");
    if (now?.dataset.newest !== undefined) now.textContent = now.dataset.newest;
    delete now?.dataset.newest;
    figure.querySelector(".chart-cursor")?.setAttribute("hidden", "");
  };

  const point = (figure, event) => {
    const { first, step, from, to, end, values } = dataOf(figure);
    const box = figure.querySelector("svg").getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const share = Math.min(1, Math.max(0, (x - from) / (to - from)));
    const slot = Math.min(values.length - 1, Math.round((share * (end - first)) / step));
    const now = figure.querySelector(".chart-now");
    if (slot < 0 || !now) return;
    if (now.dataset.newest === undefined) now.dataset.newest = now.textContent;
    const at = first + slot * step;
    now.textContent = `${exact.format(new Date(at * 1000))}: ${values[slot] ?? "no data"}`;
    const place = from + ((at - first) / (end - first)) * (to - from);
    const cursor = figure.querySelector(".chart-cursor");
    cursor?.setAttribute("d", `M${place.toFixed(1)} 10V112`);
    cursor?.removeAttribute("hidden");
  };

  const figureOf = (event) =>
    event.target instanceof Element ? event.target.closest("[data-chart]") : null;

  let shown = null;
  document.addEventListener("pointermove", (event) => {
    const figure = figureOf(event);
    if (shown && shown !== figure) rest(shown);
    shown = figure;
    if (figure) point(figure, event);
  });
  document.addEventListener("pointerleave", () => {
    if (shown) rest(shown);
    shown = null;
  });
  document.addEventListener("dash:morphed", localise);
  document.addEventListener("htmx:afterSettle", localise);
  localise();
})();

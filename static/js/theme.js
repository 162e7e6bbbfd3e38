// Decides between light and dark before anything is painted: what the reader chose, else the system.
// `data-theme` also tells the stylesheets that scripts run.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off: the system decides
    }
  };

  const show = () => {
    const theme = chosen() ?? (system.matches ? "dark" : "light");
    root.dataset.theme = theme === "dark" ? "dark" : "light";
  };

  show();
  system.addEventListener("change", show);
  addEventListener("storage", (event) => event.key === "theme" && show());

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#theme")) return;
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    const same = (theme === "dark") === system.matches;
    try {
      // Choosing what the system says anyway is following the system again.
      if (same) localStorage.removeItem("theme");
      else localStorage.setItem("theme", theme);
    } catch {
      root.dataset.theme = theme; // for this page at least
      return;
    }
    show();
  });
})();

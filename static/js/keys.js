// The keyboard: "/" searches, "g" and a letter goes, "?" explains. Letters can be switched off.
(() => {
  "use strict";
  const OFF = "keys-off";
  const NEVER = -Infinity;
  let waiting = NEVER; // when "g" was pressed; a page's clock begins at 0

  const off = () => {
    try {
      return localStorage.getItem(OFF) === "1";
    } catch {
      return false;
    }
  };

  const typing = (target) =>
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"));

  const go = (key) => {
    const link = [...document.querySelectorAll("nav a[data-key]")].find(
      (one) => one.dataset.key === key,
    );
    if (link) location.href = link.href;
    return Boolean(link);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector("dialog[open]") || off()) return;
    const afterG = event.timeStamp - waiting < 1500;
    waiting = NEVER;
    if (afterG && go(event.key)) event.preventDefault();
    else if (event.key === "g") waiting = event.timeStamp;
    else if (event.key === "/") {
      const find = document.getElementById("find");
      if (!find) return;
      event.preventDefault();
      find.focus();
      find.select();
    } else if (event.key === "?") document.getElementById("keys")?.showModal();
    else if (event.key === "f") document.querySelector("[data-follow]")?.click();
  });

  // In the list of what was found, the arrows walk.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const form = event.target instanceof Element ? event.target.closest(".find") : null;
    if (!form) return;
    const stops = [form.querySelector("input"), ...form.querySelectorAll(".found a")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });

  const box = document.getElementById("keys-on");
  if (box) {
    box.checked = !off();
    box.addEventListener("change", () => {
      try {
        localStorage.setItem(OFF, box.checked ? "0" : "1");
      } catch {
        box.checked = true; // nowhere to keep it
      }
    });
  }
})();

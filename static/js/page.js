// Small manners of every page: menus that close, copying, dialogs, forms that filter as one types.
(() => {
  "use strict";

  const copy = async (button) => {
    const text = button.dataset.copy || document.getElementById(button.dataset.copyFrom)?.textContent;
    if (!text) return;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Plain http on another host has no clipboard: select a hidden field and let the browser copy.
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "vh";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1500);
  };

  // Of many lists the one that is shown must be in sight, where they do not fit side by side.
  const lists = document.querySelector(".subnav");
  const shown = lists?.querySelector("[aria-current]");
  if (shown) {
    const [bar, one] = [lists.getBoundingClientRect(), shown.getBoundingClientRect()];
    lists.scrollLeft += one.left + one.width / 2 - bar.left - bar.width / 2;
  }

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    const copying = target.closest("[data-copy], [data-copy-from]");
    if (copying) copy(copying);

    const opening = target.closest("[data-open]");
    if (opening) document.getElementById(opening.dataset.open)?.showModal();
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    if (target.matches("dialog")) target.close(); // the backdrop

    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target) || target.closest("[data-open]")) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
    const found = document.getElementById("found");
    if (found?.childElementCount) found.replaceChildren();
  });

  // Filter forms act as one types or chooses: the address changes, live.js fetches it and morphs the
  // page, so the field keeps its focus. Without scripts the form's button does the same.
  let typing = 0;
  let pushed = false; // one step back in the history for one filter, not one for each letter

  const filter = (form) => {
    clearTimeout(typing);
    const address = new URL(form.action);
    address.search = ""; // an empty field filters nothing, and what is filtered anew has a first page
    for (const [name, value] of new FormData(form)) {
      if (value) address.searchParams.set(name, value);
    }
    if (address.href === location.href) return;
    history[pushed ? "replaceState" : "pushState"](null, "", address);
    pushed = true;
    document.dispatchEvent(new CustomEvent("dash:refresh"));
  };

  const filterOf = (event) =>
    event.target instanceof Element ? event.target.closest("form[data-filter]") : null;

  document.addEventListener("submit", (event) => {
    const form = filterOf(event);
    if (!form) return;
    event.preventDefault();
    filter(form);
  });
  document.addEventListener("change", (event) => {
    const form = filterOf(event);
    if (!form) return;
    pushed = false;
    filter(form);
  });
  document.addEventListener("input", (event) => {
    const form = filterOf(event);
    if (!form || !(event.target instanceof HTMLInputElement)) return;
    clearTimeout(typing);
    typing = setTimeout(() => filter(form), 250);
  });
  document.addEventListener("focusout", () => {
    pushed = false;
  });

  // Where pages of a project do not fit side by side, the one that is open is in sight.
  for (const pages of document.querySelectorAll(".project-nav")) {
    const open = pages.querySelector("[aria-current]")?.getBoundingClientRect();
    if (!open) continue;
    const middle = pages.getBoundingClientRect().left + pages.clientWidth / 2;
    pages.scrollLeft += open.left + open.width / 2 - middle;
  }

  addEventListener("popstate", () => {
    const fields = document.querySelectorAll("form[data-filter] [name]");
    if (!fields.length) return; // an anchor in the page
    for (const field of fields) {
      field.value = new URLSearchParams(location.search).get(field.name) ?? "";
    }
    document.dispatchEvent(new CustomEvent("dash:refresh"));
  });
})();

// Lays a project's page out: tiles are dragged by their handle, or moved by its arrow keys, and every
// move is kept at once. Without it each tile has buttons that do the same.
//
//   <div id="lay" data-url> <ul data-area="wide" data-label> <li data-tile> <button class="lay-grip">
(() => {
  "use strict";
  const lay = document.getElementById("lay");
  if (!lay) return;
  const said = document.getElementById("lay-said");
  const lists = () => [...lay.querySelectorAll("[data-area]")];
  const tileOf = (target) =>
    target instanceof Element ? target.closest("[data-tile]") : null;
  const labelOf = (tile) => tile.querySelector(".strong").textContent;

  let drag = null; // {tile, id, moved, x, y}

  // --- keeping: one request at a time, the newest arrangement last ---

  let busy = false;
  let again = false;
  let first = true;
  // The page is not fetched anew while a tile moves: it would come as it was before (see live.js).
  let turn = 0;
  const move = () => (lay.dataset.turn = "busy");
  const rest = () => {
    if (busy || drag) return;
    lay.dataset.turn = turn += 1;
    document.dispatchEvent(new Event("dash:rest"));
  };
  const keep = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    move();
    const tiles = {};
    for (const list of lists()) {
      tiles[list.dataset.area] = [...list.children].map((tile) => tile.dataset.tile);
    }
    const body = new FormData();
    body.set("tiles", JSON.stringify(tiles));
    body.set("base", lay.dataset.base);
    body.set("csrfmiddlewaretoken", lay.querySelector("[name=csrfmiddlewaretoken]").value);
    lay.dataset.kept = "";
    try {
      const answer = await fetch(lay.dataset.url, { method: "POST", body });
      if (!answer.ok) throw new Error(answer.status === 409 ? await answer.text() : "");
      lay.dataset.base = answer.headers.get("X-Base") ?? "";
      for (const input of document.querySelectorAll("input[name=base]")) input.value = lay.dataset.base;
      lay.dataset.kept = "yes";
    } catch (error) {
      said.textContent = "";
      said.textContent =
        (error instanceof TypeError ? "" : error.message) ||
        "It could not be kept. The page shows what is kept when it is loaded again.";
      said.classList.remove("vh");
      lay.dataset.kept = "no";
    }
    busy = false;
    if (again) {
      again = false;
      keep();
      return;
    }
    rest();
    if (first && lay.dataset.kept === "yes") {
      // From now on it is the reader's own: the page says so, and how to go back.
      first = false;
      document.dispatchEvent(new Event("dash:refresh"));
    }
  };

  const tell = (tile) => {
    const list = tile.parentElement;
    const place = [...list.children].indexOf(tile) + 1;
    said.textContent = `${labelOf(tile)}: ${list.dataset.label}, ${place} of ${list.children.length}`;
  };

  const put = (tile, list, before) => {
    if (tile.parentElement === list && tile.nextElementSibling === before) return false;
    list.insertBefore(tile, before);
    return true;
  };

  // --- by keys ---

  const ALONG = { ArrowUp: -1, ArrowDown: 1 };
  const ACROSS = { ArrowLeft: -1, ArrowRight: 1 };

  lay.addEventListener("keydown", (event) => {
    const grip = event.target.closest?.(".lay-grip");
    if (!grip) return;
    const tile = tileOf(grip);
    const list = tile.parentElement;
    let moved = false;
    if (event.key in ALONG) {
      const next =
        ALONG[event.key] < 0 ? tile.previousElementSibling : tile.nextElementSibling;
      if (next) moved = put(tile, list, ALONG[event.key] < 0 ? next : next.nextElementSibling);
    } else if (event.key in ACROSS) {
      const every = lists();
      const other = every[every.indexOf(list) + ACROSS[event.key]];
      const place = [...list.children].indexOf(tile);
      if (other) moved = put(tile, other, other.children[place] ?? null);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      moved = put(tile, lists().at(-1), null);
    } else return;
    event.preventDefault();
    if (!moved) return;
    grip.focus();
    tell(tile);
    keep();
  });

  // --- by buttons: as without a script, but the page stays where it is ---

  lay.addEventListener("submit", (event) => {
    const [, way] = event.submitter?.value.split(":") ?? [];
    const tile = tileOf(event.target);
    if (!tile || !way) return;
    event.preventDefault();
    const list = tile.parentElement;
    let moved;
    if (way === "up") moved = put(tile, list, tile.previousElementSibling ?? list.firstElementChild);
    else if (way === "down") {
      moved = put(tile, list, tile.nextElementSibling?.nextElementSibling ?? null);
    } else {
      const to = lists().find((one) => one.dataset.area === way);
      moved = to !== list && put(tile, to, null);
    }
    if (!moved) return;
    const still = tile.querySelector(`[value="${event.submitter.value}"]`);
    (still?.offsetParent ? still : tile.querySelector(".lay-grip")).focus();
    tell(tile);
    keep();
  });

  // --- by pointer: a finger, too ---

  const listAt = (x, y) => {
    const inside = (box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    return lists().find((list) => inside(list.parentElement.getBoundingClientRect()));
  };

  const behind = (list, y, tile) =>
    [...list.children].find((one) => {
      if (one === tile) return false;
      const box = one.getBoundingClientRect();
      return y < box.top + box.height / 2;
    }) ?? null;

  lay.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest?.(".lay-grip");
    if (!grip || event.button !== 0) return;
    const tile = tileOf(grip);
    drag = { tile, id: event.pointerId, moved: false, grip };
    grip.setPointerCapture(event.pointerId);
    tile.classList.add("dragged");
    move();
  });

  lay.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    event.preventDefault();
    const list = listAt(event.clientX, event.clientY);
    if (list) {
      const before = behind(list, event.clientY, drag.tile);
      if (before !== drag.tile.nextElementSibling || list !== drag.tile.parentElement) {
        if (put(drag.tile, list, before)) drag.moved = true;
        // Moving the element lets the pointer go in some browsers.
        if (!drag.grip.hasPointerCapture(drag.id)) drag.grip.setPointerCapture(drag.id);
      }
    }
    // Near the edge of the window the page goes along.
    const edge = 60;
    if (event.clientY < edge + 56) scrollBy(0, -12);
    else if (event.clientY > innerHeight - edge) scrollBy(0, 12);
  });

  const drop = (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    const { tile, moved, grip } = drag;
    drag = null;
    tile.classList.remove("dragged");
    grip.focus({ preventScroll: true });
    if (!moved) {
      rest();
      return;
    }
    tell(tile);
    keep();
  };
  lay.addEventListener("pointerup", drop);
  lay.addEventListener("pointercancel", drop);
})();

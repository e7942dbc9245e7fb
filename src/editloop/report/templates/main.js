/* Wiring: the address is the state; every control changes the address, and a change of address redraws. */

let state = readState();
let selected = [];
let shown = 0;

function go(changes, push) {
  const next = hashOf({ ...state, ...changes });
  if (push) history.pushState(null, "", next);
  else history.replaceState(null, "", next);
  draw();
}

function drawTypes() {
  const counts = new Map();
  for (const entry of entries) {
    if (entry.type && matchesButType(entry, state)) counts.set(entry.type, (counts.get(entry.type) || 0) + 1);
  }
  const chosen = typesOf(state);
  for (const type of chosen) if (!counts.has(type)) counts.set(type, 0);
  const focused = document.activeElement?.dataset?.type;
  const chips = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([type, number]) =>
    el("button", { type: "button", class: "filter", "data-type": type, "aria-pressed": String(chosen.includes(type)) },
      words(type), el("span", { class: "number" }, count(number))));
  byId("types").replaceChildren(...chips);
  if (focused) chips.find((chip) => chip.dataset.type === focused)?.focus();
}

function drawReasons() {
  const counts = new Map();
  for (const entry of entries) if (entry.reason) counts.set(entry.reason, (counts.get(entry.reason) || 0) + 1);
  byId("reason").append(...[...counts].sort((a, b) => b[1] - a[1]).map(([reason, number]) =>
    el("option", { value: reason }, `${words(reason)} (${count(number)})`)));
}

function drawControls() {
  for (const button of document.querySelectorAll("[data-outcome]")) {
    button.setAttribute("aria-pressed", String(button.dataset.outcome === state.outcome));
  }
  byId("sort").value = state.sort;
  byId("reason").value = state.reason;
  if (document.activeElement !== byId("search")) byId("search").value = state.q;
  byId("reason-field").hidden = !byId("reason").options[1] || state.outcome === "accepted";
  byId("clear").hidden = !(state.type || state.reason || state.q);
  drawTypes();
}

const filterPart = (of) => hashOf({ ...of, id: "" });
let drawnFilter = null;

function draw() {
  state = readState();
  if (filterPart(state) !== drawnFilter) {
    drawnFilter = filterPart(state);
    selected = selectEntries(state);
    shown = drawCards(selected, state, 0);
    drawControls();
  }
  drawViewer(state, selected);
}

function toggleType(type) {
  const chosen = typesOf(state);
  const next = chosen.includes(type) ? chosen.filter((other) => other !== type) : [...chosen, type];
  go({ type: next.join(",") });
}

function chooseOutcome(outcome) {
  go({ outcome, reason: outcome === "accepted" ? "" : state.reason });
}

function openTriplet(event) {
  const link = event.target.closest("a[data-key]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go({ id: link.dataset.key }, !state.id);
}

function move(step) {
  const next = neighbour(state, selected, step);
  if (next) go({ id: next.key });
}

function wireFilters() {
  let waiting;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => go({ q: event.target.value.trim() }), 150);
  });
  byId("types").addEventListener("click", (event) => {
    const chip = event.target.closest("[data-type]");
    if (chip) toggleType(chip.dataset.type);
  });
  for (const button of document.querySelectorAll("[data-outcome]")) {
    button.addEventListener("click", () => chooseOutcome(button.dataset.outcome));
  }
  byId("reason").addEventListener("change", (event) => go({ reason: event.target.value }));
  byId("sort").addEventListener("change", (event) => go({ sort: event.target.value }));
  byId("clear").addEventListener("click", () => { byId("search").value = ""; go({ type: "", reason: "", q: "" }); });
  byId("more").addEventListener("click", () => { shown = drawCards(selected, state, shown); });
}

function wireViewer() {
  const dialog = byId("viewer");
  document.addEventListener("click", openTriplet);
  dialog.addEventListener("keydown", (event) => onViewerKey(event, move));
  dialog.addEventListener("close", () => {
    document.documentElement.classList.remove("viewing");
    const key = state.id;
    if (!key) return;
    go({ id: "" });
    document.querySelector(`#grid a[data-key="${CSS.escape(key)}"]`)?.focus();
  });
  byId("close").addEventListener("click", () => dialog.close());
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("divider").addEventListener("input", (event) => setDivider(event.target.value));
  byId("mask-toggle").addEventListener("change", (event) => setMask(event.target.checked));
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => setMode(button.dataset.choose));
  }
}

drawReasons();
wireFilters();
wireViewer();
window.addEventListener("hashchange", draw);
window.addEventListener("popstate", draw);
draw();

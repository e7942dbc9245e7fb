/* The dialog: one triplet at a time, in the order of the grid. */

function drawViewer(state, selected) {
  const dialog = byId("viewer");
  const entry = entryOf.get(state.id);
  if (!entry) {
    if (dialog.open) dialog.close();
    return;
  }
  const place = selected.indexOf(entry);
  byId("place").textContent = place < 0 ? "outside the filter" : `${count(place + 1)} of ${count(selected.length)}`;
  byId("previous").disabled = place <= 0;
  byId("next").disabled = place < 0 || place >= selected.length - 1;
  drawStage(entry);
  drawDetails(entry, state);
  document.documentElement.classList.add("viewing");
  if (!dialog.open) dialog.showModal();
}

function neighbour(state, selected, step) {
  const place = selected.indexOf(entryOf.get(state.id));
  return place < 0 ? undefined : selected[place + step];
}

function onViewerKey(event, move) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const onDivider = event.target === byId("divider");
  const actions = {
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    m: () => byId("mask-toggle").disabled || setMask(!view.mask),
    d: () => setMode(view.mode === "difference" ? "slider" : "difference"),
    s: () => setMode(view.mode === "pair" ? "slider" : "pair"),
  };
  const action = actions[event.key];
  if (!action || (onDivider && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  action();
}

/* The picture side of the viewer: divider, side by side, difference map, mask. */

const MODES = ["slider", "pair", "difference"];
const view = { mode: "slider", mask: false };

function setMode(mode) {
  view.mode = mode;
  byId("frame").dataset.mode = mode;
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choose === mode));
  }
}

function setMask(shown) {
  view.mask = shown;
  byId("mask-toggle").checked = shown;
  byId("frame").toggleAttribute("data-mask", shown);
}

function setDivider(percent) {
  byId("divider").value = percent;
  byId("frame").style.setProperty("--split", `${percent}%`);
}

function showPicture(id, name, alt) {
  const image = byId(id);
  image.hidden = !name;
  image.alt = alt;
  if (name) image.src = fullPicture(name);
  else image.removeAttribute("src");
}

function drawStage(entry) {
  const frame = byId("frame");
  const [width, height] = entry.size || [4, 3];
  frame.style.setProperty("--ratio", String(width / height));
  frame.dataset.pictures = entry.target ? "two" : entry.source ? "one" : "none";
  showPicture("before", entry.source, "Before the edit");
  showPicture("after", entry.target, `After: ${entry.instruction}`);
  for (const id of ["mask-left", "mask-right"]) showPicture(id, entry.mask, "");
  byId("mask-toggle").disabled = !entry.mask;
  for (const button of document.querySelectorAll("[data-choose]")) button.disabled = !entry.target;
  setDivider(50);
  setMode(view.mode);
  setMask(view.mask);
}

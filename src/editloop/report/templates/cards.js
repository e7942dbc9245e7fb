/* The grid: a card is a link to its triplet, so it opens in a new tab as well as in the viewer. */

const CARDS_PER_PAGE = 60;

function scoreText(entry) {
  return entry.score === null ? "unscored" : `${entry.score.toFixed(1)} / ${entry.scale[1]}`;
}

function gap(text) {
  return el("span", { class: "gap" }, text);
}

function thumb(name, alt) {
  if (!name) return gap("no picture");
  return el("img", { src: smallPicture(name), alt, loading: "lazy", decoding: "async" });
}

function cardPictures(entry) {
  if (!entry.source) return null;
  const pictures = [thumb(entry.source, "Before")];
  if (entry.target) pictures.push(thumb(entry.target, "After"));
  return el("span", { class: pictures.length > 1 ? "pair" : "pair single" }, pictures);
}

function cardMeta(entry) {
  const turn = entry.turn ? ` · turn ${entry.turn.turn} of ${entry.turn.turns}` : "";
  return el("span", { class: "meta" },
    el("span", { class: "kind" }, (words(entry.type) || "input") + turn),
    entry.outcome === "rejected"
      ? el("span", { class: "chip refused" }, words(entry.reason))
      : el("span", { class: "score" }, scoreText(entry)));
}

function card(entry, state) {
  const text = entry.instruction || entry.label;
  return el("li", { class: `card ${entry.outcome}` },
    el("a", { href: hashOf({ ...state, id: entry.key }), "data-key": entry.key },
      cardPictures(entry),
      cardMeta(entry),
      el("span", { class: "instruction" }, text),
      entry.outcome === "rejected" && entry.detail ? el("span", { class: "why" }, entry.detail) : null));
}

function drawCards(selected, state, from) {
  const grid = byId("grid");
  const next = selected.slice(from, from + CARDS_PER_PAGE);
  if (from === 0) grid.replaceChildren();
  grid.append(...next.map((entry) => card(entry, state)));
  const shown = from + next.length;
  byId("more").hidden = shown >= selected.length;
  byId("more").textContent = `Show ${count(Math.min(CARDS_PER_PAGE, selected.length - shown))} more`;
  byId("empty").hidden = selected.length > 0;
  byId("shown").textContent = selected.length === entries.length
    ? `${count(selected.length)} in all`
    : `${count(selected.length)} of ${count(entries.length)}`;
  return shown;
}

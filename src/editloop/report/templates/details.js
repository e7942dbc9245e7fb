/* The text side of the viewer. */

function section(title, ...children) {
  const content = children.flat().filter(Boolean);
  return content.length ? el("section", {}, el("h3", {}, title), content) : null;
}

function numberRows(numbers, className) {
  return pairs(Object.entries(numbers || {}).map(([name, value]) => [words(name), String(value)]), className);
}

function axisRow(name, value, [low, high]) {
  const label = `${words(name)}: ${value} on a scale of ${low} to ${high}`;
  return el("div", { class: "axis" },
    el("span", {}, words(name)),
    el("meter", { min: low, max: high, value, "aria-label": label }),
    el("span", { class: "value" }, `${value.toFixed(1)} / ${high}`));
}

function verdictBlock(verdict) {
  const decision = verdict.accepted === undefined || verdict.accepted === null
    ? null : el("span", { class: `chip ${verdict.accepted ? "taken" : "refused"}` },
      verdict.accepted ? "accepts" : `rejects${verdict.reject_reason ? `: ${words(verdict.reject_reason)}` : ""}`);
  const flags = Object.entries(verdict.flags || {}).map(([name, yes]) => [words(name), yes ? "yes" : "no"]);
  const evidence = numberRows(verdict.evidence, "numbers");
  return el("div", { class: "verdict" },
    el("p", { class: "judge" }, el("span", {}, `${verdict.judge} · version ${verdict.judge_version}`), decision),
    verdict.outcome === "scored" ? null : el("p", { class: "why" }, `Not scored: ${verdict.outcome}`),
    Object.entries(verdict.axes).map(([name, value]) => axisRow(name, value, verdict.scale)),
    pairs(flags),
    verdict.text ? el("p", {}, verdict.text) : null,
    verdict.reasons?.length ? el("ul", {}, verdict.reasons.map((reason) => el("li", {}, reason))) : null,
    evidence ? el("details", {}, el("summary", {}, "Evidence in numbers"), evidence) : null);
}

function rejectionSection(entry) {
  if (entry.outcome !== "rejected") return null;
  return section("Why it was dropped",
    el("p", {}, el("span", { class: "chip refused" }, words(entry.reason)), ` by the stage ${entry.stage}`),
    entry.detail ? el("p", {}, entry.detail) : null,
    numberRows(entry.evidence, "numbers"));
}

function premises(other, turns) {
  const known = new Set(turns.flatMap((turn) => [turn.instruction, ...(turn.turn.turn < other.turn.turn ? turn.turn.history : [])]));
  return other.turn.history.filter((line) => !known.has(line));
}

function turnItem(other, entry, state, turns) {
  const base = other.turn.base_turn;
  const from = base === other.turn.turn - 1 ? "" : ` · edits ${base ? `the result of turn ${base}` : "the first picture"}`;
  return el("li", { class: other === entry ? "turn current" : "turn" },
    el("a", { href: hashOf({ ...state, id: other.key }), "data-key": other.key, "aria-current": other === entry ? "true" : null },
      el("span", { class: "pair" }, thumb(other.source, "Before"), thumb(other.target, "After")),
      el("span", { class: "kind" }, `Turn ${other.turn.turn}${from}${other.outcome === "rejected" ? " · dropped" : ""}`),
      premises(other, turns).map((line) => el("span", { class: "premise" }, line)),
      el("span", { class: "instruction" }, other.instruction)));
}

function dialogueSection(entry, state) {
  if (!entry.turn) return null;
  const turns = dialogues.get(entry.turn.dialogue_id);
  return section(`The dialogue, ${entry.turn.turns} turns`,
    el("ol", { class: "turns" }, turns.map((other) => turnItem(other, entry, state, turns))));
}

function originSection(entry) {
  const origin = entry.origin;
  if (!origin) return null;
  return section("Photograph", pairs([
    ["Name", origin.url ? webLink(origin.url, origin.name) : origin.name],
    ["Collection", origin.collection], ["Author", origin.author], ["Licence", origin.licence || "not stated"],
  ]));
}

function settingRows(value, name) {
  if (value === null || value === "") return [];
  if (typeof value !== "object") return [[words(name), String(value)]];
  const parts = Object.entries(value);
  if (Array.isArray(value)) return parts.flatMap(([i, part]) => settingRows(part, value.length > 1 ? `${name} ${Number(i) + 1}` : name));
  return parts.flatMap(([key, part]) => settingRows(part, name ? `${name} ${key}` : key));
}

function settings(parameters) {
  const rows = pairs(settingRows(parameters || {}, ""), "numbers");
  return rows ? el("details", {}, el("summary", {}, "Settings and measurements"), rows) : null;
}

function stepItem([index, seed]) {
  const step = page.steps[index];
  const model = step.model ? `${step.model}${step.model_version ? ` (${step.model_version})` : ""}` : "";
  return el("li", {},
    el("strong", {}, step.stage), ` version ${step.version}`, model ? `, ${model}` : "",
    seed ? el("span", { class: "small" }, `seed ${seed}`) : null,
    step.prompt_hash ? el("span", { class: "small" }, `prompt ${step.prompt_hash}`) : null,
    settings(step.parameters));
}

function parentLink(id, state) {
  const key = keysOfRecord.get(id);
  return key ? el("a", { href: hashOf({ ...state, id: key }), "data-key": key }, id) : id;
}

function recordSection(entry, state) {
  if (!entry.id) return null;
  const subjects = (entry.subjects || []).map((subject) => subject.label).join(", ");
  return section("Record", pairs([
    ["Id", el("code", {}, entry.id)],
    ["Made as", entry.operation === "original" ? "" : words(entry.operation)],
    ["Parents", entry.parents ? el("span", { class: "ids" }, entry.parents.map((id) => parentLink(id, state))) : ""],
    ["Speaks of", subjects],
    ["Size", entry.size.join(" × ")],
    ["Recipe", `${entry.recipe}, run seed ${entry.seed}`],
  ]));
}

function drawDetails(entry, state) {
  const phrasings = pairs((entry.phrasings || []).map(([style, text]) => [words(style), text]), "phrasings");
  const action = entry.action && entry.action !== entry.type ? ` · ${words(entry.action)}` : "";
  const references = (entry.references || []).map((name, i) =>
    el("img", { src: fullPicture(name), alt: `Reference picture ${i + 1}`, loading: "lazy" }));
  byId("details").replaceChildren(...[
    el("p", { class: "meta" },
      el("span", { class: "kind" }, (words(entry.type) || "input") + action),
      el("span", { class: `chip ${entry.outcome === "accepted" ? "taken" : "refused"}` }, entry.outcome)),
    el("h2", { id: "viewer-title", class: "instruction" }, entry.instruction || entry.label),
    rejectionSection(entry),
    section("Other wordings", phrasings),
    section("Reference pictures", references.length ? el("div", { class: "references" }, references) : null),
    dialogueSection(entry, state),
    section("Scores", (entry.verdicts || []).slice().reverse().map(verdictBlock)),
    originSection(entry),
    section("How it was made", entry.history ? el("ol", { class: "steps" }, entry.history.map(stepItem)) : null),
    recordSection(entry, state),
  ].filter(Boolean));
  byId("details").scrollTop = 0;
}

/* What is shown: read from and written to the address, so that a selection can be sent as a link. */

const page = JSON.parse(byId("data").textContent);
const entries = page.entries;
const files = document.body.dataset.files;

const entryOf = new Map(entries.map((entry) => [entry.key, entry]));
const keysOfRecord = new Map();
const dialogues = new Map();

const fullPicture = (name) => `${files}/full/${name}`;
const smallPicture = (name) => `${files}/thumb/${name.replace(/\.\w+$/, ".jpg")}`;

for (const [order, entry] of entries.entries()) {
  const verdict = (entry.verdicts || []).at(-1);
  const scores = Object.values(verdict?.axes || {});
  entry.order = order;
  entry.scale = verdict?.scale;
  entry.score = scores.length ? scores.reduce((a, b) => a + b, 0) / scores.length : null;
  entry.share = entry.score === null ? null : (entry.score - entry.scale[0]) / (entry.scale[1] - entry.scale[0]);
  entry.shuffle = Math.imul(order + 1, 2654435761) >>> 0;
  entry.haystack = [
    entry.instruction, ...(entry.phrasings || []).map(([, text]) => text), entry.label, entry.detail,
    words(entry.reason || ""), words(entry.type), entry.origin?.name, entry.origin?.collection, entry.id,
    ...(entry.subjects || []).map((subject) => subject.label), ...(verdict?.reasons || []),
  ].filter(Boolean).join("\n").toLowerCase();
  if (entry.id && !keysOfRecord.has(entry.id)) keysOfRecord.set(entry.id, entry.key);
  if (entry.turn) {
    const id = entry.turn.dialogue_id;
    dialogues.set(id, [...(dialogues.get(id) || []), entry].sort((a, b) => a.turn.turn - b.turn.turn));
  }
}

const DEFAULTS = { outcome: "accepted", type: "", reason: "", q: "", sort: "order", id: "" };
const OUTCOMES = ["accepted", "rejected", "all"];

const SORTS = {
  order: (a, b) => a.order - b.order,
  best: (a, b) => (b.share ?? -1) - (a.share ?? -1) || a.order - b.order,
  worst: (a, b) => (a.share ?? 2) - (b.share ?? 2) || a.order - b.order,
  shuffled: (a, b) => a.shuffle - b.shuffle,
};

function readState() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) if (name in given) state[name] = given[name];
  if (!OUTCOMES.includes(state.outcome)) state.outcome = DEFAULTS.outcome;
  if (!Object.hasOwn(SORTS, state.sort)) state.sort = DEFAULTS.sort;
  if (!entryOf.has(state.id)) state.id = "";
  return state;
}

function hashOf(state) {
  const changed = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name]);
  return `#${new URLSearchParams(changed)}`;
}

const typesOf = (state) => state.type.split(",").filter(Boolean);

function matchesButType(entry, state) {
  if (state.outcome !== "all" && entry.outcome !== state.outcome) return false;
  if (state.reason && entry.reason !== state.reason) return false;
  return state.q.toLowerCase().split(/\s+/).every((word) => entry.haystack.includes(word));
}

function selectEntries(state) {
  const types = typesOf(state);
  return entries
    .filter((entry) => matchesButType(entry, state) && (!types.length || types.includes(entry.type)))
    .sort(SORTS[state.sort]);
}

// The flow: who rates, what comes next, keys, sending an answer until it is kept.

import { ask, byId, make, newId, Refused, say, wait } from "./dom.js";
import { FORMS } from "./sheets.js";
import { Stage, title } from "./stage.js";

const AHEAD = 4;
const HOLD_MS = 350;
const stage = new Stage();
const ahead = new Map(); // images that were fetched before they are needed
let sheet, form, current = null, editing = false, queue = [], sending = false, round = 0, began = 0, submission = "";

async function start() {
  const known = await ask("/api/sheet");
  sheet = known.sheet;
  document.body.dataset.kind = sheet.kind;
  byId("title").textContent = sheet.title;
  byId("overview").hidden = !known.organiser;
  form = new FORMS[sheet.kind](sheet);
  form.changed = () => byId("form").classList.toggle("cannot", cannot(false));
  if (sheet.kind === "dialogue") form.turned = showTurn;
  fillHelp();
  if (known.rater) await enter(known.rater);
  else byId("join").showModal();
}

async function enter(name) {
  byId("who").textContent = name;
  if (byId("join").open) byId("join").close();
  await refill();
}

async function join(again) {
  try {
    await enter((await ask("/api/join", { name: byId("name").value, again })).name);
  } catch (error) {
    byId("join-problem").textContent = error.reason === "name_taken"
      ? "This name is in use. If it is yours, go on; if not, choose another." : error.message;
    byId("join-again").hidden = error.reason !== "name_taken";
  }
}

// Ask what comes next. A reply that an answer has overtaken is thrown away.
async function refill() {
  const asked = round;
  const reply = await ask(`/api/queue?count=${AHEAD}`);
  if (asked !== round) return refill();
  queue = reply.items;
  progress(reply);
  queue.forEach(prefetch);
  if (!editing && (!current || !queue.some((item) => item.token === current.token))) next();
}

function progress({ done, left }) {
  byId("progress").max = Math.max(1, done + left);
  byId("progress").value = done;
  byId("count").textContent = `${done} done, ${left} left`;
}

function prefetch(item) {
  for (const { part } of item.images) {
    const address = `/api/picture/${item.token}/${part}`;
    if (!ahead.has(address)) ahead.set(address, make("img", { src: address, decoding: "async" }));
  }
  while (ahead.size > 40) ahead.delete(ahead.keys().next().value);
}

function next() {
  editing = false;
  if (queue.length) return show(queue[0]);
  current = null;
  byId("work").hidden = true;
  byId("finished").hidden = false;
}

function show(item, answer = null) {
  current = item;
  submission = newId();
  began = performance.now();
  byId("work").hidden = false;
  byId("finished").hidden = true;
  byId("editing").hidden = !editing;
  byId("context").replaceChildren(...item.context.map((text) => make("li", { textContent: text })));
  byId("instruction").textContent = sheet.kind === "dialogue" ? "" : item.instruction;
  byId("hint").textContent = item.hint;
  byId("note").value = answer ? answer.note : "";
  const parts = sheet.kind === "dialogue" ? ["source", "turn_1"] : item.images.map((image) => image.part);
  stage.show(item, parts, answer ? answer.marks : []);
  form.show(item, answer);
  cannot(Boolean(answer && answer.cannot_judge));
  document.activeElement.blur();
  byId("form").scrollTop = 0;
}

// A dialogue shows one turn at a time beside the image before it; the strip brings any other image to the left.
function showTurn(turn) {
  const after = `turn_${turn + 1}`;
  const before = turn === 0 ? "source" : `turn_${turn}`;
  byId("instruction").textContent = current.turns[turn];
  if (stage.frames[1]?.part !== after) stage.arrange([before, after]);
  byId("strip").hidden = false;
  const thumbs = current.images.map(({ part }) => make("button", {
    type: "button", title: `${title(part)} to the left`, onclick: () => part !== after && stage.arrange([part, after]),
    class: part === after ? "now" : "",
  }, make("img", { src: stage.address(part), alt: title(part), draggable: false }), make("span", { textContent: part === "source" ? "Start" : title(part) })));
  byId("strip").replaceChildren(...thumbs);
}

function cannot(on) {
  byId("cannot").setAttribute("aria-pressed", String(on));
  byId("form").classList.toggle("cannot", on);
  return on;
}

const cannotJudge = () => byId("cannot").getAttribute("aria-pressed") === "true";

function written() {
  const common = { note: byId("note").value.trim(), marks: stage.marks };
  if (cannotJudge()) return { cannot_judge: true, ...common };
  return { ...form.answer(), ...common };
}

async function submit() {
  if (!current || sending) return;
  const missing = cannotJudge() ? (byId("note").value.trim() ? "" : "say why in the note") : form.missing();
  if (missing) {
    if (cannotJudge()) byId("note").focus();
    return say(missing);
  }
  const seconds = Math.min(86400, (performance.now() - began) / 1000);
  const body = { token: current.token, submission, seconds, answer: written() };
  sending = true;
  byId("submit").disabled = true;
  try {
    const reply = await send(body);
    round += 1;
    say("");
    progress(reply);
    queue = queue.filter((item) => item.token !== body.token);
    if (queue.length) next();
    else current = null;
    editing = false;
    refill().catch(report);
  } catch (error) {
    report(error);
    if (error.status === 404) { current = null; editing = false; refill().catch(report); }
  } finally {
    sending = false;
    byId("submit").disabled = false;
  }
}

// The same submission is sent again until the server has it: it keeps one, however often it comes.
async function send(body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask("/api/answers", body);
    } catch (error) {
      const final = error instanceof Refused && error.status < 500;
      if (final) throw error;
      say("Not kept yet: the server cannot be reached. Trying again; keep this page open.", true);
      await wait(Math.min(5000, 300 * 2 ** attempt));
    }
  }
}

async function undo() {
  if (sending) return;
  const reply = await ask("/api/undo", { token: editing && current ? current.token : null });
  if (!reply.item) return say("There is nothing before this.");
  editing = true;
  prefetch(reply.item);
  show(reply.item, reply.answer);
}

function report(error) {
  say(error instanceof Refused ? error.message : "The server cannot be reached.", true);
}

function fillHelp() {
  const keys = [...form.keys(), ["Space", "before / after in place (hold or press)"], ["Enter", "submit"], ["U", "back to the last answer"],
    ["M", "mark a region by dragging; Backspace takes the last one away"], [sheet.kind === "dialogue" ? "T" : "N", "write a note"],
    ["X", "cannot judge; say why in the note"], ["wheel, drag", "zoom and move all images together"], ["F", "fit"], ["?", "this help"]];
  byId("keys").replaceChildren(...keys.flatMap(([key, text]) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: text })]));
  byId("note-label").querySelector("kbd").textContent = sheet.kind === "dialogue" ? "T" : "N";
  const study = sheet.guidelines.map((text) => make("p", { textContent: text }));
  const asked = [...sheet.axes, ...sheet.questions].map((axis) => make("p", {}, make("b", { textContent: `${axis.name.replaceAll("_", " ")}: ` }), axis.question, " ",
    make("span", { class: "quiet", textContent: [axis.anchors.low, axis.anchors.middle, axis.anchors.high].filter(Boolean).join(" … ") })));
  byId("guidelines").replaceChildren(...study, ...asked);
  byId("source").textContent = sheet.source;
}

let spaceDown = 0;
const KEYS = {
  " ": (event) => { if (!event.repeat) { spaceDown = performance.now(); stage.flip(); } },
  Enter: () => submit(),
  Backspace: () => stage.unmark(),
  Escape: () => { if (stage.marking) stage.mark(false); else if (editing) { current = null; next(); } },
  "?": () => byId("help").showModal(),
  u: () => undo().catch(report),
  m: () => stage.mark(),
  f: () => stage.fit(),
  x: () => cannot(!cannotJudge()) && byId("note").focus(),
  n: () => byId("note").focus(),
  t: () => byId("note").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("join").open || byId("help").open) return;
  const typing = event.target.matches("textarea, input");
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
    return;
  }
  if (byId("work").hidden && event.key !== "u" && event.key !== "?") return;
  const own = KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (form && form.key(event.key)) event.preventDefault();
  else if (own) { event.preventDefault(); own(event); }
});
document.addEventListener("keyup", (event) => {
  if (event.key === " " && spaceDown && performance.now() - spaceDown > HOLD_MS && stage.flipped) stage.flip(false);
});

byId("join-form").addEventListener("submit", (event) => { event.preventDefault(); join(false); });
byId("join-again").addEventListener("click", () => join(true));
byId("join").addEventListener("cancel", (event) => event.preventDefault());
byId("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
byId("undo").addEventListener("click", () => undo().catch(report));
byId("cannot").addEventListener("click", () => cannot(!cannotJudge()) && byId("note").focus());
byId("help-open").addEventListener("click", () => byId("help").showModal());
// A button that was clicked must not swallow the next Space or Enter.
document.addEventListener("click", (event) => event.target.closest("main button")?.blur());

start().catch(report);

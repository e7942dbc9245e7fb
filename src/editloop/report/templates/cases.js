/* Cases of one editor: filtered, ordered, opened by the address (#key). */

const PAGE = 60;
const cases = JSON.parse(byId("data").textContent);
let shownCount = PAGE;

cases.forEach((one, place) => {
  one.place = place;
  one.haystack = [one.key, one.instruction, one.reply, one.reason].filter(Boolean).join("\n").toLowerCase();
});

const ORDERS = {
  worst: (a, b) => (a.score ?? -Infinity) - (b.score ?? -Infinity),
  best: (a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity),
  spread: (a, b) => (b.spread ?? -1) - (a.spread ?? -1),
  file: (a, b) => a.place - b.place,
};

function fill(id, names) {
  for (const name of [...new Set(names)].filter(Boolean).sort()) byId(id).append(el("option", { value: name }, words(name)));
}

function card(one) {
  const turns = (one.between || []).map((address, place) => [`after turn ${place + 1}`, address]);
  const pictures = [["before", one.source], ...turns, ["after", one.edited]].filter(([, address]) => address);
  const score = one.score === undefined ? one.outcome : one.score.toFixed(2);
  return el("li", { class: "case", id: `case-${one.place}` },
    pictures.length ? el("div", { class: pictures.length > 1 ? "pair" : "pair single" }, pictures.map(([alt, src]) => el("img", { src, alt, title: alt, class: src.startsWith("data:image/png") ? "pixels" : null }))) : null,
    el("p", { class: "meta" }, el("span", {}, `${words(one.group || "")} ${one.key}`), el("span", { class: one.score === undefined ? "chip refused" : "score" }, score)),
    el("p", { class: "instruction" }, one.instruction || "(no instruction)"),
    pairs([...(one.axes || []).map(([axis, value]) => [words(axis), String(Number(value.toFixed(2)))]), ["asked again: spread", one.spread?.toFixed(2)], ["why", one.reason], ["slips", (one.slips || []).map(words).join(", ")]]),
    el("details", { open: matched(one) }, el("summary", {}, "raw reply"), el("pre", {}, one.reply || "(none)")),
  );
}

const target = () => decodeURIComponent(location.hash.slice(1));
const matched = (one) => one.key === target();

function draw() {
  const [group, outcome, order] = ["group", "outcome", "order"].map((id) => byId(id).value);
  const search = byId("search").value.trim().toLowerCase();
  const chosen = cases.filter((one) => (!group || one.group === group) && (!outcome || one.outcome === outcome) && (!search || one.haystack.includes(search)));
  chosen.sort((a, b) => matched(b) - matched(a) || ORDERS[order](a, b) || a.place - b.place);
  byId("list").replaceChildren(...chosen.slice(0, shownCount).map(card));
  byId("count").textContent = `${count(chosen.length)} of ${count(cases.length)} cases`;
  byId("more").hidden = chosen.length <= shownCount;
}

fill("group", cases.map((one) => one.group));
fill("outcome", cases.map((one) => one.outcome));
for (const id of ["group", "outcome", "order", "search"]) byId(id).addEventListener("input", () => { shownCount = PAGE; draw(); });
byId("more").addEventListener("click", () => { shownCount += PAGE; draw(); });
addEventListener("hashchange", draw);
draw();

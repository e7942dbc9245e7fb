// The organiser's page: progress, agreement and raters, renewed while it is open.

import { ask, byId, make, say } from "./dom.js";

const RENEW_MS = 5000;
const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

function table(id, headings, rows) {
  byId(id).replaceChildren(
    make("thead", {}, make("tr", {}, ...headings.map((text) => make("th", { textContent: text })))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", { textContent: text }))))),
  );
}

async function renew() {
  const found = await ask("/api/overview");
  byId("progress").max = Math.max(1, found.items * found.raters_an_item);
  byId("progress").value = found.ratings;
  const figures = [["items", found.items], [`rated by ${found.raters_an_item}`, found.complete], ["ratings", found.ratings], ["cannot judge", found.unscored], ["raters", found.raters.length]];
  byId("figures").replaceChildren(...figures.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: String(value) }))));
  table("agreement", ["axis", "answers", "rated twice or more", "alpha", "Spearman", "same answer"],
    found.agreement.map((row) => [row.axis.replaceAll("_", " "), String(row.ratings), `${row.shared} of ${row.units}`, number(row.alpha), number(row.spearman), number(row.same)]));
  table("raters", ["rater", "name", "rated", "cannot judge", "median seconds", "mean score", "checks passed"],
    found.raters.map((row) => [row.rater, row.name, String(row.rated), String(row.unscored), number(row.median_seconds, 1), number(row.mean_score), row.checks ? `${row.checks_passed} of ${row.checks}` : "–"]));
  say("");
}

async function keepRenewing() {
  try { await renew(); } catch (error) { say(error.message || "The server cannot be reached.", true); }
  setTimeout(keepRenewing, RENEW_MS);
}

keepRenewing();

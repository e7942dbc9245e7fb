"use strict";

/* Every node is built here from text: no string from a record is ever read as markup. */

const byId = (id) => document.getElementById(id);

function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const words = (name) => String(name).replaceAll("_", " ");

const count = (number) => number.toLocaleString("en");

function webLink(url, text) {
  const safe = /^https?:\/\//i.test(url);
  return safe ? el("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, text) : text;
}

function pairs(rows, className) {
  const shown = rows.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (!shown.length) return null;
  const cells = shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
  return el("dl", { class: className || "facts" }, cells.flat());
}

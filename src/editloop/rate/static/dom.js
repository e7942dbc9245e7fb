// Small helpers: elements, requests, and the line that says what went wrong.

export const byId = (id) => document.getElementById(id);

// An element with properties and children; text always goes in as text, never as markup.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export class Refused extends Error {
  constructor(status, reason, detail) {
    super(detail);
    this.status = status;
    this.reason = reason;
  }
}

// A JSON request. Throws Refused when the server says no, TypeError when it cannot be reached.
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const reply = await fetch(path, options);
  const text = await reply.text();
  let content = {};
  try { content = JSON.parse(text); } catch { content = { detail: text }; }
  if (!reply.ok) throw new Refused(reply.status, content.reason || "", content.detail || reply.statusText);
  return content;
}

let toastTimer = 0;

// Say something in passing; `lasting` keeps it until the next message.
export function say(text, lasting = false) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.toggle("shown", text !== "");
  clearTimeout(toastTimer);
  if (text && !lasting) toastTimer = setTimeout(() => say(""), 3500);
}

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

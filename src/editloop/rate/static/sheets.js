// The questions: one form for each kind of sheet. Each knows its keys, says what is missing, and gives an answer.

import { byId, make } from "./dom.js";

const YES_NO = [[true, "Yes", "Y"], [false, "No", "N"]];

function anchors(axis, scale) {
  const [low, high] = scale;
  const middle = (low + high) / 2;
  const rows = [[low, axis.anchors.low], [middle, axis.anchors.middle], [high, axis.anchors.high]];
  const written = rows.filter(([, text]) => text);
  return make("dl", { class: "anchors" }, ...written.flatMap(([number, text]) => [
    make("dt", { textContent: Number.isInteger(number) ? String(number) : `${Math.floor(number)}–${Math.ceil(number)}` }),
    make("dd", { textContent: text }),
  ]));
}

class Form {
  constructor(sheet) {
    this.sheet = sheet;
    this.changed = () => {};
  }

  // Mark `place` as the question that keys answer.
  focus(place) {
    this.at = Math.max(0, Math.min(this.rows.length - 1, place));
    this.rows.forEach((row, number) => row.classList.toggle("current", number === this.at));
    const row = this.rows[this.at];
    if (row && row.scrollIntoView) row.scrollIntoView({ block: "nearest" });
  }

  press(buttons, chosen) {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === chosen)));
  }
}

export class ScoreForm extends Form {
  show(_item, answer) {
    const [low, high] = this.sheet.scale;
    this.values = {};
    this.rows = this.sheet.axes.map((axis, place) => {
      const buttons = [];
      for (let score = low; score <= high; score += 1) {
        buttons.push(make("button", {
          type: "button", textContent: String(score), "aria-pressed": "false",
          "aria-label": `${axis.name} ${score}`, onclick: () => this.set(place, score),
        }));
      }
      const row = make("section", { class: "axis", role: "group" },
        make("p", { class: "legend" }, make("b", { textContent: axis.name.replaceAll("_", " ") }), " ", make("span", { textContent: axis.question })),
        make("div", { class: "scale", role: "group" }, ...buttons),
        anchors(axis, this.sheet.scale));
      row.addEventListener("pointerdown", () => this.focus(place));
      row.buttons = buttons;
      return row;
    });
    byId("questions").replaceChildren(...this.rows);
    this.focus(0);
    if (answer) this.sheet.axes.forEach((axis, place) => axis.name in answer.scores && this.set(place, answer.scores[axis.name], true));
  }

  set(place, score, still = false) {
    const axis = this.sheet.axes[place];
    this.values[axis.name] = score;
    this.press(this.rows[place].buttons, score - this.sheet.scale[0]);
    if (!still) this.focus(this.firstMissing() ?? place);
    this.changed();
  }

  firstMissing() {
    const missing = this.sheet.axes.findIndex((axis) => !(axis.name in this.values));
    return missing < 0 ? null : missing;
  }

  key(key) {
    const [low, high] = this.sheet.scale;
    if (/^\d$/.test(key) || (key === "-" && high === 10)) {
      const score = key === "-" ? 10 : Number(key);
      if (score >= low && score <= high) this.set(this.at, score);
      return true;
    }
    if (key === "ArrowDown" || key === "ArrowUp") {
      this.focus(this.at + (key === "ArrowDown" ? 1 : -1));
      return true;
    }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const axis = this.sheet.axes[this.at].name;
      const step = key === "ArrowRight" ? 1 : -1;
      const from = this.values[axis] ?? (step > 0 ? low - 1 : high + 1);
      this.set(this.at, Math.max(low, Math.min(high, from + step)), true);
      return true;
    }
    return false;
  }

  missing() {
    const place = this.firstMissing();
    if (place === null) return "";
    this.focus(place);
    return `${this.sheet.axes[place].name.replaceAll("_", " ")} is still open`;
  }

  answer() { return { scores: { ...this.values } }; }

  keys() {
    const [low, high] = this.sheet.scale;
    const ten = high === 10 ? "; - stands for 10" : "";
    return [[`${low} … ${Math.min(9, high)}`, `score, and on to the next axis${ten}`], ["↑ ↓", "another axis"], ["← →", "one point less or more"]];
  }
}

export class PairForm extends Form {
  static CHOICES = [
    ["left", "Left", "←", "ArrowLeft"],
    ["tie", "Equal", "↓", "ArrowDown"],
    ["both_bad", "Both bad", "↑", "ArrowUp"],
    ["right", "Right", "→", "ArrowRight"],
  ];

  show(_item, answer) {
    this.choice = null;
    this.buttons = PairForm.CHOICES.map(([choice, text, key]) => make("button", {
      type: "button", "aria-pressed": "false", onclick: () => this.set(choice),
    }, make("kbd", { textContent: key }), make("span", { textContent: text })));
    this.rows = [make("div", { class: "choices" }, ...this.buttons)];
    byId("questions").replaceChildren(...this.rows);
    this.focus(0);
    if (answer && answer.choice) this.set(answer.choice);
  }

  set(choice) {
    this.choice = choice;
    this.press(this.buttons, PairForm.CHOICES.findIndex((each) => each[0] === choice));
    this.changed();
  }

  key(key) {
    const found = PairForm.CHOICES.find((each) => each[3] === key);
    if (found) this.set(found[0]);
    return Boolean(found);
  }

  missing() { return this.choice ? "" : "choose a side first"; }

  answer() { return { choice: this.choice }; }

  keys() { return PairForm.CHOICES.map(([, text, key]) => [key, text.toLowerCase()]); }
}

export class DialogueForm extends Form {
  constructor(sheet) {
    super(sheet);
    this.turned = () => {};
  }

  show(item, answer) {
    this.item = item;
    this.asked = item.turns.flatMap((_, turn) => this.sheet.axes.map((axis) => ({ turn, axis })));
    this.asked.push(...this.sheet.questions.map((axis) => ({ turn: null, axis })));
    this.values = this.asked.map(() => null);
    this.rows = this.asked.map(({ axis }, place) => {
      const buttons = YES_NO.map(([value, text, key]) => make("button", {
        type: "button", "aria-pressed": "false", onclick: () => this.set(place, value),
      }, make("kbd", { textContent: key }), make("span", { textContent: text })));
      const row = make("section", { class: "question", role: "group" },
        make("p", { class: "legend", textContent: axis.question }), make("div", { class: "yes-no" }, ...buttons),
        make("p", { class: "anchors", textContent: [axis.anchors.high && `Yes: ${axis.anchors.high}`, axis.anchors.low && `No: ${axis.anchors.low}`].filter(Boolean).join(" ") }));
      row.addEventListener("pointerdown", () => this.focus(place));
      row.buttons = buttons;
      return row;
    });
    const blocks = item.turns.map((instruction, turn) => make("section", { class: "turn" },
      make("h3", {}, make("span", { class: "quiet", textContent: `Turn ${turn + 1} ` }), instruction),
      ...this.rows.filter((_, place) => this.asked[place].turn === turn)));
    const whole = make("section", { class: "turn" }, make("h3", { textContent: "All turns" }),
      ...this.rows.filter((_, place) => this.asked[place].turn === null));
    byId("questions").replaceChildren(...blocks, whole);
    this.focus(0);
    if (answer) this.fill(answer);
  }

  fill(answer) {
    this.asked.forEach(({ turn, axis }, place) => {
      const value = turn === null ? answer.whole : answer.turns[turn]?.answers[axis.name];
      if (typeof value === "boolean") this.set(place, value, true);
    });
  }

  focus(place) {
    super.focus(place);
    const { turn } = this.asked[this.at];
    this.turned(turn === null ? this.item.turns.length - 1 : turn);
  }

  set(place, value, still = false) {
    this.values[place] = value;
    this.press(this.rows[place].buttons, value ? 0 : 1);
    if (!still) {
      const open = this.values.indexOf(null);
      this.focus(open < 0 ? place : open);
    }
    this.changed();
  }

  key(key) {
    const found = YES_NO.find((each) => each[2] === key.toUpperCase());
    if (found) this.set(this.at, found[0]);
    else if (key === "ArrowDown" || key === "ArrowUp") this.focus(this.at + (key === "ArrowDown" ? 1 : -1));
    else return false;
    return true;
  }

  missing() {
    const open = this.values.indexOf(null);
    if (open < 0) return "";
    this.focus(open);
    return "a question is still open";
  }

  answer() {
    const turns = this.item.turns.map(() => ({ answers: {} }));
    let whole = null;
    this.asked.forEach(({ turn, axis }, place) => {
      if (turn === null) whole = this.values[place];
      else turns[turn].answers[axis.name] = this.values[place];
    });
    return { turns, whole };
  }

  keys() { return [["Y", "yes, and on to the next question"], ["N", "no"], ["↑ ↓", "another question"]]; }
}

export const FORMS = { score: ScoreForm, pairs: PairForm, dialogue: DialogueForm };

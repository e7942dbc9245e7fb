// The images: frames that zoom and move together, before/after in place, and regions drawn on them.

import { byId, make, say } from "./dom.js";

const TITLES = { source: "Before", edited: "After", left: "Left", right: "Right" };
const MOST_ZOOM = 24;
const SHARP = 3; // from so many screen pixels an image pixel on, pixels are shown as squares

const title = (part) => TITLES[part] || `Turn ${part.split("_")[1]}`;

export class Stage {
  constructor() {
    this.frames = [];
    this.marks = [];
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.flipped = false;
    this.marking = false;
    this.pointers = new Map();
    new ResizeObserver(() => this.layOut()).observe(byId("frames"));
    byId("fit").addEventListener("click", () => this.fit());
    byId("flip").addEventListener("click", () => this.flip());
    byId("marking").addEventListener("click", () => this.mark());
  }

  // Show an item: `parts` are the frames to put side by side, the first of them being the source where there is one.
  show(item, parts, marks = []) {
    this.item = item;
    this.marks = marks;
    this.flipped = false;
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.mark(false);
    this.arrange(parts);
  }

  arrange(parts) {
    const kept = byId("frames");
    this.frames = parts.map((part) => this.frame(part));
    kept.replaceChildren(...this.frames.map((frame) => frame.figure));
    kept.dataset.count = parts.length;
    const last = this.frames[this.frames.length - 1];
    const tabs = this.frames.map((frame) => make("button", {
      type: "button", textContent: title(frame.part), onclick: () => this.activate(frame),
    }));
    byId("tabs").replaceChildren(...tabs);
    this.activate(last);
    this.layOut();
  }

  address(part) { return `/api/picture/${this.item.token}/${part}`; }

  size(part) { return this.item.images.find((image) => image.part === part); }

  frame(part) {
    const image = make("img", { alt: title(part), draggable: false, decoding: "async" });
    const paper = make("div", { class: "paper" }, image);
    const view = make("div", { class: "view" }, paper);
    const caption = make("figcaption", { textContent: title(part) });
    const figure = make("figure", { class: "frame" }, caption, view);
    figure.dataset.part = part;
    const frame = { part, shown: part, image, paper, view, caption, figure };
    image.addEventListener("error", () => figure.classList.add("broken"));
    image.addEventListener("load", () => figure.classList.remove("broken"));
    image.src = this.address(part);
    view.addEventListener("wheel", (event) => this.wheel(event, frame), { passive: false });
    view.addEventListener("pointerdown", (event) => this.down(event, frame));
    view.addEventListener("pointermove", (event) => this.move(event, frame));
    view.addEventListener("pointerup", (event) => this.up(event));
    view.addEventListener("pointercancel", (event) => this.up(event));
    view.addEventListener("dblclick", () => this.fit());
    return frame;
  }

  // On a narrow screen one frame is in sight at a time.
  activate(frame) {
    this.frames.forEach((other, place) => {
      other.figure.classList.toggle("active", other === frame);
      byId("tabs").children[place].setAttribute("aria-pressed", String(other === frame));
    });
    this.active = frame;
    this.layOut();
  }

  get narrow() { return getComputedStyle(byId("tabs")).display !== "none"; }

  // Before/after in place: every edited frame shows the first frame's image, and back.
  flip(on = !this.flipped) {
    this.flipped = on;
    if (this.narrow) {
      const other = this.frames.find((frame) => frame !== this.frames[0]);
      this.activate(on ? this.frames[0] : (this.before || other));
      if (!on) this.before = null;
      return;
    }
    const first = this.frames[0];
    for (const frame of this.frames.slice(1)) {
      frame.shown = on ? first.part : frame.part;
      frame.image.src = this.address(frame.shown);
      frame.caption.textContent = on ? `${title(first.part)} (in place of ${title(frame.part).toLowerCase()})` : title(frame.part);
      frame.figure.classList.toggle("flipped", on);
    }
    this.layOut();
  }

  fit() {
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.layOut();
  }

  layOut() {
    for (const frame of this.frames) this.place(frame);
    byId("zoom").textContent = this.view.zoom > 1.01 ? `${this.view.zoom.toFixed(1)} ×` : "";
  }

  // Where an image stands: `x` and `y` of the view are the point of the image in the middle of every frame.
  place(frame) {
    const { width, height } = this.size(frame.shown);
    const room = { width: frame.view.clientWidth, height: frame.view.clientHeight };
    if (!room.width || !room.height) return;
    const scale = Math.min(room.width / width, room.height / height) * this.view.zoom;
    const drawn = { width: width * scale, height: height * scale };
    const left = drawn.width <= room.width ? (room.width - drawn.width) / 2
      : Math.min(0, Math.max(room.width - drawn.width, room.width / 2 - this.view.x * drawn.width));
    const top = drawn.height <= room.height ? (room.height - drawn.height) / 2
      : Math.min(0, Math.max(room.height - drawn.height, room.height / 2 - this.view.y * drawn.height));
    const style = frame.paper.style;
    style.left = `${left}px`;
    style.top = `${top}px`;
    style.width = `${drawn.width}px`;
    style.height = `${drawn.height}px`;
    frame.image.classList.toggle("sharp", scale * devicePixelRatio >= SHARP);
    this.drawMarks(frame);
  }

  // The point of the image under the pointer, in shares of its width and height.
  point(event, frame) {
    const box = frame.paper.getBoundingClientRect();
    const share = (at, from, size) => Math.min(1, Math.max(0, (at - from) / size));
    return { x: share(event.clientX, box.left, box.width), y: share(event.clientY, box.top, box.height) };
  }

  zoomAt(event, frame, zoom) {
    const point = this.point(event, frame);
    const box = frame.view.getBoundingClientRect();
    this.view.zoom = Math.min(MOST_ZOOM, Math.max(1, zoom));
    this.place(frame);
    const drawn = frame.paper.getBoundingClientRect();
    this.view.x = point.x + (box.left + box.width / 2 - event.clientX) / drawn.width;
    this.view.y = point.y + (box.top + box.height / 2 - event.clientY) / drawn.height;
    this.hold();
    this.layOut();
  }

  hold() {
    const half = 0.5 / this.view.zoom;
    this.view.x = Math.min(1 - half, Math.max(half, this.view.x));
    this.view.y = Math.min(1 - half, Math.max(half, this.view.y));
  }

  wheel(event, frame) {
    event.preventDefault();
    this.zoomAt(event, frame, this.view.zoom * Math.exp(-event.deltaY / 400));
  }

  down(event, frame) {
    if (event.button !== 0) return;
    frame.view.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.marking && this.canMark(frame) && this.pointers.size === 1) {
      const start = this.point(event, frame);
      this.drawing = { frame, start, mark: null };
    }
  }

  move(event, frame) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) return this.pinch(event, before, frame);
    if (this.drawing) return this.draw(event);
    const drawn = frame.paper.getBoundingClientRect();
    this.view.x -= (event.clientX - before.clientX) / drawn.width;
    this.view.y -= (event.clientY - before.clientY) / drawn.height;
    this.hold();
    this.layOut();
  }

  pinch(event, before, frame) {
    this.drawing = null;
    const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.zoomAt(middle, frame, this.view.zoom * (apart(event) / Math.max(1, apart(before))));
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (!this.drawing) return;
    const { mark } = this.drawing;
    this.drawing = null;
    if (mark && (mark.right - mark.left < 0.005 || mark.bottom - mark.top < 0.005)) this.unmark(mark);
  }

  canMark(frame) { return frame.part !== "source" && frame.shown === frame.part; }

  mark(on = !this.marking) {
    this.marking = on;
    byId("marking").setAttribute("aria-pressed", String(on));
    byId("frames").classList.toggle("marking", on);
    if (on) say("Drag on the edited image; Backspace takes the last region away.");
  }

  draw(event) {
    const { frame, start } = this.drawing;
    const end = this.point(event, frame);
    if (!this.drawing.mark) {
      this.drawing.mark = { image: frame.part, text: "" };
      this.marks.push(this.drawing.mark);
    }
    Object.assign(this.drawing.mark, {
      left: Math.min(start.x, end.x), right: Math.max(start.x, end.x),
      top: Math.min(start.y, end.y), bottom: Math.max(start.y, end.y),
    });
    this.drawMarks(frame);
  }

  unmark(mark = this.marks[this.marks.length - 1]) {
    this.marks = this.marks.filter((other) => other !== mark);
    this.layOut();
  }

  drawMarks(frame) {
    frame.paper.querySelectorAll(".mark").forEach((mark) => mark.remove());
    if (frame.shown !== frame.part) return;
    for (const mark of this.marks.filter((each) => each.image === frame.part)) {
      const box = make("div", { class: "mark" });
      box.style.left = `${mark.left * 100}%`;
      box.style.top = `${mark.top * 100}%`;
      box.style.width = `${(mark.right - mark.left) * 100}%`;
      box.style.height = `${(mark.bottom - mark.top) * 100}%`;
      frame.paper.append(box);
    }
  }
}

export { title };

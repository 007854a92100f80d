// "Draw 20": one's own accuracy with an interval, and "learn my handwriting".

import { get, pack, post } from "../api.js";
import { announce, fill, h, safely, table } from "../dom.js";
import { accuracyInterval, percent } from "../numbers.js";
import { progressBar, untilOver } from "../poll.js";
import { t } from "../strings.js";

const COUNT = 20;

/** Return the labels to draw: each class as often as the others, in random order. */
function labelsToDraw(classes, count = COUNT) {
  const all = Array.from({ length: count }, (_, n) => n % classes);
  for (let n = all.length - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1));
    [all[n], all[other]] = [all[other], all[n]];
  }
  return all;
}

export class Series {
  constructor(view) {
    this.view = view;
    this.drawings = []; // {label, prediction}
    this.wanted = [];
    this.body = h("div", { id: "series" });
    this.element = h("section", { className: "panel" }, h("h2", {}, t("series.title", { count: COUNT })), this.body);
    this.showStart();
  }

  showStart() {
    fill(this.body, h("p", {}, t("series.why")),
      h("button", { type: "button", onclick: () => this.begin() }, t("series.begin")));
  }

  begin() {
    this.drawings = [];
    this.wanted = labelsToDraw(this.view.classifier.classes.length);
    this.view.pad.clear();
    this.ask();
  }

  ask() {
    const n = this.drawings.length;
    if (n === this.wanted.length) {
      this.showResult();
      return;
    }
    const label = this.view.classifier.classes[this.wanted[n]];
    fill(this.body,
      h("p", { id: "wanted" }, t("series.ask", { label, n: n + 1, count: this.wanted.length })),
      h("div", { className: "row" },
        h("button", { type: "button", className: "primary", onclick: () => this.next() }, t("series.next")),
        h("button", { type: "button", onclick: () => this.showStart() }, t("series.cancel"))));
    announce(t("series.ask", { label, n: n + 1, count: this.wanted.length }));
  }

  next() {
    const prediction = this.view.answer.element.prediction;
    if (this.view.pad.isEmpty || prediction === null) {
      announce(t("draw.empty"));
      return;
    }
    this.drawings.push({ label: this.wanted[this.drawings.length], prediction });
    this.view.pad.clear();
    this.ask();
  }

  showResult() {
    const { classes } = this.view.classifier;
    const all = this.drawings.length;
    const right = this.drawings.filter(({ label, prediction }) => prediction.index === label).length;
    const unsure = this.drawings.filter(({ prediction }) => !prediction.is_confident).length;
    const [low, high] = accuracyInterval(right, all).map((share) => Math.round(100 * share));
    const wrong = this.drawings.filter(({ label, prediction }) => prediction.index !== label);
    this.body.dataset.right = right;
    fill(this.body,
      h("p", { id: "series-result" }, t("series.result", { right, all, percent: Math.round((100 * right) / all), low, high, unsure })),
      wrong.length === 0 ? null : table([t("series.drawn"), t("series.taken"), `>${t("series.times")}`],
        confusions(wrong, classes), t("series.confusions")),
      h("p", {}, t("series.learn-why")),
      h("div", { className: "row" },
        h("button", { type: "button", className: "primary", id: "learn", onclick: () => this.learn() }, t("series.learn")),
        h("button", { type: "button", onclick: () => this.begin() }, t("series.again"))),
      h("div", { id: "learning", role: "status" }));
  }

  /** Fine-tune the model on the drawings, on the server, and show it before and after. */
  async learn() {
    const shape = this.drawings[0].prediction.input.shape;
    const size = shape.reduce((a, b) => a * b);
    const data = new Uint8Array(this.drawings.length * size);
    this.drawings.forEach(({ prediction }, n) => data.set(prediction.input.data, n * size));
    document.getElementById("learn").disabled = true;
    try {
      await post("/api/draw/learn", {
        images: pack({ shape: [this.drawings.length, ...shape], data }),
        labels: this.drawings.map(({ label }) => label),
      });
      await this.showLearned();
    } catch (error) {
      announce(t("error", { reason: error.message }));
      document.getElementById("learn").disabled = false;
    }
  }

  async showLearned() {
    const place = document.getElementById("learning");
    const bar = progressBar(t("learn.progress"));
    fill(place, bar);
    const state = await untilOver(() => get("/api/draw/learning"), bar.show, () => place.isConnected);
    if (state === null) return;
    const { result } = state;
    fill(place,
      table([t("learn.what"), `>${t("learn.before")}`, `>${t("learn.after")}`], [
        [t("learn.drawings"), percent(result.drawings_before), percent(result.drawings_after)],
        [t("learn.test", { count: result.test_images }), percent(result.test_before), percent(result.test_after)],
      ], t("learn.title")),
      h("p", { className: "small muted" }, t("learn.how", result)),
      h("p", {}, t("learn.saved", { name: result.saved })),
      h("button", { type: "button", className: "primary", onclick: safely(() => this.use()) }, t("learn.use")));
  }

  async use() {
    await post("/api/draw/use");
    location.reload();
  }
}

function confusions(wrong, classes) {
  const counts = new Map();
  for (const { label, prediction } of wrong) {
    const key = `${classes[label]}\u0000${prediction.predicted}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, n]) => [...key.split("\u0000"), n]);
}

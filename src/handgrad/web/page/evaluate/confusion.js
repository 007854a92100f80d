// The confusion matrix. Each cell opens into its images.

import { fill, h, safely } from "../dom.js";
import { answerText, gallery } from "../gallery.js";
import { percent } from "../numbers.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

/** Return a panel with the confusion matrix of a result. */
export function confusionPanel(result, settings) {
  const holder = h("div", {});
  const opened = h("div", { className: "opened", "aria-live": "polite" });
  let isInPercent = settings.rows === "percent";
  let cell = /^\d+-\d+$/.test(settings.cell ?? "") ? settings.cell : null;

  const choice = (text, value) => {
    const button = h("button", { type: "button" }, text);
    button.onclick = () => {
      isInPercent = value;
      changeSettings({ rows: value ? "percent" : null });
      draw();
    };
    return button;
  };
  const buttons = [choice(t("evaluate.counts"), false), choice(t("evaluate.percent"), true)];

  function draw() {
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(isInPercent === Boolean(k))));
    fill(holder, matrix(result, isInPercent, cell, open));
  }

  function open(name) {
    cell = name;
    changeSettings({ cell });
    draw();
    holder.querySelector(`[data-cell="${cell}"]`)?.focus();
    return safely(showImages)();
  }

  async function showImages() {
    const [i, j] = cell.split("-").map(Number);
    const indices = [...result.labels.keys()].filter(
      (n) => result.labels[n] === i && result.answers[n] === j);
    const [label, answer] = [result.classes[i], result.classes[j]];
    if (label === undefined || answer === undefined) return;
    const images = gallery("/api/evaluate/images");
    fill(opened, h("h3", {}, t("evaluate.cell", { label, answer, count: indices.length })), images);
    await images.show(indices, (n) => answerText(label, answer, result.confidence[n]));
  }

  draw();
  if (cell) safely(showImages)();
  return h("section", { className: "panel confusion" },
    h("h2", {}, t("evaluate.confusion")),
    h("p", { className: "small muted" }, t("evaluate.confusion-help")),
    h("div", { className: "row", role: "group", "aria-label": t("evaluate.confusion") }, ...buttons),
    holder, opened);
}

function matrix(result, isInPercent, opened, open) {
  const { confusion, classes } = result;
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const cell = (count, i, j) => {
    const share = sums[i] ? count / sums[i] : 0;
    const shown = isInPercent ? percent(share).replace(" ", "\u202f") : String(count);
    if (count === 0) return h("td", { className: "number zero", dataset: { count } }, isInPercent ? "" : "0");
    const name = `${i}-${j}`;
    const text = t("evaluate.cell", { label: classes[i], answer: classes[j], count });
    const button = h("button", {
      type: "button", className: "cell", title: text, "aria-label": isInPercent ? `${text}, ${shown}` : text,
      "aria-pressed": String(name === opened), dataset: { cell: name, count },
    }, shown);
    const amount = Math.round(8 + 36 * Math.sqrt(share));
    const colour = i === j ? "--series-1" : "--series-2";
    button.style.background = `color-mix(in srgb, var(${colour}) ${amount}%, var(--page))`;
    button.onclick = () => open(name);
    return h("td", { className: "number" }, button);
  };
  return h("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": t("evaluate.confusion") },
    h("table", { className: "matrix" },
      h("caption", {}, t("evaluate.axes")),
      h("thead", {}, h("tr", {}, h("td", {}), ...classes.map((name) =>
        h("th", { className: "number", scope: "col" }, name)))),
      h("tbody", {}, ...confusion.map((row, i) => h("tr", {},
        h("th", { scope: "row" }, classes[i]), ...row.map((count, j) => cell(count, i, j)))))));
}

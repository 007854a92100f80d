// Damaged images: fifteen kinds and five strengths.

import { get, post, unpack } from "../api.js";
import { lineChart } from "../chart.js";
import { announce, fill, h, table } from "../dom.js";
import { answerText, tile } from "../gallery.js";
import { percent } from "../numbers.js";
import { imageAt } from "../images.js";
import { progressBar, untilOver } from "../poll.js";
import { slider } from "../slider.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

/** Return a panel with the sliders; its method `start` shows the first images. */
export function damagePanel(result, settings, isAlive) {
  const { kinds, strengths, classes } = result;
  let kind = Math.max(0, kinds.indexOf(settings.kind));
  let strength = [0, ...strengths].includes(Number(settings.strength ?? 3)) ? Number(settings.strength ?? 3) : 3;
  let turn = 0;
  let known = { clean: null, accuracies: Object.fromEntries(kinds.map((name) => [name, strengths.map(() => null)])) };
  const sentence = h("p", { className: "sentence", "aria-live": "polite" });
  const images = h("ul", { className: "grid gallery" });
  const everything = h("div", {});
  const chart = lineChart({
    title: t("evaluate.robustness"), xName: t("evaluate.strength"), yName: t("evaluate.accuracy"),
    yMin: 0, yMax: 1, format: percent,
  });
  const measure = h("button", { type: "button" }, t("evaluate.measure"));
  measure.onclick = () => measureAll(true).catch(fail);

  const kindName = (k) => t(`evaluate.kind.${kinds[k]}`);
  const change = () => {
    changeSettings({ kind: kinds[kind], strength });
    show().catch(fail);
  };
  const panel = h("section", { className: "panel damage" },
    h("h2", {}, t("evaluate.damage")),
    h("p", { className: "small muted" }, t("evaluate.damage-help")),
    h("div", { className: "columns" },
      slider(t("evaluate.kind"), 0, kinds.length - 1, 1, kind, kindName, (value) => { kind = value; change(); }),
      slider(t("evaluate.strength"), 0, strengths.at(-1), 1, strength, strengthName, (value) => { strength = value; change(); })),
    sentence, images, h("div", { className: "columns" }, chart, h("div", {}, measure, everything)));

  /** Show damaged images, and then the accuracy at the other strengths of this kind. */
  async function show() {
    const mine = ++turn;
    const isCurrent = () => isAlive() && mine === turn;
    const shown = await damaged(strength);
    if (!isCurrent()) return;
    describe(shown);
    panel.dataset.accuracy = shown.accuracy;
    for (const other of [0, ...strengths]) {
      await damaged(other);
      if (!isCurrent()) return;
      drawChart();
    }
    panel.dataset.curve = kinds[kind];
  }

  async function damaged(at) {
    const name = kinds[kind];
    const found = await get("/api/evaluate/damaged", { kind: name, strength: at });
    if (at === 0) known.clean = found.accuracy;
    else known.accuracies[name][at - 1] = found.accuracy;
    return found;
  }

  function describe(found) {
    const [low, high] = found.interval.map(percent);
    const numbers = { accuracy: percent(found.accuracy), low, high, count: found.count, total: found.total };
    sentence.textContent = t(found.count < found.total ? "evaluate.damaged-some" : "evaluate.damaged", numbers);
    const after = unpack(found.after);
    fill(images, ...found.labels.map((label, i) => tile(
      imageAt(after, i), answerText(classes[label], classes[found.answers[i]], found.confidence[i]))));
  }

  function drawChart() {
    const curve = (numbers) => {
      const ys = [known.clean, ...numbers];
      const at = [...ys.keys()].filter((k) => ys[k] !== null);
      return { x: at, y: at.map((k) => ys[k]) };
    };
    const series = [{ name: kindName(kind), ...curve(known.accuracies[kinds[kind]]) }];
    if (isComplete()) series.push({ name: t("evaluate.mean"), ...curve(means()) });
    chart.show(series);
  }

  const isComplete = () => Object.values(known.accuracies).flat().every((value) => value !== null);
  const means = () => strengths.map((_, s) =>
    kinds.reduce((sum, name) => sum + known.accuracies[name][s], 0) / kinds.length);

  /** Poll the measurement of all kinds; with `isNew`, start it first. */
  async function measureAll(isNew) {
    const bar = progressBar(t("evaluate.measuring"));
    const first = await (isNew ? post : get)("/api/evaluate/robustness");
    if (!isAlive()) return;
    measure.hidden = isNew || !first.is_over;
    if (measure.hidden) fill(everything, bar);
    const state = await untilOver(() => get("/api/evaluate/robustness"), bar.show, isAlive);
    if (state === null) return;
    known = { clean: state.clean ?? known.clean, accuracies: state.accuracies };
    measure.hidden = isComplete();
    fill(everything, isComplete() ? overview() : null);
    drawChart();
  }

  function overview() {
    const rows = kinds.map((name) => [t(`evaluate.kind.${name}`), ...known.accuracies[name].map(percent)]);
    rows.push([t("evaluate.mean"), ...means().map(percent)]);
    const columns = [t("evaluate.kind"), ...strengths.map((s) => `>${s}`)];
    const element = table(columns, rows, t("evaluate.overview"));
    element.classList.add("overview");
    return element;
  }

  function fail(error) {
    if (!isAlive()) return;
    measure.hidden = false;
    fill(everything);
    sentence.textContent = error.message;
    announce("");
  }

  panel.start = () => {
    show().catch(fail);
    measureAll(false).catch(fail);
  };
  return panel;
}

function strengthName(strength) {
  return strength === 0 ? t("evaluate.undamaged") : String(strength);
}

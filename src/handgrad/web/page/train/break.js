// "Break it": a network with a mistake in its backward pass, beside the same network without it.

import { get, post } from "../api.js";
import { lineChart } from "../chart.js";
import { announce, fill, h, labelled, select, table } from "../dom.js";
import { percent, short } from "../numbers.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

const POLL = 250;
const outcomes = new Map(); // of this visit, by mistake and optimizer

function nameOf({ name, layer }) {
  return `${layer}: ${t(`train.mistake.${name}`)}`;
}

/** Return {element, end}. */
export async function breakIt(settings) {
  const { mistakes, optimizers } = await get("/api/break/mistakes");
  const byName = new Map(mistakes.map((mistake) => [mistake.name, mistake]));
  const chosen = {
    mistake: byName.has(settings.mistake) ? settings.mistake : mistakes[0].name,
    optimizer: optimizers.includes(settings.with) ? settings.with : optimizers[0],
  };
  let isMounted = true;

  const formulas = h("div", { className: "formulas" });
  const curves = lineChart({ title: t("train.break.chart"), xName: t("train.fact.step"),
    yName: t("train.fact.loss") });
  const verdict = h("p", { className: "verdict" });
  const check = h("div", {});
  const summary = h("div", {});
  const start = h("button", { type: "button", className: "primary", onclick: () => run([chosen.mistake]) },
    t("train.break.start"));
  const all = h("button", { type: "button", onclick: () => run([...byName.keys()]) },
    t("train.break.all", { count: mistakes.length }));
  const choice = select(mistakes.map((m) => [m.name, nameOf(m)]),
    chosen.mistake, (name) => { choose(name); changeSettings({ mistake: name }); });
  const element = h("section", { className: "panel break" }, h("h2", {}, t("train.break")),
    h("p", {}, t("train.break.about")),
    h("div", { className: "row" }, labelled(t("train.break.mistake"), choice),
      labelled(t("train.break.optimizer"), select(optimizers.map((name) => [name, name]), chosen.optimizer,
        (name) => { chosen.optimizer = name; changeSettings({ with: name }); })),
      start, all),
    formulas, h("div", { className: "columns" }, curves, h("div", {}, verdict, check)), summary);
  choose(chosen.mistake);
  showSummary();

  function choose(name) {
    chosen.mistake = choice.value = name;
    const mistake = byName.get(name);
    fill(formulas, h("p", {}, mistake.title), h("p", {}, h("span", { className: "good" }, t("train.break.right")), " ",
      h("code", {}, mistake.right)), h("p", {}, h("span", { className: "bad" }, t("train.break.wrong")), " ",
      h("code", {}, mistake.wrong)));
    fill(verdict);
    fill(check);
    curves.hidden = true;
  }

  async function run(names) {
    start.disabled = all.disabled = true;
    try {
      for (const name of names) {
        if (!isMounted) return;
        choose(name);
        await one(name);
      }
    } catch (error) {
      announce(t("error", { reason: error.message }));
    }
    start.disabled = all.disabled = false;
  }

  async function one(name) {
    const { job } = await post("/api/break/start", { mistake: name, optimizer: chosen.optimizer });
    const { optimizer } = chosen;
    const points = [];
    let since = 0;
    fill(verdict, t("train.break.training"));
    curves.hidden = false;
    while (isMounted) {
      const state = await get("/api/break/state", { job, since });
      since = state.number;
      points.push(...(state.points ?? []));
      curves.show([false, true].map((wrong) => {
        const own = points.filter((p) => p.wrong === wrong);
        return { name: t(wrong ? "train.break.wrong" : "train.break.right"), x: own.map((p) => p.step), y: own.map((p) => p.loss) };
      }));
      if (state.outcome) {
        outcomes.set(`${name} ${optimizer}`, { name, optimizer, ...state.outcome });
        fill(verdict, sentence(state.outcome), ...explanations(state.outcome, name, optimizer));
        element.outcome = state.outcome;
        showSummary();
      }
      if (state.check) showCheck(state.check);
      if (state.phase?.phase === "failed") throw new Error(state.phase.text);
      if (!state.running) return;
      await new Promise((resolve) => { setTimeout(resolve, POLL); });
    }
  }

  function sentence({ right, wrong, verdict: word }) {
    return t(`train.verdict.${word}`, { right: percent(right.test_accuracy), wrong: percent(wrong.test_accuracy),
      step: wrong.diverged_at });
  }

  /** Say how sure the two accuracies are, and why an optimizer may hide a mistake. */
  function explanations({ right, wrong }, name, optimizer) {
    const interval = ([low, high]) => t("train.break.interval", { low: percent(low), high: percent(high) });
    const line = (text) => h("span", { className: "small explanation" }, text);
    const found = [];
    if (wrong.diverged_at === null) {
      found.push(line(t("train.break.intervals", { right: interval(right.interval), wrong: interval(wrong.interval) })));
      const isAhead = wrong.test_accuracy > right.test_accuracy, overlaps = wrong.interval[0] <= right.interval[1];
      if (isAhead && overlaps) found.push(line(t("train.break.chance")));
    }
    if (name === "missing-n") found.push(line(t(optimizer === "adam" ? "train.break.adam" : "train.break.sgd")));
    return found;
  }

  function showCheck({ rows, causes }) {
    fill(check, h("h3", {}, t("train.break.check")),
      ...causes.map((cause) => h("p", { className: "cause", dataset: { cause: cause.name } },
        t("train.break.cause", { tensor: cause.tensor, sentence: cause.sentence }))),
      table([t("train.break.tensor"), `>${t("train.break.error")}`, `>${t("train.break.bound")}`, t("train.break.verdict")],
        rows.map((row) => [row.tensor, short(row.error), short(row.bound), row.verdict])),
      h("p", { className: "small muted" }, t("train.break.relative")));
  }

  function showSummary() {
    if (!outcomes.size) return;
    fill(summary, h("h3", {}, t("train.break.so-far")), table(
      [t("train.break.mistake"), t("train.break.optimizer"), `>${t("train.break.right")}`,
        `>${t("train.break.wrong")}`, t("train.break.verdict")],
      [...outcomes.values()].map((o) => [nameOf(byName.get(o.name)), o.optimizer,
        percent(o.right.test_accuracy), percent(o.wrong.test_accuracy), t(`train.word.${o.verdict}`)]),
      t("train.break.caption")));
  }

  return { element, end: () => { isMounted = false; } };
}

// The view Compare: two runs or networks, and the same network by hand and in PyTorch.

import { get } from "../api.js";
import { fill, h, labelled, select } from "../dom.js";
import { progressBar, untilOver } from "../poll.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";
import { agreementPanel } from "./agreement.js";
import { curvesPanel, factsPanel } from "./curves.js";
import { enginesPanel } from "./engines.js";

export const view = {
  mount(main, settings) {
    let isAlive = true;
    const runs = h("div", {});
    const engines = enginesPanel(settings, () => isAlive);
    main.append(h("h1", {}, t("view.compare")), runs, engines);
    showRuns(runs, settings, () => isAlive).catch((error) => {
      if (isAlive) fill(runs, h("p", { className: "error" }, error.message));
    });
    engines.start();
    return () => { isAlive = false; };
  },
};

async function showRuns(element, settings, isAlive) {
  const { runs } = await get("/api/compare/runs");
  if (!isAlive()) return;
  const readable = runs.filter((run) => !run.error);
  const broken = runs.filter((run) => run.error);
  const has = (name) => readable.some((run) => run.name === name);
  let a = has(settings.a) ? settings.a : readable[0]?.name;
  let b = has(settings.b) ? settings.b : readable.find((run) => run.name !== a)?.name;
  const result = h("div", { className: "comparison" });
  const unreadable = broken.length === 0 ? null : h("details", { className: "unreadable" },
    h("summary", {}, t("compare.unreadable", { count: broken.length })),
    h("ul", {}, ...broken.map((run) => h("li", {}, h("strong", {}, run.title), ` – ${run.error}`))));
  if (b === undefined) {
    fill(element, h("section", { className: "panel" },
      h("h2", {}, t("compare.two")), h("p", {}, t("compare.too-few")), unreadable));
    return;
  }
  let turn = 0;
  const compare = async () => {
    const mine = ++turn;
    const isCurrent = () => isAlive() && mine === turn;
    const bar = progressBar(t("compare.running"));
    fill(result, bar);
    try {
      const state = await untilOver(() => get("/api/compare", { a, b }), bar.show, isCurrent);
      if (state !== null) showResult(result, state.result, { a, b });
    } catch (error) {
      if (isCurrent()) fill(result, h("p", { className: "error" }, error.message));
    }
  };
  const options = readable.map((run) => [run.name, title(run)]);
  const change = (changes) => {
    ({ a, b } = { a, b, ...changes });
    changeSettings({ a, b });
    return compare();
  };
  fill(element, h("section", { className: "panel" },
    h("h2", {}, t("compare.two")),
    h("div", { className: "row" },
      labelled(t("compare.first"), select(options, a, (value) => change({ a: value }), { id: "first" })),
      labelled(t("compare.second"), select(options, b, (value) => change({ b: value }), { id: "second" }))),
    unreadable), result);
  await compare();
}

function title(run) {
  const what = [run.model, run.data].filter(Boolean).join(", ");
  const name = run.name === "" ? t("compare.current", { name: run.title }) : run.title;
  return what ? `${name} (${what})` : name;
}

function showResult(element, result, pair) {
  const names = result.runs.map((run, k) => `${"AB"[k]}: ${run.title}`);
  const curves = curvesPanel(result, names);
  fill(element,
    dataSentence(result),
    h("div", { className: "columns wide" }, factsPanel(result, names), curves),
    agreementPanel(result, names, pair));
  curves.draw();
}

function dataSentence({ same_data: same, agreement, reason }) {
  if (same === true) return null;
  const text = same === false ? t("compare.other-data") : t("compare.unknown-data");
  const more = agreement ? t("compare.on-data", { data: agreement.data }) : t("compare.no-agreement", { reason });
  return h("p", { className: "panel data-differs" }, `${text} ${more}`);
}

// The view Evaluate: how good is the model, where does it fail, and when does it know?

import { get, unpack } from "../api.js";
import { fill, h } from "../dom.js";
import { percent } from "../numbers.js";
import { progressBar, untilOver } from "../poll.js";
import { t } from "../strings.js";
import { confusionPanel } from "./confusion.js";
import { damagePanel } from "./damage.js";
import { mistakesPanel } from "./mistakes.js";
import { reliabilityPanel } from "./reliability.js";
import { thresholdPanel } from "./thresholds.js";

export const view = {
  mount(main, settings) {
    let isAlive = true;
    const content = h("div", {});
    main.append(h("h1", {}, t("view.evaluate")), content);
    show(content, settings, () => isAlive).catch((error) => {
      if (isAlive) fill(content, h("p", { className: "error" }, error.message));
    });
    return () => { isAlive = false; };
  },
};

async function show(content, settings, isAlive) {
  const session = await get("/api/session");
  if (session.model === null) {
    fill(content, h("p", {}, t("evaluate.no-model")));
    return;
  }
  const bar = progressBar(t("evaluate.running"));
  fill(content, bar);
  const state = await untilOver(() => get("/api/evaluate"), bar.show, isAlive);
  if (state === null) return;
  const result = { ...state.result };
  for (const name of ["labels", "answers", "confidence", "scores"]) {
    result[name] = result[name] && unpack(result[name]).data;
  }
  const damage = damagePanel(result, settings, isAlive);
  fill(content,
    summary(result),
    h("div", { className: "columns wide" },
      confusionPanel(result, settings), mistakesPanel(result),
      thresholdPanel(result, settings), reliabilityPanel(result)),
    damage);
  content.querySelectorAll("[data-draws]").forEach((element) => element.draw());
  damage.start();
}

function summary(result) {
  const numbers = { correct: result.correct, count: result.count, data: result.data };
  const [low, high] = result.interval;
  return h("section", { className: "panel summary", dataset: { accuracy: result.accuracy } },
    h("p", { className: "big" }, percent(result.accuracy)),
    h("div", {},
      h("p", {}, t("evaluate.correct", numbers)),
      h("p", { className: "interval" },
        t("evaluate.interval", { low: percent(low), high: percent(high) })),
      h("p", { className: "small muted" }, seen(result)),
      result.failure ? h("p", { className: "bad" }, t("evaluate.failure", { reason: result.failure })) : null));
}

function seen({ trained_on: known, count, accuracy_of_others: others, all_known: all }) {
  if (known === null) return t("evaluate.seen-unknown");
  if (!all) return t("evaluate.seen-at-least", { known, count });
  if (known && others !== null) return t("evaluate.seen-some", { known, count, accuracy: percent(others) });
  return t(known ? "evaluate.seen-all" : "evaluate.seen-none", { known, count });
}

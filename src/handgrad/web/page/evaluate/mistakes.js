// The most confident mistakes.

import { h, safely } from "../dom.js";
import { answerText, gallery } from "../gallery.js";
import { t } from "../strings.js";

const MOST = 100;

/** Return a panel with the wrong answers, the most confident first. */
export function mistakesPanel({ labels, answers, confidence, classes }) {
  const wrong = [...labels.keys()].filter((n) => answers[n] !== labels[n]);
  wrong.sort((a, b) => confidence[b] - confidence[a]);
  const images = gallery("/api/evaluate/images");
  images.classList.add("mistakes");
  safely(images.show)(wrong.slice(0, MOST), (n) => answerText(classes[labels[n]], classes[answers[n]], confidence[n]));
  return h("section", { className: "panel" },
    h("h2", {}, t("evaluate.mistakes")),
    h("p", { className: "small muted" },
      t(wrong.length ? "evaluate.mistakes-help" : "evaluate.no-mistakes", { count: wrong.length })),
    images);
}

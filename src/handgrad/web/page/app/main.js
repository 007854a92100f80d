// The page that is one file: `handgrad export --html` puts it, the runtime and a model together.

import { fill, h } from "../dom.js";
import { Answer } from "../draw/answer.js";
import { Pad } from "../draw/pad.js";
import { currentLanguage, t } from "../strings.js";
import { Files } from "./files.js";
import { Layers } from "./layers.js";
import { check_golden } from "../../runtime/golden.js";
import { modelBytes, sameAnswer, selfTest } from "./self_test.js";

export { check_golden, modelBytes, selfTest };

/** Check the model, show the verdict, and replace the static part of the page. */
export function start() {
  const band = document.getElementById("band");
  try {
    const bytes = modelBytes(document.getElementById("model").textContent);
    const settings = JSON.parse(document.getElementById("settings").textContent);
    const found = selfTest(bytes, settings);
    if (!isShown(settings.answers)) {
      found.passed = false;
      found.changed = [...new Set([...found.changed, "answers"])];
    }
    showVerdict(band, found);
    document.documentElement.lang = currentLanguage();
    new App(document.getElementById("app"), found.classifier).start();
    translate();
  } catch (error) {
    verdict(band, false, `${t("app.unusable", { reason: error.message })}`);
  }
}

function showVerdict(band, { right, count, difference, changed, passed }) {
  const facts = { right, count, difference: difference === 0 ? "0" : difference.toExponential(0) };
  const parts = changed.map((part) => t(`app.part.${part}`)).join(", ");
  verdict(band, passed, ...(passed
    ? [t("app.passed", facts)]
    : [t("app.failed", facts), parts === "" ? "" : t("app.changed", { parts }), t("app.rely")]));
}

function verdict(band, isGood, ...sentences) {
  band.className = `band ${isGood ? "band-good" : "band-bad"}`;
  band.dataset.passed = isGood;
  band.textContent = sentences.filter(Boolean).join(" ");
}

/** Return whether the answers in the static part of the page are the stored ones. */
function isShown(answers) {
  const figures = [...document.querySelectorAll("#golden figure")];
  return figures.length === answers.length && figures.every((figure, n) => {
    const text = (selector) => figure.querySelector(selector)?.textContent ?? "";
    const shown = {
      label: visible(text(".golden-label")),
      percent: parseFloat(text(".golden-percent")),
      reason: text(".golden-reason"),
    };
    return sameAnswer(shown, { ...answers[n], label: visible(answers[n].label) });
  });
}

/** Return a text without the characters that a parser of HTML changes. */
function visible(text) {
  return text.replace(/[\0\r\n\uFFFD]/g, "");
}

function translate() {
  for (const [id, key] of [["golden-title", "app.golden"], ["golden-why", "app.golden-why"], ["footer", "app.footer"]]) {
    document.getElementById(id).textContent = t(key);
  }
}

class App {
  constructor(element, classifier) {
    Object.assign(this, { element, classifier });
    this.pad = new Pad((isDone) => this.onDrawing(isDone));
    this.answer = new Answer();
    this.layers = new Layers(classifier);
    this.files = new Files(classifier, (bitmap) => this.pad.open(bitmap));
    this.frame = null;
  }

  start() {
    fill(this.element,
      h("div", { className: "columns" },
        h("section", { className: "panel" }, h("h2", {}, t("draw.your")), this.pad.element,
          h("div", { className: "row" },
            this.chooser(t("app.add"), { multiple: true, id: "open" }),
            this.chooser(t("draw.camera"), { capture: "environment" }))),
        h("section", { className: "panel" }, h("h2", {}, t("draw.answer")), this.answer.element)),
      this.files.element, this.answer.stepsPanel, this.layers.element);
    this.answer.clear();
    this.element.dataset.ready = "true";
  }

  /** Return a button that opens images. */
  chooser(name, { capture, ...properties }) {
    const control = h("input", { type: "file", accept: "image/*", className: "behind-label", ...properties });
    if (capture) control.setAttribute("capture", capture);
    control.onchange = async () => {
      await this.files.open(control.files);
      control.value = "";
    };
    return h("label", { className: "button" }, name, control);
  }

  /** Classify what is on the pad: at once when a stroke ends, otherwise with the next frame. */
  onDrawing(isDone) {
    if (isDone) this.classify();
    else this.frame ??= requestAnimationFrame(() => this.classify(false));
  }

  classify(isDone = true) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (this.pad.isEmpty) {
      this.answer.clear();
      this.layers.show(null);
      return;
    }
    const prediction = this.classifier.predict(this.pad.image());
    this.answer.show(prediction);
    if (isDone) this.layers.show(prediction.input);
  }
}

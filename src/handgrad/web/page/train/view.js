// The view Train: a run from its settings to its model, hints, and "Break it".

import { get, post } from "../api.js";
import { announce, fill, h, safely } from "../dom.js";
import { percent } from "../numbers.js";
import { link } from "../state.js";
import { t } from "../strings.js";
import { breakIt } from "./break.js";
import { interruptedRuns, settingsForm } from "./form.js";
import { showHints } from "./hints.js";
import { liveRun } from "./live.js";

const POLL = 250; // milliseconds
const IDLE_POLL = 2000;
const OVER = new Set(["finished", "failed", "stopped"]);

export const view = {
  async mount(main, settings) {
    const [session, offered, broken] = await Promise.all(
      [get("/api/session"), get("/api/train/settings"), breakIt(settings)]);
    return new TrainView(main, settings, { session, offered, broken }).start();
  },
};

/**
 * The state of the view:
 * - job, since: the number of the job on the server that is shown, and of its last known event.
 * - isRunning, phase: whether its process runs, and what it does.
 * - run: the run's folder and settings, or null; isResumable: whether it has a checkpoint.
 */
class TrainView {
  constructor(main, settings, { session, offered, broken }) {
    Object.assign(this, { main, session, broken, job: 0, since: 0, isRunning: false, isMounted: true, timer: null });
    this.forgetRun();
    this.form = settingsForm(offered.settings, { ...offered.suggested, ...settings });
    this.live = liveRun();
    this.buttons = {
      start: this.button("start", () => this.startRun(), { className: "primary" }),
      pause: this.button("pause", () => this.command("pause")),
      continue: this.button("continue", () => this.command("continue")),
      step: this.button("step", () => this.step()),
      stop: this.button("stop", () => this.command("stop")),
      apply: this.button("apply", () => this.change(this.form.values())),
    };
    this.phaseText = h("p", { className: "phase", role: "status" });
    this.ending = h("div", { className: "row ending" });
    this.notes = h("ul", { className: "small notes" });
    this.hints = h("div", {});
    this.interrupted = interruptedRuns(offered.interrupted, (name) => this.act(() => this.resume(name)));
  }

  async start() {
    const about = this.session.model === null ? "train.about-first" : "train.about-view";
    this.main.append(h("h1", {}, t("view.train")), h("p", { className: "muted" }, t(about)),
      h("div", { className: "training" },
        h("section", { className: "panel" }, h("h2", {}, t("train.settings")),
          h("div", { className: "row" }, ...Object.values(this.buttons)),
          this.phaseText, this.ending, this.notes, this.interrupted, this.form.element),
        h("div", {},
          h("section", { className: "panel" }, h("h2", {}, t("train.live")), this.live.element),
          h("section", { className: "panel" }, h("h2", {}, t("train.hints")), this.hints))),
      this.broken.element);
    this.live.clear();
    showHints(this.hints, [], () => {});
    await this.poll();
    return () => {
      this.isMounted = false;
      clearTimeout(this.timer);
      this.broken.end();
    };
  }

  forgetRun() {
    Object.assign(this, { phase: null, run: null, isResumable: false });
  }

  button(name, action, properties = {}) {
    return h("button", { type: "button", onclick: () => this.act(action), ...properties }, t(`train.${name}`));
  }

  /** Do something on the server, and ask at once what has changed. */
  act(action) {
    return safely(async () => {
      await action();
      await this.poll();
    })();
  }

  startRun(more = {}) {
    return post("/api/train/start", { settings: this.form.values(), ...more });
  }

  resume(name, settings = {}) {
    return post("/api/train/resume", { name, settings });
  }

  command(name) {
    return post("/api/train/command", { do: name });
  }

  async change(settings) {
    if (Object.keys(settings).length) await post("/api/train/command", { do: "change", settings });
  }

  async step() {
    if (!this.isRunning) await this.startRun({ paused: true });
    await this.command("step");
  }

  async applyRemedy(hint) {
    const changed = Object.fromEntries(Object.entries(hint.remedy).map(([k, v]) => [k, String(v)]));
    if (!hint.starts_again && this.isRunning) return this.change(changed);
    if (!hint.starts_again && this.isResumable) return this.resume(this.run.name, changed);
    if (this.isRunning) await this.command("stop");
    while (this.isRunning) await this.poll();
    this.form.setValues(changed);
    return this.startRun();
  }

  /** Ask for the new events, show them, and ask again after a while. */
  async poll() {
    clearTimeout(this.timer);
    await safely(async () => {
      const { job, since } = this;
      const state = await get("/api/train/state", { job, since, watching: !document.hidden });
      // If another answer came meanwhile, this one has events that are already shown.
      if (this.isMounted && job === this.job && since === this.since) this.update(state);
    })();
    if (!this.isMounted) return;
    clearTimeout(this.timer); // another poll may have set it meanwhile
    this.timer = setTimeout(() => this.poll(), this.isRunning && !document.hidden ? POLL : IDLE_POLL);
  }

  /** Show the new events of a job; of a job that is not known yet, these are all events. */
  update(state) {
    if (state.job === 0) {
      this.showButtons();
      return;
    }
    if (state.job !== this.job) {
      this.live.clear();
      fill(this.notes);
      showHints(this.hints, [], () => {});
      this.forgetRun();
    }
    Object.assign(this, { job: state.job, since: state.number, isRunning: state.running });
    if (state.checkpoint) this.isResumable = state.checkpoint.resumable;
    this.live.update(state);
    if (state.run) {
      this.run = state.run;
      if (state.running) this.form.showRun(state.run.settings); // otherwise, the address counts
    }
    this.notes.append(...state.notes.map((note) => h("li", {}, note.text)));
    if (state.hints) showHints(this.hints, state.hints.hints, (hint) => this.act(() => this.applyRemedy(hint)));
    if (state.phase) this.showPhase(state);
    this.showButtons();
  }

  showPhase(state) {
    const { run } = this, { phase, text } = state.phase;
    this.phase = this.main.dataset.phase = phase;
    this.phaseText.textContent = t(`train.phase.${phase}`, {
      name: run?.name ?? state.result?.folder.split("/").at(-1) ?? "", reason: text, parameters: run?.parameters.toLocaleString(),
    });
    fill(this.ending);
    if (!OVER.has(phase)) return;
    this.form.showRun(null);
    if (this.isResumable && run) {
      fill(this.ending, h("code", {}, `handgrad train --resume ${run.folder}`),
        h("button", { type: "button", onclick: () => this.act(() => this.resume(run.name)) }, t("train.resume")));
    }
    if (state.result || phase === "finished") this.showResult(state.result);
  }

  showResult(result) {
    const words = result && t("train.result", { accuracy: percent(result.test_accuracy), images: result.test_images });
    fill(this.ending, words ? h("p", { dataset: { accuracy: result.test_accuracy } }, words) : null,
      h("button", { type: "button", className: "primary", onclick: () => this.act(() => this.openModel()) }, t("train.open")));
    if (this.session.model === null) this.act(() => this.openModel());
  }

  async openModel() {
    const { model, data } = await post("/api/train/open");
    this.session.model = model;
    document.getElementById("about-model").textContent = t("about.model", { model, data: data ?? t("about.unknown") });
    this.ending.querySelector("button").remove();
    this.ending.append(h("a", { className: "button", href: link("draw") }, t("train.draw")),
      h("a", { className: "button", href: link("inside") }, t("train.inside")));
    announce(t("train.opened", { model }));
  }

  showButtons() {
    const { buttons, isRunning } = this, isPaused = this.phase === "paused";
    buttons.start.hidden = isRunning;
    buttons.pause.hidden = !isRunning || isPaused;
    buttons.continue.hidden = !isRunning || !isPaused;
    buttons.stop.hidden = buttons.apply.hidden = !isRunning;
    this.interrupted.hidden = isRunning;
  }
}

// The view Train: a run from its settings to its model, hints, and "Break it".

import { get, post } from "../api.js";
import { announce, fill, h } from "../dom.js";
import { link } from "../state.js";
import { t } from "../strings.js";
import { breakIt } from "./break.js";
import { interruptedRuns, settingsForm } from "./form.js";
import { showHints } from "./hints.js";
import { liveRun, percent } from "./live.js";

const POLL = 250; // milliseconds
const IDLE_POLL = 2000;
const OVER = new Set(["finished", "failed", "stopped"]);

export const view = {
  async mount(main, settings) {
    const [session, offered] = await Promise.all([get("/api/session"), get("/api/train/settings")]);
    const form = settingsForm(offered.settings, settings);
    const live = liveRun();
    const broken = await breakIt(settings);
    const known = { job: 0, since: 0, phase: null, run: null };
    let timer = null;
    let isMounted = true;

    const button = (name, action, properties = {}) =>
      h("button", { type: "button", onclick: () => act(action), ...properties }, t(`train.${name}`));
    const buttons = {
      start: button("start", start, { className: "primary" }),
      pause: button("pause", () => command("pause")),
      continue: button("continue", () => command("continue")),
      step: button("step", step),
      stop: button("stop", () => command("stop")),
      apply: button("apply", () => command("change", form.values())),
    };
    const phase = h("p", { className: "phase", role: "status" });
    const ending = h("div", { className: "row ending" });
    const notes = h("ul", { className: "small notes" });
    const hints = h("div", {});
    const interrupted = h("div", {});
    main.append(h("h1", {}, t("view.train")),
      h("p", { className: "muted" }, t(session.model === null ? "train.about-first" : "train.about-view")),
      h("div", { className: "training" },
        h("section", { className: "panel" }, h("h2", {}, t("train.settings")),
          h("div", { className: "row" }, ...Object.values(buttons)), phase, ending, notes, interrupted,
          form.element),
        h("div", {},
          h("section", { className: "panel" }, h("h2", {}, t("train.live")), live.element),
          h("section", { className: "panel" }, h("h2", {}, t("train.hints")), hints))),
      broken.element);
    live.clear();
    showHints(hints, [], () => {});
    showInterrupted(offered.interrupted);
    await poll();

    function act(action) {
      Promise.resolve(action()).then(pollSoon).catch((error) => {
        announce(t("error", { reason: error.message }));
      });
    }

    async function start() {
      await post("/api/train/start", { settings: form.values() });
    }

    async function step() {
      if (!isRunning()) await post("/api/train/start", { settings: form.values(), paused: true });
      await command("step");
    }

    async function command(name, changed = null) {
      if (changed !== null && !Object.keys(changed).length) return;
      await post("/api/train/command", { do: name, ...(changed === null ? {} : { settings: changed }) });
    }

    async function resume(name, changed = {}) {
      await post("/api/train/resume", { name, settings: changed });
    }

    async function applyRemedy(hint) {
      const changed = Object.fromEntries(Object.entries(hint.remedy).map(([k, v]) => [k, String(v)]));
      if (!hint.starts_again && isRunning()) return command("change", changed);
      if (!hint.starts_again && known.resumable) return resume(known.run.name, changed);
      if (isRunning()) await command("stop");
      while (isRunning()) await poll();
      form.setValues(changed);
      return start();
    }

    function isRunning() {
      return known.job > 0 && known.running;
    }

    function pollSoon() {
      clearTimeout(timer);
      return poll();
    }

    async function poll() {
      clearTimeout(timer);
      try {
        const state = await get("/api/train/state", { job: known.job, since: known.since, watching: !document.hidden });
        if (isMounted) update(state);
      } catch (error) {
        announce(t("error", { reason: error.message }));
      }
      if (isMounted) timer = setTimeout(poll, isRunning() && !document.hidden ? POLL : IDLE_POLL);
    }

    function update(state) {
      if (state.job === 0) return showButtons();
      if (state.job !== known.job) {
        live.clear();
        fill(notes);
        showHints(hints, [], () => {});
        Object.assign(known, { job: state.job, phase: null, run: null, resumable: false });
      }
      Object.assign(known, { since: state.number, running: state.running });
      if (state.checkpoint) known.resumable = state.checkpoint.resumable;
      live.update(state);
      if (state.run) {
        known.run = state.run;
        form.showRun(state.run.settings);
      }
      notes.append(...state.notes.map((note) => h("li", {}, note.text)));
      if (state.hints) showHints(hints, state.hints.hints, (hint) => act(() => applyRemedy(hint)));
      if (state.phase) showPhase(state);
      showButtons();
    }

    function showPhase(state) {
      known.phase = state.phase.phase;
      main.dataset.phase = known.phase;
      const run = known.run;
      phase.textContent = t(`train.phase.${known.phase}`, {
        name: run?.name, reason: state.phase.text, parameters: run?.parameters.toLocaleString(),
      });
      fill(ending);
      if (!OVER.has(known.phase)) return;
      form.showRun(null);
      if (known.resumable && run) {
        fill(ending, h("code", {}, `handgrad train --resume ${run.folder}`),
          h("button", { type: "button", onclick: () => act(() => resume(run.name)) }, t("train.resume")));
      }
      if (state.result || known.phase === "finished") showResult(state.result);
    }

    function showResult(result) {
      const words = result && t("train.result", { accuracy: percent(result.test_accuracy), images: result.test_images });
      fill(ending, words ? h("p", { dataset: { accuracy: result.test_accuracy } }, words) : null,
        h("button", { type: "button", className: "primary", onclick: () => act(openModel) }, t("train.open")));
      if (session.model === null) act(openModel);
    }

    async function openModel() {
      const opened = await post("/api/train/open");
      session.model = opened.model;
      document.getElementById("about-model").textContent = t("about.model",
        { model: opened.model, data: opened.data ?? t("about.unknown") });
      ending.querySelector("button").remove();
      ending.append(h("a", { className: "button", href: link("draw") }, t("train.draw")),
        h("a", { className: "button", href: link("inside") }, t("train.inside")));
      announce(t("train.opened", { model: opened.model }));
    }

    function showButtons() {
      const [running, paused] = [isRunning(), known.phase === "paused"];
      buttons.start.hidden = running;
      buttons.pause.hidden = !running || paused;
      buttons.continue.hidden = !running || !paused;
      buttons.stop.hidden = buttons.apply.hidden = !running;
      interrupted.hidden = running;
    }

    function showInterrupted(names) {
      fill(interrupted, interruptedRuns(names, (name) => act(() => resume(name))));
    }

    return () => {
      isMounted = false;
      clearTimeout(timer);
      broken.end();
      delete main.dataset.phase;
    };
  },
};

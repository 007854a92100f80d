// The form with the settings of a run, made from the server's list of settings.

import { fill, h, labelled, select } from "../dom.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

/** Return {element, values, showRun}.
 *
 * `values()` returns the settings that were changed, as texts by name. `showRun(run)` shows the
 * settings of a run that is in progress, and allows only those to be changed that may change; null
 * ends this.
 *
 * @param {object[]} settings the server's list of settings.
 * @param {object} chosen texts by name, from the address of the page.
 */
export function settingsForm(settings, chosen) {
  const fields = settings.map((setting) => field(setting, chosen[setting.name] ?? ""));
  const panels = [...new Set(settings.map((setting) => setting.panel))];
  const rows = (panel) => fields.filter((f) => f.setting.panel === panel).map((f) => f.element);
  const advanced = panels.filter((panel) => panel !== "main").map((panel) =>
    h("section", {}, h("h3", {}, panel), ...rows(panel)));
  const element = h("div", { className: "settings" }, ...rows("main"),
    h("details", {}, h("summary", {}, t("train.advanced")), ...advanced));
  let run = null;

  function values() {
    const found = {};
    for (const { setting, control } of fields) {
      const before = run === null ? setting.default ?? "" : shown(run[setting.name]);
      if (control.value !== before && !control.disabled) found[setting.name] = control.value;
    }
    return found;
  }

  function showRun(settingsOfRun) {
    run = settingsOfRun;
    for (const { setting, control } of fields) {
      control.disabled = run !== null && !setting.changes;
      if (run !== null && setting.name !== "data") set(control, shown(run[setting.name]));
    }
  }

  function setValues(changes) {
    for (const { setting, control } of fields) {
      if (setting.name in changes) set(control, shown(changes[setting.name]));
    }
    remember();
  }

  function remember() {
    const texts = values();
    changeSettings(Object.fromEntries(settings.map((s) => [s.name, texts[s.name] ?? null])));
  }

  element.addEventListener("change", () => { if (run === null) remember(); });
  return { element, values, showRun, setValues };
}

function field(setting, value) {
  const label = setting.panel === "main" ? t(`train.setting.${setting.name}`) : setting.label;
  const isList = setting.choices.length > 0 && !setting.open;
  const id = `train-${setting.name}`;
  const control = isList ? list(setting) : h("input", {
    type: "text", autocomplete: "off", placeholder: setting.default ?? t("train.automatic"),
    spellcheck: false,
  });
  control.name = setting.name;
  set(control, value || (setting.default ?? ""));
  const suggestions = !isList && setting.choices.length
    ? h("datalist", { id }, ...setting.choices.map((name) => h("option", { value: name }))) : null;
  if (suggestions) control.setAttribute("list", id);
  const element = h("div", { className: "setting" }, labelled(label, control), suggestions,
    h("details", { className: "small muted" },
      h("summary", { "aria-label": t("train.about", { name: label }) }, "?"), setting.help));
  return { setting, control, element };
}

function list(setting) {
  const pairs = setting.choices.map((name) => [name, name]);
  if (setting.default === null && setting.name !== "data") pairs.unshift(["", t("train.automatic")]);
  return select(pairs, setting.default ?? pairs[0][0], () => {});
}

function set(control, value) {
  if (control.tagName === "SELECT" && ![...control.options].some((o) => o.value === value)) return;
  control.value = value;
}

/** Return a setting as text. */
export function shown(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? Object.entries(value).map(([k, v]) => `${k}=${v}`).join(",") : String(value);
}

/** Show the interrupted runs, each with a button that resumes it. */
export function interruptedRuns(names, resume) {
  if (!names.length) return h("div", {});
  const chosen = select(names.map((name) => [name, name]), names[names.length - 1], () => {});
  return fill(h("div", { className: "row" }), labelled(t("train.interrupted"), chosen),
    h("button", { type: "button", onclick: () => resume(chosen.value) }, t("train.resume")));
}

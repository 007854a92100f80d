// The frame of the page: the views, the theme and the language.

import { get } from "./api.js";
import { announce, fill, h, safely } from "./dom.js";
import { link, readState } from "./state.js";
import { changeLanguage, currentLanguage, t } from "./strings.js";
import { view as compare } from "./compare/view.js";
import { view as draw } from "./draw/view.js";
import { view as evaluate } from "./evaluate/view.js";
import { view as inside } from "./inside/view.js";
import { view as train } from "./train/view.js";

// A view is an object with `mount(main, settings)`, which shows it in an element, and returns a
// function that ends it: timers, workers and listeners.
const VIEWS = { draw, train, inside, evaluate, compare };
const THEME = "handgrad-theme";

let unmount = () => {};
let turn = 0; // of the last call of `show`; an earlier call that still waits shows nothing more

async function show() {
  const mine = ++turn;
  const { view, settings } = readState();
  const session = await get("/api/session").catch((error) => {
    showFrame(view, null);
    fill(document.getElementById("main"), h("p", { className: "error" }, error.message));
    throw error;
  });
  if (mine !== turn) return;
  const name = view in VIEWS ? view : session.model === null ? "train" : "draw";
  unmount();
  document.title = `handgrad: ${t(`view.${name}`)}`;
  showFrame(name, session);
  // Each view has an element of its own. If the user leaves a view before it is complete, the
  // missing parts are added to its old element, and the new view is not affected.
  const main = h("main", { id: "main", tabIndex: -1, dataset: { view: name } });
  document.getElementById("main").replaceWith(main);
  announce("");
  unmount = () => {};
  const end = (await VIEWS[name].mount(main, settings)) ?? (() => {});
  if (mine !== turn) {
    end();
    return;
  }
  unmount = end;
  main.dataset.ready = name;
}

function showFrame(current, session) {
  const tabs = document.getElementById("tabs");
  tabs.setAttribute("aria-label", t("tabs"));
  fill(tabs, ...Object.keys(VIEWS).map((name) =>
    h("a", { href: link(name), "aria-current": name === current ? "page" : null }, t(`view.${name}`))));
  tabs.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  document.documentElement.lang = currentLanguage();
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("language").textContent = t("language.other");
  document.getElementById("theme").textContent = t(isDark() ? "theme.light" : "theme.dark");
  document.getElementById("about-model").textContent = session === null ? "" : t(
    session.model === null ? "about.none" : "about.model",
    { model: session.model, data: session.data ?? t("about.unknown") });
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function useTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
}

useTheme(localStorage.getItem(THEME));
document.getElementById("theme").onclick = safely(() => {
  localStorage.setItem(THEME, isDark() ? "light" : "dark");
  useTheme(localStorage.getItem(THEME));
  return show();
});
document.getElementById("language").onclick = safely(() => {
  changeLanguage();
  return show();
});
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
};
addEventListener("hashchange", safely(show));
safely(show)();

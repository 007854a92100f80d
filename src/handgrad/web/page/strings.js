// All texts of the page, in English and German. `{name}` is replaced by a value.

const LANGUAGES = ["en", "de"];
const STORED = "handgrad-language";

const STRINGS = {
  "language.other": ["Deutsch", "English"],
  "theme.dark": ["Dark", "Dunkel"],
  "theme.light": ["Light", "Hell"],
  "tabs": ["Views", "Ansichten"],
  "skip": ["Skip to the content", "Zum Inhalt"],
  "view.draw": ["Draw", "Zeichnen"],
  "view.train": ["Train", "Trainieren"],
  "view.inside": ["Inside", "Innen"],
  "view.evaluate": ["Evaluate", "Bewerten"],
  "view.compare": ["Compare", "Vergleichen"],
  "about.model": ["Model: {model}. Data: {data}.", "Modell: {model}. Daten: {data}."],
  "about.none": ["No model yet. Data: {data}.", "Noch kein Modell. Daten: {data}."],
  "about.unknown": ["unknown", "unbekannt"],
  "error": ["This did not work: {reason}", "Das ging nicht: {reason}"],
  "chart.table": ["The numbers as a table", "Die Zahlen als Tabelle"],
};

let language = start();

function start() {
  const stored = localStorage.getItem(STORED);
  if (LANGUAGES.includes(stored)) return stored;
  return navigator.language.startsWith("de") ? "de" : "en";
}

/** Return a text in the current language. */
export function t(key, values = {}) {
  const text = STRINGS[key][LANGUAGES.indexOf(language)];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Return the current language: "en" or "de". */
export function currentLanguage() {
  return language;
}

/** Change to the other language. */
export function changeLanguage() {
  language = LANGUAGES[1 - LANGUAGES.indexOf(language)];
  localStorage.setItem(STORED, language);
}

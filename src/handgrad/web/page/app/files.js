// Image files: each one becomes a row of a table, which can be copied as text.

import { announce, fill, h, table } from "../dom.js";
import { reasonText } from "../draw/answer.js";
import { decode, pixelsOf } from "../image_file.js";
import { t } from "../strings.js";

const COLUMNS = ["file", "label", "probability", "sure", "reason"]; // those of `handgrad predict --csv`
const FORMATS = { TSV: tsv, CSV: csv };

/** The panel with the table. `element.rows` are the rows: lists of the values of COLUMNS. */
export class Files {
  /** `onImage(bitmap)` is called with the first image that is opened. */
  constructor(classifier, onImage) {
    Object.assign(this, { classifier, onImage });
    this.rows = [];
    this.body = h("div", { id: "files" });
    this.progress = h("p", { id: "files-progress", role: "status" }, t("app.files-none"));
    this.text = h("textarea", { readOnly: true, rows: 6, id: "files-text", "aria-label": t("app.files-text") });
    this.output = h("div", { hidden: true },
      this.body,
      h("div", { className: "row" },
        ...Object.keys(FORMATS).map((format) =>
          h("button", { type: "button", id: `copy-${format.toLowerCase()}`, onclick: () => this.copy(format) },
            t("app.copy", { format }))),
        h("button", { type: "button", onclick: () => this.clear() }, t("app.clear"))),
      this.text);
    this.element = h("section", { className: "panel" },
      h("h2", {}, t("app.classify")), this.progress, this.output);
    this.element.rows = this.rows;
  }

  /** Classify files one after the other. */
  async open(files) {
    const all = [...files];
    for (const [n, file] of all.entries()) {
      await this.add(file, n === 0);
      this.progress.textContent = t("app.files-progress", { done: n + 1, count: all.length });
      await new Promise((resume) => setTimeout(resume)); // the browser shows the progress
    }
    this.show();
  }

  async add(file, isFirst) {
    try {
      const bitmap = await decode(file);
      const { predicted, top: [[, p]], is_confident, reason } = this.classifier.predict(pixelsOf(bitmap));
      this.rows.push([file.name, String(predicted), p.toFixed(6), String(is_confident), reason]);
      if (isFirst) this.onImage(bitmap);
      else bitmap.close();
    } catch (error) {
      this.rows.push([file.name, "", "", "false", error.message]);
    }
  }

  show() {
    this.output.hidden = this.rows.length === 0;
    const columns = ["file", "answer", ">probability", "sure", "reason"].map((name) =>
      name.startsWith(">") ? `>${t("app.columns.probability")}` : t(`app.columns.${name}`));
    const cells = this.rows.map(([file, label, p, sure, reason]) => [
      file, label, p === "" ? "" : `${(100 * p).toFixed(1)} %`, t(sure === "true" ? "app.yes" : "app.no"),
      reason === "" || label === "" ? reason : reasonText(reason, label)]);
    fill(this.body, table(columns, cells, t("app.classify")));
    this.text.value = tsv(this.rows);
  }

  clear() {
    this.rows.length = 0;
    this.show();
    this.progress.textContent = t("app.files-none");
  }

  /** Copy the table. The text stays selected, so that it can also be copied by hand. */
  async copy(format) {
    this.text.value = FORMATS[format](this.rows);
    this.text.focus();
    this.text.select();
    try {
      await navigator.clipboard.writeText(this.text.value);
      announce(t("app.copied"));
    } catch {
      if (document.execCommand("copy")) announce(t("app.copied"));
    }
  }
}

/** Return rows as text with a tab between two values, as spreadsheets paste it. */
export function tsv(rows) {
  return [COLUMNS, ...rows].map((row) => row.map((value) => value.replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n");
}

/** Return rows as CSV (RFC 4180). */
export function csv(rows) {
  const quoted = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return [COLUMNS, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n");
}

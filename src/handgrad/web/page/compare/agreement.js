// The answers of two models for the same images: where they agree, and where they differ.

import { unpack } from "../api.js";
import { fill, h, safely } from "../dom.js";
import { gallery } from "../gallery.js";
import { percent } from "../numbers.js";
import { changeSettings, readState } from "../state.js";
import { t } from "../strings.js";

const GROUPS = ["differ", "only-a", "only-b", "neither"];

/** Return a panel with the agreement; its buttons open the images of each group. */
export function agreementPanel({ agreement, reason, same_data: same, runs }, names, pair) {
  const panel = h("section", { className: "panel agreement" }, h("h2", {}, t("compare.agreement")));
  if (agreement === null) {
    panel.append(h("p", {}, same === true ? t("compare.no-agreement", { reason }) : t("compare.no-images")));
    return panel;
  }
  const { count, classes } = agreement;
  const labels = unpack(agreement.labels).data;
  const [a, b] = agreement.answers.map((packed) => unpack(packed).data);
  const confidence = agreement.confidence.map((packed) => unpack(packed).data);
  const isIn = {
    differ: (n) => a[n] !== b[n],
    "only-a": (n) => a[n] === labels[n] && b[n] !== labels[n],
    "only-b": (n) => b[n] === labels[n] && a[n] !== labels[n],
    neither: (n) => a[n] !== labels[n] && b[n] !== labels[n],
  };
  const size = { differ: count - agreement.same, "only-a": agreement.only[0], "only-b": agreement.only[1], neither: agreement.neither };
  const images = gallery("/api/compare/images", pair);
  const opened = h("div", { "aria-live": "polite" });

  const buttons = GROUPS.map((group) => {
    const button = h("button", { type: "button", dataset: { group, count: size[group] }, disabled: size[group] === 0 },
      `${t(`compare.${group}`)}: ${size[group]}`);
    button.onclick = safely(() => {
      changeSettings({ group });
      return open(group);
    });
    return button;
  });

  async function open(group) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.group === group)));
    const chosen = [...labels.keys()].filter(isIn[group]);
    fill(opened, h("h3", {}, `${t(`compare.${group}`)}: ${chosen.length}`), images);
    await images.show(chosen, (n) => ({
      lines: [
        t("compare.true", { label: classes[labels[n]] }),
        ...[a, b].map((answers, k) =>
          `${"AB"[k]} ${answers[n] === labels[n] ? "✓" : "✗"} ${classes[answers[n]]} ${percent(confidence[k][n])}`),
      ],
    }));
  }

  const seen = agreement.trained_on.map((known, k) => known === 0 ? null : h("p", { className: "small bad" },
    t(known === null ? "compare.seen-unknown" : "compare.seen", { known, count, name: runs[k].title })));
  panel.append(
    h("p", {}, t("compare.same", { same: agreement.same, count, share: percent(agreement.same / count), data: agreement.data })),
    bar(agreement, count),
    h("p", { className: "small muted" }, chance(agreement)),
    ...seen.filter(Boolean),
    h("div", { className: "row", role: "group", "aria-label": names.join(", ") }, ...buttons), opened);
  const group = readState().settings.group;
  const first = GROUPS.includes(group) ? group : "differ";
  if (size[first]) safely(open)(first);
  return panel;
}

/** Return a bar divided into the four groups of images. */
function bar({ both, only, neither }, count) {
  const parts = [["both", both, "--series-3"], ["only-a", only[0], "--series-1"], ["only-b", only[1], "--series-2"], ["neither", neither, "--line"]];
  const text = parts.map(([name, size]) => `${t(`compare.${name}-short`)}: ${size}`).join(", ");
  return h("figure", {},
    h("div", { className: "stacked", role: "img", "aria-label": text }, ...parts.filter(([, size]) => size).map(
      ([, size, colour]) => h("div", { style: { width: `${(100 * size) / count}%`, background: `var(${colour})` } }))),
    h("figcaption", { className: "row" }, ...parts.map(([name, size, colour]) => h("span", {},
      h("span", { className: "key", "aria-hidden": "true", style: { background: `var(${colour})` } }),
      ` ${t(`compare.${name}-short`)}: ${size}`))));
}

function chance({ only, chance: share }) {
  if (only[0] + only[1] === 0) return t("compare.no-difference");
  return t(share < 0.05 ? "compare.beyond-chance" : "compare.within-chance", {
    one: only[0], other: only[1], chance: percent(share),
  });
}

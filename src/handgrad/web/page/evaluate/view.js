// The view Evaluate.

import { h } from "../dom.js";
import { t } from "../strings.js";

export const view = {
  mount(main) {
    main.append(h("h1", {}, t("view.evaluate")));
  },
};

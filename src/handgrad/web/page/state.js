// The state of the page, kept in the URL fragment: a link is a view with its settings.
//
// The fragment is "#/VIEW?NAME=VALUE&...". The first address has "#token=..." instead; the token
// is kept in the browser and removed from the address.

const TOKEN = "handgrad-token";

/** Return the token that the server printed, from the address or from the browser's storage. */
export function takeToken() {
  const match = /^#token=([\w-]+)(.*)$/.exec(location.hash);
  if (match) {
    localStorage.setItem(TOKEN, match[1]);
    history.replaceState(null, "", match[2] ? `#${match[2].replace(/^#/, "")}` : location.pathname);
  }
  return localStorage.getItem(TOKEN);
}

/** Return the view's name and its settings (an object of texts). */
export function readState() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: path, settings: Object.fromEntries(new URLSearchParams(query)) };
}

/** Change some settings of the current view. A setting that is null is removed. */
export function changeSettings(changes) {
  const { view, settings } = readState();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) delete settings[name];
    else settings[name] = String(value);
  }
  history.replaceState(null, "", link(view, settings));
}

/** Return the address of a view with settings. */
export function link(view, settings = {}) {
  const query = new URLSearchParams(settings).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

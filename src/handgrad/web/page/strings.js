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
  "draw.answer": ["Answer", "Antwort"],
  "draw.camera": ["Camera", "Kamera"],
  "draw.clear": ["Clear", "Löschen"],
  "draw.empty": ["Nothing is drawn yet.", "Noch ist nichts gezeichnet."],
  "draw.file": ["Open an image", "Bild öffnen"],
  "draw.help": ["Draw with pen, finger or mouse. With the keyboard: arrow keys move the brush, Space lowers or lifts it, Backspace removes the last stroke.", "Zeichne mit Stift, Finger oder Maus. Mit der Tastatur: Pfeiltasten bewegen den Pinsel, Leertaste senkt oder hebt ihn, Rücktaste entfernt den letzten Strich."],
  "draw.input": ["input of the network", "Eingabe des Netzes"],
  "draw.lines": ["There are lines across the image, and no character can be separated from them.", "Linien laufen durch das Bild, und kein Zeichen lässt sich von ihnen trennen."],
  "draw.nearest": ["Most similar training images", "Ähnlichste Trainingsbilder"],
  "draw.nearest-image": ["Training image of class {label}", "Trainingsbild der Klasse {label}"],
  "draw.nearest-why": ["The last hidden layer gives these training images almost the same numbers as this image.", "Die letzte verborgene Schicht gibt diesen Trainingsbildern fast dieselben Zahlen wie diesem Bild."],
  "draw.no-image": ["{name} cannot be read as an image ({reason}).", "{name} kann nicht als Bild gelesen werden ({reason})."],
  "draw.nothing": ["Nothing is drawn, or it is too faint.", "Es ist nichts gezeichnet, oder es ist zu blass."],
  "draw.pad": ["Drawing pad", "Zeichenfläche"],
  "draw.polarity": ["Light and dark are swapped in comparison with the training images.", "Hell und Dunkel sind im Vergleich zu den Trainingsbildern vertauscht."],
  "draw.problem": ["Don't know: {reason}. The best guess is {predicted}.", "Weiß nicht: {reason}. Am ehesten {predicted}."],
  "draw.right": ["✓ right", "✓ richtig"],
  "draw.steps": ["How your image reaches the network", "Wie dein Bild ins Netz kommt"],
  "draw.steps-why": ["The training images were prepared with the same steps. The network sees only the last image.", "Die Trainingsbilder wurden mit denselben Schritten vorbereitet. Das Netz sieht nur das letzte Bild."],
  "draw.tally": ["{right} of {all} test images right", "{right} von {all} Testbildern richtig"],
  "draw.test": ["Random test image", "Zufälliges Testbild"],
  "draw.too-large": ["it has more than 20 million pixels", "es hat mehr als 20 Millionen Pixel"],
  "draw.train-first": ["Train one now", "Jetzt eines trainieren"],
  "draw.undo": ["Undo", "Rückgängig"],
  "draw.unknown": ["don't know", "weiß nicht"],
  "draw.unlike": ["This is unlike the training images. The best guess is {predicted}.", "Das gleicht den Trainingsbildern nicht. Am ehesten {predicted}."],
  "draw.unsure": ["The network is unsure. The best guess is {predicted}.", "Das Netz ist unsicher. Am ehesten {predicted}."],
  "draw.width": ["Pen width", "Stiftbreite"],
  "draw.wrong": ["✗ wrong, it is {label}", "✗ falsch, es ist {label}"],
  "draw.your": ["Your drawing", "Deine Zeichnung"],
  "learn.after": ["After", "Danach"],
  "learn.before": ["Before", "Vorher"],
  "learn.drawings": ["Your drawings", "Deine Zeichnungen"],
  "learn.how": ["Your drawings, after: {folds} models were trained, each without one part of the drawings, and judged on this part. The saved model is trained on all {drawings}.", "Deine Zeichnungen, danach: {folds} Modelle wurden trainiert, jedes ohne einen Teil der Zeichnungen, und an diesem Teil gemessen. Das gespeicherte Modell ist mit allen {drawings} trainiert."],
  "learn.progress": ["Training {done} of {total} is finished …", "Training {done} von {total} ist fertig …"],
  "learn.saved": ["The new model is in the folder {name}.", "Das neue Modell liegt im Ordner {name}."],
  "learn.test": ["{count} test images", "{count} Testbilder"],
  "learn.title": ["Accuracy", "Genauigkeit"],
  "learn.use": ["Use the new model", "Neues Modell verwenden"],
  "learn.what": ["Images", "Bilder"],
  "series.again": ["Draw again", "Noch einmal zeichnen"],
  "series.ask": ["Draw this: {label} ({n} of {count})", "Zeichne: {label} ({n} von {count})"],
  "series.begin": ["Begin", "Beginnen"],
  "series.cancel": ["Cancel", "Abbrechen"],
  "series.confusions": ["Mistakes", "Fehler"],
  "series.drawn": ["Drawn", "Gezeichnet"],
  "series.empty": ["Nothing is drawn yet.", "Noch ist nichts gezeichnet."],
  "series.learn": ["Learn my handwriting", "Meine Handschrift lernen"],
  "series.learn-why": ["The model can continue its training with these drawings. The old model stays.", "Das Modell kann mit diesen Zeichnungen weiterlernen. Das alte Modell bleibt."],
  "series.next": ["Next", "Weiter"],
  "series.result": ["{right} of {all} right: {percent} %. With 95 % confidence, your accuracy is between {low} and {high} %. The network was unsure {unsure} times.", "{right} von {all} richtig: {percent} %. Mit 95 % Sicherheit liegt deine Genauigkeit zwischen {low} und {high} %. Das Netz war {unsure} Mal unsicher."],
  "series.taken": ["Recognized as", "Erkannt als"],
  "series.times": ["Times", "Anzahl"],
  "series.title": ["Draw {count}", "Zeichne {count}"],
  "series.why": ["How well does the network read your handwriting? You draw what you are asked for.", "Wie gut liest das Netz deine Handschrift? Du zeichnest, was verlangt wird."],
  "step.alpha": ["transparency removed", "Transparenz entfernt"],
  "step.background": ["background subtracted", "Hintergrund abgezogen"],
  "step.binarized": ["black and white", "schwarzweiß"],
  "step.centred": ["centred by mass", "nach Masse zentriert"],
  "step.contrast": ["contrast stretched", "Kontrast gespreizt"],
  "step.cropped": ["cropped", "zugeschnitten"],
  "step.dark": ["light on dark", "hell auf dunkel"],
  "step.denoised": ["noise removed", "Rauschen entfernt"],
  "step.downscaled": ["made smaller", "verkleinert"],
  "step.fit": ["scaled to fit", "eingepasst"],
  "step.grey": ["grey", "grau"],
  "step.inverted": ["inverted", "umgekehrt"],
  "step.lines": ["lines removed", "Linien entfernt"],
  "step.raw": ["your image", "dein Bild"],
  "step.resized": ["resized", "Größe geändert"],
  "step.rgb": ["grey to colour", "grau zu farbig"],
  "step.undone": ["enlargement undone", "Vergrößerung rückgängig"],
  "step.upscaled": ["enlarged", "vergrößert"],
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

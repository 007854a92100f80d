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
  "train.about": ["About {name}", "Über {name}"],
  "train.about-first": ["Train a network here and watch it learn. The settings below already work: press Train.", "Trainieren Sie hier ein Netz und sehen Sie ihm beim Lernen zu. Die Einstellungen unten taugen schon: Drücken Sie Trainieren."],
  "train.about-view": ["Train a new network and watch it learn. It is an ordinary run, which the command line can resume.", "Trainieren Sie ein neues Netz und sehen Sie ihm beim Lernen zu. Es ist ein gewöhnlicher Lauf, den auch die Kommandozeile fortsetzen kann."],
  "train.advanced": ["Advanced settings", "Weitere Einstellungen"],
  "train.apply": ["Apply changes", "Änderungen übernehmen"],
  "train.automatic": ["automatic", "automatisch"],
  "train.break": ["Break it", "Mach es kaputt"],
  "train.break.about": ["A wrong gradient raises no error. Train a small network twice on 500 digits, from the same weights and on the same batches: once right, and once with a published mistake in its backward pass.", "Ein falscher Gradient meldet keinen Fehler. Trainieren Sie ein kleines Netz zweimal auf 500 Ziffern, mit denselben Anfangsgewichten und denselben Batches: einmal richtig und einmal mit einem bekannten Fehler im Rückwärtsschritt."],
  "train.break.all": ["Try all {count}", "Alle {count} versuchen"],
  "train.break.bound": ["allowed", "erlaubt"],
  "train.break.caption": ["Test accuracy with and without each mistake", "Testgenauigkeit mit und ohne den jeweiligen Fehler"],
  "train.break.cause": ["The gradient check says, about the gradient of {tensor}: {sentence}.", "Die Gradientenprüfung sagt über den Gradienten von {tensor}: {sentence}."],
  "train.break.chart": ["Training loss, right and wrong", "Trainings-Loss, richtig und falsch"],
  "train.break.check": ["The gradient check finds it", "Die Gradientenprüfung findet ihn"],
  "train.break.error": ["error", "Fehler"],
  "train.break.mistake": ["Mistake", "Fehler"],
  "train.break.optimizer": ["Optimizer", "Optimierer"],
  "train.break.right": ["right", "richtig"],
  "train.break.so-far": ["What still learns", "Was trotzdem lernt"],
  "train.break.start": ["Train both", "Beide trainieren"],
  "train.break.tensor": ["gradient of", "Gradient von"],
  "train.break.training": ["Training both networks …", "Beide Netze werden trainiert …"],
  "train.break.verdict": ["verdict", "Urteil"],
  "train.break.wrong": ["wrong", "falsch"],
  "train.chart.accuracy": ["Accuracy", "Genauigkeit"],
  "train.chart.loss": ["Loss", "Loss"],
  "train.continue": ["Continue", "Weiter"],
  "train.curve.epoch": ["training, mean of the epoch", "Training, Mittel der Epoche"],
  "train.curve.part": ["training, last steps", "Training, letzte Schritte"],
  "train.curve.validation": ["validation", "Validierung"],
  "train.draw": ["Draw with it", "Damit zeichnen"],
  "train.fact.accuracy": ["accuracy", "Genauigkeit"],
  "train.fact.epoch": ["epoch", "Epoche"],
  "train.fact.images_per_second": ["images per second", "Bilder pro Sekunde"],
  "train.fact.loss": ["loss", "Loss"],
  "train.fact.lr": ["learning rate", "Lernrate"],
  "train.fact.step": ["step", "Schritt"],
  "train.hint.dead-relus": ["{number} of the ReLU units are dead: they are zero for every image of a sample, so no gradient passes through them (usual: below {limit}).", "{number} der ReLU-Einheiten sind tot: Sie sind für jedes Bild einer Stichprobe null, sodass kein Gradient hindurchgeht (üblich: unter {limit})."],
  "train.hint.diverged": ["A value became NaN or infinite: the learning rate {number} is too high.", "Ein Wert wurde NaN oder unendlich: Die Lernrate {number} ist zu hoch."],
  "train.hint.lr-too-high": ["The learning rate is too high: the loss is {number} times that of the beginning (usual: below {limit}).", "Die Lernrate ist zu hoch: Der Loss ist {number}-mal so groß wie am Anfang (üblich: unter {limit})."],
  "train.hint.not-falling": ["The loss does not fall: it is {number} times that of the beginning (usual by now: below {limit}).", "Der Loss fällt nicht: Er ist {number}-mal so groß wie am Anfang (üblich wäre jetzt: unter {limit})."],
  "train.hint.overfitting": ["The network overfits: the validation loss has risen to {number} times its lowest value (usual: below {limit}), while the training loss falls.", "Das Netz lernt auswendig: Der Validierungs-Loss ist auf das {number}-Fache seines kleinsten Werts gestiegen (üblich: unter {limit}), während der Trainings-Loss fällt."],
  "train.hint.vanishing-gradients": ["The gradient vanishes: relative to its weights, that of the first layer is {number} times that of the last (usual: above {limit}).", "Der Gradient verschwindet: Relativ zu den Gewichten ist der der ersten Schicht {number}-mal so groß wie der der letzten (üblich: über {limit})."],
  "train.hints": ["Hints", "Hinweise"],
  "train.hints.none": ["No problem was noticed. Hints appear here, each with the measured number and a remedy.", "Kein Problem bemerkt. Hinweise erscheinen hier, jeder mit der gemessenen Zahl und einer Abhilfe."],
  "train.inside": ["Look inside", "Hineinsehen"],
  "train.interrupted": ["Interrupted runs", "Unterbrochene Läufe"],
  "train.live": ["Live", "Live"],
  "train.mistake.batch-norm": ["the statistics are treated as constants", "die Statistiken gelten als Konstanten"],
  "train.mistake.missing-n": ["the factor 1/N is missing", "der Faktor 1/N fehlt"],
  "train.mistake.pool-mask": ["the mask is ignored", "die Maske wird ignoriert"],
  "train.mistake.product-rule": ["the product rule is forgotten", "die Produktregel wird vergessen"],
  "train.mistake.relu-mask": ["the mask is ignored", "die Maske wird ignoriert"],
  "train.mistake.transposed": ["dW is transposed", "dW ist transponiert"],
  "train.nothing": ["Nothing has been trained yet. Curves, predictions and weights appear here while a network learns.", "Noch wurde nichts trainiert. Kurven, Vorhersagen und Gewichte erscheinen hier, während ein Netz lernt."],
  "train.open": ["Open the new model", "Das neue Modell öffnen"],
  "train.opened": ["Now all views show {model}.", "Alle Ansichten zeigen jetzt {model}."],
  "train.pause": ["Pause", "Pause"],
  "train.phase.failed": ["Training ended: {reason}", "Das Training endete: {reason}"],
  "train.phase.finished": ["Finished: {name}.", "Fertig: {name}."],
  "train.phase.finishing": ["Testing the network and writing the run …", "Das Netz wird getestet und der Lauf gespeichert …"],
  "train.phase.loading": ["Loading the images …", "Die Bilder werden geladen …"],
  "train.phase.paused": ["Paused: {name}.", "Angehalten: {name}."],
  "train.phase.starting": ["Starting …", "Start …"],
  "train.phase.stopped": ["Stopped. The run is saved; resume it here, or from the command line:", "Beendet. Der Lauf ist gespeichert; setzen Sie ihn hier oder auf der Kommandozeile fort:"],
  "train.phase.training": ["Training {name}, {parameters} parameters.", "{name} wird trainiert, {parameters} Parameter."],
  "train.predictions": ["Predictions for sixteen test images", "Vorhersagen für sechzehn Testbilder"],
  "train.predictions.about": ["The network never trains on these images. The number is the probability of its answer.", "Auf diesen Bildern trainiert das Netz nie. Die Zahl ist die Wahrscheinlichkeit seiner Antwort."],
  "train.remedy": ["Set {settings}", "{settings} setzen"],
  "train.remedy.again": ["Start again with {settings}", "Neu beginnen mit {settings}"],
  "train.result": ["Test accuracy {accuracy} on {images} images.", "Testgenauigkeit {accuracy} auf {images} Bildern."],
  "train.resume": ["Resume", "Fortsetzen"],
  "train.right": ["{label}: answered {answer} with {p}, right", "{label}: Antwort {answer} mit {p}, richtig"],
  "train.settings": ["Settings", "Einstellungen"],
  "train.start": ["Train", "Trainieren"],
  "train.step": ["One step", "Ein Schritt"],
  "train.stop": ["Stop", "Beenden"],
  "train.verdict.diverged": ["The wrong network diverged: in step {step} a value became NaN or infinite. The right one reached {right} on the test images.", "Das falsche Netz divergierte: In Schritt {step} wurde ein Wert NaN oder unendlich. Das richtige erreichte {right} auf den Testbildern."],
  "train.verdict.fails": ["The wrong network does not learn: {wrong} on the test images, against {right}.", "Das falsche Netz lernt nicht: {wrong} auf den Testbildern gegenüber {right}."],
  "train.verdict.unnoticed": ["The wrong network still learns: {wrong} on the test images, against {right}. The curve alone would not show the mistake.", "Das falsche Netz lernt trotzdem: {wrong} auf den Testbildern gegenüber {right}. Die Kurve allein verrät den Fehler nicht."],
  "train.verdict.worse": ["The wrong network learns, but worse: {wrong} on the test images, against {right}.", "Das falsche Netz lernt, aber schlechter: {wrong} auf den Testbildern gegenüber {right}."],
  "train.weights": ["Weights of the first layer", "Gewichte der ersten Schicht"],
  "train.weights.about": ["Orange pixels speak for a unit, blue ones against it.", "Orange Pixel sprechen für eine Einheit, blaue gegen sie."],
  "train.weights.none": ["The first layer does not see the pixels.", "Die erste Schicht sieht die Pixel nicht."],
  "train.weights.of": ["Weights of the first layer, {units} units", "Gewichte der ersten Schicht, {units} Einheiten"],
  "train.weights.one": ["weights of unit {n}", "Gewichte der Einheit {n}"],
  "train.word.diverged": ["diverges", "divergiert"],
  "train.word.fails": ["does not learn", "lernt nicht"],
  "train.word.unnoticed": ["still learns", "lernt trotzdem"],
  "train.word.worse": ["learns worse", "lernt schlechter"],
  "train.wrong": ["{label}: answered {answer} with {p}, wrong", "{label}: Antwort {answer} mit {p}, falsch"],
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

// The English texts of curating, and of why an answer is what it is.

const many = (/** @type {number} */ count, /** @type {string} */ noun) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export const CURATE = {
  lede: "Look at what is suspect, and decide. Every decision is in the file at once.",
  dataset: "Dataset",
  sheet: "Sheet",
  sheets: {
    audit: (name) => `Audit: ${name}`,
    curated: () => "Chosen by hand",
    labels: (name) => `To label: ${name}`,
  },
  damaged: "damaged",
  show: "Show",
  shows: {
    all: "All",
    todo: "Undecided",
    label: "Suspect labels",
    duplicate: "Near-duplicates",
    odd: "Odd pictures",
    kept: "Kept",
    excluded: "Excluded",
    relabelled: "Relabelled",
    selection: "The selection",
  },
  tagged: (tag, count) => `Tag: ${tag} (${count})`,
  view: "View",
  views: { one: "One at a time", sheet: "Sheet" },
  progress: (decided, rows) => `${decided.toLocaleString("en")} of ${many(rows, "picture")} decided`,
  counts: ({ kept, excluded, relabelled }) =>
    `${kept.toLocaleString("en")} kept, ${excluded.toLocaleString("en")} excluded, ` +
    `${relabelled.toLocaleString("en")} relabelled`,
  file: (file) => `in ${file}`,
  nothing: "No picture here.",
  nothingChosen:
    "Nothing is on this sheet yet. Audit the data, or choose pictures on the wall or the map of the part Data " +
    "(with the lasso, or with the button that takes all that is shown) and curate them.",
  toData: "Go to Data",
  auditNow: "Audit these data",
  auditHelp:
    "Networks are trained that have not seen the images they are asked about: minutes. The labels of the test " +
    "images are left alone.",
  recipe: "Recipe",
  auditing: (share, words) => `${Math.round(100 * share)} % ${words}`,
  keep: "Keep",
  exclude: "Exclude",
  relabel: "Relabel …",
  accept: (name) => `It is ${name}`,
  acceptEach: "Each as suggested",
  label: "Another class …",
  right: "That is right",
  none: "None of them",
  undo: "Undo",
  tag: "Tag …",
  clear: "Undecided again",
  previous: "Previous picture",
  next: "Next picture",
  mark: "Mark",
  markAll: "Mark all",
  unmark: "Unmark all",
  marked: (count) => `${many(count, "picture")} marked: a key decides about all of them`,
  onWall: "See them on the wall",
  of: (at, count) => `${at.toLocaleString("en")} of ${count.toLocaleString("en")}`,
  given: "Label",
  suggested: "Or rather",
  modelSays: "The model says",
  place: (split, position) => `${split} image ${position}`,
  picture: (number) => `picture ${number}`,
  score: (score) => `score ${score}`,
  alike: (name) => `Most similar ${name} in training`,
  edits: {
    keep: "kept",
    exclude: "excluded",
    relabel: (name) => `now ${name}`,
    label: (name) => `labelled ${name}`,
  },
  undecided: "undecided",
  testStays: "A test image: it stays as it is, so that scores stay comparable. A tag it may have.",
  chooseClass: "Which class is it?",
  chooseClassHelp: "A digit, or the arrow keys and Enter.",
  chooseTag: "Which tag?",
  chooseTagHelp: "A word to find these pictures by again; one that all of them have already is taken off.",
  tagDo: "Tag",
  done: (count, words) => `${many(count, "picture")}: ${words}`,
  undone: (count) => `Undone: ${many(count, "picture")}`,
  tagDone: (count, tag) => `${many(count, "picture")}: tag ${tag}`,
  untagDone: (count, tag) => `${many(count, "picture")}: no longer tag ${tag}`,
  onlyLooks: "Whoever opened the studio can decide here; you may look.",
  keys: "Keys",
  keyWords: [
    ["K", "keep"],
    ["X", "exclude"],
    ["R", "relabel: opens the classes"],
    ["A", "take the suggested class"],
    ["U", "undo"],
    ["T", "tag"],
    ["C", "undecided again"],
    ["← →", "previous and next"],
    ["Space", "mark, on the sheet"],
    ["M", "mark all, or none"],
    ["V", "one at a time, or the sheet"],
  ],
  worth: "Is it worth it?",
  worthHelp:
    "Train on the result, and once on the data as they are, by the same recipe and seed. Two runs are compared on " +
    "the same test images.",
  train: "Train on the result",
  trainPlain: "Train without the edits",
  trainLabels: (sheet) => `Copy what is labelled into folders: fittingroom suggest-labels ${sheet} --into labelled`,
  before: "Before",
  after: "After",
  noRun: "None",
  edited: (edits) =>
    edits
      ? `${many(edits.excluded, "image")} excluded, ${edits.relabelled.toLocaleString("en")} relabelled`
      : "no edits",
  oneUntested: "Test both first: open each under Look.",
  look: "Look at both",
  chosen: "Curate these",
  curateOne: "Curate this image",
  selectShown: "Select all that are shown",
};

export const WHY = {
  open: "Why?",
  help:
    "A patch covers each place in turn. Orange: covering it makes the class less probable, so it speaks for it; " +
    "violet: it speaks against it.",
  of: "For",
  against: "And not",
  nobody: "anything",
  model: "Model",
  ask: "Show it",
  waiting: "Covering place after place …",
  nothing: "Nothing here changes so sure an answer.",
  alt: (of, against) => (against ? `What speaks for ${of}, and not ${against}` : `What speaks for ${of}`),
  answer: (name, share) => `${name}, ${Math.round(100 * share)} %`,
  image: (index) => `Why this answer to image ${index}?`,
  close: "Close",
};

export const INSIDE = {
  open: "What the network makes of it",
  waiting: "Looking into the network …",
  units: (count, layer) =>
    `The first layer, ${layer}, has ${count} units. Each weighs every pixel: orange where a bright pixel makes its ` +
    "number larger, violet where smaller. The bar below is its number for this image, and the strip how it moves " +
    "each class's score, in the order of the labels. A unit that is covered is silent.",
  kernels: (count, layer) =>
    `The ${count} kernels of the first layer, ${layer}: small windows that are laid on every place of the image. ` +
    "Orange: a bright pixel there adds to its number; violet: it takes away.",
  sheetOf: (layer) => `The weights of ${layer}`,
  weights: "First weights as pictures, orange above zero, violet below",
  weightsOf: (unit) => `The weights of unit ${unit}`,
  strongest: (name) => `The units that move the score of ${name} most`,
  unit: "unit",
  activation: "activation",
  mostFor: "most for",
  mostAgainst: "most against",
  layers: (count) => `Layer by layer (${count})`,
  layer: (name, kind, shape, channels, shown) =>
    `${name} (${kind}): ` +
    (shape.length === 3
      ? `${channels} pictures of ${shape[0]} × ${shape[1]}${shown < shape[2] ? `, the first ${shown} shown` : ""}`
      : `${channels} numbers`) +
    "; dark is large.",
  layerAlt: (name) => `What the layer ${name} makes of the image`,
};

export const REPLAY = {
  open: (count) => `The training replayed (${count} snapshots)`,
  waiting: "Asking each snapshot …",
  slider: "Step of the training",
  step: (step, epoch) => (step === "0" ? "Before the first step." : `After step ${step}, epoch ${epoch}.`),
  accuracy: (accuracy, n, split) => `${accuracy} of ${n} ${split} images are classified correctly.`,
  image: (index) => `Image ${index}`,
  confusion: "Confusion, true class by row, answer by column",
  map: "Map",
  mapHelp:
    "Each dot is an image; two are close where the network makes similar features of them, before its last layer. " +
    "Seen from the side from which those of the finished network spread most; each step is drawn to fill the map.",
  mapAlt: (count, step) => `Map of ${count} images after step ${step}`,
  weights: "First weights, each step coloured by its own strongest",
};

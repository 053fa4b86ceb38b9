// Looking: what a run gets right and wrong, image by image.

import { get, name } from "../api.js";
import { field, h, replace, select, toast } from "../dom.js";
import { ready } from "../jobs.js";
import { openStore } from "../store.js";
import { WORDS } from "../words.js";
import { grid } from "./look-grid.js";
import { confusion, reliability } from "./look-figures.js";

const TEXT = WORDS.look;

export async function mount(root, { rest, query }) {
  const runs = (await get("runs")).filter((run) => !run.error);
  const stop = new AbortController();
  const body = h("div", { class: "look-body" });
  const top = h("div", { class: "row look-top" });
  replace(
    root,
    h(
      "section",
      { class: "view" },
      h("header", {}, h("h1", {}, WORDS.parts.look), h("p", { class: "lede" }, TEXT.lede)),
      top,
      body,
    ),
  );
  if (!runs.length) return replace(body, h("p", { class: "empty" }, TEXT.none));
  const wanted = runs.find((run) => run.name === rest[0]) ?? runs.find((run) => run.has_predictions) ?? runs[0];
  let other = query.get("against") ?? "";

  const go = (run, against = "") =>
    (location.hash = `#/look/${name(run)}${against ? `?against=${name(against)}` : ""}`);
  const rivals = runs.filter(
    (run) => run.name !== wanted.name && run.has_predictions && run.fingerprint === wanted.fingerprint,
  );
  if (!rivals.some((run) => run.name === other)) other = "";
  replace(
    top,
    field(
      TEXT.run,
      select(
        runs.map((run) => run.name),
        wanted.name,
        (value) => go(value),
      ),
    ),
    rivals.length
      ? field(
          TEXT.against,
          select([["", TEXT.nobody], ...rivals.map((run) => run.name)], other, (value) => go(wanted.name, value)),
        )
      : null,
  );

  const run = await get(`runs/${name(wanted.name)}`);
  if (!run.open_as) return replace(body, h("p", { class: "notice bad" }, TEXT.noData(run.dataset)));
  if (!run.has_predictions)
    return replace(
      body,
      untested(run, stop.signal, () => go(`${run.name}`)),
    );
  await show(body, run, other);
  return () => stop.abort();
}

function untested(run, signal, again) {
  const status = h("p", { class: "small muted", role: "status" });
  const button = h("button", { type: "button", class: "primary", disabled: !run.has_model }, TEXT.test);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await ready(
        "answers",
        { dataset: run.open_as, model: `run/${run.name}` },
        (share, words) => (status.textContent = WORDS.data.asking(share, words)),
        signal,
      );
      dispatchEvent(new Event("hashchange"));
    } catch (error) {
      if (error.name !== "AbortError") toast(error.message);
      button.disabled = false;
    }
  });
  return h("div", { class: "empty" }, h("p", {}, run.has_model ? TEXT.untested : TEXT.noModel), button, status);
}

async function show(body, run, other) {
  const [told, store] = await Promise.all([get(`runs/${name(run.name)}/predictions`), openStore(run.open_as)]);
  const names = told.class_names;
  const items = told.labels.map((label, at) => ({
    at,
    index: told.indices[at],
    label,
    best: told.predicted[at],
    confidence: told.confidence[at],
    chances: told.probabilities[at],
    loss: told.loss[at],
  }));
  const pictures = grid({ store, items, names });
  const compared = other ? await versus(run, other, items, pictures) : null;
  const score = h(
    "dl",
    { class: "numbers" },
    [
      [TEXT.accuracy(WORDS.split[told.split] ?? told.split), told.accuracy.toFixed(4)],
      run.test_interval && told.split === "test"
        ? [TEXT.interval, run.test_interval.map((value) => value.toFixed(4)).join(" – ")]
        : null,
      [TEXT.images, items.length.toLocaleString("en")],
      [TEXT.mistakes, told.mistakes.toLocaleString("en")],
      [TEXT.looks, run.looks],
    ]
      .filter(Boolean)
      .map(([words, value]) => h("div", {}, h("dt", {}, words), h("dd", {}, value))),
  );
  replace(
    body,
    score,
    compared,
    h("section", { class: "look-part" }, pictures.root),
    h(
      "div",
      { class: "look-figures" },
      h(
        "section",
        { class: "look-part" },
        h("h2", {}, TEXT.confusion),
        h("p", { class: "muted small" }, TEXT.confusionHelp),
        confusion(told.confusion, names, (label, guess) => pictures.cell(label, guess)),
      ),
      h(
        "section",
        { class: "look-part" },
        h("h2", {}, TEXT.reliability),
        h("p", { class: "muted small" }, TEXT.reliabilityHelp),
        reliability(told.bins, told.calibration_error),
      ),
    ),
  );
}

async function versus(run, other, items, pictures) {
  const told = await get(`runs/${name(run.name)}/against/${name(other)}`);
  const points = (Math.abs(told.difference) * 100).toFixed(2);
  const sentence =
    told.p >= 0.05
      ? TEXT.even(other, told.p)
      : told.difference > 0
        ? TEXT.better(other, run.name, points, told.p)
        : TEXT.better(run.name, other, points, told.p);
  const show = h(
    "button",
    {
      type: "button",
      onclick: () =>
        pictures.only(
          told.positions.map((at) => items[at]),
          TEXT.differing,
        ),
    },
    TEXT.showDiffering(told.positions.length),
  );
  return h(
    "div",
    { class: "notice" },
    h("p", {}, sentence, " ", TEXT.split(told.only_first, run.name, told.only_second, other)),
    show,
  );
}

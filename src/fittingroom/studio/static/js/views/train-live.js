// One training as it goes: curves, pace, time left; stop and resume.

import { get, name, post } from "../api.js";
import { chart } from "../charts.js";
import { h, replace, toast } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.train;

export function watchTraining(root, training, { again }) {
  const said = h("p", { class: "small muted", role: "status" });
  const head = h("div", { class: "live-head" });
  const numbers = h("dl", { class: "numbers" });
  const bar = h("progress", { max: "1", value: "0", "aria-label": TEXT.progress });
  const curves = h("div", { class: "curves" });
  const log = { training, last: null, loss: [], accuracy: [], valLoss: [], valAccuracy: [], asked: 0 };
  let source = null;
  replace(root, head, bar, numbers, curves, said);

  const redraw = () => (log.asked ||= requestAnimationFrame(() => ((log.asked = 0), show())));

  function take(line) {
    const at = line.epoch - 1 + line.images / line.total;
    log.last = line;
    if (said.textContent !== TEXT.stopping) said.textContent = "";
    drop(log, at);
    log.loss.push([at, line.loss]);
    log.accuracy.push([at, line.accuracy]);
    if (line.done && line.val_loss !== null) {
      log.valLoss.push([line.epoch, line.val_loss]);
      log.valAccuracy.push([line.epoch, line.val_accuracy]);
    }
    redraw();
  }

  function show() {
    const { last, training: now } = log;
    replace(
      head,
      h("div", {}, h("h2", {}, now.name), h("span", { class: `badge ${now.how}` }, TEXT.how[now.how])),
      h("div", { class: "row" }, buttons(now)),
    );
    if (now.words) said.textContent = now.words;
    if (!last) return;
    const epochs = last.epochs;
    bar.value = (last.epoch - 1 + last.images / last.total) / epochs;
    const running = now.how === "running";
    const facts = [
      [TEXT.epoch, TEXT.of(last.epoch, epochs)],
      [TEXT.loss, last.loss.toFixed(4)],
      [TEXT.accuracy, last.accuracy.toFixed(4)],
      log.valAccuracy.length ? [TEXT.valAccuracy, log.valAccuracy.at(-1)[1].toFixed(4)] : null,
      [TEXT.pace, TEXT.images(Math.round(last.images_per_second).toLocaleString("en"))],
      running ? [TEXT.left, last.seconds_left === null ? "–" : duration(last.seconds_left)] : null,
    ].filter(Boolean);
    replace(
      numbers,
      facts.map(([words, value]) => h("div", {}, h("dt", {}, words), h("dd", {}, value))),
    );
    const line = (kind, colour, words, points) => ({ kind, colour, name: words, points });
    replace(
      curves,
      chart(
        { words: TEXT.loss, floor: 0 },
        [line("line", "train", TEXT.onTrain, log.loss), line("dots", "held-out", TEXT.onValidation, log.valLoss)],
        epochs,
        TEXT.axis,
      ),
      chart(
        { words: TEXT.accuracy },
        [
          line("line", "train", TEXT.onTrain, log.accuracy),
          line("dots", "held-out", TEXT.onValidation, log.valAccuracy),
        ],
        epochs,
        TEXT.axis,
      ),
    );
  }

  function buttons(now) {
    const act = (words, path, kind = "") => {
      const button = h("button", { type: "button", class: kind }, words);
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          log.training = await post(`trainings/${name(now.name)}/${path}`);
          if (path === "resume") listen();
          else said.textContent = TEXT.stopping;
          again();
        } catch (error) {
          toast(error.message);
          button.disabled = false;
        }
      });
      return button;
    };
    if (now.how === "running") return [act(TEXT.stop, "stop", "danger")];
    const look = h("a", { class: "button", href: `#/look/${name(now.name)}` }, TEXT.look);
    return [
      now.can_resume ? act(TEXT.resume, "resume", "primary") : null,
      now.how === "done" || now.how === "stopped" ? look : null,
    ];
  }

  function listen() {
    source?.close();
    Object.assign(log, { loss: [], accuracy: [], valLoss: [], valAccuracy: [] });
    source = new EventSource(`/api/trainings/${name(training.name)}/events`);
    source.addEventListener("progress", (event) => take(JSON.parse(event.data)));
    source.addEventListener("says", (event) => (said.textContent = JSON.parse(event.data).words));
    source.addEventListener("state", (event) => {
      source.close();
      log.training = JSON.parse(event.data);
      show();
      again();
    });
    source.onerror = async () => {
      source.close();
      said.textContent = WORDS.offline;
      await new Promise((resolve) => setTimeout(resolve, 2000));
      if (root.isConnected) get("about").then(listen, source.onerror);
    };
  }

  show();
  listen();
  return () => (source?.close(), cancelAnimationFrame(log.asked));
}

// A training that went on from a checkpoint sees some steps again: the later record counts.
function drop(log, at) {
  for (const points of [log.loss, log.accuracy]) while (points.length && points.at(-1)[0] >= at) points.pop();
  for (const points of [log.valLoss, log.valAccuracy]) while (points.length && points.at(-1)[0] > at) points.pop();
}

export function duration(seconds) {
  if (seconds < 90) return TEXT.seconds(Math.ceil(seconds));
  if (seconds < 5400) return TEXT.minutes(Math.round(seconds / 60));
  return TEXT.hours((seconds / 3600).toFixed(1));
}

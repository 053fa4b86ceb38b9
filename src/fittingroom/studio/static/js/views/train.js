// Training: choose, start, watch it learn, stop, resume.

import { get, name, post } from "../api.js";
import { h, replace, toast } from "../dom.js";
import { WORDS } from "../words.js";
import { orderForm } from "./train-form.js";
import { watchTraining } from "./train-live.js";

const TEXT = WORDS.train;

export async function mount(root, { about, rest }) {
  const [options, trainings] = await Promise.all([get("trainings/options"), get("trainings")]);
  const live = h("div", { class: "train-live" });
  const earlier = h("div", { class: "train-earlier" });
  let unwatch = () => {};

  const watch = (training) => {
    unwatch();
    unwatch = watchTraining(live, training, { again: refresh });
  };
  async function refresh() {
    list(await get("trainings"));
    dispatchEvent(new Event("trainingchange"));
  }
  async function start(order) {
    const training = await post("trainings", order);
    history.replaceState(null, "", `#/train/${name(training.name)}`);
    watch(training);
    refresh().catch((error) => toast(error.message));
    live.scrollIntoView({ block: "nearest" });
  }
  function list(rows) {
    const entry = (row) =>
      h(
        "li",
        {},
        h("button", { type: "button", class: "plain", onclick: () => watch(row) }, row.name),
        h("span", { class: `badge ${row.how}` }, TEXT.how[row.how]),
      );
    replace(
      earlier,
      rows.length ? [h("h2", {}, TEXT.earlier), h("ul", { class: "lines" }, rows.slice(0, 8).map(entry))] : [],
    );
  }

  const form = orderForm({ about, options, start });
  const head = h("header", {}, h("h1", {}, WORDS.parts.train), h("p", { class: "lede" }, TEXT.lede));
  replace(
    root,
    h(
      "section",
      { class: "view" },
      head,
      h("div", { class: "train-page" }, form, h("div", { class: "train-side" }, live, earlier)),
    ),
  );
  list(trainings);
  const wanted = trainings.find((each) => each.name === rest[0]) ?? trainings.find((each) => each.how === "running");
  if (wanted) watch(wanted);
  else if (rest[0]) watch(await get(`trainings/${name(rest[0])}`));
  else replace(live, h("p", { class: "empty" }, TEXT.nothing));
  return () => unwatch();
}

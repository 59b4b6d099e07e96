/* Methods side by side, by a metric and a task of the reader's choice: a table with bars in it. */
"use strict";
Explore.kinds.compare = (view, data) => {
  const { el } = Explore;
  const tasks = Object.keys(data.tasks);
  const task = view.select("Task", tasks, data.task);
  const metrics = [...new Set(tasks.flatMap((t) => Object.keys(data.tasks[t].metrics)))];
  const metric = view.select("Metric", metrics);
  const ours = (row) => row.recorded?.[0] ?? -1;
  const theirs = (row) => row.published ?? -1;
  const orders = {
    "as in the thesis": () => 0,
    "best recorded first": (a, b) => ours(b) - ours(a),
    "best published first": (a, b) => theirs(b) - theirs(a),
  };
  const order = view.select("Order", Object.keys(orders));
  const methods = [...new Set(tasks.flatMap((t) => data.tasks[t].methods))];
  const chosen = new Map(methods.map((name) => [name, view.check(name, true)]));

  const caption = el("caption");
  const body = el("tbody");
  const scale = el("td", { "aria-hidden": true }, el("div", { class: "explore-scale" },
    ...["0", "50", "100 %"].map((text) => el("span", {}, text))));
  const head = (name, style) => el("th", { scope: "col", class: style }, name);
  view.add(el("table", { class: "explore-compare" }, caption,
    el("thead", {}, el("tr", {}, head("Method", ""), scale,
      head("recorded", "is-recorded"), head("published", "is-published"))), body));

  const rows = () => {
    const { methods: all, metrics: known } = data.tasks[task()];
    const numbers = known[metric()];
    if (!numbers) return [];
    return all
      .map((name, i) => ({ name, published: numbers.published[i], recorded: numbers.recorded[i] }))
      .filter((row) => chosen.get(row.name)())
      .sort(orders[order()]);
  };
  const part = (style, low, high) => {
    const [start, end] = [Math.max(0, low), Math.min(100, high)];
    return el("span", { class: style, style: `left: ${start}%; width: ${end - start}%` });
  };
  const bars = ({ recorded, published }) => {
    const [mean, low, high] = recorded ?? [];
    const parts = [];
    if (recorded) parts.push(part("explore-bar", 0, mean));
    if (recorded && low !== null && high !== null) parts.push(part("explore-interval", low, high));
    if (published !== null) parts.push(part("explore-ring", published, published));
    return el("td", { "aria-hidden": true }, el("div", { class: "explore-bars" }, ...parts));
  };
  const number = (v) => el("td", {}, v == null ? "–" : v.toFixed(2));
  const highest = (found, value, word) => {
    const best = found.reduce((a, b) => (value(b) > value(a) ? b : a));
    return value(best) < 0 ? `nothing ${word}` : `${best.name}, ${value(best).toFixed(2)} % ${word}`;
  };

  return () => {
    const found = rows();
    caption.textContent = `${metric()} in percent, ${task()}`;
    body.replaceChildren(...found.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name),
      bars(row), number(row.recorded?.[0]), number(row.published))));
    view.output.textContent = found.length
      ? `${metric()}, ${task()}. Highest: ${highest(found, ours, "recorded")}; ${highest(found, theirs, "published")}.`
      : "Nothing to show: this task has no such class, or no method is chosen.";
  };
};

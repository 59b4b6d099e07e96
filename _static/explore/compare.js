/* Methods side by side, by a metric and a task of the reader's choice. */
"use strict";
Explore.kinds.compare = (view, data) => {
  const tasks = Object.keys(data.tasks);
  const task = view.select("Task", tasks, data.task);
  const metrics = [...new Set(tasks.flatMap((t) => Object.keys(data.tasks[t].metrics)))];
  const metric = view.select("Metric", metrics);
  const sorted = view.check("Best first", false);
  const methods = [...new Set(tasks.flatMap((t) => data.tasks[t].methods))];
  const chosen = new Map(methods.map((name) => [name, view.check(name, true)]));
  const plot = view.plot({ x: [0, 104], y: [0, 1], left: 112, xticks: Explore.ticks(0, 25, 50, 75, 100),
    yticks: [], xlabel: "Percent", ylabel: "", label: "The chosen metric for each chosen method" });
  view.legend(plot.box, ["recorded mean, 95 % interval", "published"]);
  const names = plot.svg.appendChild(Explore.shape("g"));

  const rows = () => {
    const { methods: all, metrics: known } = data.tasks[task()];
    const numbers = known[metric()];
    if (!numbers) return [];
    const found = all.map((name, i) => ({ name, printed: numbers.published[i], ours: numbers.recorded[i] }))
      .filter((row) => chosen.get(row.name)());
    const best = (row) => row.ours?.[0] ?? row.printed;
    return sorted() ? found.sort((a, b) => best(b) - best(a)) : found;
  };
  const bar = (row, y, height) => {
    const [mean, low, high] = row.ours;
    plot.draw("rect", { class: "fill c0", "fill-opacity": 0.55, x: plot.px(0), y: plot.py(y) - height / 2,
      width: plot.px(mean) - plot.px(0), height });
    if (low !== null && high !== null) plot.line([[low, y], [high, y]], "c0");
  };

  return () => {
    const found = rows();
    plot.clear();
    names.replaceChildren();
    found.forEach((row, i) => {
      const y = 1 - (i + 0.5) / found.length;
      names.append(Explore.shape("text", { x: 106, y: plot.py(y) + 4, "text-anchor": "end" }, row.name));
      if (row.ours) bar(row, y, Math.min(16, 110 / found.length));
      if (row.printed !== null) {
        plot.draw("circle", { class: "ring c1", cx: plot.px(row.printed), cy: plot.py(y), r: 5 });
      }
    });
    const say = (row) => `${row.name}: ${row.printed === null ? "not" : row.printed.toFixed(2)} published, ` +
      `${row.ours ? row.ours[0].toFixed(2) : "not"} recorded`;
    view.output.textContent = found.length
      ? `${metric()} in percent. ${found.map(say).join("; ")}.`
      : "Nothing to show: this task has no such class, or no method is chosen.";
  };
};

/* Two classes: the answer is 0 where its probability exceeds a threshold. */
"use strict";
Explore.kinds.threshold = (view, data) => {
  const names = Object.keys(data.networks);
  const network = view.select("Recorded network", names);
  const threshold = view.slider("Threshold of class 0", { values: data.thresholds,
    value: data.threshold, text: (t) => String(+t.toPrecision(4)) });
  const show = view.matrix("True class as row, answer as column", 2);
  const odds = (t) => Math.log10(t / (1 - t));
  const places = data.thresholds.map(odds);
  const ends = [places[0], places.at(-1)];
  const tick = [0.0001, 0.01, 0.5, 0.99, 0.9999].map((t) => [odds(t), String(t)]);
  const plot = view.plot({ x: ends, y: [0, 1], xticks: tick.filter(([v]) => v >= ends[0] && v <= ends[1]),
    yticks: Explore.ticks(0, 0.25, 0.5, 0.75, 1), xlabel: "Threshold (equal steps of log odds)",
    ylabel: "Recall", label: "Recall of both classes over the threshold" });
  plot.drag((v) => {
    const distances = places.map((place) => Math.abs(place - v));
    threshold.set(distances.indexOf(Math.min(...distances)));
  });
  view.legend(plot.box, ["recall of class 0", "recall of class 1"]);

  const count = (outputs, t) => {
    const table = [[0, 0], [0, 0]];
    outputs.forEach((p, i) => { table[data.labels[i]][p > t ? 0 : 1] += 1; });
    return table;
  };
  const recalls = ([[a, b], [c, d]]) => [a / (a + b), d / (c + d)];
  const curves = Object.fromEntries(names.map((name) =>
    [name, data.thresholds.map((t) => recalls(count(data.networks[name], t)))]));

  const times = (ratio) => (ratio === 1 ? "as much" : `${+ratio.toPrecision(3)} times as much`);

  return () => {
    const [name, t] = [network(), threshold()];
    const table = count(data.networks[name], t);
    const recall = recalls(table);
    show(table);
    plot.clear();
    plot.mark(odds(t));
    [0, 1].forEach((c) => {
      plot.line(curves[name].map((r, i) => [places[i], r[c]]), `c${c}`);
      plot.dot(odds(t), recall[c], `c${c}`);
    });
    view.output.textContent = `Answer 0 where its probability exceeds ${+t.toPrecision(4)}, that is, ` +
      `where missing a 0 costs ${times((1 - t) / t)} as missing a 1. Recall of class 0: ` +
      `${Explore.percent(recall[0])}, of class 1: ${Explore.percent(recall[1])}.`;
  };
};

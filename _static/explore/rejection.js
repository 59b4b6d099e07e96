/* What a threshold of confidence rejects, among anomalies and among normal inputs. */
"use strict";
Explore.kinds.rejection = (view, data) => {
  const { normal, anomalous } = data;
  const threshold = view.slider("Threshold λ", { max: 1, step: 0.01, value: data.threshold,
    text: (v) => v.toFixed(2) });
  const share = (group, i) => group.rejected[i] / group.n;
  const fifths = Explore.ticks(0, 0.25, 0.5, 0.75, 1);
  const rates = view.plot({ x: [0, 1], y: [0, 1], xticks: fifths, yticks: fifths,
    xlabel: "Threshold λ", ylabel: "Share rejected", label: "Share rejected over the threshold" });
  view.legend(rates.box, [`${data.names[1]}: true positives`, `${data.names[0]}: false positives`]);
  rates.drag(threshold.set);
  const roc = view.plot({ x: [0, 1], y: [0, 1], xticks: fifths, yticks: fifths,
    xlabel: "False positive rate", ylabel: "True positive rate",
    label: "True positive rate over false positive rate" });
  const all = normal.rejected.map((_, i) => i);
  return () => {
    const t = threshold();
    const i = Math.round(100 * t);
    rates.clear();
    rates.mark(t);
    [anomalous, normal].forEach((group, c) => {
      rates.line(all.map((k) => [k / 100, share(group, k)]), `c${c}`);
      rates.dot(t, share(group, i), `c${c}`);
    });
    roc.clear();
    roc.line([[0, 0], [1, 1]], "c1 thin");
    roc.line(all.map((k) => [share(normal, k), share(anomalous, k)]), "c2");
    roc.dot(share(normal, i), share(anomalous, i), "c2", 5);
    const say = (group, name) =>
      `${group.rejected[i]} of ${group.n} ${name} (${Explore.percent(share(group, i))})`;
    view.output.textContent = `λ = ${t.toFixed(2)} rejects ${say(anomalous, data.names[1])} rightly and ` +
      `${say(normal, data.names[0])} wrongly.`;
  };
};

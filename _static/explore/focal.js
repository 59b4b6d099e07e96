/* Focal loss -(1-p)^g log p and its slope over the output before softmax, as gamma moves. */
"use strict";
Explore.kinds.focal = (view, data) => {
  const loss = (p, g) => -((1 - p) ** g) * Math.log(p);
  // dp/dz = p (1 - p) for the true class's output z before softmax.
  const slope = (p, g) => (1 - p) ** g * (g * p * Math.log(p) + p - 1);
  const gamma = view.slider("Focusing γ", { max: 5, step: 0.1, value: data.gamma,
    text: (v) => v.toFixed(1) });
  const at = view.slider("Probability p of the true class", { min: 0.01, max: 0.99, step: 0.01,
    value: data.p, text: (v) => v.toFixed(2) });
  const xlabel = "Probability p of the true class";
  const axis = { x: [0, 1], xticks: Explore.ticks(0, 0.25, 0.5, 0.75, 1), xlabel };
  const plots = [
    view.plot({ ...axis, y: [0, 5], yticks: Explore.ticks(0, 1, 2, 3, 4, 5), ylabel: "Loss",
      label: "Focal loss over p, beside cross-entropy" }),
    view.plot({ ...axis, y: [-1.5, 0], yticks: Explore.ticks(-1.5, -1, -0.5, 0),
      ylabel: "Gradient", label: "Gradient of focal loss over p, beside that of cross-entropy" }),
  ];
  plots.forEach((plot) => view.legend(plot.box, ["focal loss", "cross-entropy, γ = 0"]));
  plots.forEach((plot) => plot.drag(at.set));
  const grid = Explore.range(0.005, 0.999, 200);
  return () => {
    const [g, p] = [gamma(), at()];
    [loss, slope].forEach((f, i) => {
      plots[i].clear();
      plots[i].line(grid.map((v) => [v, f(v, 0)]), "c1");
      plots[i].line(grid.map((v) => [v, f(v, g)]), "c0");
      plots[i].mark(p);
      plots[i].dot(p, f(p, g), "c0");
    });
    const four = (v) => Explore.fixed(v, 4);
    view.output.textContent = `γ = ${g.toFixed(1)}, p = ${p.toFixed(2)}: loss ${four(loss(p, g))}, ` +
      `gradient ${four(slope(p, g))}; cross-entropy has ${four(loss(p, 0))} and ${four(slope(p, 0))}.`;
  };
};

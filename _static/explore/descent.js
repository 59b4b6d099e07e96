/* Gradient descent on the loss (a1 w1^2 + a2 w2^2) / 2, whose contours are ellipses. */
"use strict";
Explore.kinds.descent = (view, data) => {
  const [a1, a2] = data.curvatures;
  const rate = view.slider("Learning rate η", { min: 0.01, max: 0.6, step: 0.01, value: data.rate,
    text: (v) => v.toFixed(2) });
  const steps = view.slider("Steps", { max: 40, value: data.steps });
  const loss = ([u, v]) => (a1 * u * u + a2 * v * v) / 2;
  const walk = (eta, n) => {
    const path = [data.start];
    for (let i = 0; i < n; i++) {
      const [u, v] = path[i];
      path.push([u - eta * a1 * u, v - eta * a2 * v]);
    }
    return path;
  };
  const surface = view.plot({ x: [-3, 3], y: [-2, 2], xticks: Explore.ticks(-3, -2, -1, 0, 1, 2, 3),
    yticks: Explore.ticks(-2, -1, 0, 1, 2), xlabel: "w₁", ylabel: "w₂",
    label: "Path of gradient descent on the contours of the loss" });
  const curve = view.plot({ x: [0, 40], y: [-6, 2], xticks: Explore.ticks(0, 10, 20, 30, 40),
    yticks: [[-6, "10⁻⁶"], [-4, "10⁻⁴"], [-2, "0.01"], [0, "1"], [2, "100"]], xlabel: "Step",
    ylabel: "Loss", label: "Loss after each step, on a logarithmic axis" });
  curve.drag(steps.set);
  const number = (v) => (Math.abs(v) < 1e4 ? Explore.fixed(v, 3) : v.toExponential(1).replace("-", "−"));
  const small = (v) => (v > 0 && v < 1e-3 ? v.toPrecision(2).replace("-", "−") : number(v));
  const contours = [0.1, 0.5, 1, 2, 3.5, 5.5, 8];
  return () => {
    const [eta, n] = [rate(), steps()];
    const path = walk(eta, n);
    surface.clear();
    for (const level of contours) {
      surface.draw("ellipse", { class: "line c0 thin", cx: surface.px(0), cy: surface.py(0),
        rx: surface.px(Math.sqrt((2 * level) / a1)) - surface.px(0),
        ry: surface.py(0) - surface.py(Math.sqrt((2 * level) / a2)) });
    }
    surface.line(path, "c1");
    path.forEach(([u, v]) => surface.dot(u, v, "c1", 3));
    surface.dot(0, 0, "c2", 5);
    curve.clear();
    curve.line(path.map((w, i) => [i, Math.log10(Math.max(loss(w), 1e-12))]), "c1");
    const [u, v] = path.at(-1);
    const verdict = loss([u, v]) > loss(data.start) ? " It has grown: the steps are too large." : "";
    view.output.textContent = `η = ${eta.toFixed(2)}, after ${n} steps: w = (${number(u)}, ${number(v)}), ` +
      `loss ${small(loss([u, v]))}; it started at ${number(loss(data.start))}.${verdict}`;
  };
};

/* A new image on the line between two: w A + (1 - w) B, pixel by pixel. */
"use strict";
Explore.kinds.smote = (view, data) => {
  const names = data.images.map((_, i) => `image ${i + 1}`);
  // B on the left, where λ is 0: the mixture changes the way that the slider goes.
  const second = view.select("B", names, names[1]);
  const first = view.select("A", names, names[0]);
  const weight = view.slider("λ", { max: 1, step: 0.05, value: data.weight, text: (v) => v.toFixed(2) });
  const size = data.size;
  const row = Explore.el("div", { class: "explore-images" });
  view.add(row);
  const [left, middle, right] = ["B", "λA + (1 − λ)B", "A"].map((title) => {
    const canvas = Explore.el("canvas", { width: size, height: size, role: "img", "aria-label": title });
    row.append(Explore.el("figure", {}, canvas, Explore.el("figcaption", {}, title)));
    return canvas;
  });

  const paint = (canvas, pixels) => {
    const image = new ImageData(size, size);
    pixels.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  // As NumPy rounds: halves go to the even neighbour.
  const round = (v) => (v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

  return () => {
    const [i, k, w] = [names.indexOf(first()), names.indexOf(second()), weight()];
    const [a, b] = [data.images[i], data.images[k]];
    const mixed = a.map((v, n) => round(w * v + (1 - w) * b[n]));
    paint(left, b);
    paint(middle, mixed);
    paint(right, a);
    const mean = mixed.reduce((x, y) => x + y) / mixed.length;
    view.output.textContent = `λ = ${w.toFixed(2)}: ${Math.round(100 * w)} % of A (image ${i + 1}) and ` +
      `${Math.round(100 * (1 - w))} % of B (image ${k + 1}); mean brightness ${mean.toFixed(2)} of 255.`;
  };
};

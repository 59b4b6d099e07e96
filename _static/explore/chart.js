/* Shared by the interactive figures: controls, axes and lines, and how a figure starts.
   A figure registers itself: Explore.kinds.NAME = (view, data) => draw, a function without
   arguments that reads the controls and shows their state. */
"use strict";
const Explore = { kinds: {} };
(() => {
  let count = 0;

  function node(namespace, tag, attributes, children) {
    const element = document.createElementNS(namespace, tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }
  const el = (tag, attributes, ...children) =>
    node("http://www.w3.org/1999/xhtml", tag, attributes, children);
  const shape = (tag, attributes, ...children) =>
    node("http://www.w3.org/2000/svg", tag, attributes, children);

  class View {
    constructor(label) {
      this.controls = el("div", { class: "explore-controls" });
      this.output = el("output", { "aria-live": "polite" });
      this.views = el("div", { class: "explore-views" });
      this.root = el("div", { class: "explore-live", role: "group", "aria-label": label },
        this.controls, this.output, this.views);
    }

    /* Draw at the next frame, once, however many events come before it. */
    update() {
      this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
    }

    control(input, label, kind) {
      input.id = `explore-${++count}`;
      const text = el("label", { for: input.id }, label);
      if (kind === "check") text.prepend(input);
      const box = el("div", { class: `explore-control explore-${kind}` }, text);
      if (kind !== "check") box.append(input);
      input.addEventListener("input", () => this.update());
      this.controls.append(box);
      return input;
    }

    /* A slider over numbers, or over a list of values. What it returns gives the chosen one, and
       its `set` moves the slider to a number, or to a place in the list. */
    slider(label, { min = 0, max, step = 1, values, value, text = String }) {
      const start = values ? values.indexOf(value) : value;
      const input = el("input", { type: "range", min, max: values ? values.length - 1 : max, step,
        value: start });
      this.control(input, label, "range");
      const shown = input.previousElementSibling;
      const read = () => (values ? values[+input.value] : +input.value);
      const name = () => {
        shown.textContent = `${label}: ${text(read())}`;
        input.setAttribute("aria-valuetext", text(read()));
      };
      input.addEventListener("input", name);
      name();
      read.set = (position) => {
        input.value = position;
        input.dispatchEvent(new Event("input"));
      };
      return read;
    }

    select(label, names, value) {
      const options = names.map((name, i) => el("option", { value: i }, String(name)));
      const input = el("select", {}, ...options);
      input.value = names.indexOf(value ?? names[0]);
      this.control(input, label, "select");
      const read = () => names[+input.value];
      read.set = (name) => {
        input.value = names.indexOf(name);
        input.dispatchEvent(new Event("input"));
      };
      return read;
    }

    check(label, on) {
      const input = el("input", { type: "checkbox" });
      input.checked = on;
      this.control(input, label, "check");
      return () => input.checked;
    }

    add(...children) {
      const box = el("div", { class: "explore-view" }, ...children);
      this.views.append(box);
      return box;
    }

    legend(box, names) {
      box.append(el("div", { class: "explore-legend" },
        ...names.map((name, i) => el("span", { class: `c${i}` }, name))));
    }

    /* Axes in a box of 340 x 230; `clear` keeps them and removes what was drawn since. */
    plot(options) {
      const { x, y, xticks, yticks, xlabel, ylabel, label } = options;
      const [left, right, top, bottom] = [50, 322, 8, 190];
      const px = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left);
      const py = (v) => bottom - ((v - y[0]) / (y[1] - y[0])) * (bottom - top);
      const svg = shape("svg", { viewBox: "0 0 340 230", role: "img", "aria-label": label });
      const put = (tag, attributes, ...text) => svg.appendChild(shape(tag, attributes, ...text));
      for (const [v, name] of xticks) {
        put("line", { class: "grid", x1: px(v), x2: px(v), y1: top, y2: bottom });
        put("text", { x: px(v), y: bottom + 15, "text-anchor": "middle" }, name);
      }
      for (const [v, name] of yticks) {
        put("line", { class: "grid", x1: left, x2: right, y1: py(v), y2: py(v) });
        put("text", { x: left - 5, y: py(v) + 4, "text-anchor": "end" }, name);
      }
      put("path", { class: "axis", d: `M${left},${top}V${bottom}H${right}` });
      put("text", { x: (left + right) / 2, y: 222, "text-anchor": "middle" }, xlabel);
      put("text", { x: 11, y: 100, "text-anchor": "middle", transform: "rotate(-90 11 100)" }, ylabel);
      const frame = `explore-frame-${++count}`;
      put("clipPath", { id: frame }).append(
        shape("rect", { x: left, y: top - 4, width: right - left, height: bottom - top + 8 }));
      const layer = put("g", { "clip-path": `url(#${frame})` });
      const draw = (tag, attributes) => layer.append(shape(tag, attributes));
      return {
        svg, px, py, draw,
        box: this.add(svg),
        clear: () => layer.replaceChildren(),
        line: (points, style) => draw("polyline", { class: `line ${style}`,
          points: points.map(([a, b]) => `${px(a).toFixed(2)},${py(b).toFixed(2)}`).join(" ") }),
        dot: (a, b, style, r = 4) => draw("circle", { class: `fill ${style}`, cx: px(a), cy: py(b), r }),
        mark: (v) => draw("line", { class: "mark", x1: px(v), x2: px(v), y1: top, y2: bottom }),
        /* A pointer that is dragged over the plot chooses the place on the x axis below it. */
        drag: (choose) => {
          const at = (event) => {
            const box = svg.getBoundingClientRect();
            const across = (340 * (event.clientX - box.left)) / box.width;
            const share = Math.min(1, Math.max(0, (across - left) / (right - left)));
            choose(x[0] + share * (x[1] - x[0]));
          };
          svg.classList.add("explore-drag");
          svg.addEventListener("pointerdown", (event) => {
            svg.setPointerCapture(event.pointerId);
            at(event);
          });
          svg.addEventListener("pointermove", (event) => {
            if (svg.hasPointerCapture(event.pointerId)) at(event);
          });
        },
      };
    }

    /* A confusion matrix as a table, shaded by the share of its row; a pointer may choose a cell. */
    matrix(caption, size, choose) {
      const box = this.add();
      const table = el("div", { class: `explore-matrix${size > 3 ? " is-large" : ""}`, tabindex: 0,
        role: "region", "aria-label": caption });
      box.append(table);
      const classes = [...Array(size).keys()];
      const cells = classes.map(() => classes.map(() => el("td")));
      const head = el("tr", {}, el("th", { scope: "col" }, size > 3 ? "↓" : "true ↓"),
        ...classes.map((c) => el("th", { scope: "col" }, String(c))));
      const rows = classes.map((c) => el("tr", {}, el("th", { scope: "row" }, String(c)), ...cells[c]));
      table.append(el("table", {}, el("caption", {}, caption), el("thead", {}, head),
        el("tbody", {}, ...rows)));
      if (choose) {
        table.classList.add("can-choose");
        cells.forEach((row, c) => row.forEach((cell, j) =>
          cell.addEventListener("click", () => choose(c, j))));
      }
      return (counts) => counts.forEach((row, c) => {
        const total = Math.max(1, row.reduce((a, b) => a + b));
        row.forEach((n, j) => {
          cells[c][j].textContent = n;
          const ink = c === j ? 0 : 1;
          cells[c][j].style.background =
            `color-mix(in srgb, var(--explore-${ink}) ${Math.round((35 * n) / total)}%, transparent)`;
        });
      });
    }
  }

  Object.assign(Explore, { el, shape,
    fixed: (v, digits) => v.toFixed(digits).replace("-", "−"),
    percent: (share, digits = 1) => `${(100 * share).toFixed(digits)} %`,
    ticks: (...values) => values.map((v) => [v, String(v).replace("-", "−")]),
    range: (low, high, n) => Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1)),
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const root of document.querySelectorAll("div.explore")) {
      const kind = Explore.kinds[root.dataset.kind];
      const view = new View(root.dataset.label);
      view.draw = kind(view, JSON.parse(root.querySelector("script").textContent));
      view.draw();
      root.append(view.root);
      root.classList.add("is-live");
    }
  });
})();

/* Ten classes: each output is multiplied by the row sum of the cost matrix. */
"use strict";
Explore.kinds.cost = (view, data) => {
  const size = data.outputs[0].length;
  const classes = [...Array(size).keys()];
  const truth = view.select("True class c", classes, data.mistake[0]);
  const taken = view.select("taken for class j", classes, data.mistake[1]);
  const price = view.slider("Cost C(c, j)", { values: data.costs, value: data.cost });
  const show = view.matrix("True class as row, answer as column", size, (c, j) => {
    truth.set(c);
    taken.set(j);
  });

  const confusion = (factors) => {
    const table = classes.map(() => classes.map(() => 0));
    data.outputs.forEach((row, i) => {
      const moved = row.map((p, c) => p * factors[c]);
      table[data.labels[i]][moved.indexOf(Math.max(...moved))] += 1;
    });
    return table;
  };
  const recall = (table, c) => table[c][c] / table[c].reduce((a, b) => a + b);

  return () => {
    const [c, j, cost] = [truth(), taken(), price()];
    // A row of ones but for the diagonal sums to size - 1; one entry of it becomes the cost.
    const factors = classes.map((k) => (k === c && j !== c ? size - 2 + cost : size - 1));
    const table = confusion(factors);
    show(table);
    const right = classes.reduce((sum, k) => sum + table[k][k], 0) / data.labels.length;
    view.output.textContent = j === c
      ? "A right answer costs nothing: choose two different classes."
      : `Output ${c} is multiplied by ${factors[c]}, all others by ${size - 1}. Recall of class ${c}: ` +
        `${Explore.percent(recall(table, c))}; all images: ${Explore.percent(right)} right.`;
  };
};

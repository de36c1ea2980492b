// Softmax cross-entropy of a row of `logits` [rows, columns], of which each has one of `labels`: both are bound by who includes this.

struct RowLoss {
  // log Σ_c exp x_c
  lse: f32,
  // lse − x of the label; NaN where the label is no column
  loss: f32,
  // 1 if the first of the largest logits is the label's, else 0
  right: f32,
}

fn row_loss(row: u32, columns: u32) -> RowLoss {
  let start = row * columns;
  var largest = logits[start];
  var argmax = 0u;
  for (var c = 1u; c < columns; c++) {
    let value = logits[start + c];
    if (value > largest) {
      largest = value;
      argmax = c;
    }
  }
  var sum = 0.0;
  for (var c = 0u; c < columns; c++) { sum += exp(logits[start + c] - largest); }
  let log_sum = log(sum);
  let label = labels[row];
  let loss = log_sum - (logits[start + min(label, columns - 1u)] - largest);
  let bits = select(bitcast<u32>(loss), 0x7fc00000u, label >= columns);
  return RowLoss(largest + log_sum, bitcast<f32>(bits), select(0.0, 1.0, argmax == label));
}

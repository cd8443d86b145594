extension Recurrent {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
      var layer = try RecurrentReference(self, x)
      layer.run()
      return Array(layer.outputs.prefix(x.outputCount))
    } catch {
      throw ComputeError(error)
    }
  }
}

/// One run of a recurrent layer, step by step. States are kept `[direction, batch, hidden]`.
private struct RecurrentReference {
  private let op: Recurrent
  private let dtype: DType
  private let (steps, batch, inputs, hidden): (Int, Int, Int, Int)
  private let functions: [[RecurrentActivation]]
  private let (x, w, r, bias, peepholes): ([Double], [Double], [Double], [Double], [Double])
  private let lengths: [Int]
  private var (h, c): ([Double], [Double])
  private var y: [Double]

  /// Operands whose types the operator has accepted.
  init(_ op: Recurrent, _ operands: Operands) throws(InferenceError) {
    func doubles(_ i: Int, count: Int) -> [Double] {
      operands.optional(i)?.doubles ?? [Double](repeating: 0, count: count)
    }
    let shape = operands.optional(0)?.shape ?? [0, 0, 0]
    let directions = op.directions
    let hidden = operands.optional(2)?.shape[2] ?? 0
    let (steps, batch) = op.layout == 0 ? (shape[0], shape[1]) : (shape[1], shape[0])
    self.op = op
    dtype = operands.optional(0)?.dtype ?? .float32
    (self.steps, self.batch, inputs, self.hidden) = (steps, batch, shape[2], hidden)
    var functions: [[RecurrentActivation]] = []
    for direction in 0..<directions { functions.append(try op.functions(direction: direction)) }
    self.functions = functions
    x = doubles(0, count: 0)
    w = doubles(1, count: 0)
    r = doubles(2, count: 0)
    bias = doubles(3, count: directions * 2 * op.cell.gates * hidden)
    peepholes = doubles(7, count: directions * 3 * hidden)
    lengths = operands.optional(4)?.integers ?? [Int](repeating: steps, count: batch)
    let states = directions * batch * hidden
    h = doubles(5, count: states)
    c = op.cell == .lstm ? doubles(6, count: states) : []
    y = [Double](repeating: 0, count: steps * states)
    if op.layout == 1 {
      h = Self.swapped(h, batch, directions, hidden)
      c = c.isEmpty ? [] : Self.swapped(c, batch, directions, hidden)
    }
  }

  /// `[rows, columns, inner]` with the first two axes exchanged.
  private static func swapped(
    _ values: [Double], _ rows: Int, _ columns: Int, _ inner: Int
  ) -> [Double] {
    var result: [Double] = []
    for column in 0..<columns {
      for row in 0..<rows {
        let first = (row * columns + column) * inner
        result += values[first..<(first + inner)]
      }
    }
    return result
  }

  mutating func run() {
    for direction in 0..<op.directions {
      let isReversed = op.direction == .reverse || direction == 1
      for item in 0..<batch {
        // A sequence's reverse begins at its own end, so that both ways visit steps below its length.
        let length = max(0, min(lengths[item], steps))
        for i in 0..<length { step(direction, item, isReversed ? length - 1 - i : i) }
      }
    }
  }

  /// W row x + R row h and both biases, of one gate; `scaled` replaces h.
  private func sum(
    _ gate: Int, _ j: Int, _ direction: Int, input: Int, state: ArraySlice<Double>
  ) -> (input: Double, state: Double) {
    let row = (direction * op.cell.gates + gate) * hidden + j
    let biases = direction * 2 * op.cell.gates * hidden + gate * hidden + j
    var first = bias[biases]
    var second = bias[biases + op.cell.gates * hidden]
    for i in 0..<inputs { first += w[row * inputs + i] * x[input + i] }
    for i in 0..<hidden { second += r[row * hidden + i] * state[state.startIndex + i] }
    return (first, second)
  }

  private func clipped(_ value: Double) -> Double {
    guard let clip = op.clip else { return value }
    return Swift.min(Swift.max(value, -Double(clip)), Double(clip))
  }

  private mutating func step(_ direction: Int, _ item: Int, _ t: Int) {
    let input = (op.layout == 0 ? t * batch + item : item * steps + t) * inputs
    let first = (direction * batch + item) * hidden
    let state = h[first..<(first + hidden)]
    let next =
      switch op.cell {
      case .lstm: lstm(direction, input, first, state)
      case .gru: gru(direction, input, state)
      case .rnn: rnn(direction, input, state)
      }
    let target =
      op.layout == 0
      ? (t * op.directions + direction) * batch + item
      : (item * steps + t) * op.directions + direction
    for j in 0..<hidden {
      h[first + j] = next[j]
      y[target * hidden + j] = next[j]
    }
  }

  private func rnn(_ direction: Int, _ input: Int, _ state: ArraySlice<Double>) -> [Double] {
    (0..<hidden).map { j in
      let gate = sum(0, j, direction, input: input, state: state)
      return functions[direction][0](clipped(gate.input + gate.state))
    }
  }

  private func gru(_ direction: Int, _ input: Int, _ state: ArraySlice<Double>) -> [Double] {
    let (f, g) = (functions[direction][0], functions[direction][1])
    func gate(_ gate: Int, _ j: Int) -> Double {
      let sum = sum(gate, j, direction, input: input, state: state)
      return f(clipped(sum.input + sum.state))
    }
    let update = (0..<hidden).map { gate(0, $0) }
    let reset = (0..<hidden).map { gate(1, $0) }
    let previous = Array(state)
    let scaled = op.isLinearBeforeReset ? previous : zip(reset, previous).map { $0 * $1 }
    return (0..<hidden).map { j in
      let sum = sum(2, j, direction, input: input, state: scaled[...])
      let value = op.isLinearBeforeReset ? sum.input + reset[j] * sum.state : sum.input + sum.state
      return (1 - update[j]) * g(clipped(value)) + update[j] * previous[j]
    }
  }

  private mutating func lstm(
    _ direction: Int, _ input: Int, _ first: Int, _ state: ArraySlice<Double>
  ) -> [Double] {
    let (f, g, h) = (functions[direction][0], functions[direction][1], functions[direction][2])
    let weights = peepholes[(direction * 3 * hidden)...]
    var next: [Double] = []
    for j in 0..<hidden {
      func gate(_ gate: Int) -> Double {
        let sum = sum(gate, j, direction, input: input, state: state)
        return sum.input + sum.state
      }
      func peephole(_ gate: Int) -> Double { weights[weights.startIndex + gate * hidden + j] }
      let cell = c[first + j]
      let i = f(clipped(gate(0) + peephole(0) * cell))
      let forget = op.couplesForget ? 1 - i : f(clipped(gate(2) + peephole(2) * cell))
      let new = forget * cell + i * g(clipped(gate(3)))
      c[first + j] = new
      next.append(f(clipped(gate(1) + peephole(1) * new)) * h(new))
    }
    return next
  }

  /// Y, Y_h, Y_c in the operator's layout.
  var outputs: [Tensor] {
    let directions = op.directions
    let isBatchFirst = op.layout == 1
    let all =
      isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let shape = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    var result = [Tensor(dtype, all, doubles: y)]
    for state in op.cell == .lstm ? [h, c] : [h] {
      let values = isBatchFirst ? Self.swapped(state, directions, batch, hidden) : state
      result.append(Tensor(dtype, shape, doubles: values))
    }
    return result
  }
}

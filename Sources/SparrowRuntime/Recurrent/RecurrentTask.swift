import CKernels
import SparrowCore

/// All steps of some items of the batch in one direction.
struct RecurrentTask {
  typealias Floats = UnsafeMutablePointer<Float>

  private let layer: RecurrentLayer
  private let direction: Int
  private let items: Range<Int>
  private let (hidden, row): (Int, Int)
  private let gates: Floats
  private let y: Floats
  private let lengths: UnsafeMutablePointer<Int32>?
  private let peepholes: Floats?
  /// Biases of R in a GRU's hidden gate, where that is reset.
  private let resetBias: UnsafePointer<Float>?
  private let tileSums: Floats
  /// States by item, and the hidden one transposed for the next product.
  private let (h, c, transposed): (Floats, Floats, Floats)
  /// A GRU's reset state, its transpose, and the products with it; a row for an LSTM.
  private let (reset, resetTransposed, other): (Floats, Floats, Floats)
  private let (initialH, initialC): (Floats?, Floats?)
  private let work: Work

  init(_ layer: RecurrentLayer, _ work: Work) {
    let chunk: Int
    self.work = work
    (direction, chunk) = work.task.quotientAndRemainder(dividingBy: layer.chunks.tasks)
    self.layer = layer
    items = layer.chunks.range(chunk)
    (hidden, row) = (layer.hidden, layer.rowFloats)
    gates = work.floats(layer.gates[direction])
    y = work.floats(layer.y)
    lengths = layer.lengths.map { work.pointer($0, as: Int32.self) }
    peepholes = layer.peepholes.map { [direction, hidden] in
      work.floats($0) + direction * 3 * hidden
    }
    resetBias = layer.bias.map { [direction, hidden] in
      UnsafePointer(work.floats($0) + direction * 6 * hidden + 5 * hidden)
    }
    tileSums = work.floats(layer.tileSums) + work.worker * layer.tileFloats
    let n = layer.areaFloats
    let areas = work.floats(layer.areas) + work.task * RecurrentLayer.areasOfATask * n
    (h, c, transposed) = (areas, areas + n, areas + 2 * n)
    (reset, resetTransposed, other) = (areas + 3 * n, areas + 4 * n, areas + 5 * n)
    initialH = layer.initialH.map { work.floats($0) }
    initialC = layer.initialC.map { work.floats($0) }
  }

  func run() {
    start(h, initialH)
    if layer.op.cell == .lstm { start(c, initialC) }
    transpose(h, to: transposed)
    let isReversed = layer.op.direction == .reverse || direction == 1
    for i in 0..<layer.steps { step(isReversed ? layer.steps - 1 - i : i) }
    finish(h, 0)
    if layer.op.cell == .lstm { finish(c, 1) }
  }

  /// Where an item's state is in an operand or result.
  private func statePosition(_ item: Int) -> Int {
    let (batch, directions) = (layer.batch, layer.op.directions)
    return (layer.op.layout == 0 ? direction * batch + item : item * directions + direction)
      * hidden
  }

  private func start(_ state: Floats, _ initial: Floats?) {
    for (i, item) in items.enumerated() {
      if let initial {
        (state + i * hidden).update(from: initial + statePosition(item), count: hidden)
      } else {
        (state + i * hidden).update(repeating: 0, count: hidden)
      }
    }
  }

  private func finish(_ state: Floats, _ output: Int) {
    guard output < layer.states.count else { return }
    let target = work.floats(layer.states[output])
    for (i, item) in items.enumerated() {
      (target + statePosition(item)).update(from: state + i * hidden, count: hidden)
    }
  }

  private func transpose(_ state: Floats, to target: Floats) {
    if items.count == 1 {
      target.update(from: state, count: hidden)
    } else {
      layer.kernels.pointee.f32_transpose(
        items.count, hidden, state, hidden, target,
        StateProduct.stateStride(layer.chunks.range(0).count))
    }
  }

  /// Whether the item's sequence has that step: both ways visit those below its length.
  private func has(_ step: Int, _ item: Int) -> Bool {
    lengths.map { step < Int($0[item]) } ?? true
  }

  private func step(_ t: Int) {
    let isBatchFirst = layer.op.layout == 1
    let stride = isBatchFirst ? layer.steps * row : row
    let first =
      isBatchFirst
      ? items.lowerBound * stride + t * row : (t * layer.batch + items.lowerBound) * row
    let gates = gates + first
    layer.products[direction].run(
      state: transposed, batch: items.count, y: gates, stride: stride, accumulates: true,
      bias: nil, sums: tileSums)
    switch layer.op.cell {
    case .lstm: each(t) { lstm(gates + $0 * stride, $0) }
    case .gru: gru(t, gates, stride)
    case .rnn:
      each(t) { i in
        let gate = gates + i * stride
        clip(hidden, gate)
        layer.functions[direction][0].apply(hidden, gate)
        (h + i * hidden).update(from: gate, count: hidden)
      }
    }
    store(t)
    transpose(h, to: transposed)
  }

  /// The items whose sequences have that step.
  private func each(_ t: Int, _ body: (Int) -> Void) {
    for (i, item) in items.enumerated() where has(t, item) { body(i) }
  }

  private func store(_ t: Int) {
    let directions = layer.op.directions
    for (i, item) in items.enumerated() {
      let place =
        layer.op.layout == 0
        ? (t * directions + direction) * layer.batch + item
        : (item * layer.steps + t) * directions + direction
      if has(t, item) {
        (y + place * hidden).update(from: h + i * hidden, count: hidden)
      } else {
        (y + place * hidden).update(repeating: 0, count: hidden)
      }
    }
  }

  private func clip(_ n: Int, _ x: Floats) {
    guard let bound = layer.op.clip else { return }
    layer.kernels.pointee.f32_unary(SP_UNARY_CLIP, n, x, x, -bound, bound)
  }

  /// Input, output, forget and cell gates.
  private func lstm(_ gate: Floats, _ i: Int) {
    let functions = layer.functions[direction]
    let (input, output, forget, candidate) = (
      gate, gate + hidden, gate + 2 * hidden, gate + 3 * hidden
    )
    let cell = c + i * hidden
    let state = h + i * hidden
    if let peepholes {
      for j in 0..<hidden {
        input[j] += peepholes[j] * cell[j]
        forget[j] += peepholes[2 * hidden + j] * cell[j]
      }
    }
    // The output gate waits for the new cell where it looks at that.
    let waits = peepholes != nil
    if waits {
      clip(hidden, input)
      clip(2 * hidden, forget)
      functions[0].apply(hidden, input)
      functions[0].apply(hidden, forget)
    } else {
      clip(4 * hidden, gate)
      functions[0].apply(3 * hidden, gate)
    }
    functions[1].apply(hidden, candidate)
    if layer.op.couplesForget { for j in 0..<hidden { forget[j] = 1 - input[j] } }
    for j in 0..<hidden { cell[j] = forget[j] * cell[j] + input[j] * candidate[j] }
    if let peepholes {
      for j in 0..<hidden { output[j] += peepholes[hidden + j] * cell[j] }
      clip(hidden, output)
      functions[0].apply(hidden, output)
    }
    state.update(from: cell, count: hidden)
    functions[2].apply(hidden, state)
    for j in 0..<hidden { state[j] *= output[j] }
  }

  /// Update and reset gates of all items, then their hidden gates.
  private func gru(_ t: Int, _ gates: Floats, _ stride: Int) {
    let (f, g) = (layer.functions[direction][0], layer.functions[direction][1])
    let isLinear = layer.op.isLinearBeforeReset
    each(t) { i in
      let gate = gates + i * stride
      clip(2 * hidden, gate)
      f.apply(2 * hidden, gate)
    }
    if isLinear {
      layer.hiddenProducts[direction].run(
        state: transposed, batch: items.count, y: other, stride: hidden, accumulates: false,
        bias: resetBias, sums: tileSums)
    } else {
      for i in 0..<items.count {
        let (scale, state, target) = (
          gates + i * stride + hidden, h + i * hidden, reset + i * hidden
        )
        for j in 0..<hidden { target[j] = scale[j] * state[j] }
      }
      transpose(reset, to: resetTransposed)
      layer.hiddenProducts[direction].run(
        state: resetTransposed, batch: items.count, y: gates + 2 * hidden, stride: stride,
        accumulates: true, bias: nil, sums: tileSums)
    }
    each(t) { i in
      let (update, scale) = (gates + i * stride, gates + i * stride + hidden)
      let candidate = gates + i * stride + 2 * hidden
      let state = h + i * hidden
      if isLinear {
        let product = other + i * hidden
        for j in 0..<hidden { candidate[j] += scale[j] * product[j] }
      }
      clip(hidden, candidate)
      g.apply(hidden, candidate)
      for j in 0..<hidden { state[j] = (1 - update[j]) * candidate[j] + update[j] * state[j] }
    }
  }
}

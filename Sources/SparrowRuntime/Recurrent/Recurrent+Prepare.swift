import CKernels
import SparrowCore

extension Recurrent {
  /// float32 with constant weights: the inputs of all steps and items meet W in one product; then each
  /// step multiplies the state by R and applies the gates. Anything else runs the reference.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, w, r) = (try p.input(0), try p.input(1), try p.input(2))
    guard x.dtype == .float32, let weight = w.constant, let recurrence = r.constant,
      weight.dtype == .float32, recurrence.dtype == .float32, x.count > 0,
      p.optional(4).map({ $0.dtype == .int32 }) ?? true
    else { return p.referenceStep(.recurrent(self)) }
    let layer = try RecurrentLayer(self, &p, recurrence)
    return try layer.step(&p, weight)
  }
}

/// The concrete sizes, weights and memory of one recurrent layer.
///
/// ```
/// sums      [G*H]            a direction's biases; those of W alone for a gate that is reset
/// gates     [S*B, G*H]       a direction's x W + sums, in the order of x's rows
/// area      H*stride         a task's states: hidden, cell, transposed, and three more
/// ```
final class RecurrentLayer: @unchecked Sendable {
  let op: Recurrent
  let kernels: UnsafePointer<sp_kernel_table>
  let (steps, batch, inputs, hidden): (Int, Int, Int, Int)
  let functions: [[GateFunction]]
  /// Rows of R that every step multiplies first, and a GRU's hidden gate.
  let products: [StateProduct]
  let hiddenProducts: [StateProduct]
  /// The items of a task: its batch is cut where threads gain by it.
  let chunks: Chunks

  let (x, y): (Slot, Slot)
  let (bias, lengths, initialH, initialC, peepholes): (Slot?, Slot?, Slot?, Slot?, Slot?)
  let states: [Slot]
  let sums: [Slot]
  let gates: [Slot]
  let areas: Slot
  let tileSums: Slot
  let areaFloats: Int
  let tileFloats: Int

  static var areasOfATask: Int { 6 }
  var gateCount: Int { op.cell.gates }
  var rowFloats: Int { gateCount * hidden }

  init(
    _ op: Recurrent, _ p: inout Preparation, _ recurrence: Tensor
  ) throws(RuntimeError) {
    let input = try p.input(0)
    let x = input.shape
    let (steps, batch) = op.layout == 0 ? (x[0], x[1]) : (x[1], x[0])
    let hidden = recurrence.shape[2]
    let kernels = p.kernels
    (self.op, self.kernels) = (op, kernels)
    (self.steps, self.batch, inputs, self.hidden) = (steps, batch, x[2], hidden)
    let work = 2 * steps * batch * op.cell.gates * hidden * hidden
    chunks = Chunks(
      batch, tasks: p.tasks(work: work, limit: batch), unit: Int(p.kernels.pointee.gemm_mr))
    let most = chunks.range(0).count
    var functions: [[GateFunction]] = []
    var (products, hiddenProducts): ([StateProduct], [StateProduct]) = ([], [])
    // A GRU's hidden gate waits for the reset of the state.
    let first = (op.cell == .gru ? 2 : op.cell.gates) * hidden
    for direction in 0..<op.directions {
      do throws(InferenceError) {
        functions.append(
          try op.functions(direction: direction).map { GateFunction($0, kernels) })
      } catch {
        throw p.unsupported(error.reason)
      }
      products.append(
        StateProduct(p, recurrence, direction: direction, rows: 0..<first, batch: most))
      guard op.cell == .gru else { continue }
      hiddenProducts.append(
        StateProduct(
          p, recurrence, direction: direction, rows: first..<(3 * hidden), batch: most))
    }
    (self.functions, self.products, self.hiddenProducts) = (functions, products, hiddenProducts)
    func slot(_ i: Int) -> Slot? { p.optional(i).map { p.slot($0) } }
    (bias, lengths, initialH, initialC, peepholes) = (slot(3), slot(4), slot(5), slot(6), slot(7))
    self.x = p.slot(input)
    y = p.slot(p.outputs[0])
    states = p.outputs.dropFirst().map { p.slot($0) }
    let row = op.cell.gates * hidden
    let hasBias = bias != nil
    sums = (0..<op.directions).map { _ in p.scratch(bytes: hasBias ? row * 4 : 0) }
    gates = (0..<op.directions).map { _ in p.scratch(bytes: steps * batch * row * 4) }
    areaFloats = (hidden * max(most, StateProduct.stateStride(most))).dividedUp(by: 16) * 16
    tileFloats = max(products[0].sumFloats, hiddenProducts.first?.sumFloats ?? 0)
    areas = p.scratch(
      bytes: op.directions * chunks.tasks * Self.areasOfATask * areaFloats * 4)
    tileSums = p.scratch(bytes: p.threads * tileFloats * 4)
  }
}

extension RecurrentLayer {
  func step(_ p: inout Preparation, _ weight: Tensor) throws(RuntimeError) -> Step {
    var parts = bias == nil ? [] : [biasStep()]
    for direction in 0..<op.directions {
      let shape = ProductShape(
        gemm: Gemm(transposesB: true), a: [steps * batch, inputs], b: [rowFloats, inputs])
      let operands = ProductOperands(
        a: x, c: gates[direction], bias: bias == nil ? nil : sums[direction], addend: nil)
      let part = self.part(of: weight, direction)
      if let product = sparseProduct(&p, shape, operands, weight: part, .none) {
        parts.append(product)
      } else {
        parts.append(try denseProduct(&p, shape, operands, weight: part, .none))
      }
    }
    let multiplyAdds = [op.directions, steps, batch, rowFloats, hidden].clampedProduct
    parts.append(
      Step(
        tasks: op.directions * chunks.tasks, kernel: "gates", multiplyAdds: multiplyAdds
      ) { [self] work in
        RecurrentTask(self, copy work).run()
      })
    return Step(inSequence: parts, kernel: "\(op.cell.kernel) \(p.isaName)")
  }

  /// The matrix of one direction.
  private func part(of weight: Tensor, _ direction: Int) -> Tensor {
    let shape = [rowFloats, inputs]
    guard op.directions > 1, let bytes = weight.dense().denseBytes else {
      return weight.reshaped(shape)
    }
    let count = rowFloats * inputs * 4
    return Tensor(dtype: .float32, shape: shape, bytes: bytes.slice(direction * count, count))
  }

  private func biasStep() -> Step {
    let (bias, sums, n) = (bias, sums, rowFloats)
    // The bias of R in a gate that is reset belongs to what is reset.
    let added = op.isLinearBeforeReset && op.cell == .gru ? 2 * hidden : n
    return Step(tasks: sums.count, kernel: "add") { work in
      guard let bias else { return }
      let source = work.floats(bias) + work.task * 2 * n
      let target = work.floats(sums[work.task])
      for i in 0..<n { target[i] = source[i] + (i < added ? source[n + i] : 0) }
    }
  }
}

extension Recurrent.Cell {
  fileprivate var kernel: String {
    switch self {
    case .gru: "f32_gru"
    case .lstm: "f32_lstm"
    case .rnn: "f32_rnn"
    }
  }
}

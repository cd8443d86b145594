import SparrowCore
import SparrowRuntime
import Testing

@Suite struct RecurrentLayerTests {
  struct Sizes: Sendable {
    var (steps, batch, inputs, hidden): (Int, Int, Int, Int)
  }

  /// Sums of up to 300 products in float32 against float64, through sigmoids.
  private static let tolerance = 2e-5

  private static func inputs(
    _ op: Recurrent, _ sizes: Sizes, lengths: Bool, seed: Int
  ) -> [Tensor?] {
    let (s, b, i, h) = (sizes.steps, sizes.batch, sizes.inputs, sizes.hidden)
    let (d, g) = (op.directions, op.cell.gates)
    let state = op.layout == 0 ? [d, b, h] : [b, d, h]
    let scale = 1 / Float(h).squareRoot()
    return [
      random(op.layout == 0 ? [s, b, i] : [b, s, i], seed: seed),
      random([d, g * h, i], seed: seed + 1, scale: scale),
      random([d, g * h, h], seed: seed + 2, scale: scale),
      random([d, 2 * g * h], seed: seed + 3),
      lengths ? Tensor((0..<b).map { Int32($0 % (s + 1)) }) : nil,
      random(state, seed: seed + 4), op.cell == .lstm ? random(state, seed: seed + 5) : nil,
    ]
  }

  @Test(
    arguments: Recurrent.Cell.allCases,
    [
      Sizes(steps: 1, batch: 1, inputs: 3, hidden: 1),
      Sizes(steps: 7, batch: 1, inputs: 5, hidden: 33),
      Sizes(steps: 2, batch: 33, inputs: 4, hidden: 12),
      Sizes(steps: 1, batch: 2, inputs: 2, hidden: 260),
    ])
  func stepsFollowTheReference(cell: Recurrent.Cell, sizes: Sizes) throws {
    var seed = 1
    for direction in Recurrent.Direction.allCases {
      for layout in [0, 1] {
        for variant in [false, true] {
          var op = Recurrent(cell)
          (op.direction, op.layout) = (direction, layout)
          if cell == .gru { op.isLinearBeforeReset = variant }
          let x = Self.inputs(op, sizes, lengths: variant, seed: seed)
          let outputs = cell == .lstm ? 3 : 2
          let made = try run(.recurrent(op), x, constant: [1, 2, 3], outputs: outputs)
          let wanted = try op.compute(Operands(x, outputCount: outputs))
          for (a, b) in zip(made, wanted) {
            #expect(
              isClose(a, b.doubles, tolerance: Self.tolerance), "\(op) seed \(seed)")
          }
          seed += 10
        }
      }
    }
  }

  @Test func computedWeightsAndFloat64RunTheReference() throws {
    var op = Recurrent(.lstm)
    op.direction = .bidirectional
    let x = Self.inputs(
      op, Sizes(steps: 3, batch: 2, inputs: 2, hidden: 3), lengths: false, seed: 5)
    let wide = x.map { tensor in tensor.map { Tensor(.float64, $0.shape, doubles: $0.doubles) } }
    for inputs in [x, wide] {
      var graph = Graph()
      let ids = inputs.enumerated().map { i, tensor in
        tensor.map { graph.addInput("x\(i)", TensorType($0.dtype, shape: $0.shape)) }
      }
      graph.outputs = try graph.add(
        .recurrent(op), ids, name: "node", outputs: ["y", "h", "c"])
      let made = try Session(graph).run(inputs.compactMap { $0 })
      #expect(made == (try op.compute(Operands(inputs, outputCount: 3))))
    }
  }
}

import SparrowCore
import SparrowRuntime
import Testing

/// float16 and bfloat16 operands are computed in float32 and rounded once.
@Suite struct OperatorsHalfPrecisionTests {
  static let types = [DType.float16, .bfloat16]

  private func cast(_ x: Tensor, _ dtype: DType) throws -> Tensor {
    try run(.cast(Cast(to: dtype)), [x])[0]
  }

  @Test(arguments: types)
  func resultsAreFloat32ResultsRounded(_ dtype: DType) throws {
    var linear = Resize()
    linear.mode = .linear
    let sizes = integers([1, 2, 9, 4])
    let pool = Pool(.average, window: Window(kernel: [2, 2]))
    let cases: [(Op, [[Int]], [Tensor])] = [
      (.unary(Unary(.tanh)), [[3, 40]], []),
      (.binary(Binary(.mul, activation: .relu)), [[3, 40], [40]], []),
      (.softmax(Softmax()), [[3, 40]], []),
      (.layerNormalization(LayerNormalization()), [[3, 40], [40]], []),
      (.reduce(Reduce(.sum)), [[3, 40]], [integers([1])]),
      (.pool(pool), [[1, 2, 6, 6]], []),
      (.resize(linear), [[1, 2, 6, 6]], []),
      (.matMul(MatMul()), [[3, 40], [40, 5]], []),
      (.conv(Conv()), [[1, 2, 6, 6], [3, 2, 3, 3]], []),
    ]
    for (op, shapes, others) in cases {
      var halves: [Tensor?] = []
      for (i, shape) in shapes.enumerated() {
        halves.append(try cast(random(shape, seed: 31 + i), dtype))
      }
      halves += others
      if case .resize = op { halves += [nil, nil, sizes] }
      var wide: [Tensor?] = []
      for tensor in halves {
        let isHalf = tensor?.dtype == dtype
        wide.append(try tensor.map { isHalf ? try cast($0, .float32) : $0 })
      }
      let constants: Set<Int> = [1, 3]
      let y = try run(op, halves, constant: constants)[0]
      #expect(y.dtype == dtype)
      #expect(y == (try cast(try run(op, wide, constant: constants)[0], dtype)), "\(op.name)")
    }
  }

  @Test(arguments: types)
  func comparisonsAndPositionsKeepTheirTypes(_ dtype: DType) throws {
    let x = try cast(Tensor([1, 5, 3] as [Float]), dtype)
    let y = try cast(Tensor([1, 2, 4] as [Float]), dtype)
    #expect(try run(.binary(Binary(.equal)), [x, y])[0] == Tensor([true, false, false]))
    #expect(try run(.binary(Binary(.greater)), [x, x])[0] == Tensor([false, false, false]))
    #expect(try run(.argExtreme(ArgExtreme(isMax: true)), [x])[0] == integers([1]))
    let nan = try cast(Tensor([1, .nan] as [Float]), dtype)
    #expect(try run(.unary(Unary(.isNaN)), [nan])[0] == Tensor([false, true]))
  }
}
